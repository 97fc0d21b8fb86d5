//! What the shard of a connection asks of the shard that owns a partition, and what comes back.
//! One message per (request, owner), never one per partition.
//!
//! # Invariants
//! - Every [`Work`] is answered by exactly one [`Done`] of the same kind. A read of a poll that has to wait says
//!   [`Done::NothingYet`] before, once.
//! - A part's [`Place`] comes back as it went; the owner never looks at it.

use std::net::IpAddr;
use std::time::Instant;

use bytes::Bytes;
use net::ConnectionId;
use protocol::Str;
use record::Validated;
use types::{ErrorCode, LeaderEpoch, Offset, ProducerId, ShardId, TimestampMs, TopicPartition};

use crate::arena::Key;

/// Names a request in flight across the mesh: the shard that holds its connection, and its entry there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestRef {
    pub shard: ShardId,
    pub request: RequestKey,
}

/// What waits for an answer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKey {
    /// A request that is over when all owners have answered.
    Once(Key),
    /// A fetch session, whose reads outlive its requests.
    Poll(PollRead),
}

/// One read of a fetch session at one owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PollRead {
    pub session: SessionRef,
    /// No other read of the session's shard has it.
    pub number: u64,
}

/// A fetch session on its connection's shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionRef {
    pub connection: ConnectionId,
    pub id: i32,
}

/// Who gets the answer to a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asker {
    /// A client's request.
    Request(RequestRef),
    /// A coordinator on the shard that does the work.
    Coordinator(Key),
}

impl Asker {
    /// Whether it is a poll, which has to know who has nothing.
    pub fn is_poll(self) -> bool {
        matches!(self, Self::Request(RequestRef { request: RequestKey::Poll(_), .. }))
    }
}

/// Where in the client's request a part came from; what gathers the answers uses it to put them in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub u32);

/// One partition's part of a request or of its answer.
#[derive(Clone, Debug)]
pub struct Part<T> {
    pub place: Place,
    pub at: TopicPartition,
    pub item: T,
}

impl<T> Part<T> {
    /// The answer to this part.
    pub fn answer<A>(&self, item: A) -> Part<A> {
        Part { place: self.place, at: self.at, item }
    }
}

/// What an owner is asked for.
#[derive(Debug)]
pub enum Work {
    Append(AppendWork),
    Read(ReadWork),
    ListOffsets(Vec<Part<OffsetQuery>>),
    EpochEnds(Vec<Part<EpochQuery>>),
    DeleteRecords(Vec<Part<Offset>>),
    /// Sizes of the named partitions, or of every partition of the shard.
    LogSizes(Option<Vec<TopicPartition>>),
    /// The idempotent and transactional producers that a partition remembers.
    Producers(Vec<Part<()>>),
    /// For the coordinators of groups whose partitions these are.
    Group(Vec<Part<GroupQuestion>>),
}

/// What an owner, or the control thread, answers.
#[derive(Debug)]
pub enum Done {
    Append(Vec<Part<Appended>>),
    Read(Vec<Part<Fetched>>),
    /// Not the answer: the read of a poll has found no records at all, and waits.
    NothingYet,
    ListOffsets(Vec<Part<Listed>>),
    EpochEnds(Vec<Part<EpochEnd>>),
    DeleteRecords(Vec<Part<Result<Offset, ErrorCode>>>),
    LogSizes(Vec<LogSize>),
    Producers(Vec<Part<Result<Vec<ProducerSeen>, ErrorCode>>>),
    Group(Vec<Part<group::Response>>),
    /// From the control thread: the controller's reply, or why its records could not be made durable.
    Controlled(Result<Box<controller::Reply>, ErrorCode>),
}

/// What a group's coordinator is asked, and by whom.
#[derive(Debug)]
pub struct GroupQuestion {
    pub version: i16,
    /// How the client calls itself.
    pub client_id: Option<Str>,
    /// Where it connects from.
    pub client_address: IpAddr,
    pub request: group::Request,
}

/// How many acknowledgements a producer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// None: the producer gets no answer at all.
    None,
    /// The leader has appended.
    Leader,
    /// Every in-sync replica has it, durably where `flush.messages` asks for that.
    All,
}

/// Batches to append, validated by the shard of the connection.
#[derive(Debug)]
pub struct AppendWork {
    pub parts: Vec<Part<Validated>>,
    pub acks: Acks,
    /// After this the producer no longer waits: what is not acknowledged by then is answered REQUEST_TIMED_OUT.
    pub until: Instant,
}

/// What became of one partition's batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub error: ErrorCode,
    pub base_offset: Offset,
    /// When the broker set the records' timestamps itself, else [`TimestampMs::NONE`].
    pub append_time: TimestampMs,
    pub log_start: Offset,
}

impl Appended {
    /// Nothing was appended.
    pub fn failed(error: ErrorCode) -> Self {
        Self { error, base_offset: Offset::NONE, append_time: TimestampMs::NONE, log_start: Offset::NONE }
    }
}

