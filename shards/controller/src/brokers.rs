//! Brokers come, and take producer ids.

use metadata::{Broker, Record};
use types::{BrokerId, ErrorCode, ProducerId};

use crate::Controller;
use crate::request::{AllocateProducerIds, Outcome, ProducerIdBlock, Refusal, RegisterBroker};

/// As many producer ids as Kafka gives out at a time (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`): a broker that
/// crashes wastes no more than these, and asks once per thousand producers.
const PRODUCER_IDS: i32 = 1000;

impl Controller {
    /// Registers a broker; the reply is its epoch, by which it and the controller tell its registrations apart.
    #[must_use]
    pub fn register_broker(&self, request: &RegisterBroker) -> Outcome<Result<i64, Refusal>> {
        let image = self.image();
        let mut records = Vec::new();
        match image.cluster_id() {
            None => records.push(Record::ClusterId { id: request.cluster_id.clone() }),
            Some(known) if known == request.cluster_id => {}
            Some(known) => {
                let text = format!("Expected cluster id {known}, but got cluster id {}", request.cluster_id);
                return Outcome::refused(Refusal::new(ErrorCode::InconsistentClusterId, text));
            }
        }
        let broker = &request.broker;
        let known = image.brokers().get(&broker.id);
        if let Err(refusal) = self.may_register(broker, known) {
            return Outcome::refused(refusal);
        }
        // An entry of the log has a number that was never used before, which is all that an epoch needs.
        let next = i64::try_from(image.index().next().0).unwrap_or(i64::MAX);
        let again = known.filter(|known| known.incarnation == broker.incarnation);
        let epoch = again.map_or(next, |known| known.epoch);
        let registered = Broker { epoch, ..broker.clone() };
        if known != Some(&registered) {
            records.push(Record::RegisterBroker(registered));
        }
        Outcome { records, reply: Ok(epoch) }
    }

    fn may_register(&self, broker: &Broker, known: Option<&Broker>) -> Result<(), Refusal> {
        let invalid = |text: &str| Err(Refusal::new(ErrorCode::InvalidRegistration, text));
        if broker.id.0 < 0 {
            return invalid("A broker's id must not be negative");
        }
        if broker.listeners.is_empty() {
            return invalid("A broker must have a listener");
        }
        let names = broker.listeners.iter().map(|listener| &listener.name);
        if names.collect::<std::collections::BTreeSet<_>>().len() != broker.listeners.len() {
            return invalid("A broker's listeners must have different names");
        }
        // This node's own earlier run has ended: otherwise it would hold the metadata log.
        let alive = known.filter(|known| {
            known.incarnation != broker.incarnation && !known.fenced && known.id != self.node()
        });
        match alive {
            None => Ok(()),
            Some(known) => {
                let text = format!("Another broker is registered with the id {}", known.id);
                Err(Refusal::new(ErrorCode::DuplicateBrokerRegistration, text))
            }
        }
    }

    /// Gives out producer ids (KIP-730).
    #[must_use]
    pub fn allocate_producer_ids(
        &self,
        request: &AllocateProducerIds,
    ) -> Outcome<Result<ProducerIdBlock, Refusal>> {
        if let Err(refusal) = self.check_broker_epoch(request.broker, request.broker_epoch) {
            return Outcome::refused(refusal);
        }
        let first = self.image().next_producer_id();
        let Some(next) = first.0.checked_add(PRODUCER_IDS.into()) else {
            let text = "All producer ids have been given out";
            return Outcome::refused(Refusal::new(ErrorCode::UnknownServerError, text));
        };
        let block = ProducerIdBlock { first, len: PRODUCER_IDS };
        Outcome { records: vec![Record::ProducerIds { next: ProducerId(next) }], reply: Ok(block) }
    }

    pub(crate) fn check_broker_epoch(&self, id: BrokerId, epoch: i64) -> Result<(), Refusal> {
        let stale = |text| Err(Refusal::new(ErrorCode::StaleBrokerEpoch, text));
        match self.image().brokers().get(&id) {
            None => stale(format!("Broker {id} is not registered")),
            Some(broker) if broker.epoch != epoch => {
                stale(format!("Expected broker epoch {}, but got broker epoch {epoch}", broker.epoch))
            }
            Some(_) => Ok(()),
        }
    }

    /// The node that this controller runs on.
    pub(crate) fn node(&self) -> BrokerId {
        self.image().node()
    }
}
