//! Incremental fetch sessions (KIP-227): a client names its partitions once and then only what changes.
//!
//! # Invariants
//! - Sessions live with their connection. A client that reconnects is told that its session is unknown and begins a
//!   new one, which every client must be able to do.
//! - Partitions that just returned records go to the end of the session's order, so that none is starved.

use std::collections::HashMap;

use net::ConnectionId;
use protocol::Str;
use protocol::messages::FetchRequest;
use protocol::messages::fetch::{FetchPartition, PartitionData};
use types::{ErrorCode, TopicId};

/// Sessions of one connection. Clients use one; more come from clients that forget to close them.
const SESSIONS_MAX: usize = 4;

/// The epoch of a request that begins a session.
const INITIAL_EPOCH: i32 = 0;
/// The epoch of a request that wants none, or ends the one it names.
const FINAL_EPOCH: i32 = -1;

/// A topic as the client names it: by name up to version 12, by id from 13 on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TopicRef {
    Name(Str),
    Id(TopicId),
}

/// One partition that is to be read.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub topic: TopicRef,
    pub partition: FetchPartition,
}

/// What a request asks for after its session has been looked at.
#[derive(Debug)]
pub struct FetchPlan {
    pub wanted: Vec<Wanted>,
    /// The session that the response names; 0 for none.
    pub session_id: i32,
    /// The response holds only what has changed.
    pub incremental: bool,
}

/// The sessions of one connection.
#[derive(Default)]
pub struct FetchSessions {
    sessions: Vec<FetchSession>,
    created: u32,
}

struct FetchSession {
    id: i32,
    /// The epoch the next request must have.
    next_epoch: i32,
    by_id: bool,
    partitions: HashMap<(TopicRef, i32), SessionPartition>,
    order: Vec<(TopicRef, i32)>,
    /// Some partition had records in the response that is being made.
    take_turns: bool,
}

struct SessionPartition {
    wanted: FetchPartition,
    /// What the last response said, if any said something.
    told: Option<Told>,
    /// The response that is being made has records of it.
    had_records: bool,
}

/// What a client knows of a partition.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    high_watermark: i64,
    log_start: i64,
}

impl FetchSessions {
    /// Looks up, begins or ends the session that a request names.
    pub fn plan(
        &mut self,
        connection: ConnectionId,
        version: i16,
        request: &FetchRequest,
    ) -> Result<FetchPlan, ErrorCode> {
        let by_id = version >= 13;
        if request.session_epoch == INITIAL_EPOCH || request.session_epoch == FINAL_EPOCH {
            self.sessions.retain(|session| request.session_id == 0 || session.id != request.session_id);
            let wanted = requested(by_id, request);
            let session_id = if request.session_epoch == INITIAL_EPOCH {
                self.begin(connection, by_id, &wanted)
            } else {
                0
            };
            return Ok(FetchPlan { wanted, session_id, incremental: false });
        }
        let found = self.sessions.iter().position(|session| session.id == request.session_id);
        let at = found.ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let session = &mut self.sessions[at];
        if session.next_epoch != request.session_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        session.update(request);
        if session.partitions.is_empty() {
            self.sessions.swap_remove(at);
            return Ok(FetchPlan { wanted: Vec::new(), session_id: 0, incremental: false });
        }
        session.next_epoch = next_epoch(session.next_epoch);
        Ok(FetchPlan { wanted: session.wanted(), session_id: session.id, incremental: true })
    }

