//! Unfolds a text into a folder that looks like a host.
//!
//! A line is `path = value`, `path -> target` for a link, or `path <<` with lines up to `>>`. `{0..7}` in a path stands
//! for as many paths, and `$1` in the value for the number of the first such range. `#` begins a comment;
//! `include name` takes over another host, whose files later lines replace.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use strome_tuning::{Broker, CpuList, Host, IoUring};
use tempfile::TempDir;

/// A folder that is removed again.
pub struct Fixture {
    pub root: TempDir,
}

impl Fixture {
    /// The host that `text` describes.
    pub fn of(text: &str) -> Self {
        let fixture = Self { root: TempDir::new().unwrap() };
        fixture.add(text);
        fixture
    }

    /// Adds the files that `text` describes, in the place of those that are there.
    fn add(&self, text: &str) {
        let root = &self.root;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix("include ") {
                self.add(&text_of(name));
            } else if let Some(path) = line.strip_suffix(" <<") {
                let text: Vec<_> = lines.by_ref().take_while(|line| *line != ">>").collect();
                write(root.path(), path, &text.join("\n"));
            } else if let Some((path, target)) = line.split_once(" -> ") {
                each(path, &mut |path, number| {
                    let place = made(root.path(), path);
                    symlink(target.replace("$1", number), place).unwrap();
                });
            } else {
                let (path, value) = line.split_once(" =").unwrap_or_else(|| panic!("not understood: {line}"));
                write(root.path(), path, value.trim_start());
            }
        }
    }

    /// The host of a file beside the tests.
    pub fn named(name: &str) -> Self {
        Self::of(&text_of(name))
    }

    pub fn host(&self) -> Host {
        Host::fixture(self.root.path())
    }

    /// The broker that `facts/broker` describes with lines such as `cpus 0-3`.
    pub fn broker(&self) -> Broker {
        let text = fs::read_to_string(self.root.path().join("facts/broker")).unwrap_or_default();
        let mut broker = Broker::default();
        for line in text.lines() {
            match line.split_once(' ').unwrap_or_else(|| panic!("not understood: {line}")) {
                ("dir", path) => broker.log_dirs.push(PathBuf::from(path)),
                ("shards", cpus) => broker.shard_cpus = CpuList::parse(cpus).unwrap(),
                ("cpus", cpus) => broker.chosen_cpus = CpuList::parse(cpus).unwrap(),
                ("memory", bytes) => broker.memory = Some(types::ByteCount(bytes.parse().unwrap())),
                ("backlog", count) => broker.listen_backlog = count.parse().unwrap(),
                ("ring", error) => broker.io_uring = IoUring::Failed(error.to_owned()),
                (other, _) => panic!("not understood: {other}"),
            }
        }
        broker
    }

    /// What is written at `path` now, without the line's end.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path)).unwrap().trim_end().to_owned()
    }
}

/// Where the hosts and what is expected of them are kept.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn text_of(name: &str) -> String {
    let path = folder().join(format!("{name}.host"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(root: &Path, path: &str, value: &str) {
    each(path, &mut |path, number| {
        fs::write(made(root, path), format!("{}\n", value.replace("$1", number))).unwrap();
    });
}

/// The place of `path`, whose folder is there.
fn made(root: &Path, path: &str) -> PathBuf {
    let place = root.join(path.trim());
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    place
}

/// Calls `act` for each path that a pattern with ranges stands for, with the number of the first range.
fn each(pattern: &str, act: &mut dyn FnMut(&str, &str)) {
    fn fill(pattern: &str, first: Option<&str>, act: &mut dyn FnMut(&str, &str)) {
        let Some((before, rest)) = pattern.split_once('{') else {
            return act(pattern, first.unwrap_or_default());
        };
        let (range, behind) = rest.split_once('}').expect("a range ends");
        let (begin, end) = range.split_once("..").expect("a range has two ends");
        for number in begin.parse::<u32>().unwrap()..=end.parse().unwrap() {
            let number = number.to_string();
            fill(&format!("{before}{number}{behind}"), first.or(Some(&number)), act);
        }
    }
    fill(pattern, None, act);
}
