//! Where to begin to read.

use std::collections::BTreeMap;

use clap::Args;
use types::{Offset, PartitionIndex, TimestampMs};

use crate::cli::failure::complain;
use crate::client::{Client, ClientError, Isolation, OffsetTarget, Topic};

/// The arguments about it.
#[derive(Args)]
pub(super) struct StartArgs {
    /// Begin with the first record that is there [default: with what is written from now on]
    #[arg(long, conflicts_with = "offset")]
    from_beginning: bool,
    /// Begin there: an offset, earliest, latest, or @MS for the first record of that time or later
    #[arg(long, value_name = "OFFSET", value_parser = start)]
    offset: Option<Start>,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Found(OffsetTarget),
    At(Offset),
}

fn start(text: &str) -> Result<Start, String> {
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
    match (text, text.strip_prefix('@')) {
        ("earliest" | "beginning", _) => Ok(Start::Found(OffsetTarget::Earliest)),
        ("latest" | "end", _) => Ok(Start::Found(OffsetTarget::Latest)),
        (_, Some(time)) => {
            let time = number(time).ok_or("expected milliseconds since 1970 behind the @")?;
            Ok(Start::Found(OffsetTarget::AtOrAfter(TimestampMs(time))))
        }
        _ => number(text)
            .map(|offset| Start::At(Offset(offset)))
            .ok_or_else(|| "expected an offset, earliest, latest or @MS".to_owned()),
    }
}

/// Reads a list of partitions: `0,2,5-7`.
pub fn partition_list(text: &str) -> Result<Vec<i32>, String> {
    let number = |text: &str| {
        let number = text.trim().parse::<i32>().ok().filter(|number| *number >= 0);
        number.ok_or_else(|| format!("{text:?} is not a partition"))
    };
    let mut list = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => list.push(number(part)?),
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first || last > types::limits::TOPIC_PARTITIONS_MAX {
                    return Err(format!("{part:?} is not a range of partitions"));
                }
                list.extend(first..=last);
            }
        }
    }
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

impl StartArgs {
    /// The offset to begin with in each partition.
    pub(super) fn positions(
        &self,
        client: &mut Client,
        topic: &mut Topic,
        partitions: &[PartitionIndex],
        isolation: Isolation,
    ) -> Result<BTreeMap<PartitionIndex, Offset>, ClientError> {
        let start = match self.offset {
            _ if self.from_beginning => Start::Found(OffsetTarget::Earliest),
            Some(start) => start,
            None => Start::Found(OffsetTarget::Latest),
        };
        let mut find = |target| {
            let found = client.offsets(topic, partitions, target, isolation)?;
            let offsets = found.into_iter().map(|(partition, found)| (partition, found.offset));
            Ok::<BTreeMap<_, _>, ClientError>(offsets.collect())
        };
        match start {
            Start::Found(target @ OffsetTarget::AtOrAfter(_)) => {
                let mut found = find(target)?;
                // Where everything is older the wait is for what is written next.
                if found.values().any(|offset| offset.0 < 0) {
                    let latest = find(OffsetTarget::Latest)?;
                    for (partition, offset) in found.iter_mut().filter(|(_, offset)| offset.0 < 0) {
                        *offset = latest.get(partition).copied().unwrap_or(*offset);
                    }
                }
                Ok(found)
            }
            Start::Found(target) => find(target),
            Start::At(offset) => {
                let (first, end) = (find(OffsetTarget::Earliest)?, find(OffsetTarget::Latest)?);
                let position = |partition: &PartitionIndex| {
                    let at = |of: &BTreeMap<_, Offset>| of.get(partition).copied().unwrap_or(offset);
                    let position = offset.max(at(&first)).min(at(&end));
                    if position != offset {
                        let (first, end) = (at(&first), at(&end));
                        let name = &topic.name;
                        complain(&format!(
                            "{name}-{partition} has offsets from {first} to {end}; beginning at {position}"
                        ));
                    }
                    (*partition, position)
                };
                Ok(partitions.iter().map(position).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_begin_is_a_number_a_name_or_a_time() {
        assert_eq!(start("17"), Ok(Start::At(Offset(17))));
        assert_eq!(start("earliest"), Ok(Start::Found(OffsetTarget::Earliest)));
        assert_eq!(start("latest"), Ok(Start::Found(OffsetTarget::Latest)));
        assert_eq!(start("@99"), Ok(Start::Found(OffsetTarget::AtOrAfter(TimestampMs(99)))));
        for bad in ["", "-1", "@", "@-5", "soon", "1.5"] {
            assert!(start(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn partitions_are_listed_singly_and_in_ranges() {
        assert_eq!(partition_list("5-7,0,2,6"), Ok(vec![0, 2, 5, 6, 7]));
        for bad in ["", "a", "3-1", "-1", "0-", "0-999999999"] {
            assert!(partition_list(bad).is_err(), "{bad:?}");
        }
    }
}
