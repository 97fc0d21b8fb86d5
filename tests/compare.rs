//! `bench/compare` goes through to its end whatever one candidate does: its own tests, which start no broker.

use std::path::Path;
use std::process::Command;

#[test]
fn a_comparison_goes_on_when_a_candidate_fails() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench");
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest", "-v", "test_compare"]).current_dir(folder);
    match python.output() {
        Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => eprintln!("SKIPPED: python3 cannot be run here: {error}"),
    }
}
