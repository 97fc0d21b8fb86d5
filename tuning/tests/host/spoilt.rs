//! Hosts whose files are spoilt at random, by a seed: every check still says something, in bounded time, and nothing panics.
//!
//! A round that fails prints its seed; `STROME_SEED=N` repeats that round alone.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use strome_tuning::{Profile, Severity, check, checks, pieces, script_steps, steps};

use crate::absurd::described;
use crate::fixture::Fixture;

/// How many hosts are spoilt.
const ROUNDS: u64 = 80;
/// More than a check takes of any file.
const HUGE_BYTES: usize = 5 * 1024 * 1024;
/// No check takes that long, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(120);
const HOSTS: [&str; 6] = ["bare-metal", "vm", "container", "laptop", "wrong", "strange"];
/// What may stand where something else is expected.
const WORDS: [&str; 12] = [
    "-1",
    "0",
    "18446744073709551616",
    "0-4294967295",
    "max",
    "nan",
    "\u{1b}[2J",
    "\0",
    ":",
    "/..",
    "[",
    "%s",
];

/// xorshift, which is the same everywhere.
struct Random(u64);

impl Random {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

/// Puts something else in the place of a file, and says what.
fn spoil(root: &Path, path: &Path, random: &mut Random) -> &'static str {
    let whole = fs::read(path).unwrap();
    match random.below(10) {
        0 => {
            fs::write(path, &whole[..random.below(whole.len() + 1)]).unwrap();
            "cut off"
        }
        1 => {
            fs::write(path, "").unwrap();
            "emptied"
        }
        2 => {
            let mut bytes = whole;
            for _ in 0..=bytes.len() / 16 {
                let Some(place) = random.below(bytes.len().max(1)).checked_sub(1) else { break };
                bytes[place] = random.below(256) as u8;
            }
            fs::write(path, bytes).unwrap();
            "garbled"
        }
        3 => {
            let text = String::from_utf8_lossy(&whole);
            let words: Vec<_> =
                text.split(' ').map(|word| if random.below(4) == 0 { random.word() } else { word }).collect();
            fs::write(path, words.join(" ")).unwrap();
            "given other words"
        }
        4 => {
            let mut lines: Vec<_> = whole.split(|byte| *byte == b'\n').collect();
            let first = random.below(lines.len());
            lines.rotate_left(first);
            fs::write(path, lines.join(&b'\n').repeat(1 + random.below(3))).unwrap();
            "put into another order"
        }
        5 => {
            fs::remove_file(path).unwrap();
            "removed"
        }
        6 => {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            "made a folder"
        }
        7 => {
            fs::remove_file(path).unwrap();
            symlink(path, path).unwrap();
            "made a link to itself"
        }
        8 => {
            fs::remove_file(path).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR).unwrap();
            "made a pipe that nobody writes to"
        }
        _ => {
            let denied = root.join("facts/denied");
            let mut list = fs::read_to_string(&denied).unwrap_or_default();
            list.push_str(&format!("\n{}\n", path.strip_prefix(root).unwrap().display()));
            // The list may itself be among what was spoilt.
            let _ = fs::write(denied, list);
            "forbidden"
        }
    }
}

/// Puts far more into a file than it can hold on any host: of the same, of one word, or one without an end.
fn bloat(path: &Path, random: &mut Random) -> &'static str {
    let whole = fs::read(path).unwrap();
    let piece = match random.below(3) {
        0 if !whole.is_empty() => whole,
        1 => random.word().as_bytes().to_vec(),
        _ => {
            fs::remove_file(path).unwrap();
            symlink("/dev/zero", path).unwrap();
            return "made endless";
        }
    };
    fs::write(path, piece.repeat(HUGE_BYTES.div_ceil(piece.len()))).unwrap();
    "made huge"
}

/// Looks at a host with everything that is made of what was seen.
fn look(fixture: &Fixture, profile: Profile) {
    let (host, broker) = (fixture.host(), fixture.broker());
    let _ = Profile::detect(&host);
    let report = check(&host, &broker, profile, |_| true);
    let seen: HashSet<_> = report.rows.iter().map(|row| row.check.id).collect();
    let silent: Vec<_> = checks()
        .filter(|check| check.severity.of(profile).is_some() && !seen.contains(check.id))
        .map(|check| check.id)
        .collect();
    assert!(silent.is_empty(), "nothing was said of {silent:?}");
    let files = pieces(&script_steps(steps(&report, Severity::Info), &broker));
    let said = report.text(true) + &report.plain(true) + &report.json().to_string();
    for text in files.iter().map(|piece| &piece.text).chain([&said]) {
        let control = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(control, None, "a control character in {text}");
    }
}

fn round(seed: u64) {
    let mut random = Random::of(seed);
    let name = HOSTS[random.below(HOSTS.len())];
    let fixture = Fixture::named(name);
    let files = described(&fixture);
    // From one file in a hundred to every second one.
    let share = [100, 20, 5, 2][random.below(4)];
    let mut spoilt = Vec::new();
    for path in &files {
        if random.below(share) == 0 {
            spoilt.push((path, spoil(fixture.root.path(), path, &mut random)));
        }
    }
    let one = &files[random.below(files.len())];
    if one.is_file() {
        spoilt.push((one, bloat(one, &mut random)));
    }
    let profile = Profile::ALL[random.below(Profile::ALL.len())];
    let what = format!("STROME_SEED={seed}, {name} as {profile:?}: {spoilt:?}");
    let (sender, receiver) = channel();
    let looking = thread::spawn(move || {
        look(&fixture, profile);
        let _ = sender.send(());
    });
    if receiver.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        panic!("no end within {PATIENCE:?}: {what}");
    }
    if looking.join().is_err() {
        panic!("{what}");
    }
}

#[test]
fn every_check_says_something_of_a_host_whose_files_are_spoilt_at_random() {
    match std::env::var("STROME_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => round(seed),
        None => (0..ROUNDS).for_each(round),
    }
}
