//! Hosts whose files are cut off, garbled, empty, gone or unreadable: there is something to be said, and no panic.

use std::fs;
use std::path::{Path, PathBuf};

use strome_tuning::{Profile, check};

use crate::fixture::Fixture;

/// What can be in a file that should hold something else.
const GARBAGE: &[&[u8]] = &[
    b"",
    b"\n",
    b"-1\n",
    b"18446744073709551615\n",
    b"99999999999999999999999999\n",
    b"[\n",
    b"]x[\n",
    b"\xff\xfe\x00\x80\x01",
    b"0-4294967295,7\n",
    b"4294967295-0\n",
    b"a b c d e f g h i j k l m n o p q r s t u v w x y z\n",
    b"1 (x) 1 1\nTcpExt:\nTcpExt: 1\ncpu \n0::/../..\n{}\n",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn look(fixture: &Fixture, what: &str) {
    let host = fixture.host();
    // What the profile is detected from may be garbled, too; benchmarks look at most.
    let _ = Profile::detect(&host);
    let report = check(&host, &fixture.broker(), Profile::Benchmark, |_| true);
    let text = report.text(true) + &report.plain(true);
    let bad = text.lines().find(|line| line.chars().any(|c| c.is_control() && c != '\t'));
    assert_eq!(bad, None, "{what}");
}

/// The files that describe the host; the facts that the tests themselves read are not among them.
pub fn described(fixture: &Fixture) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(fixture.root.path(), &mut found);
    // One CPU is as good as another.
    let is_another = |path: &Path| {
        path.components().any(|part| {
            let number =
                part.as_os_str().to_str().and_then(|name| name.strip_prefix("cpu")?.parse::<u32>().ok());
            number.is_some_and(|number| number > 0)
        })
    };
    found.retain(|path| !path.ends_with("facts/broker") && !is_another(path));
    found.sort();
    found
}

#[test]
fn no_file_makes_a_check_panic_whatever_it_holds() {
    for (number, name) in
        ["bare-metal", "vm", "container", "laptop", "wrong", "strange"].into_iter().enumerate()
    {
        let fixture = Fixture::named(name);
        for (index, path) in described(&fixture).iter().enumerate() {
            let whole = fs::read(path).unwrap();
            let garbage = GARBAGE[(index + number) % GARBAGE.len()];
            fs::write(path, garbage).unwrap();
            look(&fixture, &format!("{name}: {} holds {garbage:?}", path.display()));
            fs::write(path, &whole).unwrap();
        }
    }
}

#[test]
fn nothing_panics_when_all_files_hold_the_same_nonsense() {
    for garbage in GARBAGE {
        let fixture = Fixture::named("bare-metal");
        for path in described(&fixture) {
            fs::write(path, garbage).unwrap();
        }
        look(&fixture, &format!("all files hold {garbage:?}"));
    }
}

#[test]
fn files_that_are_cut_off_are_no_surprise() {
    for name in ["bare-metal", "wrong", "strange"] {
        for cut in 1..8 {
            let fixture = Fixture::named(name);
            for path in described(&fixture) {
                let whole = fs::read(&path).unwrap();
                fs::write(&path, &whole[..whole.len() * cut / 8]).unwrap();
            }
            look(&fixture, &format!("{name}: files cut to {cut} eighths"));
        }
    }
}

#[test]
fn folders_in_the_place_of_files_and_missing_ones_are_told_as_such() {
    let fixture = Fixture::named("bare-metal");
    for (index, path) in described(&fixture).iter().enumerate() {
        fs::remove_file(path).unwrap();
        if index % 2 == 0 {
            fs::create_dir(path).unwrap();
        }
    }
    look(&fixture, "folders for files");
}
