//! Changes that are made and taken back, on fixtures and, where that is allowed, on this host.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use strome_tuning::{
    ApplyError, Broker, Deed, Host, Profile, Severity, Step, Told, Undo, apply, check, pieces, script_steps,
    steps, undo,
};

use crate::expected;
use crate::fixture::Fixture;

fn proposed(fixture: &Fixture, profile: Profile) -> Vec<Step> {
    let report = check(&fixture.host(), &fixture.broker(), profile, |_| true);
    steps(&report, Severity::Info)
}

fn applied(fixture: &Fixture, lasting: bool) -> Vec<Told> {
    let mut told = Vec::new();
    let steps = proposed(fixture, Profile::Production);
    apply(&fixture.host(), &fixture.broker(), &steps, &state(fixture), lasting, &mut |line| told.push(line))
        .unwrap();
    told
}

fn undone(fixture: &Fixture, how: Undo) -> Vec<Told> {
    let mut told = Vec::new();
    undo(&fixture.host(), &state(fixture), how, &mut |line| told.push(line)).unwrap();
    told
}

fn state(fixture: &Fixture) -> PathBuf {
    fixture.root.path().join("facts/state/tune.json")
}

/// Everything below `/proc`, `/sys` and `/etc`, with its contents.
fn contents(fixture: &Fixture) -> BTreeMap<PathBuf, String> {
    fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_symlink() {
                continue;
            } else if path.is_dir() {
                // An empty folder is a difference, too.
                found.insert(path.clone(), String::new());
                collect(&path, found);
            } else {
                let text = fs::read_to_string(&path).unwrap_or_default();
                found.insert(path, normal(&text));
            }
        }
    }
    let mut found = BTreeMap::new();
    for name in ["proc", "sys", "etc"] {
        collect(&fixture.root.path().join(name), &mut found);
    }
    found
}

/// A fixture's file takes a choice as it is written, where the kernel would go on showing all of them.
fn normal(text: &str) -> String {
    let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(word, _)| word);
    chosen.unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn done(told: &[Told]) -> usize {
    told.iter().filter(|line| line.deed == Deed::Done).count()
}

fn failed(told: &[Told]) -> Vec<&Told> {
    told.iter().filter(|line| matches!(line.deed, Deed::Failed(_))).collect()
}

#[test]
fn what_was_applied_is_restored_exactly() {
    for (name, lasting) in [("bare-metal", false), ("wrong", false), ("bare-metal", true), ("wrong", true)] {
        let fixture = Fixture::named(name);
        let before = contents(&fixture);
        let first = applied(&fixture, lasting);
        assert!(done(&first) > 5, "{first:?}");
        assert_ne!(contents(&fixture), before);
        undone(&fixture, Undo::default());
        let mut after = contents(&fixture);
        // A folder that nothing of ours is in any more may stay only if it was there before.
        after.retain(|path, text| before.get(path) != Some(text));
        assert_eq!(after, BTreeMap::new(), "{name}, lasting: {lasting}");
        assert!(!state(&fixture).exists());
    }
}

#[test]
fn a_second_time_there_is_nothing_to_change_and_the_first_old_value_stays() {
    let fixture = Fixture::named("wrong");
    applied(&fixture, false);
    let noted = fs::read_to_string(state(&fixture)).unwrap();
    let second = applied(&fixture, false);
    assert_eq!(second.iter().filter(|line| line.what.contains("from '")).count(), 0, "{second:?}");
    assert_eq!(fs::read_to_string(state(&fixture)).unwrap(), noted);
    // Somebody sets it back, and apply is run again: undo still restores what was there at first.
    fs::write(fixture.root.path().join("proc/sys/vm/swappiness"), "77\n").unwrap();
    applied(&fixture, false);
    assert_eq!(fixture.read("proc/sys/vm/swappiness"), "10");
    undone(&fixture, Undo::default());
    assert_eq!(fixture.read("proc/sys/vm/swappiness"), "100");
}

