//! What Kafka 4.3.1's own log answered to producers, against what this crate answers: `fixtures/README.md`.

use std::str::SplitWhitespace;

use record::{Attributes, BatchHeader, EndTxnMarker, MAGIC_V2, TxnOutcome};
use strome_replication::{Admission, Origin, ProducerLimits, ProducerStates, ReplicationError, Truncation};
use types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

const SCENARIOS: &str = include_str!("fixtures/producers.txt");
const LIMITS: ProducerLimits = ProducerLimits { expiration_ms: i64::MAX, producers: 1000 };

/// A partition as far as producers see it, and all that was appended to it.
#[derive(Default)]
struct Partition {
    states: ProducerStates,
    log_end: Offset,
    high_watermark: Offset,
    log: Vec<(BatchHeader, Option<EndTxnMarker>)>,
}

impl Partition {
    fn append(&mut self, mut header: BatchHeader, marker: Option<EndTxnMarker>) -> String {
        header.base_offset = self.log_end;
        apply(&mut self.states, &header, marker.as_ref());
        self.log.push((header, marker));
        self.log_end = header.next_offset();
        format!("A {}", header.base_offset)
    }

    fn batch(&mut self, header: BatchHeader) -> String {
        match self.states.check(&header, Origin::Client) {
            Ok(Admission::Append) => self.append(header, None),
            Ok(Admission::Duplicate { first_offset, timestamp, .. }) => {
                format!("D {first_offset} {timestamp}")
            }
            Err(error) => refused(&error),
        }
    }

    fn marker(&mut self, header: BatchHeader, marker: EndTxnMarker, version: i32) -> String {
        match self.states.check_marker(&header, &marker, version >= 2) {
            Ok(()) => self.append(header, Some(marker)),
            Err(error) => refused(&error),
        }
    }
}

fn refused(error: &ReplicationError) -> String {
    format!("E {}", error.code().code())
}

fn apply(states: &mut ProducerStates, header: &BatchHeader, marker: Option<&EndTxnMarker>) {
    match marker {
        None => states.applied(header, header.max_timestamp),
        Some(marker) => drop(states.applied_marker(header, marker, header.max_timestamp)),
    }
}

fn number<T: TryFrom<i64>>(words: &mut SplitWhitespace<'_>) -> T {
    words.next().and_then(|w| w.parse().ok()).and_then(|n: i64| T::try_from(n).ok()).unwrap()
}

fn header(id: i64, epoch: i16, sequence: i32, count: i32, transactional: bool) -> BatchHeader {
    let attributes = Attributes::default();
    BatchHeader {
        base_offset: Offset::ZERO,
        batch_len_bytes: 100,
        partition_leader_epoch: LeaderEpoch(1),
        magic: MAGIC_V2,
        crc: 0,
        attributes: if transactional { attributes.with_transactional() } else { attributes },
        last_offset_delta: count - 1,
        base_timestamp: TimestampMs::ZERO,
        max_timestamp: TimestampMs::ZERO,
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(epoch),
        base_sequence: Sequence(sequence),
        record_count: count,
    }
}

/// Runs the scenarios, comparing every verdict, and shows `visit` each partition after each step and at its end, there
/// with Kafka's snapshot.
fn run(mut visit: impl FnMut(&Partition, Option<&str>)) {
    let mut partition = Partition::default();
    for (at, line) in SCENARIOS.lines().enumerate() {
        let mut words = line.split_whitespace();
        let w = &mut words;
        let verdict = match w.next().unwrap() {
            "new" => {
                partition =
                    Partition { states: ProducerStates::new(Offset::ZERO, LIMITS), ..Partition::default() };
                continue;
            }
            "snapshot" => {
                assert_eq!(Offset(number(w)), partition.states.end());
                visit(&partition, w.next());
                continue;
            }
            "hw" => {
                partition.high_watermark = Offset(number(w));
                partition.states.high_watermark_moved(partition.high_watermark);
                String::new()
            }
            "batch" => {
                let mut header = header(number(w), number(w), number(w), number(w), number::<i64>(w) == 1);
                header.max_timestamp = TimestampMs(number(w));
                partition.batch(header)
            }
            "marker" => {
                let (id, epoch, coordinator_epoch) = (number(w), number(w), number(w));
                let outcome = if number::<i64>(w) == 1 { TxnOutcome::Commit } else { TxnOutcome::Abort };
                let version = number(w);
                let mut header = header(id, epoch, -1, 1, true);
                header.max_timestamp = TimestampMs(number(w));
                partition.marker(header, EndTxnMarker { outcome, coordinator_epoch }, version)
            }
            other => panic!("{other}"),
        };
        let stable = partition.states.last_stable_offset(partition.high_watermark);
        let ours = format!("{verdict} {stable}");
        let kafka = w.collect::<Vec<_>>().join(" ");
        assert_eq!(ours.trim(), kafka, "line {}: {line}", at + 1);
        visit(&partition, None);
    }
}

