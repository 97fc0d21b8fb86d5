//! Answers that wait to be sent: how many there may be of a connection and of the shard.

use super::*;

#[test]
fn long_answers_that_are_expected_keep_the_next_request_waiting() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.write(id, &frame(b"fetch").repeat(3));
    for slot in 0..3 {
        assert_eq!(net.next().unwrap().1, Slot(slot));
        net.table.expect(id, Slot(slot), limits().reply_bytes_waiting_max);
        assert_eq!(net.next(), None, "one at a time");
        net.answer(id, slot, bytes("short"));
    }
    assert_eq!(net.next(), None);
}

#[test]
fn while_much_waits_to_be_sent_on_the_shard_nobody_gets_a_second_answer() {
    let mut net = Net::new(Limits { reply_memory: ByteCount(1000), ..limits() });
    let [stopped, slow, quick] = std::array::from_fn(|_| net.connect());
    net.wire(stopped).reader_stopped = true;
    net.wire(slow).reader_stopped = true;
    for id in [stopped, slow, quick] {
        net.write(id, &frame(b"ask").repeat(2));
    }
    for _ in 0..3 {
        let (id, slot, _) = net.next().unwrap();
        net.answer(id, slot.0, bytes(vec![1; 600]));
    }
    let (id, slot, _) = net.next().unwrap();
    assert_eq!(id, quick, "it has heard its first answer");
    net.answer(id, slot.0, bytes("ok"));
    assert_eq!(net.next(), None, "the others have not");
    net.wire(slow).reader_stopped = false;
    net.run();
    assert_eq!(net.next().unwrap().0, slow);
    net.reset(stopped);
    assert_eq!(net.table.around.reply_bytes_waiting, 0);
}