#[test]
fn a_change_that_fails_neither_stops_nor_hides_the_others() {
    let text = fs::read_to_string(crate::fixture::folder().join("wrong.host")).unwrap();
    let fixture = Fixture::of(&text);
    let steps = proposed(&fixture, Profile::Production);
    fs::write(
        fixture.root.path().join("facts/denied"),
        "proc/sys/vm/swappiness\nproc/sys/net/ipv4/tcp_sack\n",
    )
    .unwrap();
    let host = Host::fixture(fixture.root.path());
    let mut told = Vec::new();
    apply(&host, &fixture.broker(), &steps, &state(&fixture), false, &mut |line| told.push(line)).unwrap();
    assert_eq!(failed(&told).iter().filter(|line| line.what.contains("swappiness")).count(), 1);
    assert_eq!(failed(&told).iter().filter(|line| line.what.contains("tcp_sack")).count(), 1);
    assert_eq!(fixture.read("proc/sys/vm/zone_reclaim_mode"), "0");
    assert_eq!(told.len(), steps.len(), "each step is told of once");
    assert!(!fs::read_to_string(state(&fixture)).unwrap().contains("swappiness"));
}

#[test]
fn what_somebody_else_has_changed_since_is_left_unless_forced() {
    let fixture = Fixture::named("wrong");
    applied(&fixture, false);
    let swappiness = fixture.root.path().join("proc/sys/vm/swappiness");
    fs::write(&swappiness, "33\n").unwrap();
    let told = undone(&fixture, Undo::default());
    let left: Vec<_> = told.iter().filter(|line| matches!(line.deed, Deed::Left(_))).collect();
    assert!(left.len() == 1 && left[0].what.contains("swappiness"), "{left:?}");
    assert_eq!(fixture.read("proc/sys/vm/swappiness"), "33");
    assert_eq!(fixture.read("proc/sys/vm/zone_reclaim_mode"), "1");
    assert!(state(&fixture).exists(), "what was left can still be restored");
    undone(&fixture, Undo { force: true, dry_run: false });
    assert_eq!(fixture.read("proc/sys/vm/swappiness"), "100");
    assert!(!state(&fixture).exists());
}

#[test]
fn after_a_restart_only_what_our_files_set_again_is_taken_back() {
    for lasting in [false, true] {
        let fixture = Fixture::named("wrong");
        let boot = fixture.root.path().join("proc/sys/kernel/random/boot_id");
        fs::write(&boot, "first\n").unwrap();
        applied(&fixture, lasting);
        fs::write(&boot, "second\n").unwrap();
        // Started anew: one value is as it was, one is a third one, and one is what apply had set.
        fs::write(fixture.root.path().join("proc/sys/vm/zone_reclaim_mode"), "1\n").unwrap();
        fs::write(fixture.root.path().join("proc/sys/net/core/somaxconn"), "256\n").unwrap();
        let told = undone(&fixture, Undo::default());
        let deed = |name: &str| &told.iter().find(|line| line.what.contains(name)).unwrap().deed;
        assert!(matches!(deed("zone_reclaim_mode"), Deed::Nothing(why) if why.contains("restarted")));
        assert!(matches!(deed("somaxconn"), Deed::Left(why) if why.contains("restarted")));
        assert_eq!(*deed("vm/swappiness") == Deed::Done, lasting, "{:?}", deed("vm/swappiness"));
        let expected = if lasting { "100" } else { "10" };
        assert_eq!(fixture.read("proc/sys/vm/swappiness"), expected);
    }
}

