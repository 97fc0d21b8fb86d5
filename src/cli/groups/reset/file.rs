//! Offsets in a file, as Kafka's tools write and read them: a line `topic,partition,offset` for each partition, or
//! `group,topic,partition,offset` where there are several groups.

use types::{Offset, PartitionIndex};

use crate::client::Committed;

/// Reads the offsets of `group`; those of others are passed over.
pub(super) fn read(text: &str, group: &str) -> Result<Committed, String> {
    let mut offsets = Committed::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
        let (owner, topic, partition, offset) = match cells.as_slice() {
            [topic, partition, offset] => (group, *topic, partition, offset),
            [owner, topic, partition, offset] => (*owner, *topic, partition, offset),
            _ => return Err(format!("line {number}: expected topic,partition,offset")),
        };
        let partition = partition.parse().ok().filter(|partition| *partition >= 0).map(PartitionIndex);
        let offset = offset.parse().ok().filter(|offset| *offset >= 0).map(Offset);
        let (Some(partition), Some(offset)) = (partition, offset) else {
            return Err(format!("line {number}: partition and offset are numbers from 0 on"));
        };
        let seen = owner == group
            && offsets.entry(topic.to_owned()).or_default().insert(partition, offset).is_some();
        if seen {
            return Err(format!("line {number}: partition {partition} of {topic} is there already"));
        }
    }
    if offsets.is_empty() {
        return Err(format!("there are no offsets of group {group} in it"));
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_a_group_are_read_and_those_of_others_passed_over() {
        let read = |text| read(text, "g");
        let expected = Committed::from([("t".into(), [(PartitionIndex(1), Offset(5))].into())]);
        assert_eq!(read("t,1,5\n"), Ok(expected.clone()));
        assert_eq!(read("\"g\",\"t\",1,5\r\nother,t,1,9\n\n"), Ok(expected));
        for bad in ["", "t,1", "t,x,1", "t,1,-1", "t,-1,1", "t,1,5\nt,1,6", "other,t,1,5", "a,b,c,d,e"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
