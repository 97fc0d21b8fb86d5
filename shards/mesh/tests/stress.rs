//! Many participants, full lanes and sleeping at the worst moments: nothing is lost, the order holds, everybody
//! wakes.
//!
//! Sleeps here have no deadline: one lost wake-up stops a thread for ever, and the watch sees it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use reactor::Waker;
use strome_mesh::{Port, PortId, mesh};

/// A message: who sent it, and its number among all that he sent to the receiver.
type Message = (usize, u32);

struct Scene {
    participants: usize,
    /// Messages that each sends to each other one.
    messages: u32,
    lane_len: usize,
    /// Participants that never sleep, so that senders meet both kinds.
    sleepless: usize,
}

/// A small generator of pseudo-random numbers (xorshift); the seed is the participant's number.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[test]
fn nothing_is_lost_between_sleepers_with_tiny_lanes() {
    play(&Scene { participants: 4, messages: 20_000, lane_len: 1, sleepless: 0 });
}

#[test]
fn nothing_is_lost_with_lanes_that_hold_a_burst() {
    play(&Scene { participants: 3, messages: 60_000, lane_len: 64, sleepless: 0 });
}

#[test]
fn nothing_is_lost_between_the_sleeping_and_the_sleepless() {
    play(&Scene { participants: 3, messages: 30_000, lane_len: 4, sleepless: 1 });
}

#[test]
fn two_participants_play_ping_pong_without_losing_the_ball() {
    let wakers = [Waker::new().unwrap(), Waker::new().unwrap()];
    let mut ports = mesh::<u32>(&wakers, 1);
    let (mut there, mut here) = (ports.pop().unwrap(), ports.pop().unwrap());
    let [our_waker, their_waker] = wakers;
    watched(move || {
        let other = thread::spawn(move || {
            for round in 0..50_000 {
                assert_eq!(wait_for_message(&mut there, &their_waker), round);
                there.send(PortId(0), round);
            }
        });
        for round in 0..50_000 {
            here.send(PortId(1), round);
            assert_eq!(wait_for_message(&mut here, &our_waker), round);
        }
        other.join().unwrap();
    });
}

fn wait_for_message(port: &mut Port<u32>, waker: &Waker) -> u32 {
    loop {
        if let Some(message) = port.receive() {
            return message;
        }
        if port.prepare_to_sleep() {
            waker.wait(None).unwrap();
            port.awake();
        }
    }
}

fn play(scene: &Scene) {
    let wakers: Vec<Waker> = (0..scene.participants).map(|_| Waker::new().unwrap()).collect();
    let ports = mesh::<Message>(&wakers, scene.lane_len);
    let begin = Arc::new(Barrier::new(scene.participants));
    let done = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = ports
        .into_iter()
        .map(|port| {
            let player = Player {
                waker: wakers[port.id().0].clone(),
                others: wakers.clone(),
                chance: Chance(0x9e37_79b9_7f4a_7c15 ^ (port.id().0 as u64 + 1)),
                sleeps: port.id().0 >= scene.sleepless,
                sent: vec![0; scene.participants],
                came: vec![0; scene.participants],
                messages: scene.messages,
                done: Arc::clone(&done),
                port,
            };
            let begin = Arc::clone(&begin);
            move || {
                begin.wait();
                player.run();
            }
        })
        .collect();
    watched(move || {
        let threads: Vec<_> = threads.into_iter().map(thread::spawn).collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

struct Player {
    port: Port<Message>,
    waker: Waker,
    others: Vec<Waker>,
    chance: Chance,
    sleeps: bool,
    sent: Vec<u32>,
    came: Vec<u32>,
    messages: u32,
    done: Arc<AtomicUsize>,
}

impl Player {
    fn run(mut self) {
        let mut reported = false;
        while self.done.load(Ordering::SeqCst) < self.others.len() {
            self.take();
            self.port.flush();
            let more = self.give();
            if !reported && !more && self.has_all() && !self.port.congested() {
                reported = true;
                if self.done.fetch_add(1, Ordering::SeqCst) + 1 == self.others.len() {
                    self.others.iter().for_each(Waker::wake);
                }
                continue;
            }
            // Sleeps also in the middle of sending, as a shard does between two requests.
            if self.sleeps && (!more || self.port.congested()) && self.port.prepare_to_sleep() {
                self.waker.wait(None).unwrap();
                self.port.awake();
            }
        }
    }

    fn take(&mut self) {
        // Not always to the end: a shard, too, takes a batch and turns to other things.
        let limit = 1 + self.chance.next(20);
        for _ in 0..limit {
            let Some((sender, number)) = self.port.receive() else { return };
            assert_eq!(number, self.came[sender], "out of order, or lost");
            self.came[sender] += 1;
        }
    }

    /// Sends a few; whether there are more.
    fn give(&mut self) -> bool {
        let me = self.port.id().0;
        for _ in 0..self.chance.next(8) {
            if self.port.congested() {
                break;
            }
            let to = self.chance.next(self.sent.len() as u64) as usize;
            if self.sent[to] < self.messages {
                self.port.send(PortId(to), (me, self.sent[to]));
                self.sent[to] += 1;
            }
        }
        self.sent.iter().any(|sent| *sent < self.messages)
    }

    fn has_all(&self) -> bool {
        self.came.iter().all(|came| *came == self.messages)
    }
}

/// Runs `scene` and fails when it hangs.
fn watched(scene: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || {
        scene();
        let _ = sender.send(());
    });
    match receiver.recv_timeout(Duration::from_secs(60)) {
        Err(RecvTimeoutError::Timeout) => panic!("somebody sleeps though there is something for him"),
        _ => thread.join().unwrap(),
    }
}
