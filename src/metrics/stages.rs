//! How long requests took, and where: histograms by API and stage.
//!
//! # Hot path
//! A request that is over adds to one histogram for each stage that took any time, and to one for the whole.

use net::{Stage, Timeline};
use types::Histogram;

/// What requests are told apart by: enough to see who waits for what, few enough for a page that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Produce,
    Fetch,
    Metadata,
    /// Of consumer groups, those that say most: a join waits for others, a heartbeat for nobody, a commit for the disk.
    JoinGroup,
    SyncGroup,
    Heartbeat,
    ConsumerGroupHeartbeat,
    OffsetCommit,
    /// All others of consumer groups.
    Group,
    Other,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Produce,
        Self::Fetch,
        Self::Metadata,
        Self::JoinGroup,
        Self::SyncGroup,
        Self::Heartbeat,
        Self::ConsumerGroupHeartbeat,
        Self::OffsetCommit,
        Self::Group,
        Self::Other,
    ];

    /// The class of an API, by its key.
    pub fn of(api_key: i16) -> Self {
        match api_key {
            0 => Self::Produce,
            1 => Self::Fetch,
            3 => Self::Metadata,
            8 => Self::OffsetCommit,
            11 => Self::JoinGroup,
            12 => Self::Heartbeat,
            14 => Self::SyncGroup,
            68 => Self::ConsumerGroupHeartbeat,
            // Offsets, coordinators, members; classic and new.
            9 | 10 | 13 | 15 | 16 | 42 | 47 | 69 => Self::Group,
            _ => Self::Other,
        }
    }

    /// A name for metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Produce => "Produce",
            Self::Fetch => "Fetch",
            Self::Metadata => "Metadata",
            Self::JoinGroup => "JoinGroup",
            Self::SyncGroup => "SyncGroup",
            Self::Heartbeat => "Heartbeat",
            Self::ConsumerGroupHeartbeat => "ConsumerGroupHeartbeat",
            Self::OffsetCommit => "OffsetCommit",
            Self::Group => "Group",
            Self::Other => "other",
        }
    }
}

/// The histograms of one class.
#[derive(Clone, Debug, Default)]
pub struct ClassStages {
    total: Histogram,
    /// In the order of [`Stage::ALL`]; only what took any time.
    stages: [Histogram; Stage::ALL.len()],
}

/// The histograms of a shard. Lives as long as it.
#[derive(Clone, Debug)]
pub struct Stages {
    classes: Box<[ClassStages; Class::ALL.len()]>,
}

impl Default for Stages {
    fn default() -> Self {
        Self { classes: Box::new(Class::ALL.map(|_| ClassStages::default())) }
    }
}

impl Stages {
    /// A request is over.
    pub fn note(&mut self, class: Class, timeline: &Timeline) {
        let class = &mut self.classes[class as usize];
        class.total.note_ns(timeline.total_ns());
        for stage in Stage::ALL {
            let ns = timeline.spent_ns(stage);
            if ns > 0 {
                class.stages[stage as usize].note_ns(ns);
            }
        }
    }

    /// Adds what another shard has noted.
    pub fn add(&mut self, other: &Self) {
        for (class, more) in self.classes.iter_mut().zip(other.classes.iter()) {
            class.total.add(&more.total);
            class.stages.iter_mut().zip(&more.stages).for_each(|(stage, more)| stage.add(more));
        }
    }

    /// How long requests of a class took in all.
    pub fn total(&self, class: Class) -> &Histogram {
        &self.classes[class as usize].total
    }

    /// How long they were in a stage; those that were not count with nothing.
    pub fn stage(&self, class: Class, stage: Stage) -> Histogram {
        let class = &self.classes[class as usize];
        let mut histogram = class.stages[stage as usize].clone();
        histogram.note_nothing(class.total.count() - histogram.count());
        histogram
    }

    /// The time of all requests in a stage, in nanoseconds.
    pub fn sum_ns(&self, stage: Stage) -> u64 {
        self.classes.iter().map(|class| class.stages[stage as usize].sum_ns()).sum()
    }
}

#[cfg(test)]
mod tests {
    use net::Moment;

    use super::*;

    #[test]
    fn every_stage_counts_every_request_and_all_stages_together_make_the_whole() {
        let start = Moment::now();
        let mut timeline = Timeline::begin(start);
        timeline.mark(Stage::Socket, start.plus_ns(5_000));
        timeline.mark(Stage::Commit, start.plus_ns(700_000));
        let (mut one, mut other) = (Stages::default(), Stages::default());
        one.note(Class::Produce, &timeline);
        other.note(Class::Produce, &timeline);
        other.note(Class::Fetch, &Timeline::begin(start));
        one.add(&other);
        for stage in Stage::ALL {
            assert_eq!(one.stage(Class::Produce, stage).count(), 2);
            assert_eq!(one.stage(Class::Fetch, stage).count(), 1);
        }
        let sum: u64 = Stage::ALL.map(|stage| one.stage(Class::Produce, stage).sum_ns()).iter().sum();
        assert_eq!((sum, one.total(Class::Produce).sum_ns()), (1_400_000, 1_400_000));
        assert_eq!(one.sum_ns(Stage::Commit), 1_390_000);
        assert!(Class::ALL.iter().enumerate().all(|(at, class)| *class as usize == at));
    }
}