#[test]
fn producers_are_answered_as_by_kafka() {
    let mut snapshots = 0;
    run(|partition, snapshot| {
        let Some(kafka) = snapshot else { return };
        let ours: String = partition.states.snapshot().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(ours, kafka, "the snapshot is Kafka's, byte for byte");
        snapshots += 1;
    });
    assert!(snapshots >= 40);
}

/// After a crash the newest snapshot is loaded and the log behind it is replayed.
#[test]
fn a_snapshot_and_a_replay_give_the_same_state() {
    let mut last: Option<(Offset, Vec<u8>)> = None;
    let mut step = 0;
    run(|partition, end| {
        step += 1;
        if end.is_some() {
            last = None;
        } else if step % 13 == 0 {
            last = Some((partition.states.end(), partition.states.snapshot()));
        }
        let Some((at, file)) = &last else { return };
        let mut rebuilt = ProducerStates::from_snapshot(file, *at, LIMITS, TimestampMs(0)).unwrap();
        for (header, marker) in partition.log.iter().filter(|(header, _)| header.base_offset >= *at) {
            apply(&mut rebuilt, header, marker.as_ref());
        }
        assert_eq!(rebuilt.end(), partition.states.end());
        assert_eq!(rebuilt.snapshot(), partition.states.snapshot());
        // Markers that the snapshot does not name are below the high watermark by the time it is read back.
        let (ours, theirs) = (rebuilt.first_undecided_offset(), partition.states.first_undecided_offset());
        assert_eq!(ours, theirs);
    });
}

#[test]
fn a_truncated_log_is_replayed_from_the_beginning() {
    run(|partition, end| {
        if end.is_none() || partition.log.len() < 3 {
            return;
        }
        let kept = partition.log.len() / 2;
        let log_end = partition.log[kept].0.base_offset;
        let mut truncated = partition.states.clone();
        assert_eq!(truncated.truncate_to(partition.log_end), Truncation::Unchanged);
        assert_eq!(truncated.truncate_to(log_end), Truncation::Rebuild);
        let mut fresh = ProducerStates::new(Offset::ZERO, LIMITS);
        for (header, marker) in &partition.log[..kept] {
            apply(&mut truncated, header, marker.as_ref());
            apply(&mut fresh, header, marker.as_ref());
        }
        assert_eq!(truncated.snapshot(), fresh.snapshot());
        assert_eq!((truncated.end(), fresh.end()), (log_end, log_end));
    });
}

#[test]
fn any_damage_to_a_snapshot_is_found() {
    run(|partition, end| {
        if end.is_none() {
            return;
        }
        let file = partition.states.snapshot();
        let load = |file: &[u8]| ProducerStates::from_snapshot(file, Offset(1), LIMITS, TimestampMs(0));
        assert_eq!(load(&file).unwrap().snapshot(), file);
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(load(&damaged).is_err(), "bit {bit}");
        }
        for len in 0..file.len() {
            assert!(load(&file[..len]).is_err(), "cut at {len}");
        }
    });
}

