//! Appending what coordinators have decided, and letting the replies go that wait for it.

use std::time::{Duration, Instant};

use group::Reply;
use types::{ErrorCode, TopicPartition};

use super::{Coordinators, Task};
use crate::arena::Key;
use crate::clock::Now;
use crate::work::{Acks, AppendWork, Appended, Part, Place, Work};

/// Longer than any broker runs: ten years.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A batch on its way into the log.
pub(super) struct Write {
    /// Whose it is.
    of: Key,
    at: TopicPartition,
    /// They wait for it.
    pub(super) replies: Vec<Reply>,
}

impl Coordinators {
    /// Appends what was decided in this turn: all events of a coordinator together.
    pub(super) fn append_drafts(&mut self, now: Now) {
        for key in std::mem::take(&mut self.drafted) {
            let Some(hosted) = self.hosted.get_mut(key) else { continue };
            hosted.is_listed = false;
            let (at, drafts) = (hosted.at, hosted.finish_draft());
            match drafts {
                Err(failure) => {
                    let code = ErrorCode::UnknownServerError;
                    self.load_anew(key, failure.replies, code, &failure.reason, now.monotonic);
                }
                Ok(drafts) => {
                    for drafted in drafts {
                        let write = self.begin_write(key, at, drafted.replies, now.monotonic);
                        let part = Part { place: Place(0), at, item: drafted.batch };
                        // The records are decided: they wait for room in the log as long as it takes.
                        let work = AppendWork {
                            parts: vec![part],
                            acks: Acks::All,
                            until: now.monotonic + FOR_EVER,
                        };
                        self.work.push((write, Work::Append(work)));
                    }
                }
            }
        }
    }

    fn begin_write(&mut self, of: Key, at: TopicPartition, replies: Vec<Reply>, now: Instant) -> Key {
        let write = self.tasks.insert(Task::Write(Write { of, at, replies }));
        if let Some(hosted) = self.hosted.get_mut(of) {
            hosted.last_write = Some(write);
        }
        self.patience.push_back((now + self.settings.write_wait_max, write));
        write
    }

    /// Whether a batch is on its way into this partition's log.
    pub(super) fn is_written(&self, at: TopicPartition) -> bool {
        self.tasks.iter().any(|(_, task)| matches!(task, Task::Write(write) if write.at == at))
    }

    /// Refuses those who have waited too long. What was decided is appended all the same: as in Kafka, a time-out says that
    /// the outcome is unknown.
    pub(super) fn lose_patience(&mut self, now: Instant) {
        while let Some((until, write)) = self.patience.front().copied()
            && (until <= now || !matches!(self.tasks.get(write), Some(Task::Write(_))))
        {
            self.patience.pop_front();
            if let Some(Task::Write(task)) = self.tasks.get_mut(write) {
                let replies = std::mem::take(&mut task.replies);
                // Whoever asks from now on waits for it too, and no longer either.
                self.patience.push_back((now + self.settings.write_wait_max, write));
                self.refuse(replies, client_error(ErrorCode::RequestTimedOut));
            }
        }
    }

    /// A batch is durable, or will never be.
    pub(super) fn on_written(&mut self, key: Key, write: Write, appended: Appended, now: Instant) {
        if let Some(hosted) = self.hosted.get_mut(write.of) {
            hosted.last_write = hosted.last_write.filter(|last| *last != key);
        }
        if appended.error.is_none() {
            return self.send(write.replies);
        }
        let reason = format!("its records could not be appended: {}", appended.error);
        self.load_anew(write.of, write.replies, client_error(appended.error), &reason, now);
    }
}

/// What a client is told of an error of the log, as Kafka translates it.
fn client_error(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge | ErrorCode::InvalidFetchSize => {
            ErrorCode::UnknownServerError
        }
        other => other,
    }
}
