//! `strome topics`: one file per command.

mod alter;
mod create;
mod delete;
mod describe;
mod list;

use clap::Subcommand;

use super::failure::Failure;

/// What to do with topics.
#[derive(Subcommand)]
pub enum Topics {
    /// Create topics
    Create(create::Create),
    /// List topics
    List(list::List),
    /// Show partitions, leaders, replicas and settings of topics
    Describe(describe::Describe),
    /// Add partitions to topics (their settings: strome configs alter)
    Alter(alter::Alter),
    /// Delete topics with all their records
    Delete(delete::Delete),
}

impl Topics {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Describe(describe) => describe.run(),
            Self::Alter(alter) => alter.run(),
            Self::Delete(delete) => delete.run(),
        }
    }
}

/// Replicas per partition as Kafka's tools write them: `1:2,2:1` puts partition 0 on brokers 1 and 2.
fn replica_assignment(text: &str) -> Result<Vec<Vec<i32>>, String> {
    let broker = |id: &str| id.trim().parse::<i32>().map_err(|_| format!("{id:?} is not a broker's id"));
    let partition = |brokers: &str| brokers.split(':').map(broker).collect::<Result<Vec<i32>, String>>();
    let partitions = text.split(',').map(partition).collect::<Result<Vec<_>, String>>()?;
    for brokers in &partitions {
        let mut distinct = brokers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() != brokers.len() {
            return Err(format!("{text:?}: a broker holds one replica of a partition at most"));
        }
    }
    Ok(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_lists_brokers_per_partition() {
        assert_eq!(replica_assignment("1:2,2:1"), Ok(vec![vec![1, 2], vec![2, 1]]));
        assert_eq!(replica_assignment("7"), Ok(vec![vec![7]]));
        for bad in ["", "1:1", "a", "1,,2", "1:"] {
            assert!(replica_assignment(bad).is_err(), "{bad:?}");
        }
    }
}
