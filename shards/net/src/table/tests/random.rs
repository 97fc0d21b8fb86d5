//! Random clients against a broker that answers in random order: whatever happens, nothing is lost, invented or
//! reordered, and no memory is left behind.

use super::*;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

/// What a client has written, and what the broker has seen of it.
#[derive(Default)]
struct Client {
    written: u32,
    seen: u32,
    /// Bytes of a frame that it has not written yet.
    rest: Vec<u8>,
    given_up: bool,
}

/// A request of a random size that says its number.
fn numbered(number: u32, random: &mut Random) -> Vec<u8> {
    let mut body = vec![b'.'; 4 + random.below(3) * random.below(700)];
    body[..4].copy_from_slice(&number.to_be_bytes());
    body
}

struct Play {
    net: Net,
    random: Random,
    clients: BTreeMap<ConnectionId, Client>,
    under_way: Vec<(ConnectionId, Slot, Bytes)>,
}

const MEMORY: u64 = 3000;

impl Play {
    fn new(seed: u64) -> Self {
        let limits = Limits {
            request_memory: ByteCount(MEMORY),
            requests_in_flight_max: 5,
            request_bytes_in_flight_max: 1500,
            reply_bytes_waiting_max: 2000,
            ..Limits::default()
        };
        let mut random = Random(seed);
        let limits = Limits { fill_bytes_min: 1 + random.below(1500), ..limits };
        let mut net = Net::new(limits);
        net.chunk = 1 + random.below(3000);
        Self { net, random, clients: BTreeMap::new(), under_way: Vec::new() }
    }

    fn any_client(&mut self) -> Option<ConnectionId> {
        let ids: Vec<_> = self.clients.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[self.random.below(ids.len())])
    }

    fn step(&mut self) {
        let action = self.random.below(20);
        let Some(id) = self.any_client().filter(|_| action > 0) else {
            let id = self.net.connect();
            self.clients.insert(id, Client::default());
            return;
        };
        match action {
            1..=7 => self.write(id),
            8..=12 => self.take(),
            13..=16 => self.answer(),
            17 => self.net.wire(id).reader_stopped ^= true,
            18 if self.random.below(8) == 0 => self.give_up(id),
            19 => self.move_away(id),
            _ => {}
        }
        self.net.run();
        let (reserved, _) = self.net.table.request_memory();
        assert!(reserved <= MEMORY, "{reserved} bytes are reserved");
    }

    fn write(&mut self, id: ConnectionId) {
        let client = self.clients.get_mut(&id).unwrap();
        if client.given_up {
            return;
        }
        let mut wire = std::mem::take(&mut client.rest);
        while wire.len() < 2 || self.random.below(3) > 0 {
            wire.extend(frame(&numbered(client.written, &mut self.random)));
            client.written += 1;
        }
        client.rest = wire.split_off(self.random.below(wire.len() + 1));
        self.net.wire(id).unread.extend(&wire);
    }

    fn take(&mut self) {
        let Some((id, slot, body)) = self.net.next() else { return };
        let client = self.clients.get_mut(&id).unwrap();
        assert_eq!(body[..4], client.seen.to_be_bytes(), "requests come in order");
        client.seen += 1;
        self.under_way.push((id, slot, body));
    }

    fn answer(&mut self) {
        if !self.under_way.is_empty() {
            let (id, slot, body) = self.under_way.swap_remove(self.random.below(self.under_way.len()));
            let answer = vec![Bytes::copy_from_slice(&frame(&body)), Bytes::new()];
            let timeline = Timeline::begin(Moment::of(self.net.start));
            self.net.table.answer(id, slot, Some(answer), timeline);
        }
    }

    fn give_up(&mut self, id: ConnectionId) {
        self.clients.get_mut(&id).unwrap().given_up = true;
        if self.random.below(2) == 0 {
            self.net.end(id);
        } else {
            self.net.wire(id).reader_stopped = false;
            self.net.reset(id);
        }
    }

    /// Begins a move, and lets those arrive that have left by now.
    fn move_away(&mut self, id: ConnectionId) {
        self.net.moves_fail = self.random.below(3) == 0;
        self.net.table.leave_for(id, ShardId(0));
        self.net.run();
        let moved: Vec<_> =
            self.net.wires.iter().filter(|(_, wire)| wire.moved.is_some()).map(|(id, _)| *id).collect();
        for old in moved {
            let new = self.net.arrive(old);
            let client = self.clients.remove(&old).unwrap();
            self.clients.insert(new, client);
        }
    }

    /// All clients finish what they have begun, read everything and leave.
    fn finish(mut self) {
        self.net.moves_fail = true;
        let ids: Vec<_> = self.clients.keys().copied().collect();
        ids.into_iter().for_each(|id| self.settle_down(id));
        loop {
            self.net.run();
            self.take();
            self.answer();
            self.net.run();
            if self.under_way.is_empty() && !self.net.table.has_requests() {
                break;
            }
        }
        let ids: Vec<_> = self.clients.keys().copied().collect();
        for id in ids {
            let client = &self.clients[&id];
            let heard = self.net.wires[&id].heard.clone();
            check_heard(&heard, client);
            if !client.given_up {
                assert_eq!(client.seen, client.written, "every request was worked on");
                self.net.end(id);
            }
        }
        assert_eq!(self.net.table.request_memory(), (0, 0));
        assert_eq!(self.net.table.around.reply_bytes_waiting, 0);
        assert!(self.net.table.is_empty(), "every connection is gone");
        assert_eq!(self.net.admission.connections(), 0);
        assert_eq!(self.net.table.statistics().active, 0);
    }

    fn settle_down(&mut self, id: ConnectionId) {
        let mut client = self.clients.remove(&id).unwrap();
        let id = if self.net.wires[&id].moved.is_some() { self.net.arrive(id) } else { id };
        let wire = self.net.wires.get_mut(&id).unwrap();
        wire.reader_stopped = false;
        if !client.given_up {
            wire.unread.extend(std::mem::take(&mut client.rest));
        }
        self.clients.insert(id, client);
        self.net.run();
    }
}

/// The answers a client has heard are those to its first requests, in order and whole.
fn check_heard(mut heard: &[u8], client: &Client) {
    let mut answers = 0;
    while let Some((length, rest)) = heard.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if rest.len() < length {
            break;
        }
        assert_eq!(rest[..4], u32::to_be_bytes(answers), "answers come in order");
        answers += 1;
        heard = &rest[length..];
    }
    assert!(answers <= client.seen);
    if !client.given_up {
        assert_eq!(answers, client.seen, "every answer was heard");
        assert!(heard.is_empty());
    }
}

#[test]
fn nothing_is_lost_invented_or_reordered_whatever_clients_do() {
    for seed in 0..300 {
        let play = std::panic::catch_unwind(|| {
            let mut play = Play::new(seed);
            (0..400).for_each(|_| play.step());
            play.finish();
        });
        assert!(play.is_ok(), "failed with seed {seed}");
    }
}
