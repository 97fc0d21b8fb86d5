//! The settings that the connections of a shard keep to, and the bounds that are not settings.

use std::time::Duration;

use types::{ByteCount, limits::REQUEST_BYTES_MAX};

/// What one send hands to the socket at most, so that a reader's progress is seen in between.
pub(crate) const SEND_BYTES_MAX: usize = 1024 * 1024;

/// So many answers of one connection may wait to be sent: beside its bytes each costs a few hundred, which for the shortest
/// answers is most of it.
pub(crate) const ANSWERS_WAITING_MAX: usize = 4096;

/// What a connection may keep of received bytes beyond its share of requests before its socket is no longer read:
/// pausing a socket costs two operations of the ring, so a short moment without credits should not.
pub(crate) const HELD_BYTES_MAX: usize = 64 * 1024;

/// So much of a frame, if it is that long, must be there before memory is reserved for it. A client that announces a
/// frame and sends nothing thus keeps nobody waiting; what it keeps itself is little beside what its socket costs.
pub(crate) const HEAD_BYTES: usize = 1024;

const _: () = assert!(HEAD_BYTES < HELD_BYTES_MAX);

/// What is received of a frame that is likely to be a large one, to see how large.
pub(crate) const FIRST_BYTES_MAX: usize = 4 * HEAD_BYTES;

/// The limits of one shard's connections. Take [`Limits::default`] and set what the configuration says.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest frame, `socket.request.max.bytes`; [`crate::Connections::set_frame_bytes_max`] lowers it for one
    /// connection.
    pub frame_bytes_max: usize,
    /// What the frames of this shard may occupy together (its share of `queued.max.request.bytes`, or of memory).
    pub request_memory: ByteCount,
    /// Requests of one connection that have arrived and are not yet answered.
    pub requests_in_flight_max: usize,
    /// Their bytes; one request may always be under way, however large.
    pub request_bytes_in_flight_max: usize,
    /// When so much of a request's body is still to come, it is received straight into its memory. That saves a copy, and costs
    /// an operation of the ring for each such request.
    pub fill_bytes_min: usize,
    /// Reply bytes of one connection that wait to be sent. Beyond it no further request of the connection is handed
    /// out, and it is no longer read from.
    pub reply_bytes_waiting_max: usize,
    /// While more reply bytes than this wait to be sent on the shard altogether, a connection that has any of them gets no
    /// further one.
    pub reply_memory: ByteCount,
    /// After this time without activity a connection is closed (`connections.max.idle.ms`); `None` for never.
    pub idle_max: Option<Duration>,
    /// While others wait for request memory, the largest of the frames that have been arriving for longer than this
    /// has to give way: its connection is closed. (While only small frames wait, one of them: they have a share of
    /// their own.)
    pub contended_frame_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: REQUEST_BYTES_MAX,
            request_memory: ByteCount(256 * 1024 * 1024),
            requests_in_flight_max: 64,
            request_bytes_in_flight_max: 16 * 1024 * 1024,
            fill_bytes_min: 64 * 1024,
            reply_bytes_waiting_max: 4 * 1024 * 1024,
            reply_memory: ByteCount(64 * 1024 * 1024),
            idle_max: Some(Duration::from_secs(600)),
            contended_frame_max: Duration::from_secs(30),
        }
    }
}
