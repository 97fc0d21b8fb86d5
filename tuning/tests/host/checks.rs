//! Single checks where the boundary lies.

use std::fs;

use strome_tuning::{Broker, Host, Outcome, Profile, Report, Severity, check, check_at_start};

use crate::fixture::Fixture;

/// What the check of this id sees on a host with these files.
fn seen(id: &str, text: &str) -> Report {
    let fixture = Fixture::of(text);
    check(&fixture.host(), &fixture.broker(), Profile::Production, |check| check.id == id)
}

/// The severity and the text of the first finding.
fn finding(id: &str, text: &str) -> Option<(Severity, String)> {
    seen(id, text).findings().next().map(|(row, finding)| (row.severity, finding.found.clone()))
}

fn is_fine(id: &str, text: &str) -> bool {
    seen(id, text).rows.iter().all(|row| matches!(row.outcome, Outcome::Fine { .. }))
}

fn limits(files: &str, locked: &str) -> String {
    format!(
        "proc/self/limits <<\nLimit                     Soft Limit           Hard Limit           Units\n\
         Max open files            1024  {files}  files\nMax locked memory         {locked}  unlimited  bytes\n>>\n"
    )
}

#[test]
fn few_open_files_are_told_by_the_hard_limit() {
    let found = finding("kernel.open-files", &limits("4096", "unlimited"));
    assert_eq!(found, Some((Severity::Recommended, "4096".to_owned())));
    assert!(is_fine("kernel.open-files", &limits("65536", "unlimited")));
    assert!(is_fine("kernel.open-files", &limits("unlimited", "unlimited")));
}

#[test]
fn little_locked_memory_is_told_and_too_little_is_required() {
    let severity = |bytes| finding("memory.locked", &limits("1", bytes)).map(|(severity, _)| severity);
    assert_eq!(severity("65536"), Some(Severity::Required));
    assert_eq!(severity("1048576"), Some(Severity::Recommended));
    assert_eq!(severity("8388608"), None);
    assert_eq!(severity("unlimited"), None);
}

#[test]
fn io_uring_switched_off_is_required_and_comes_first() {
    let id = "kernel.io-uring-disabled";
    let severity = |value| {
        finding(id, &format!("proc/sys/kernel/io_uring_disabled = {value}")).map(|(severity, _)| severity)
    };
    assert_eq!(
        [severity(0), severity(1), severity(2)],
        [None, Some(Severity::Recommended), Some(Severity::Required)]
    );
    let fixture = Fixture::of(&format!("{}proc/sys/kernel/io_uring_disabled = 2", limits("1", "1")));
    let report = check_at_start(&fixture.host(), &Broker::default());
    assert_eq!(report.rows[0].severity, Severity::Required);
}

#[test]
fn swappiness_matters_only_where_there_is_swap() {
    let host = |swappiness: u32, device: &str| {
        format!(
            "proc/sys/vm/swappiness = {swappiness}\nproc/swaps <<\nFilename Type Size Used Priority\n{device}>>\n"
        )
    };
    let device = "/dev/sda2 partition 1 0 -2\n";
    assert!(finding("memory.swappiness", &host(60, "")).is_none());
    assert!(finding("memory.swappiness", &host(60, device)).is_some());
    assert!(is_fine("memory.swappiness", &host(10, device)));
}

#[test]
fn huge_pages_are_for_those_who_ask() {
    let host = |text: &str| format!("sys/kernel/mm/transparent_hugepage/enabled = {text}");
    assert!(finding("memory.huge-pages-on-demand", &host("[always] madvise never")).is_some());
    assert!(is_fine("memory.huge-pages-on-demand", &host("always [madvise] never")));
}

#[test]
fn one_processor_that_saves_power_is_enough() {
    let host = |second: &str| {
        let folder = "sys/devices/system/cpu";
        format!(
            "{folder}/online = 0,11\n{folder}/cpu0/cpufreq/scaling_governor = performance\n\
             {folder}/cpu11/cpufreq/scaling_governor = {second}"
        )
    };
    assert!(is_fine("cpu.governor", &host("performance")));
    let (_, found) = finding("cpu.governor", &host("powersave")).unwrap();
    assert_eq!(found, "powersave on 1 of 2 CPUs");
}

#[test]
fn a_cpu_that_may_not_sleep_wakes_up_at_once() {
    let host = |limit: &str| {
        let cpu = "sys/devices/system/cpu/cpu0";
        format!(
            "sys/devices/system/cpu/online = 0\n{cpu}/power/pm_qos_resume_latency_us = {limit}\n\
             {cpu}/cpuidle/state1/latency = 900\n{cpu}/cpuidle/state1/name = C6\n{cpu}/cpuidle/state1/disable = 0"
        )
    };
    assert!(finding("cpu.idle-states", &host("0")).is_some());
    assert!(finding("cpu.idle-states", &host("500")).is_some());
    assert!(is_fine("cpu.idle-states", &host("20")));
    assert!(is_fine("cpu.idle-states", &host("n/a")));
}

