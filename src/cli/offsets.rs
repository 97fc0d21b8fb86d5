//! `strome offsets`.

use clap::Args;
use serde_json::json;
use types::TimestampMs;

use super::connect::{Connect, OneTopic};
use super::failure::Failure;
use super::output::{Output, Table};
use crate::client::{Isolation, OffsetTarget};

/// The arguments of `strome offsets`.
#[derive(Args)]
pub struct Offsets {
    #[command(flatten)]
    topic: OneTopic,
    /// Which offset: earliest, latest, max-timestamp, or the first of a time in milliseconds since 1970 [default:
    /// the first and the last]
    #[arg(long, value_name = "TIME", value_parser = target, allow_negative_numbers = true)]
    time: Option<OffsetTarget>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

/// As in Kafka's tool, where numbers below zero are marks.
fn target(text: &str) -> Result<OffsetTarget, String> {
    match text {
        "latest" | "-1" => Ok(OffsetTarget::Latest),
        "earliest" | "-2" => Ok(OffsetTarget::Earliest),
        "max-timestamp" | "-3" => Ok(OffsetTarget::MaxTimestamp),
        _ => {
            let time = text.parse::<i64>().ok().filter(|time| *time >= 0);
            time.map(|time| OffsetTarget::AtOrAfter(TimestampMs(time))).ok_or_else(|| {
                "expected earliest, latest, max-timestamp or milliseconds since 1970".to_owned()
            })
        }
    }
}

impl Offsets {
    /// Shows the offsets of each partition.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let mut topic = client.topic(self.topic.name(), false)?;
        let partitions: Vec<_> = topic.partitions.keys().copied().collect();
        let mut find = |target| client.offsets(&mut topic, &partitions, target, Isolation::ReadUncommitted);
        let mut values = Vec::new();
        let name = self.topic.name();
        let table = match self.time {
            Some(target) => {
                let mut table = Table::new(&["TOPIC", "PARTITION", "OFFSET", "TIMESTAMP"]);
                for (partition, found) in find(target)? {
                    let shown = |number: i64| if number < 0 { String::new() } else { number.to_string() };
                    let (offset, timestamp) = (found.offset.0, found.timestamp.0);
                    table.row(vec![name.to_owned(), partition.to_string(), shown(offset), shown(timestamp)]);
                    let known = |number: i64| Some(number).filter(|number| *number >= 0);
                    values.push(json!({
                        "topic": name, "partition": partition.0, "offset": known(offset), "timestamp": known(timestamp),
                    }));
                }
                table
            }
            None => {
                let first = find(OffsetTarget::Earliest)?;
                let mut table = Table::new(&["TOPIC", "PARTITION", "FIRST", "END", "COUNT"]);
                for (partition, end) in find(OffsetTarget::Latest)? {
                    let end = end.offset.0;
                    let first = first.get(&partition).map_or(end, |first| first.offset.0);
                    let cells = [i64::from(partition.0), first, end, end.saturating_sub(first)];
                    let mut row = vec![name.to_owned()];
                    row.extend(cells.iter().map(ToString::to_string));
                    table.row(row);
                    values.push(json!({
                        "topic": name, "partition": partition.0, "earliest": first, "latest": end,
                    }));
                }
                table
            }
        };
        Ok(self.output.print(&table, || values.into())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_mark_or_milliseconds() {
        assert_eq!(target("-1"), Ok(OffsetTarget::Latest));
        assert_eq!(target("earliest"), Ok(OffsetTarget::Earliest));
        assert_eq!(target("5"), Ok(OffsetTarget::AtOrAfter(TimestampMs(5))));
        assert!(target("-7").is_err() && target("now").is_err());
    }
}
