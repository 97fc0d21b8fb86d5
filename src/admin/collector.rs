//! Gathers the figures of all threads: asks each with a message, waits for a bounded time, and goes on with what it has.
//!
//! # Invariants
//! - A thread that has not answered is not asked again before it does, so nothing piles up for one that is stuck.
//! - Of a thread that does not answer the last known figures are shown, so that sums do not fall; and that it does not
//!   answer is shown, too.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use reactor::Waker;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use types::ShardId;

use crate::metrics::{ControlSnapshot, ShardSnapshot, Snapshot, SnapshotSender};

/// How long threads may take to answer. A turn of a shard's loop takes milliseconds at most when all is well.
pub const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Asks the control thread to pass on that figures are wanted.
pub struct Ask {
    /// The shards to be asked.
    pub shards: Vec<ShardId>,
    /// Whether the control thread is asked, too.
    pub control: bool,
    pub reply: SnapshotSender,
}

/// What was gathered.
#[derive(Clone)]
pub struct View {
    /// By shard: what it told last, if anything, and whether it answers.
    pub shards: Vec<(Option<Arc<ShardSnapshot>>, bool)>,
    /// The same of the control thread.
    pub control: (Option<ControlSnapshot>, bool),
    /// How long it took.
    pub took: Duration,
}

/// See the module. Lives on the admin thread.
pub struct Collector {
    asks: mpsc::Sender<Ask>,
    control: Waker,
    state: Mutex<State>,
}

struct State {
    sender: SnapshotSender,
    answers: tokio::sync::mpsc::Receiver<Snapshot>,
    /// Who was asked and has not answered: the shards, and behind them the control thread.
    awaited: Vec<bool>,
    view: View,
    /// When the last gathering began.
    began: Option<Instant>,
}

impl Collector {
    /// Nothing is known yet of so many shards. Asks go to the control thread, which `control` wakes.
    pub fn new(shards: usize, asks: mpsc::Sender<Ask>, control: Waker) -> Self {
        let (sender, answers) = tokio::sync::mpsc::channel(shards + 1);
        let view = View { shards: vec![(None, false); shards], control: (None, false), took: Duration::ZERO };
        let state = State { sender, answers, awaited: vec![false; shards + 1], view, began: None };
        Self { asks, control, state: Mutex::new(state) }
    }

    /// The figures of now. One that was begun after this was called, for somebody else, serves as well.
    pub async fn gather(&self) -> View {
        let called = Instant::now();
        let mut state = self.state.lock().await;
        if state.began.is_none_or(|began| began < called) {
            state.gather(&self.asks, &self.control).await;
        }
        state.view.clone()
    }
}

impl State {
    async fn gather(&mut self, asks: &mpsc::Sender<Ask>, control: &Waker) {
        let began = Instant::now();
        self.began = Some(began);
        self.take_late_answers();
        let shards = self.view.shards.len();
        let to_ask = (0..shards).filter(|shard| !self.awaited[*shard]).map(|shard| ShardId(shard as u16));
        let ask =
            Ask { shards: to_ask.collect(), control: !self.awaited[shards], reply: self.sender.clone() };
        // It fails when the control thread has ended; then nobody answers any more.
        if asks.send(ask).is_ok() {
            self.awaited.fill(true);
            control.wake();
        }
        while self.awaited.contains(&true) {
            match timeout_at(began + ANSWER_MAX, self.answers.recv()).await {
                Ok(Some(snapshot)) => self.take(snapshot),
                Ok(None) | Err(_) => break,
            }
        }
        let answered = self.awaited.iter().map(|awaited| !awaited);
        let shards = self.view.shards.iter_mut().map(|(_, answers)| answers);
        shards.chain([&mut self.view.control.1]).zip(answered).for_each(|(to, from)| *to = from);
        self.view.took = began.elapsed();
    }

    /// What came after somebody had given up waiting for it makes room for a new question.
    fn take_late_answers(&mut self) {
        while let Ok(snapshot) = self.answers.try_recv() {
            self.take(snapshot);
        }
    }

    fn take(&mut self, snapshot: Snapshot) {
        match snapshot {
            Snapshot::Shard(snapshot) => {
                let shard = snapshot.shard.index();
                if let Some((place, _)) = self.view.shards.get_mut(shard) {
                    *place = Some(Arc::from(snapshot));
                    self.awaited[shard] = false;
                }
            }
            Snapshot::Control(snapshot) => {
                self.view.control.0 = Some(snapshot);
                if let Some(awaited) = self.awaited.last_mut() {
                    *awaited = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Phase;

    const CONTROL: ControlSnapshot = ControlSnapshot {
        phase: Phase::Serving,
        topics: 1,
        partitions: 1,
        leaderless: 0,
        under_replicated: 0,
        asks_waiting: 0,
    };

    #[test]
    fn who_is_stuck_is_told_of_in_time_and_not_asked_again_before_it_answers() {
        let (asks, asked) = mpsc::channel();
        let collector = Collector::new(2, asks, Waker::new().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let view = runtime.block_on(collector.gather());
        assert!(view.shards.iter().all(|(known, answers)| known.is_none() && !answers));
        assert!(view.took >= ANSWER_MAX);
        let first: Ask = asked.try_recv().unwrap();
        assert_eq!((first.shards.len(), first.control), (2, true));
        first.reply.try_send(Snapshot::Control(CONTROL)).unwrap_or_else(|_| panic!("there is room"));
        let view = runtime.block_on(collector.gather());
        let second: Ask = asked.try_recv().unwrap();
        assert_eq!((second.shards.len(), second.control), (0, true), "only who has answered");
        assert_eq!(view.control.0.map(|control| control.phase), Some(Phase::Serving), "late, but known");
        assert!(!view.control.1);
        assert_eq!(crate::admin::health::of_readiness(&view).len(), 3);
    }
}
