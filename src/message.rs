//! What travels through the mesh: between shards, and between them and the control thread.

use std::sync::Arc;

use mesh::PortId;
use metadata::{Delta, Image, LogIndex};
use net::Moved;
use types::ShardId;

use crate::metrics::{Passage, SnapshotSender};
use crate::partition::ReplicaNews;
use crate::session::Session;
use crate::work::{Done, RequestRef, Work};

/// A message to a shard or to the control thread.
pub enum Message {
    /// To the owner of partitions: do this and answer.
    Work { from: RequestRef, work: Work },
    /// To the home of a request: the answer, and who gives it.
    Done { to: RequestRef, from: PortId, done: Done, passage: Passage },
    /// To an owner: a read of this request need not wait any longer.
    Hurry { from: RequestRef },
    /// To a shard: a connection that belongs here from now on.
    Moved(Box<Moved<Session>>),
    /// To the control thread: a request for the controller.
    Ask { from: RequestRef, request: Box<controller::Request> },
    /// To every shard: the metadata has changed.
    Publish { image: Arc<Image>, delta: Arc<Delta> },
    /// To the control thread: this shard has the image and has its new partitions open.
    Applied { shard: ShardId, index: LogIndex },
    /// To the control thread: what the cluster has to hear of a shard's partitions.
    News(ReplicaNews),
    /// To a shard: a copy of its figures is wanted.
    Measure(SnapshotSender),
    /// To every shard: all are ready, accept connections.
    Open,
    /// To every shard: take no more requests, finish what is in flight.
    Stop,
    /// To the control thread: this shard's connections need no other shard any more.
    Drained { shard: ShardId },
    /// To every shard, when no shard needs another: make the logs durable, end.
    Close,
    /// To the control thread: this shard has ended.
    Stopped { shard: ShardId },
}
