//! One participant's ends of all its lanes.
//!
//! # Going to sleep
//! The receiver says that it sleeps, then looks at its lanes once more; the sender fills the lane, then looks
//! whether the receiver sleeps. With a full fence between the two steps on either side, at least one of them
//! sees the other: either the receiver finds the message, or the sender wakes the receiver.
//!
//! The same protects a sender whose lane was full: it says that it waits for room, then looks at the lane once
//! more; the receiver makes room, then looks whether somebody waits for it.

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
    /// What did not fit into a lane, by receiver. While an outbox holds something, all that follows to that
    /// receiver goes through it, so that the order is kept.
    outboxes: Vec<VecDeque<M>>,
    /// How many messages all outboxes hold.
    waiting: usize,
    /// The sender whose lane is looked at next.
    next: usize,
    /// Whether room was made since the last look for senders that wait for it.
    made_room: bool,
    /// How often a message found its lane full.
    full: u64,
}

/// How it stands with the lanes of one participant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages in the lanes to it.
    pub incoming: usize,
    /// Messages of its that wait because a lane is full.
    pub waiting: usize,
    /// How often that has come about.
    pub full: u64,
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
    /// Whether some sender sleeps though it has more for this receiver than the lane would take.
    in_demand: CachePadded<AtomicBool>,
    waker: Waker,
}