#[test]
fn a_wake_up_that_nobody_has_asked_for_is_not_told() {
    let root = tempfile::tempdir().unwrap();
    let device = root.path().join("dev/cpu_dma_latency");
    fs::create_dir(root.path().join("dev")).unwrap();
    let asked = |bytes: &[u8]| {
        fs::write(&device, bytes).unwrap();
        Host::fixture(root.path()).wake_up_us_max()
    };
    assert_eq!(asked(&0_i32.to_ne_bytes()), Some(0));
    assert_eq!(asked(&10_i32.to_ne_bytes()), Some(10));
    assert_eq!(asked(&2_000_000_000_i32.to_ne_bytes()), None);
    assert_eq!([asked(&(-1_i32).to_ne_bytes()), asked(&[]), asked(&[0; 8])], [None; 3]);
}

#[test]
fn a_virtual_processor_looks_for_work_before_it_halts_where_its_kernel_can() {
    let id = "cpu.halt-poll";
    let host = |governor: &str, ns: u32| {
        format!(
            "sys/devices/system/cpu/cpuidle/current_governor = {governor}\n\
             sys/module/haltpoll/parameters/guest_halt_poll_ns = {ns}"
        )
    };
    assert_eq!(finding(id, &host("haltpoll", 0)), Some((Severity::Info, "0".to_owned())));
    assert!(finding(id, &host("haltpoll", 199_999)).is_some());
    assert!(is_fine(id, &host("haltpoll", 200_000)));
    assert_eq!(finding(id, &host("menu", 0)), None, "it does not look at the parameter");
}

#[test]
fn isolated_cpus_are_for_shards() {
    let host =
        |shards: &str| format!("sys/devices/system/cpu/isolated = 2-3\nfacts/broker = shards {shards}");
    let (_, found) = finding("cpu.isolated", &host("0-1")).unwrap();
    assert_eq!(found, "2-3 without a shard");
    assert!(is_fine("cpu.isolated", &host("2-3")));
}

#[test]
fn the_broker_is_in_the_way_of_outgoing_connections_unless_its_port_is_reserved() {
    let host = |range: &str, reserved: &str| {
        format!(
            "proc/sys/net/ipv4/ip_local_port_range = {range}\nproc/sys/net/ipv4/ip_local_reserved_ports = {reserved}"
        )
    };
    assert!(finding("network.port-range", &host("1024\t65535", "")).is_some());
    assert!(is_fine("network.port-range", &host("1024\t65535", "8080,9000-9100")));
    assert!(is_fine("network.port-range", &host("32768\t60999", "")));
}

#[test]
fn the_innermost_mount_decides_about_a_directory() {
    let mounts = "proc/self/mountinfo <<\n22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        30 22 0:26 / /data rw - tmpfs tmpfs rw\n\
        31 30 8:2 / /data/disk\\040one rw - xfs /dev/sdb rw\n\
        32 22 0:40 / /net rw shared:2 master:3 - nfs4 server:/x rw\n>>\n";
    let kind = |dir: &str| {
        finding("disk.file-system", &format!("{mounts}facts/broker = dir {dir}")).map(|(_, found)| found)
    };
    assert_eq!(kind("/data/logs").as_deref(), Some("tmpfs, which is memory"));
    assert_eq!(kind("/data/disk one/logs"), None);
    assert_eq!(kind("/net").as_deref(), Some("nfs4, which lies on another host"));
    assert_eq!(kind("/network"), None);
}

#[test]
fn a_host_that_shows_nothing_has_no_findings() {
    let fixture = Fixture::of("");
    let report = check(&fixture.host(), &Broker::default(), Profile::Production, |_| true);
    assert_eq!(report.findings().count(), 0, "{}", report.text(false));
}

#[test]
fn this_host_can_be_looked_at() {
    let broker = Broker { log_dirs: vec![".".into()], ..Broker::default() };
    let report = check(&Host::real(), &broker, Profile::detect(&Host::real()), |_| true);
    for line in report.rows.iter().filter_map(|row| row.line()) {
        assert!(!line.contains('\n'), "{line}");
    }
}

#[test]
fn a_mark_that_an_image_has_left_makes_no_container_of_a_whole_machine() {
    let first = ["cgroup:[4026531835]", "ipc:[4026531839]", "pid:[4026531836]", "uts:[4026531838]"];
    let links = first.map(|link| format!("proc/self/ns/{} -> {link}\n", &link[..link.find(':').unwrap()]));
    let detected = |text: &str| Profile::detect(&Fixture::of(text).host());
    assert_eq!(detected(&format!(".dockerenv =\n{}", links.concat())), Profile::Production);
    let other = links.concat().replace("pid:[4026531836]", "pid:[4026532201]");
    assert_eq!(detected(&format!(".dockerenv =\n{other}")), Profile::Container);
    assert_eq!(detected(".dockerenv =\n"), Profile::Container);
    let told = format!("proc/1/cgroup = 0::/docker/1234\n{}", links.concat());
    assert_eq!(detected(&told), Profile::Container);
}