/// A read over several partitions of one owner that may wait for data.
#[derive(Clone, Debug)]
pub struct ReadWork {
    pub parts: Vec<Part<ReadPart>>,
    /// Record bytes over all parts; the first batch found comes whole, however small this is.
    pub bytes_max: usize,
    /// The owner answers as soon as it has so many record bytes.
    pub bytes_wanted: usize,
    /// ... or at this time with what there is.
    pub until: Instant,
    /// Stop at the last stable offset instead of the high watermark.
    pub committed_only: bool,
}

impl ReadWork {
    /// Whether both ask for the same, whatever places the parts have and however long they wait.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let of = |work: &Self| (work.bytes_max, work.bytes_wanted, work.committed_only, work.parts.len());
        let mut parts = self.parts.iter().zip(&other.parts);
        of(self) == of(other) && parts.all(|(one, another)| one.at == another.at && one.item == another.item)
    }
}

/// What is read from one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadPart {
    pub fetch_offset: Offset,
    /// The epoch the client believes to be the current one, or [`LeaderEpoch::NONE`] (KIP-320).
    pub current_epoch: LeaderEpoch,
    /// The epoch of the last record the client has, or [`LeaderEpoch::NONE`] (KIP-595).
    pub last_fetched_epoch: LeaderEpoch,
    pub bytes_max: usize,
}

/// What was read from one partition.
#[derive(Debug)]
pub struct Fetched {
    pub error: ErrorCode,
    pub high_watermark: Offset,
    pub last_stable_offset: Offset,
    pub log_start: Offset,
    /// The log and the client's differ from here on: the last common epoch and its end.
    pub diverging: Option<EpochEnd>,
    /// Whole batches, views of the log's own memory.
    pub records: Vec<Bytes>,
    /// The aborted transactions among them, as a reader of committed records has to know: producer and first offset.
    pub aborted: Vec<(ProducerId, Offset)>,
}

impl Fetched {
    /// Nothing could be read.
    pub fn failed(error: ErrorCode) -> Self {
        Self {
            error,
            high_watermark: Offset::NONE,
            last_stable_offset: Offset::NONE,
            log_start: Offset::NONE,
            diverging: None,
            records: Vec::new(),
            aborted: Vec::new(),
        }
    }

    /// Whether the client must hear of it at once, however little was read.
    pub fn is_urgent(&self) -> bool {
        self.error != ErrorCode::None || self.diverging.is_some()
    }

    /// The size of the records in bytes.
    pub fn len(&self) -> usize {
        self.records.iter().map(Bytes::len).sum()
    }
}

/// A ListOffsets question about one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetQuery {
    pub current_epoch: LeaderEpoch,
    pub which: WhichOffset,
    /// Look only at records below the last stable offset.
    pub committed_only: bool,
}

/// The offset that is asked for (KIP-79, KIP-734, KIP-405, KIP-1005, KIP-1023).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichOffset {
    /// The first record with this or a later timestamp.
    AtOrAfter(TimestampMs),
    Earliest,
    Latest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first offset on this broker's disks, tiered storage aside.
    EarliestLocal,
    /// The last offset in tiered storage: none.
    LatestTiered,
    /// The first offset not yet in tiered storage.
    EarliestPendingUpload,
}

/// The answer to an [`OffsetQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub error: ErrorCode,
    pub offset: Offset,
    pub timestamp: TimestampMs,
    pub epoch: LeaderEpoch,
}

impl Listed {
    /// There is no such offset, which is no error.
    pub const NONE: Self = Self {
        error: ErrorCode::None,
        offset: Offset::NONE,
        timestamp: TimestampMs::NONE,
        epoch: LeaderEpoch::NONE,
    };

    /// The question could not be answered.
    pub fn failed(error: ErrorCode) -> Self {
        Self { error, ..Self::NONE }
    }
}

/// An OffsetForLeaderEpoch question about one partition (KIP-320).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochQuery {
    pub current_epoch: LeaderEpoch,
    pub epoch: LeaderEpoch,
}

/// Where a leader epoch ends: the offset after its last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    pub error: ErrorCode,
    pub epoch: LeaderEpoch,
    pub end: Offset,
}

impl EpochEnd {
    /// The question could not be answered.
    pub fn failed(error: ErrorCode) -> Self {
        Self { error, epoch: LeaderEpoch::NONE, end: Offset::NONE }
    }
}

/// How much room a partition's log takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSize {
    pub at: TopicPartition,
    /// Index into the broker's log directories.
    pub directory: usize,
    pub bytes: u64,
}

/// A producer that a partition remembers (KIP-664).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerSeen {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub last_sequence: i32,
    pub last_timestamp: TimestampMs,
    pub coordinator_epoch: i32,
    /// Where its open transaction began, or [`Offset::NONE`].
    pub txn_start: Offset,
}

impl ProducerSeen {
    /// What is told about an entry.
    pub fn of(entry: &replication::ProducerEntry) -> Self {
        Self {
            producer_id: entry.producer_id.0,
            producer_epoch: entry.epoch.0,
            last_sequence: entry.last_sequence().0,
            last_timestamp: entry.last_timestamp,
            coordinator_epoch: entry.coordinator_epoch,
            txn_start: entry.txn_first_offset.unwrap_or(Offset::NONE),
        }
    }
}