/// Ports for as many participants as there are wakers, each lane with room for `lane_len` messages before the
/// sender's outbox takes what comes.
///
/// # Panics
/// When `lane_len` is zero.
#[must_use]
pub fn mesh<M: Send>(wakers: &[Waker], lane_len: usize) -> Vec<Port<M>> {
    let participants = wakers.len();
    let lanes = (0..participants * participants).map(|_| ArrayQueue::new(lane_len)).collect();
    let receivers = wakers
        .iter()
        .map(|waker| Receiver {
            sleeping: CachePadded::new(AtomicBool::new(false)),
            in_demand: CachePadded::new(AtomicBool::new(false)),
            waker: waker.clone(),
        })
        .collect();
    let shared = Arc::new(Shared { lanes, receivers });
    (0..participants)
        .map(|id| Port {
            id: PortId(id),
            shared: Arc::clone(&shared),
            outboxes: (0..participants).map(|_| VecDeque::new()).collect(),
            waiting: 0,
            next: id,
            made_room: false,
            full: 0,
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
        if self.put(to, message) {
            self.shared.wake_if_asleep(to);
        }
    }

    /// The same, but wakes nobody: whoever sleeps takes the message in when it is woken by something else.
    ///
    /// # Panics
    /// When there is no participant `to`.
    pub fn send_unhurried(&mut self, to: PortId, message: M) {
        self.put(to, message);
    }

    /// Puts a message into its lane, or behind others that wait for room there. Returns whether it is in the lane.
    fn put(&mut self, to: PortId, message: M) -> bool {
        let outbox = &mut self.outboxes[to.0];
        if !outbox.is_empty() {
            outbox.push_back(message);
            self.waiting += 1;
            return false;
        }
        let pushed = self.shared.lane(to, self.id).push(message);
        if let Err(message) = pushed {
            outbox.push_back(message);
            self.waiting += 1;
            self.full += 1;
            return false;
        }
        true
    }

    /// The next message, from the lanes in turn, so that no sender can keep the others waiting.
    pub fn receive(&mut self) -> Option<M> {
        let participants = self.participants();
        for _ in 0..participants {
            let sender = PortId(self.next);
            self.next = if self.next + 1 == participants { 0 } else { self.next + 1 };
            if let Some(message) = self.shared.lane(self.id, sender).pop() {
                self.made_room = true;
                return Some(message);
            }
        }
        self.tell_of_room();
        None
    }

    /// Wakes senders that wait for room, if any was made since the last time.
    fn tell_of_room(&mut self) {
        if self.made_room {
            self.made_room = false;
            self.shared.wake_senders_to(self.id);
        }
    }

    /// Moves what waits here to the lanes as far as they have room. To be called in every round of a loop.
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

    /// How it stands with the lanes.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let incoming = self.shared.lanes_to(self.id).iter().map(ArrayQueue::len).sum();
        Traffic { incoming, waiting: self.waiting, full: self.full }
    }

    /// Says that this participant is going to sleep, and looks once more. `true`: it may sleep; any message
    /// wakes it, and, if it is [`congested`](Self::congested), any receiver that has emptied its lanes. `false`:
    /// there is something to do, and it counts as awake.
    #[must_use]
    pub fn prepare_to_sleep(&mut self) -> bool {
        // Who has taken the last message need not have looked for another.
        self.tell_of_room();
        let receivers = &self.shared.receivers;
        let sleeping = &receivers[self.id.0].sleeping;
        sleeping.store(true, Ordering::Relaxed);
        for (_, receiver) in self.outboxes.iter().zip(receivers).filter(|(outbox, _)| !outbox.is_empty()) {
            // After `sleeping`, and in one chain with the other senders': the receiver that takes the demand
            // back has to see all of them asleep.
            receiver.in_demand.swap(true, Ordering::AcqRel);
        }
        // Pairs with the fences in `wake_if_asleep` and `wake_senders_to`.
        fence(Ordering::SeqCst);
        let nothing = self.shared.lanes_to(self.id).iter().all(ArrayQueue::is_empty) && self.is_stuck();
        if !nothing {
            sleeping.store(false, Ordering::Relaxed);
        }
        nothing
    }

    /// Whether `flush` could move nothing.
    fn is_stuck(&self) -> bool {
        let waiting = self.outboxes.iter().enumerate().filter(|(_, outbox)| !outbox.is_empty());
        self.waiting == 0
            || waiting.into_iter().all(|(to, _)| self.shared.lane(PortId(to), self.id).is_full())
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
    fn wake_if_asleep(&self, id: PortId) {
        // Pairs with the fence in `prepare_to_sleep`.
        fence(Ordering::SeqCst);
        self.receivers[id.0].wake_if_asleep();
    }

    /// To be called after a receiver has made room in its lanes.
    fn wake_senders_to(&self, receiver: PortId) {
        // Pairs with the fence in `prepare_to_sleep`.
        fence(Ordering::SeqCst);
        let in_demand = &self.receivers[receiver.0].in_demand;
        if in_demand.load(Ordering::Relaxed) && in_demand.swap(false, Ordering::AcqRel) {
            // Which of them it was is not noted: it is rare, and waking one too many does no harm.
            self.receivers.iter().for_each(Receiver::wake_if_asleep);
        }
    }
}

impl Receiver {
    fn wake_if_asleep(&self) {
        // The swap lets only one of several senders make the system call.
        if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel) {
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOTHING: Option<Duration> = Some(Duration::ZERO);

    fn ports<M: Send>(participants: usize, lane_len: usize) -> (Vec<Port<M>>, Vec<Waker>) {
        let wakers: Vec<Waker> = (0..participants).map(|_| Waker::new().unwrap()).collect();
        (mesh(&wakers, lane_len), wakers)
    }

    #[test]
    fn a_full_lane_spills_and_keeps_the_order() {
        let (mut ports, _wakers) = ports(2, 3);
        let (mut there, mut here) = (ports.pop().unwrap(), ports.pop().unwrap());
        for message in 0..10 {
            here.send(there.id(), message);
        }
        assert!(here.congested());
        let mut came = Vec::new();
        while came.len() < 10 {
            came.extend(std::iter::from_fn(|| there.receive()));
            here.flush();
        }
        assert_eq!(came, (0..10).collect::<Vec<_>>());
        assert!(!here.congested());
    }

    #[test]
    fn lanes_are_served_in_turn() {
        let (mut ports, _wakers) = ports(3, 8);
        for port in &mut ports[..2] {
            for _ in 0..3 {
                port.send(PortId(2), port.id().0);
            }
        }
        let mut came: Vec<usize> = std::iter::from_fn(|| ports[2].receive()).collect();
        assert_eq!(came.len(), 6);
        for pair in came.chunks_mut(2) {
            pair.sort_unstable();
            assert_eq!(pair, [0, 1], "one sender went twice while the other waited");
        }
    }

    #[test]
    fn only_a_sleeper_is_woken_and_only_once() {
        let (mut ports, wakers) = ports(2, 8);
        ports[0].send(PortId(1), ());
        assert!(!wakers[1].wait(NOTHING).unwrap(), "it was awake");
        assert!(!ports[1].prepare_to_sleep(), "it has a message");
        assert!(ports[1].receive().is_some());
        assert!(ports[1].prepare_to_sleep());
        ports[0].send(PortId(1), ());
        assert!(wakers[1].wait(NOTHING).unwrap(), "it was asleep");
        ports[0].send(PortId(1), ());
        assert!(!wakers[1].wait(NOTHING).unwrap(), "it had been woken already");
        ports[1].awake();
    }

    #[test]
    fn what_does_not_hurry_wakes_nobody_and_is_taken_in_with_what_does() {
        let (mut ports, wakers) = ports(2, 8);
        assert!(ports[1].prepare_to_sleep());
        ports[0].send_unhurried(PortId(1), 1);
        assert!(!wakers[1].wait(NOTHING).unwrap());
        ports[0].send(PortId(1), 2);
        assert!(wakers[1].wait(NOTHING).unwrap(), "it was asleep");
        assert_eq!((ports[1].receive(), ports[1].receive()), (Some(1), Some(2)));
        ports[0].send_unhurried(PortId(1), 3);
        assert!(!ports[1].prepare_to_sleep(), "it has a message");
    }

    #[test]
    fn a_participant_may_send_to_itself() {
        let (mut ports, _wakers) = ports(1, 1);
        ports[0].send(PortId(0), 7);
        assert!(!ports[0].prepare_to_sleep());
        assert_eq!(ports[0].receive(), Some(7));
    }

    #[test]
    fn a_receiver_that_goes_to_sleep_wakes_who_waits_for_room() {
        let (mut ports, wakers) = ports(2, 1);
        ports[0].send(PortId(1), 1);
        ports[0].send(PortId(1), 2);
        assert!(ports[0].prepare_to_sleep());
        assert_eq!(ports[1].receive(), Some(1));
        assert!(ports[1].prepare_to_sleep());
        assert!(wakers[0].wait(NOTHING).unwrap());
    }

    #[test]
    fn a_congested_sender_is_woken_when_there_is_room() {
        let (mut ports, wakers) = ports(2, 1);
        ports[0].send(PortId(1), 1);
        ports[0].send(PortId(1), 2);
        assert!(ports[0].congested() && ports[0].prepare_to_sleep());
        assert_eq!(ports[1].receive(), Some(1));
        assert_eq!(ports[1].receive(), None);
        assert!(wakers[0].wait(NOTHING).unwrap());
        assert!(!ports[0].prepare_to_sleep(), "now the outbox can be moved");
        ports[0].flush();
        assert_eq!(ports[1].receive(), Some(2));
    }
}