#[test]
fn the_queue_depth_that_a_new_scheduler_brings_is_restored_with_it() {
    let fixture = Fixture::named("bare-metal");
    let queue = "sys/devices/pci1/nvme1/nvme1n1/queue";
    applied(&fixture, false);
    assert_eq!(fixture.read(&format!("{queue}/scheduler")), "none");
    // As the kernel does when the scheduler changes.
    fs::write(fixture.root.path().join(queue).join("nr_requests"), "255\n").unwrap();
    undone(&fixture, Undo::default());
    assert_eq!(fixture.read(&format!("{queue}/scheduler")), "mq-deadline");
    assert_eq!(fixture.read(&format!("{queue}/nr_requests")), "1023");
}

#[test]
fn the_choice_that_a_new_congestion_control_brings_is_restored_with_it() {
    let fixture = Fixture::named("wrong");
    let allowed = fixture.root.path().join("proc/sys/net/ipv4/tcp_allowed_congestion_control");
    fs::write(&allowed, "reno\n").unwrap();
    applied(&fixture, false);
    assert_eq!(fixture.read("proc/sys/net/ipv4/tcp_congestion_control"), "cubic");
    // As the kernel does when the default changes.
    fs::write(&allowed, "reno cubic\n").unwrap();
    undone(&fixture, Undo::default());
    assert_eq!(fixture.read("proc/sys/net/ipv4/tcp_allowed_congestion_control"), "reno");
}

#[test]
fn a_dry_run_of_undo_changes_nothing() {
    let fixture = Fixture::named("wrong");
    applied(&fixture, true);
    let (before, noted) = (contents(&fixture), fs::read_to_string(state(&fixture)).unwrap());
    assert!(done(&undone(&fixture, Undo { force: false, dry_run: true })) > 5);
    assert_eq!(contents(&fixture), before);
    assert_eq!(fs::read_to_string(state(&fixture)).unwrap(), noted);
}

#[test]
fn a_service_is_switched_and_switched_back() {
    let text = "etc/systemd/system/x = 1\nproc/7/comm = irqbalance\nfacts/output/systemctl is-enabled irqbalance.service = enabled\n\
        facts/output/systemctl is-active irqbalance.service = active\n";
    let fixture = Fixture::of(text);
    let told = applied(&fixture, false);
    assert!(told.iter().any(|line| line.deed == Deed::Done && line.what.contains("irqbalance")), "{told:?}");
    let output = |verb: &str, word: &str| {
        fs::write(
            fixture.root.path().join(format!("facts/output/systemctl {verb} irqbalance.service")),
            word,
        )
        .unwrap();
    };
    output("is-enabled", "disabled\n");
    output("is-active", "inactive\n");
    undone(&fixture, Undo::default());
    assert_eq!(
        fixture.read("facts/ran"),
        "systemctl disable --now irqbalance.service\nsystemctl enable irqbalance.service\nsystemctl start irqbalance.service"
    );
}

#[test]
fn files_that_somebody_has_changed_are_left_and_folders_of_others_stay() {
    let fixture = Fixture::named("wrong");
    applied(&fixture, true);
    let sysctl = fixture.root.path().join("etc/sysctl.d/90-strome-sysctl.conf");
    assert!(fs::read_to_string(&sysctl).unwrap().contains("vm.swappiness = 10"));
    fs::write(&sysctl, "vm.swappiness = 5\n").unwrap();
    let other = fixture.root.path().join("etc/udev/rules.d/10-other.rules");
    fs::write(&other, "# another's\n").unwrap();
    undone(&fixture, Undo::default());
    assert_eq!(fs::read_to_string(&sysctl).unwrap(), "vm.swappiness = 5\n");
    assert!(other.exists() && !other.with_file_name("90-strome.rules").exists());
    assert!(!fixture.root.path().join("etc/systemd/system/strome.service.d").exists());
}

