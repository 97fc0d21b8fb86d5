//! The answers of one connection: they come in any order and leave in the order of the requests.
//!
//! # Invariants
//! - `window` has an entry for each request that has arrived and whose answer (or its absence) has not yet taken
//!   its place among the outgoing bytes; the front entry is the oldest.
//! - At most one send is in flight; what is answered meanwhile gathers for the next.
//!
//! # Hot path
//! The slices of an answer go to the socket as they are; an answer that is alone goes in its own vector.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::ids::Slot;
use crate::settings::SEND_BYTES_MAX;
use crate::timeline::Timeline;

/// The requests of one connection that await an answer, and the bytes that await the socket.
pub(crate) struct Outbound {
    first: Slot,
    window: VecDeque<Entry>,
    /// Sum of `reserved` over the entries that are not answered.
    unanswered_bytes: usize,
    outgoing: Vec<Bytes>,
    /// The requests whose answers are outgoing or in flight, each with the number of bytes up to its answer's end.
    leaving: VecDeque<(u64, Timeline)>,
    /// Bytes of answers that were ever outgoing, and of those that were sent.
    outgoing_total: u64,
    sent_total: u64,
    /// Bytes of answers: in the window, outgoing, and in flight.
    waiting_bytes: usize,
    /// Sum of `expected` over the entries that are not answered.
    expected_bytes: usize,
    in_flight_bytes: Option<usize>,
    /// The client cannot hear any more: answers are dropped.
    deaf: bool,
}

struct Entry {
    /// What the request's frame holds of the shard's memory until it is answered.
    reserved: usize,
    /// How long its answer may be, where that is known to be much.
    expected: usize,
    answer: Answer,
}

enum Answer {
    Awaited,
    /// Answered with nothing, as a produce request with `acks=0` is.
    Silent,
    Bytes(Vec<Bytes>, Timeline),
}

impl Outbound {
    pub(crate) fn new() -> Self {
        Self {
            first: Slot(0),
            window: VecDeque::new(),
            unanswered_bytes: 0,
            outgoing: Vec::new(),
            leaving: VecDeque::new(),
            outgoing_total: 0,
            sent_total: 0,
            waiting_bytes: 0,
            expected_bytes: 0,
            in_flight_bytes: None,
            deaf: false,
        }
    }

    /// A request has arrived, for which `reserved` bytes are reserved.
    pub(crate) fn begin(&mut self, reserved: usize) {
        self.window.push_back(Entry { reserved, expected: 0, answer: Answer::Awaited });
        self.unanswered_bytes += reserved;
    }

    /// The newest request is given up before anybody saw it; returns what it had reserved.
    pub(crate) fn withdraw_newest(&mut self) -> usize {
        let reserved = self.window.pop_back().map_or(0, |entry| entry.reserved);
        self.unanswered_bytes -= reserved;
        reserved
    }

    /// The answer to the request in `slot`; returns what the request had reserved.
    ///
    /// # Panics
    /// When the slot was never given out or has been answered before: a programming error that would otherwise put
    /// answers under the wrong requests.
    pub(crate) fn answer(&mut self, slot: Slot, answer: Option<Vec<Bytes>>, timeline: Timeline) -> usize {
        let position = self.awaited(slot);
        assert!(
            position.is_some(),
            "{slot:?} was answered twice, or never asked; {:?} is the oldest",
            self.first
        );
        let Some(entry) = position.and_then(|position| self.window.get_mut(position)) else { return 0 };
        let reserved = entry.reserved;
        self.unanswered_bytes -= reserved;
        self.expected_bytes -= entry.expected;
        entry.answer = match answer {
            Some(slices) if !self.deaf => {
                self.waiting_bytes += total(&slices);
                Answer::Bytes(slices, timeline)
            }
            _ => Answer::Silent,
        };
        self.advance();
        reserved
    }

    /// The answer to the request in `slot` may have so many bytes.
    pub(crate) fn expect(&mut self, slot: Slot, bytes: usize) {
        let position = self.awaited(slot);
        if let Some(entry) = position.and_then(|position| self.window.get_mut(position)) {
            self.expected_bytes = self.expected_bytes - entry.expected + bytes;
            entry.expected = bytes;
        }
    }

    /// Where in the window a request is that was not answered.
    fn awaited(&self, slot: Slot) -> Option<usize> {
        let position = usize::try_from(slot.0.checked_sub(self.first.0)?).ok()?;
        let entry = self.window.get(position)?;
        matches!(entry.answer, Answer::Awaited).then_some(position)
    }

    /// Moves the answers whose turn has come to the outgoing bytes.
    fn advance(&mut self) {
        while let Some(Entry { answer: Answer::Silent | Answer::Bytes(..), .. }) = self.window.front() {
            self.first.0 += 1;
            let Some(Entry { answer: Answer::Bytes(slices, timeline), .. }) = self.window.pop_front() else {
                continue;
            };
            self.outgoing_total += total(&slices) as u64;
            self.leaving.push_back((self.outgoing_total, timeline));
            if self.outgoing.is_empty() {
                self.outgoing = slices;
            } else {
                self.outgoing.extend(slices);
            }
        }
    }

