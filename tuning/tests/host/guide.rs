//! The guide and the table say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use strome_tuning::{ADVICE, Profile, checks, guide};

#[test]
fn the_page_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/TUNING.md");
    let text = guide();
    if std::env::var_os("STROME_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    let differing = page.lines().zip(text.lines()).find(|(page, table)| page != table);
    assert!(
        page == text,
        "docs/TUNING.md is not what the table says (STROME_BLESS=1 writes it anew): {differing:?}"
    );
}

#[test]
fn every_line_of_the_table_is_complete() {
    let mut ids = BTreeSet::new();
    for check in checks() {
        let id = check.id;
        assert!(ids.insert(id), "{id} is there twice");
        assert_eq!(id.split_once('.').map(|(area, _)| area), Some(check.area.name()), "{id}");
        for text in [check.title, check.why, check.how] {
            assert!(!text.is_empty() && !text.ends_with('.') && !text.contains("  "), "{id}: '{text}'");
        }
        assert!(!check.reads.is_empty(), "{id}");
        assert!(Profile::ALL.into_iter().any(|profile| check.severity.of(profile).is_some()), "{id}");
        for profile in Profile::ALL {
            assert!(!check.wanted.of(profile).to_string().is_empty(), "{id}");
        }
    }
}

#[test]
fn what_was_measured_is_quoted_from_a_run_that_is_there() {
    let of_checks = checks().filter_map(|check| Some((check.id, check.effect?)));
    let of_advice = ADVICE.iter().filter_map(|advice| Some((advice.what, advice.effect?)));
    for (what, effect) in of_checks.chain(of_advice) {
        let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/runs").join(effect.run);
        assert!(run.exists(), "{what} quotes a run that is not there: {}", effect.run);
        assert!(!effect.text.is_empty() && !effect.text.ends_with('.'), "{what}: '{}'", effect.text);
    }
}

#[test]
fn advice_names_only_checks_that_there_are() {
    let ids: Vec<_> = checks().map(|check| check.id).collect();
    let areas = ["cpu.", "memory.", "disk.", "network.", "kernel."];
    for advice in ADVICE {
        for quoted in advice.why.split('`').skip(1).step_by(2) {
            let is_id = areas.iter().any(|area| quoted.starts_with(area));
            assert!(!is_id || ids.contains(&quoted), "{quoted}");
        }
    }
}