#[test]
fn a_state_file_that_makes_no_sense_is_refused_and_kept() {
    let fixture = Fixture::named("wrong");
    let path = state(&fixture);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for text in ["", "{}", "{\"version\":9,\"entries\":[]}", "{\"version\":1,\"entries\":[{\"kind\":\"x\"}]}"]
    {
        fs::write(&path, text).unwrap();
        let steps = proposed(&fixture, Profile::Production);
        let result =
            apply(&fixture.host(), &fixture.broker(), &steps, &path, false, &mut |line| panic!("{line:?}"));
        assert!(matches!(result, Err(ApplyError::State { .. })), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fixture.read("proc/sys/vm/swappiness"), "100");
    }
}

#[test]
fn a_state_file_cannot_lead_undo_to_other_places() {
    let fixture = Fixture::of("etc/passwd = root\nsys/x = 1");
    let path = state(&fixture);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = r#"{"version":1,"entries":[
        {"kind":"write","check":"x","path":"etc/passwd","old":"me","new":"root","boot":"","lasts":false,"also":[]},
        {"kind":"write","check":"x","path":"sys/../etc/passwd","old":"me","new":"root","boot":"","lasts":false,"also":[]},
        {"kind":"file","path":"etc/passwd","old":"me","new":"root\n","folders":[]}]}"#;
    fs::write(&path, text).unwrap();
    let told = undone(&fixture, Undo { force: true, dry_run: false });
    assert_eq!(failed(&told).len(), 3, "{told:?}");
    assert_eq!(fixture.read("etc/passwd"), "root");
}

#[test]
fn the_files_of_a_script_say_what_and_why() {
    for name in ["bare-metal", "wrong"] {
        let fixture = Fixture::named(name);
        let steps = script_steps(proposed(&fixture, Profile::Production), &fixture.broker());
        let text: String = pieces(&steps)
            .iter()
            .map(|piece| format!("==> {} <==\n{}", piece.place.unwrap_or(piece.name), piece.text))
            .collect();
        expected::compare(&format!("{name}-script.txt"), &text);
    }
}

/// Harmless settings whose values most hosts do not have as the table wants them.
const HARMLESS: &[&str] =
    &["memory.map-count", "network.slow-start", "network.syn-cookies", "network.syn-queue"];

/// The settings of the kernel that can be read in the folders in which something is changed. What lies deeper belongs to
/// single network interfaces, which come and go.
fn sysctls() -> BTreeMap<PathBuf, String> {
    let folders = ["/proc/sys/vm", "/proc/sys/net/core", "/proc/sys/net/ipv4"];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    entries.filter_map(|entry| Some((entry.path(), fs::read_to_string(entry.path()).ok()?))).collect()
}

#[test]
fn this_host_is_as_before_after_apply_and_undo() {
    let host = Host::real();
    let folder = tempfile::TempDir::new().unwrap();
    let state = folder.path().join("state.json");
    let report = check(&host, &Broker::default(), Profile::Production, |check| HARMLESS.contains(&check.id));
    let steps = steps(&report, Severity::Info);
    let writable = |step: &Step| {
        step.change
            .written()
            .is_some_and(|(path, _)| fs::File::options().write(true).open(host.place(&path)).is_ok())
    };
    if steps.is_empty() || !steps.iter().all(writable) {
        eprintln!(
            "SKIPPED: this_host_is_as_before_after_apply_and_undo, since this user may not change settings of the kernel, or they are all well"
        );
        return;
    }
    let before = sysctls();
    let mut told = Vec::new();
    apply(&host, &Broker::default(), &steps, &state, false, &mut |line| told.push(line)).unwrap();
    let changed = sysctls();
    let mut back = Vec::new();
    undo(&host, &state, Undo::default(), &mut |line| back.push(line)).unwrap();
    assert_eq!(done(&told), steps.len(), "{told:?}");
    assert_eq!(done(&back), steps.len(), "{back:?}");
    let differing = before.iter().filter(|(path, text)| changed.get(*path) != Some(text)).count();
    assert_eq!(differing, steps.len(), "each step changes one setting");
    assert_eq!(sysctls(), before);
    assert!(!state.exists());
}
