//! A producer or a consumer, as the thread that it works on sees it.

use protocol::ApiKey;
use types::BrokerId;

use super::Role;
use crate::consumer::Consumer;
use crate::moment::{Moment, Timeline};
use crate::plan::ProducePlan;
use crate::producer::Producer;

/// See the module.
pub(super) enum Member {
    Producer {
        producer: Box<Producer>,
        /// Whether others have been told of its end.
        finished: bool,
    },
    Consumer {
        consumer: Box<Consumer>,
        /// Records that others have been told of.
        received: u64,
    },
}

impl Member {
    pub(super) fn new(role: Role, timeline: Timeline) -> Self {
        match role {
            Role::Produce(parts) => {
                Self::Producer { producer: Box::new(Producer::new(*parts, timeline)), finished: false }
            }
            Role::Consume(parts) => {
                Self::Consumer { consumer: Box::new(Consumer::new(*parts, timeline)), received: 0 }
            }
        }
    }

    /// What it asks of brokers.
    pub(super) fn api(&self) -> ApiKey {
        match self {
            Self::Producer { .. } => ApiKey::Produce,
            Self::Consumer { .. } => ApiKey::Fetch,
        }
    }

    /// How many requests each of its connections may have unanswered.
    pub(super) fn requests_max(&self, plan: &ProducePlan) -> usize {
        match self {
            Self::Producer { .. } => plan.requests_in_flight_max,
            Self::Consumer { .. } => 1,
        }
    }

    /// Whether a broker leads one of its partitions.
    pub(super) fn needs(&self, broker: BrokerId) -> bool {
        match self {
            Self::Producer { producer, .. } => producer.leaders().any(|leader| leader == broker),
            Self::Consumer { consumer, .. } => consumer.leaders().any(|leader| leader == broker),
        }
    }

    /// Leaders as they are now, by topic and partition.
    pub(super) fn follow_leaders(&mut self, leader_of: impl Fn(usize, i32) -> Option<BrokerId>) {
        match self {
            Self::Producer { producer, .. } => producer.follow_leaders(leader_of),
            Self::Consumer { consumer, .. } => consumer.follow_leaders(leader_of),
        }
    }

    /// The end is to come earlier.
    pub(super) fn cut_off(&mut self, timeline: Timeline) {
        match self {
            Self::Producer { producer, .. } => producer.cut_off(timeline),
            Self::Consumer { consumer, .. } => consumer.cut_off(timeline),
        }
    }

    /// When it has something to do without an answer coming.
    pub(super) fn wake(&self, now: Moment) -> Moment {
        match self {
            Self::Producer { producer, .. } => producer.wake(now),
            Self::Consumer { consumer, .. } => consumer.wake(now),
        }
    }
}
