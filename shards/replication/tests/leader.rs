//! A leader under random appends, flushes, truncations and settings, against the plainest model. Seeded.

use strome_replication::{FlushRule, Leader};
use types::{Offset, TimestampMs};

/// SplitMix64.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[test]
fn the_watermark_only_moves_forward_and_never_past_what_is_held() {
    for first_seed in 0..500 {
        let mut seed = first_seed;
        let mut dice = |below: u64| (next(&mut seed) % below) as i64;
        let rules = [FlushRule::DURABLE, FlushRule { messages: 1 + dice(20), interval_ms: dice(50) }];
        let mut rule = rules[dice(2) as usize];
        let start = dice(100);
        let mut leader = Leader::new(Offset(start), Offset(start + dice(10)), rule);
        let mut now = 0;
        // When each record that is not durable was appended.
        let mut dirty: Vec<(i64, i64)> = Vec::new();
        for step in 0..200 {
            let context = format!("seed {first_seed}, step {step}");
            now += dice(10);
            let before = leader.high_watermark();
            let moved = match dice(6) {
                0..=2 => {
                    let end = leader.log_end().0 + dice(5);
                    dirty.extend((leader.log_end().0..end).map(|offset| (offset, now)));
                    leader.appended(Offset(end), TimestampMs(now))
                }
                3 => {
                    let behind = dice(8).min(leader.log_end().0 - start);
                    let durable = leader.log_end().0 - behind;
                    dirty.retain(|(offset, _)| *offset >= durable);
                    leader.made_durable(Offset(durable), TimestampMs(now))
                }
                4 => {
                    let to = leader.log_start().0 + dice(12);
                    let allowed = to <= leader.high_watermark().0;
                    assert_eq!(leader.log_start_moved(Offset(to)).is_ok(), allowed, "{context}");
                    false
                }
                _ => {
                    rule = rules[dice(2) as usize];
                    leader.set_rule(rule)
                }
            };
            let after = leader.high_watermark();
            assert!(after >= before && moved == (after > before), "{context}");
            let held = if rule.messages == 1 { leader.durable_end() } else { leader.log_end() };
            assert_eq!(after, before.max(held), "{context}");
            assert!(leader.log_start() <= after && after <= leader.log_end(), "{context}");
            assert!(leader.durable_end() <= leader.log_end(), "{context}");
            // A flush is due when enough is dirty, and no later than the oldest dirty record and a flush's time demand.
            let full = dirty.len() as i64 >= rule.messages.max(1);
            assert!(!full || leader.flush_due(TimestampMs(now)), "{context}");
            assert_eq!(leader.flush_deadline().is_some(), !dirty.is_empty(), "{context}");
            assert!(!dirty.is_empty() || !leader.flush_due(TimestampMs(i64::MAX)), "{context}");
            if let Some((_, oldest)) = dirty.first() {
                let deadline = leader.flush_deadline().unwrap();
                assert!(deadline.0 >= oldest.saturating_add(rule.interval_ms), "{context}: not early");
                assert!(deadline.0 <= now.saturating_add(rule.interval_ms), "{context}: not late");
            }
        }
    }
}