    fn begin(&mut self, connection: ConnectionId, by_id: bool, wanted: &[Wanted]) -> i32 {
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.remove(0);
        }
        self.created = self.created.wrapping_add(1);
        let mut session = FetchSession {
            id: session_id(connection, self.created),
            next_epoch: next_epoch(INITIAL_EPOCH),
            by_id,
            partitions: HashMap::with_capacity(wanted.len()),
            order: Vec::with_capacity(wanted.len()),
            take_turns: false,
        };
        for wanted in wanted {
            session.want(wanted.topic.clone(), wanted.partition.clone());
        }
        let id = session.id;
        self.sessions.push(session);
        id
    }

    /// Whether there is such a session.
    pub fn has(&self, session_id: i32) -> bool {
        self.sessions.iter().any(|session| session.id == session_id)
    }

    /// Whether a response of this session must name the partition; notes that it does.
    pub fn must_tell(&mut self, session_id: i32, topic: &TopicRef, data: &PartitionData) -> bool {
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == session_id) else {
            return true;
        };
        session.must_tell(topic, data)
    }

    /// A response of this session is complete: partitions that had records in it go to the end.
    pub fn take_turns(&mut self, session_id: i32) {
        if let Some(session) = self.sessions.iter_mut().find(|session| session.id == session_id) {
            session.take_turns();
        }
    }
}

impl FetchSession {
    fn want(&mut self, topic: TopicRef, wanted: FetchPartition) {
        let key = (topic, wanted.partition);
        match self.partitions.get_mut(&key) {
            Some(known) => known.wanted = wanted,
            None => {
                // What is kept must not keep the request's frame in memory.
                let topic = match key.0 {
                    TopicRef::Name(name) => TopicRef::Name(name.detached()),
                    id @ TopicRef::Id(_) => id,
                };
                let key = (topic, wanted.partition);
                self.order.push(key.clone());
                self.partitions.insert(key, SessionPartition { wanted, told: None, had_records: false });
            }
        }
    }

    fn update(&mut self, request: &FetchRequest) {
        for wanted in requested(self.by_id, request) {
            self.want(wanted.topic, wanted.partition);
        }
        let mut forgotten = false;
        for topic in &request.forgotten_topics_data {
            let name = topic_ref(self.by_id, &topic.topic, topic.topic_id);
            for partition in &topic.partitions {
                forgotten |= self.partitions.remove(&(name.clone(), *partition)).is_some();
            }
        }
        if forgotten {
            let partitions = &self.partitions;
            self.order.retain(|key| partitions.contains_key(key));
        }
    }

    fn wanted(&self) -> Vec<Wanted> {
        let known = self.order.iter().filter_map(|key| Some((key, self.partitions.get(key)?)));
        known.map(|(key, p)| Wanted { topic: key.0.clone(), partition: p.wanted.clone() }).collect()
    }

    fn must_tell(&mut self, topic: &TopicRef, data: &PartitionData) -> bool {
        let key = (topic.clone(), data.partition_index);
        let Some(partition) = self.partitions.get_mut(&key) else { return true };
        let has_records = data.records.as_ref().is_some_and(|records| !records.is_empty());
        let told = Told { high_watermark: data.high_watermark, log_start: data.log_start_offset };
        let changed = partition.told != Some(told) || data.diverging_epoch.epoch >= 0;
        // An error is told again until the client does something about it.
        partition.told = (data.error_code == 0).then_some(told);
        partition.had_records = has_records;
        self.take_turns |= has_records;
        has_records || changed || data.error_code != 0
    }

    fn take_turns(&mut self) {
        if std::mem::take(&mut self.take_turns) {
            let partitions = &mut self.partitions;
            // The sort is stable, so both groups keep their order. The next response may not get to hear of them all.
            self.order.sort_by_cached_key(|key| {
                partitions.get_mut(key).is_some_and(|known| std::mem::take(&mut known.had_records))
            });
        }
    }
}

fn topic_ref(by_id: bool, name: &Str, id: TopicId) -> TopicRef {
    if by_id { TopicRef::Id(id) } else { TopicRef::Name(name.clone()) }
}

fn requested(by_id: bool, request: &FetchRequest) -> Vec<Wanted> {
    let topics = request.topics.iter();
    let wanted = topics.flat_map(|topic| {
        let name = topic_ref(by_id, &topic.topic, topic.topic_id);
        topic.partitions.iter().map(move |p| Wanted { topic: name.clone(), partition: p.clone() })
    });
    wanted.collect()
}

fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

/// A positive number that another connection's session is most unlikely to have.
fn session_id(connection: ConnectionId, created: u32) -> i32 {
    let mixed = (connection.as_u64() ^ u64::from(created)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 33) as i32).max(1)
}
