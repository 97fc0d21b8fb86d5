//! Dependencies point down the table of `docs/ARCHITECTURE.md`, never up: this test compares what the crates
//! declare with what each may use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Each crate and the crates of this workspace that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("strome-types", &[]),
    ("strome-record", &["strome-types"]),
    ("strome-protocol", &["strome-types"]),
    ("strome-metadata", &["strome-types"]),
    ("strome-replication", &["strome-types", "strome-record"]),
    ("strome-controller", &["strome-types", "strome-metadata"]),
    ("strome-quorum", &["strome-types", "strome-metadata"]),
    ("strome-group", &["strome-types", "strome-metadata", "strome-protocol"]),
    ("strome-reactor", &["strome-types"]),
    ("strome-mesh", &["strome-types", "strome-reactor"]),
    ("strome-storage", &["strome-types", "strome-record", "strome-reactor"]),
    ("strome-net", &["strome-types", "strome-protocol", "strome-reactor"]),
    // A disk has to be measured through the ring that the broker uses.
    ("strome-tuning", &["strome-types", "strome-reactor"]),
    // A result says which disks the broker had, which tuning finds out.
    (
        "strome-bench",
        &["strome-types", "strome-record", "strome-protocol", "strome-reactor", "strome-tuning"],
    ),
    // Nothing but benchmarks, and they use what they measure.
    ("strome-micro", &[]),
    (
        "strome",
        &[
            "strome-types",
            "strome-record",
            "strome-protocol",
            "strome-metadata",
            "strome-replication",
            "strome-controller",
            "strome-quorum",
            "strome-group",
            "strome-reactor",
            "strome-mesh",
            "strome-storage",
            "strome-net",
            "strome-tuning",
            "strome-bench",
        ],
    ),
];

/// The crates that name the executor and the ring: everything else goes through them.
const RING_CRATES: &[&str] = &["glommio", "io-uring"];

/// Crates of events in, effects out; they keep to `shards/pure.clippy.toml`.
const PURE: &[&str] = &["record", "protocol", "metadata", "replication", "controller", "group"];

#[test]
fn every_crate_uses_only_what_lies_below_it() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        MAY_USE.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let declared = declared_dependencies();
    for (name, uses) in &declared {
        let Some(allowed) = allowed.get(name.as_str()) else {
            panic!("{name} is missing in this test's table and in docs/ARCHITECTURE.md");
        };
        for used in uses.iter().filter(|used| declared.contains_key(*used)) {
            assert!(allowed.contains(used.as_str()), "{name} must not use {used}");
        }
    }
}

#[test]
fn only_the_reactor_names_the_executor_and_the_ring() {
    for (name, uses) in declared_dependencies() {
        for ring in RING_CRATES {
            assert!(name == "strome-reactor" || !uses.contains(*ring), "{name} must not use {ring}");
        }
    }
}

#[test]
fn pure_crates_keep_to_the_list_of_disallowed_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shards");
    let list = std::fs::read_to_string(root.join("pure.clippy.toml")).unwrap();
    for name in PURE {
        let own = std::fs::read_to_string(root.join(name).join("clippy.toml")).unwrap_or_default();
        assert_eq!(own, list, "shards/{name}/clippy.toml must be a link to ../pure.clippy.toml");
    }
}

/// Each crate of the workspace with the names of its ordinary dependencies.
fn declared_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("an array of packages");
    packages.iter().map(|package| (text(&package["name"]), ordinary_dependencies(package))).collect()
}

fn ordinary_dependencies(package: &Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().expect("an array of dependencies");
    dependencies.iter().filter(|d| d["kind"].is_null()).map(|d| text(&d["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}
