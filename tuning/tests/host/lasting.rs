//! The files that make changes last, read by the programs that they are for. A program that is not installed is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use strome_tuning::{Profile, Severity, check, pieces, script_steps, steps};
use tempfile::TempDir;

use crate::fixture::Fixture;

/// What `program` makes of these arguments; `None`, and a line that says so, if it is not installed or has no such option.
fn output(program: &str, option: &str, arguments: &[&str]) -> Option<Output> {
    let help = Command::new(program).arg("--help").output();
    let has_option = help.is_ok_and(|help| {
        [help.stdout, help.stderr].iter().any(|text| String::from_utf8_lossy(text).contains(option))
    });
    if !has_option {
        eprintln!("SKIPPED: {program} is not installed, or does not know {option}");
        return None;
    }
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{program}: {output:?}");
    Some(output)
}

/// The file of this name, for the host where everything is wrong.
fn file(fixture: &Fixture, folder: &TempDir, name: &str) -> PathBuf {
    let report = check(&fixture.host(), &fixture.broker(), Profile::Production, |_| true);
    let steps = script_steps(steps(&report, Severity::Info), &fixture.broker());
    let piece = pieces(&steps).into_iter().find(|piece| piece.name == name).unwrap();
    let path = folder.path().join(name);
    fs::write(&path, piece.text).unwrap();
    path
}

/// The lines that say something.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let said = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.map(str::to_owned).collect()
}

#[test]
fn sysctl_reads_every_line_as_it_was_meant() {
    let (fixture, folder) = (Fixture::named("wrong"), TempDir::new().unwrap());
    let path = file(&fixture, &folder, "90-strome-sysctl.conf");
    // A setting that this kernel does not have, such as one of a module that is not loaded, is left out.
    let Some(output) =
        output("sysctl", "--dry-run", &["--dry-run", "--ignore", "-p", path.to_str().unwrap()])
    else {
        return;
    };
    let read: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    let meant = lines(&path);
    assert!(read.len() > meant.len() / 2 && read.iter().all(|line| meant.contains(line)), "{read:?}");
}

#[test]
fn systemd_tmpfiles_writes_what_was_meant_where_it_was_meant() {
    let (fixture, folder) = (Fixture::named("wrong"), TempDir::new().unwrap());
    let path = file(&fixture, &folder, "strome-tmpfiles.conf");
    let root = format!("--root={}", fixture.root.path().display());
    if output("systemd-tmpfiles", "--root", &["--create", &root, path.to_str().unwrap()]).is_none() {
        return;
    }
    let meant = lines(&path);
    assert!(meant.len() > 5);
    for line in meant {
        let parts: Vec<_> = line.splitn(7, ' ').collect();
        let [_, place, _, _, _, _, value] = parts[..] else { panic!("not understood: {line}") };
        assert!(fixture.read(place.trim_start_matches('/')).starts_with(value), "{line}");
    }
}

#[test]
fn udev_finds_nothing_wrong_with_the_rules() {
    let (fixture, folder) = (Fixture::named("wrong"), TempDir::new().unwrap());
    let path = file(&fixture, &folder, "90-strome.rules");
    output("udevadm", "verify", &["verify", path.to_str().unwrap()]);
}

#[test]
fn modprobe_reads_the_options_as_they_were_meant() {
    let (fixture, folder) = (Fixture::named("wrong"), TempDir::new().unwrap());
    let path = file(&fixture, &folder, "strome-modprobe.conf");
    let output = output("modprobe", "--showconfig", &["-C", path.to_str().unwrap(), "--showconfig"]);
    if let Some(output) = output {
        let read = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(lines(&path).iter().all(|line| read.contains(line)), "{read}");
    }
}

#[test]
fn systemd_knows_every_line_for_the_unit() {
    let (fixture, folder) = (Fixture::named("wrong"), TempDir::new().unwrap());
    let path = file(&fixture, &folder, "strome.service.d-tune.conf");
    let unit = folder.path().join("strome.service");
    fs::write(&unit, "[Unit]\nDescription=A broker\n[Service]\nExecStart=/bin/true\n").unwrap();
    let lines_for_it = folder.path().join("strome.service.d");
    fs::create_dir(&lines_for_it).unwrap();
    fs::copy(path, lines_for_it.join("50-tune.conf")).unwrap();
    output("systemd-analyze", "verify", &["verify", unit.to_str().unwrap()]);
}

#[test]
fn grub_takes_the_parameters_of_the_kernel_within_its_quotes() {
    let (fixture, folder) = (Fixture::named("wrong"), TempDir::new().unwrap());
    let parameters = lines(&file(&fixture, &folder, "kernel-parameters.txt"));
    assert!(!parameters.is_empty());
    // /etc/default/grub is a script of the shell, so a shell says whether they come out of it as they went in.
    let script =
        format!("GRUB_CMDLINE_LINUX=\"{}\"\nprintf '%s\\n' $GRUB_CMDLINE_LINUX", parameters.join(" "));
    let said = Command::new("sh").arg("-c").arg(script).output().unwrap();
    assert_eq!(String::from_utf8(said.stdout).unwrap().lines().collect::<Vec<_>>(), parameters);
}