#[test]
fn idle_producers_are_forgotten_unless_they_have_a_transaction_open() {
    let limits = ProducerLimits { expiration_ms: 100, producers: 10 };
    let mut states = ProducerStates::new(Offset::ZERO, limits);
    for (id, transactional, seen_at) in [(1, false, 0), (2, true, 0), (3, false, 50)] {
        states.applied(&header(id, 0, 0, 1, transactional), TimestampMs(seen_at));
    }
    assert_eq!(states.expire(TimestampMs(99)), 0);
    assert_eq!(states.expire(TimestampMs(100)), 1);
    assert_eq!(states.producers().map(|p| p.producer_id.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(states.expire(TimestampMs(1000)), 1);
    assert!(states.producer(ProducerId(2)).is_some());
    // A producer that was forgotten may go on with any sequence.
    assert_eq!(states.check(&header(1, 0, 17, 1, false), Origin::Client), Ok(Admission::Append));
}

#[test]
fn a_full_table_makes_room_by_forgetting_the_longest_silent() {
    let limits = ProducerLimits { expiration_ms: i64::MAX, producers: 64 };
    let mut states = ProducerStates::new(Offset::ZERO, limits);
    states.applied(&header(1_000_000, 0, 0, 1, true), TimestampMs(0));
    for id in 0..10_000 {
        states.applied(&header(id, 0, 0, 1, false), TimestampMs(id + 1));
        assert!(states.producers().len() <= 64);
        assert!(states.producer(ProducerId(id)).is_some());
    }
    assert!(states.producers().len() >= 60);
    assert!(states.producer(ProducerId(1_000_000)).is_some(), "its transaction is open");
    assert!(states.producer(ProducerId(9_950)).is_some());
    assert!(states.producer(ProducerId(9_000)).is_none());
}

#[test]
fn a_known_producer_needs_no_room() {
    let limits = ProducerLimits { expiration_ms: i64::MAX, producers: 32 };
    let mut states = ProducerStates::new(Offset::ZERO, limits);
    for round in 0..3 {
        for id in 0..32 {
            states.applied(&header(id, 0, round, 1, false), TimestampMs(0));
        }
        assert_eq!(states.producers().len(), 32);
    }
}

#[test]
fn deleted_records_settle_their_transactions() {
    let mut states = ProducerStates::new(Offset::ZERO, LIMITS);
    states.applied(&header(1, 0, 0, 1, true), TimestampMs(0));
    let mut end = header(1, 0, -1, 1, true);
    end.base_offset = Offset(1);
    let marker = EndTxnMarker { outcome: TxnOutcome::Abort, coordinator_epoch: 0 };
    let completed = states.applied_marker(&end, &marker, TimestampMs(0)).unwrap();
    assert_eq!((completed.first_offset, completed.last_offset), (Offset(0), Offset(1)));
    assert_eq!((completed.outcome, completed.last_stable_offset), (TxnOutcome::Abort, Offset(2)));
    assert_eq!(states.last_stable_offset(Offset(2)), Offset(0), "the marker is not replicated yet");
    states.log_start_moved(Offset(50));
    assert_eq!((states.last_stable_offset(Offset(50)), states.end()), (Offset(50), Offset(50)));
    states.log_start_moved(Offset(40));
    assert_eq!(states.end(), Offset(50));
}

#[test]
fn a_table_full_of_open_transactions_takes_no_more_producers() {
    let limits = ProducerLimits { expiration_ms: i64::MAX, producers: 8 };
    let mut states = ProducerStates::new(Offset::ZERO, limits);
    for id in 0..8 {
        let mut header = header(id, 0, 0, 1, true);
        header.base_offset = Offset(id);
        assert_eq!(states.check(&header, Origin::Client), Ok(Admission::Append));
        states.applied(&header, TimestampMs(id));
    }
    let late = states.check(&header(8, 0, 0, 1, true), Origin::Client);
    assert_eq!(late, Err(ReplicationError::TooManyTransactions { producers: 8 }));
    assert_eq!(states.check(&header(3, 0, 1, 1, true), Origin::Client), Ok(Admission::Append));
}

#[test]
fn batches_without_a_producer_are_always_appended_and_remembered_nowhere() {
    let mut states = ProducerStates::new(Offset::ZERO, LIMITS);
    let mut plain = header(-1, -1, -1, 3, false);
    plain.base_offset = Offset(40);
    assert_eq!(states.check(&plain, Origin::Client), Ok(Admission::Append));
    states.applied(&plain, TimestampMs(1));
    assert_eq!((states.producers().len(), states.end()), (0, Offset(43)));
}

#[test]
fn a_coordinators_batch_is_held_to_its_epoch_only() {
    let mut states = ProducerStates::new(Offset::ZERO, LIMITS);
    states.applied(&header(1, 5, 0, 1, true), TimestampMs(1));
    let commit = header(1, 5, -1, 1, true);
    assert_eq!(states.check(&commit, Origin::Coordinator), Ok(Admission::Append));
    let zombie = header(1, 4, -1, 1, true);
    assert!(matches!(
        states.check(&zombie, Origin::Coordinator),
        Err(ReplicationError::InvalidProducerEpoch { .. })
    ));
    assert_eq!(states.check(&zombie, Origin::Replication), Ok(Admission::Append));
}