    /// The slices for the next send, unless one is in flight or there is nothing to send.
    pub(crate) fn take_send(&mut self) -> Option<Vec<Bytes>> {
        if self.in_flight_bytes.is_some() || self.outgoing.is_empty() {
            return None;
        }
        let (slices, bytes) = self.cut(SEND_BYTES_MAX);
        if bytes == 0 {
            return None;
        }
        self.in_flight_bytes = Some(bytes);
        Some(slices)
    }

    /// Takes up to `bytes_max` bytes off the front of the outgoing ones.
    fn cut(&mut self, bytes_max: usize) -> (Vec<Bytes>, usize) {
        let mut bytes = 0;
        let mut whole = 0;
        for slice in &self.outgoing {
            if bytes + slice.len() > bytes_max {
                break;
            }
            bytes += slice.len();
            whole += 1;
        }
        if whole == self.outgoing.len() {
            return (std::mem::take(&mut self.outgoing), bytes);
        }
        let rest = self.outgoing.split_off(whole);
        let mut slices = std::mem::replace(&mut self.outgoing, rest);
        if let Some(slice) = self.outgoing.first_mut()
            && bytes < bytes_max
        {
            slices.push(slice.split_to(bytes_max - bytes));
            bytes = bytes_max;
        }
        (slices, bytes)
    }

    /// The send in flight is complete; returns how many bytes it was.
    pub(crate) fn sent(&mut self) -> usize {
        let bytes = self.in_flight_bytes.take().unwrap_or(0);
        self.waiting_bytes -= bytes;
        self.sent_total += bytes as u64;
        bytes
    }

    /// The next request whose answer was sent to its end.
    pub(crate) fn next_sent(&mut self) -> Option<Timeline> {
        let sent_total = self.sent_total;
        self.leaving.pop_front_if(|(end, _)| *end <= sent_total).map(|(_, timeline)| timeline)
    }

    /// The client cannot hear any more: what waits is dropped, and so are the answers to come. A send in flight
    /// still ends with [`Self::sent`].
    pub(crate) fn deafen(&mut self) {
        self.deaf = true;
        self.outgoing.clear();
        self.leaving.clear();
        for entry in &mut self.window {
            if matches!(entry.answer, Answer::Bytes(..)) {
                entry.answer = Answer::Silent;
            }
        }
        self.waiting_bytes = self.in_flight_bytes.unwrap_or(0);
    }

    /// Requests that were not answered, or whose answer's turn has not come.
    pub(crate) fn requests(&self) -> usize {
        self.window.len()
    }

    /// Bytes of requests that were not answered.
    pub(crate) fn unanswered_bytes(&self) -> usize {
        self.unanswered_bytes
    }

    /// Bytes of answers that are expected to be long and will be sent.
    pub(crate) fn expected_bytes(&self) -> usize {
        if self.deaf { 0 } else { self.expected_bytes }
    }

    /// Bytes of answers that are not sent.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Answers whose turn has come and that are not sent to their end.
    pub(crate) fn waiting_answers(&self) -> usize {
        self.leaving.len()
    }

    pub(crate) fn is_sending(&self) -> bool {
        self.in_flight_bytes.is_some()
    }

    /// Whether every request was answered and every answer sent.
    pub(crate) fn is_done(&self) -> bool {
        self.window.is_empty() && self.waiting_bytes == 0 && self.in_flight_bytes.is_none()
    }

    /// The slot that the next request gets.
    pub(crate) fn next_slot(&self) -> Slot {
        Slot(self.first.0 + self.window.len() as u64)
    }
}

