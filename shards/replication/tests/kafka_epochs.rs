//! What Kafka 4.3.1's own cache of leader epochs holds and answers, against ours: `fixtures/README.md`.

use strome_replication::LeaderEpochs;
use types::{LeaderEpoch, Offset};

const STEPS: &str = include_str!("fixtures/epochs.txt");

#[test]
fn leader_epochs_are_kept_and_answered_as_by_kafka() {
    let mut epochs = LeaderEpochs::new();
    let mut files = 0;
    for (at, line) in STEPS.lines().enumerate() {
        if line == "new" {
            epochs = LeaderEpochs::new();
            continue;
        }
        if let Some(file) = line.strip_prefix("file ") {
            epochs.assign(LeaderEpoch(1_000_000), Offset(1_000_000));
            let file = file.replace('|', "\n");
            assert_eq!(epochs.encode(), file);
            assert_eq!(LeaderEpochs::decode(&file), Ok(epochs.clone()));
            files += 1;
            continue;
        }
        let (step, state) = line.split_once(" [").unwrap();
        let (entries, answers) = state.split_once("] ").unwrap();
        take(&mut epochs, step);
        let listed: Vec<String> =
            epochs.entries().iter().map(|e| format!("{}:{}", e.epoch, e.start_offset)).collect();
        assert_eq!(listed.join(","), entries, "line {}: {line}", at + 1);
        let answers: Vec<i64> = answers.split(' ').map(|n| n.parse().unwrap()).collect();
        let end = epochs.end_offset_for(LeaderEpoch(answers[0] as i32), Offset(answers[1]));
        let epoch_for = epochs.epoch_for(Offset(answers[4])).unwrap_or(LeaderEpoch::NONE);
        let ours = [i64::from(end.epoch.0), end.end_offset.0, i64::from(epoch_for.0)];
        assert_eq!(ours, [answers[2], answers[3], answers[5]], "line {}: {line}", at + 1);
    }
    assert!(files >= 10);
}

/// Each step says whether the checkpoint has to be written anew.
fn take(epochs: &mut LeaderEpochs, step: &str) {
    let before = epochs.clone();
    let mut words = step.split(' ');
    let what = words.next().unwrap();
    let numbers: Vec<i64> = words.map(|w| w.parse().unwrap()).collect();
    let changed = match what {
        "assign" => epochs.assign(LeaderEpoch(numbers[0] as i32), Offset(numbers[1])),
        "start" => epochs.truncate_from_start(Offset(numbers[0])),
        "end" => epochs.truncate_from_end(Offset(numbers[0])),
        other => panic!("{other}"),
    };
    assert_eq!(changed, *epochs != before, "{step}");
}
