//! One participant's ends of all its lanes.
//!
//! # Going to sleep
//! The receiver says that it sleeps, then looks at its lanes once more; the sender fills the lane, then looks whether the receiver sleeps. With
//! a full fence between the two steps on either side, at least one of them sees the other: either the receiver finds the message, or
//! the sender wakes the receiver.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;
use reactor::Waker;

/// Names a participant: its place in the list of wakers that the mesh was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub usize);

/// One participant's ends of all lanes. Lives on one thread; may be moved to it.
pub struct Port<M> {
    id: PortId,
    shared: Arc<Shared<M>>,
    /// What did not fit into a lane, by receiver. While an outbox holds something, all that follows to that receiver goes
    /// through it, so that the order is kept.
    outboxes: Vec<VecDeque<M>>,
    /// How many messages all outboxes hold.
    waiting: usize,
    /// The sender whose lane is looked at next.
    next: usize,
}

/// What the participants share.
struct Shared<M> {
    /// The lane from `sender` to `receiver` is at `receiver * participants + sender`.
    lanes: Vec<ArrayQueue<M>>,
    receivers: Vec<Receiver>,
}

struct Receiver {
    /// On a cache line of its own: it is read for every message, and must not be evicted by its neighbour's changes.
    sleeping: CachePadded<AtomicBool>,
    waker: Waker,
}

/// Ports for as many participants as there are wakers, each lane with room for `lane_len` messages before the sender's outbox
/// takes what comes.
///
/// # Panics
/// When `lane_len` is zero.
#[must_use]
pub fn mesh<M: Send>(wakers: &[Waker], lane_len: usize) -> Vec<Port<M>> {
    let participants = wakers.len();
    let lanes = (0..participants * participants).map(|_| ArrayQueue::new(lane_len)).collect();
    let receivers = wakers
        .iter()
        .map(|waker| Receiver { sleeping: CachePadded::new(AtomicBool::new(false)), waker: waker.clone() })
        .collect();
    let shared = Arc::new(Shared { lanes, receivers });
    (0..participants)
        .map(|id| Port {
            id: PortId(id),
            shared: Arc::clone(&shared),
            outboxes: (0..participants).map(|_| VecDeque::new()).collect(),
            waiting: 0,
            next: id,
        })
        .collect()
}

impl<M: Send> Port<M> {
    /// Which participant this is.
    #[must_use]
    pub fn id(&self) -> PortId {
        self.id
    }

    /// How many participants the mesh has, this one included.
    #[must_use]
    pub fn participants(&self) -> usize {
        self.outboxes.len()
    }

    /// Sends `message`; also to itself. Never blocks and never loses: what a full lane does not take waits here, see
    /// [`congested`](Self::congested) and [`flush`](Self::flush).
    ///
    /// # Panics
    /// When there is no participant `to`.
    pub fn send(&mut self, to: PortId, message: M) {
        let outbox = &mut self.outboxes[to.0];
        if !outbox.is_empty() {
            outbox.push_back(message);
            self.waiting += 1;
            return;
        }
        match self.shared.lane(to, self.id).push(message) {
            Ok(()) => self.shared.wake_if_asleep(to),
            Err(message) => {
                outbox.push_back(message);
                self.waiting += 1;
            }
        }
    }

    /// The next message, from the lanes in turn, so that no sender can keep the others waiting.
    pub fn receive(&mut self) -> Option<M> {
        let participants = self.participants();
        for _ in 0..participants {
            let sender = PortId(self.next);
            self.next = if self.next + 1 == participants { 0 } else { self.next + 1 };
            if let Some(message) = self.shared.lane(self.id, sender).pop() {
                return Some(message);
            }
        }
        None
    }

    /// Moves what waits here to the lanes as far as they have room. To be called in every round of a loop, and before sleeping.
    pub fn flush(&mut self) {
        if self.waiting == 0 {
            return;
        }
        for (receiver, outbox) in self.outboxes.iter_mut().enumerate() {
            let receiver = PortId(receiver);
            let mut moved = false;
            while let Some(message) = outbox.pop_front() {
                if let Err(message) = self.shared.lane(receiver, self.id).push(message) {
                    outbox.push_front(message);
                    break;
                }
                self.waiting -= 1;
                moved = true;
            }
            if moved {
                self.shared.wake_if_asleep(receiver);
            }
        }
    }

    /// Whether something waits here because a lane is full: then take no new requests until it has gone.
    #[must_use]
    pub fn congested(&self) -> bool {
        self.waiting > 0
    }

    /// Says that this participant is going to sleep, and looks at its lanes once more. `true`: it may sleep, and any message wakes
    /// it. `false`: there is a message, and it counts as awake. While it is [`congested`](Self::congested) nobody wakes it when a lane gets room, so it
    /// should sleep for a short time only.
    #[must_use]
    pub fn prepare_to_sleep(&mut self) -> bool {
        let sleeping = &self.shared.receivers[self.id.0].sleeping;
        sleeping.store(true, Ordering::Relaxed);
        // Pairs with the fence in `wake_if_asleep`.
        fence(Ordering::SeqCst);
        let nothing = self.shared.lanes_to(self.id).iter().all(ArrayQueue::is_empty);
        if !nothing {
            sleeping.store(false, Ordering::Relaxed);
        }
        nothing
    }

    /// Says that this participant runs again: messages no longer wake it.
    pub fn awake(&mut self) {
        self.shared.receivers[self.id.0].sleeping.store(false, Ordering::Relaxed);
    }
}

impl<M> Shared<M> {
    fn lane(&self, receiver: PortId, sender: PortId) -> &ArrayQueue<M> {
        &self.lanes[receiver.0 * self.receivers.len() + sender.0]
    }

    fn lanes_to(&self, receiver: PortId) -> &[ArrayQueue<M>] {
        let participants = self.receivers.len();
        &self.lanes[receiver.0 * participants..][..participants]
    }

    /// To be called after a message was put into a lane.
    fn wake_if_asleep(&self, receiver: PortId) {
        // Pairs with the fence in `prepare_to_sleep`.
        fence(Ordering::SeqCst);
        let receiver = &self.receivers[receiver.0];
        // The swap lets only one of several senders make the system call.
        if receiver.sleeping.load(Ordering::Relaxed) && receiver.sleeping.swap(false, Ordering::AcqRel) {
            receiver.waker.wake();
        }
    }
}