fn total(slices: &[Bytes]) -> usize {
    slices.iter().map(Bytes::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Moment;

    fn timeline() -> Timeline {
        Timeline::begin(Moment::now())
    }

    fn answer(text: &'static str) -> Option<Vec<Bytes>> {
        Some(vec![Bytes::from_static(text.as_bytes())])
    }

    fn expecting(requests: usize) -> Outbound {
        let mut outbound = Outbound::new();
        for _ in 0..requests {
            outbound.begin(10);
        }
        outbound
    }

    fn drain(outbound: &mut Outbound) -> String {
        let mut text = String::new();
        while let Some(slices) = outbound.take_send() {
            slices.iter().for_each(|slice| text.push_str(std::str::from_utf8(slice).unwrap()));
            outbound.sent();
        }
        text
    }

    #[test]
    fn answers_leave_in_the_order_of_the_requests_whatever_order_they_come_in() {
        let texts = ["a", "bb", "", "dddd"];
        // All 24 orders of four answers; the third request has none.
        for order in 0..24u64 {
            let mut left: Vec<u64> = (0..4).collect();
            let mut outbound = expecting(4);
            let (mut code, mut text) = (order, String::new());
            for remaining in (1..=4).rev() {
                let slot = left.remove((code % remaining) as usize);
                code /= remaining;
                let bytes = if slot == 2 { None } else { answer(texts[slot as usize]) };
                assert_eq!(outbound.answer(Slot(slot), bytes, timeline()), 10);
                text.push_str(&drain(&mut outbound));
                let sent_in_order = "abbdddd".starts_with(&text);
                assert!(sent_in_order, "{text} in order {order}");
            }
            assert_eq!(text, "abbdddd");
            assert!(outbound.is_done());
            assert_eq!(outbound.next_slot(), Slot(4));
        }
    }

    #[test]
    fn what_is_answered_during_a_send_leaves_together_in_the_next() {
        let mut outbound = expecting(4);
        outbound.answer(Slot(0), answer("one"), timeline());
        assert_eq!(outbound.take_send().unwrap(), ["one"]);
        outbound.answer(Slot(2), answer("three"), timeline());
        outbound.answer(Slot(1), answer("two"), timeline());
        outbound.answer(Slot(3), answer("four"), timeline());
        assert_eq!(outbound.take_send(), None);
        assert_eq!(outbound.waiting_bytes(), 15);
        assert_eq!(outbound.sent(), 3);
        assert_eq!(outbound.take_send().unwrap(), ["two", "three", "four"]);
        outbound.sent();
        assert!(outbound.is_done());
    }

    #[test]
    fn a_giant_answer_is_sent_in_parts_without_a_copy() {
        let giant = Bytes::from(vec![5u8; 2 * SEND_BYTES_MAX + 100]);
        let mut outbound = expecting(1);
        outbound.answer(Slot(0), Some(vec![Bytes::from_static(b"head"), giant.clone()]), timeline());
        let mut parts = Vec::new();
        while let Some(slices) = outbound.take_send() {
            assert!(total(&slices) <= SEND_BYTES_MAX);
            parts.extend(slices);
            outbound.sent();
        }
        assert_eq!(parts.concat(), [&b"head"[..], &giant].concat());
        assert_eq!(parts[1].as_ptr(), giant.as_ptr());
        assert!(outbound.is_done());
    }

    #[test]
    fn a_deaf_client_costs_nothing_more() {
        let mut outbound = expecting(3);
        outbound.answer(Slot(0), answer("on its way"), timeline());
        outbound.take_send().unwrap();
        outbound.answer(Slot(2), answer("never heard"), timeline());
        outbound.deafen();
        assert_eq!(outbound.waiting_bytes(), 10);
        assert_eq!(outbound.answer(Slot(1), answer("late"), timeline()), 10);
        outbound.sent();
        assert_eq!(outbound.take_send(), None);
        assert!(outbound.is_done());
    }

    #[test]
    fn what_is_expected_counts_until_it_is_there_or_the_client_is_deaf() {
        let mut outbound = expecting(3);
        outbound.expect(Slot(0), 1000);
        outbound.expect(Slot(2), 50);
        outbound.expect(Slot(2), 70);
        outbound.expect(Slot(3), 9999);
        assert_eq!(outbound.expected_bytes(), 1070);
        outbound.answer(Slot(0), answer("short"), timeline());
        outbound.expect(Slot(0), 1000);
        assert_eq!((outbound.expected_bytes(), outbound.waiting_bytes()), (70, 5));
        outbound.deafen();
        assert_eq!(outbound.expected_bytes(), 0);
        outbound.answer(Slot(2), answer("x"), timeline());
        outbound.answer(Slot(1), None, timeline());
        assert!(outbound.is_done());
    }

    #[test]
    #[should_panic(expected = "answered twice")]
    fn a_second_answer_to_one_request_is_a_programming_error() {
        let mut outbound = expecting(2);
        outbound.answer(Slot(1), None, timeline());
        outbound.answer(Slot(1), None, timeline());
    }

    #[test]
    fn an_answer_without_bytes_does_not_hold_up_the_connection() {
        let mut outbound = expecting(2);
        outbound.answer(Slot(0), Some(vec![Bytes::new()]), timeline());
        assert_eq!(outbound.take_send(), None);
        outbound.answer(Slot(1), answer("x"), timeline());
        assert_eq!(drain(&mut outbound), "x");
        assert!(outbound.is_done());
    }

    #[test]
    fn a_request_is_over_when_the_last_byte_of_its_answer_is_sent() {
        let giant = Bytes::from(vec![5u8; SEND_BYTES_MAX + 100]);
        let mut outbound = expecting(4);
        outbound.answer(Slot(1), Some(vec![giant]), timeline());
        outbound.answer(Slot(2), None, timeline());
        outbound.answer(Slot(0), answer("one"), timeline());
        let mut over = Vec::new();
        while outbound.take_send().is_some() {
            assert_eq!(outbound.next_sent(), None, "nothing of it is sent yet");
            outbound.sent();
            over.push(std::iter::from_fn(|| outbound.next_sent()).count());
        }
        assert_eq!(over, [1, 1]);
        outbound.answer(Slot(3), answer("never heard"), timeline());
        outbound.deafen();
        outbound.sent();
        assert_eq!(outbound.next_sent(), None);
    }
}
