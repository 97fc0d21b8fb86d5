"""The package on a host that systemd has booted: readiness, hardening, the watchdog, upgrades and removals of a broker that runs."""
import re
import subprocess
from pathlib import Path

from clean import Failed, Machine, in_turn
from installed import SETTINGS, contains, equal

# The broker's own limit for a sign of life is a minute; nobody waits that long here.
QUICK_WATCHDOG = "[Service]\nWatchdogSec=2\n"
DROP_IN = "/etc/systemd/system/strome.service.d/test.conf"


class Service:
    """The tests in their order: each goes on where the one before it has ended."""

    def __init__(self, machine, root, packages):
        self.machine, self.root = machine, root
        self.package, self.newer = (root.add(it) for it in packages)

    def installing_starts_nothing(self):
        self.machine.run("dpkg", "--install", self.package)
        equal(self.machine.of_unit("ActiveState"), "inactive", "its state")
        equal(self.machine.of_unit("UnitFileState"), "disabled", "at the next boot")

    def it_serves_clients_when_systemctl_says_that_it_is_started(self):
        self.machine.run("systemctl", "enable", "--now", "strome")
        self.machine.run("strome", "topics", "create", "greetings", "--partitions", "2")
        self.machine.run("sh", "-c", "echo first light | strome produce greetings")
        self._the_record_is_there()
        equal(self.machine.of_unit("Type"), "notify", "how it says so")

    def it_runs_hardened_as_its_user_and_on_io_uring(self):
        of_broker = f"/proc/{self._main_pid()}"
        status = dict(line.split(":\t", 1) for line in self.machine.run("cat", f"{of_broker}/status").splitlines() if ":\t" in line)
        equal(status["Uid"].split()[0], self.machine.run("id", "--user", "strome").strip(), "its user")
        equal([status[it].strip() for it in ("NoNewPrivs", "Seccomp", "CapEff", "CapBnd")], ["1", "2", "0" * 16, "0" * 16], "its rights")
        contains(self.machine.run("ls", "-l", f"{of_broker}/fd"), "anon_inode:[io_uring]")

    def it_may_keep_processors_awake(self):
        contains(self.machine.run("journalctl", "--unit=strome", "--grep=processors:"), "while there is work")

    def it_has_the_limits_of_its_unit(self):
        of_broker = f"/proc/{self._main_pid()}"
        limits = " ".join(self.machine.run("cat", f"{of_broker}/limits").split())
        # No limit of a process can be above the kernel's.
        files = min(1048576, int(Path("/proc/sys/fs/nr_open").read_text()))
        contains(limits, f"Max open files {files} {files}")
        contains(limits, "Max locked memory unlimited unlimited")
        equal(self.machine.run("cat", f"{of_broker}/oom_score_adj").strip(), "-900", "the killer's adjustment")

    def a_broker_that_hangs_is_started_again_with_its_data(self):
        self.machine.run("mkdir", "--parents", str(Path(DROP_IN).parent))
        self.machine.run("sh", "-c", f"printf '{QUICK_WATCHDOG}' > {DROP_IN}; systemctl daemon-reload; systemctl restart strome")
        before = self._main_pid()
        self.machine.run("sh", "-c", f"kill -STOP {before}")
        self.machine.wait_for(lambda: self.machine.of_unit("NRestarts") == "1" and self._is_active(), "a broker in place of the one that hangs")
        equal(self._main_pid() != before, True, "another process")
        contains(self.machine.run("journalctl", "--unit=strome"), "Watchdog timeout")
        self._the_record_is_there()
        self.machine.run("rm", DROP_IN)
        self.machine.run("systemctl", "daemon-reload")

    def a_broker_that_is_killed_is_started_again_with_its_data(self):
        before = self._main_pid()
        self.machine.run("sh", "-c", f"kill -KILL {before}")
        self.machine.wait_for(lambda: self._main_pid() not in (before, "0") and self._is_active(), "another broker")
        self._the_record_is_there()

    def settings_that_cannot_be_used_are_not_tried_again(self):
        self.machine.run("sh", "-c", f"cp {SETTINGS} /root/sound; echo num.partitions=none >> {SETTINGS}")
        self.machine.run("systemctl", "restart", "strome", ok=False)
        equal(self.machine.of_unit("ExecMainStatus"), "78", "its exit code")
        equal(self.machine.of_unit("ActiveState"), "failed", "its state")
        self.machine.run("cp", "/root/sound", SETTINGS)
        self.machine.run("systemctl", "restart", "strome")

    def an_upgrade_that_would_not_start_leaves_the_old_broker_running(self):
        before = self._main_pid()
        self.machine.run("sh", "-c", f"echo num.partitions=none >> {SETTINGS}")
        said = self.machine.run("dpkg", "--install", "--force-confold", self.newer)
        contains(said, "the old broker goes on")
        equal(self._main_pid(), before, "the process")
        self.machine.run("cp", "/root/sound", SETTINGS)

    def an_upgrade_restarts_a_broker_that_runs_and_keeps_settings_and_data(self):
        before = self._main_pid()
        self.machine.run("sh", "-c", f"echo num.partitions=7 >> {SETTINGS}")
        self.machine.run("dpkg", "--install", "--force-confold", self.package)
        equal(self._main_pid() != before and self._is_active(), True, "another process")
        said = self.machine.run("strome", "configs", "describe", "--entity-type", "brokers", "--entity-name", "1", "--all")
        equal(bool(re.search(r"\bnum\.partitions +\S+ +\S+ +7\b", said)), True, f"the setting, in: {said}")
        self._the_record_is_there()

    def the_broker_comes_back_after_a_boot(self):
        self.machine.stop()
        self.machine = Machine(self.root)
        self.machine.wait_for(self._is_active, "the broker")
        self._the_record_is_there()

    def a_removal_stops_it_and_an_installation_goes_on_with_the_data(self):
        self.machine.run("dpkg", "--remove", "strome")
        self.machine.run("sh", "-c", "ls -l /proc/[0-9]*/exe | grep /usr/bin/strome", ok=False)
        self.machine.run("dpkg", "--install", self.package)
        self.machine.run("systemctl", "enable", "--now", "strome")
        self._the_record_is_there()

    def a_purge_stops_it_and_leaves_only_the_data(self):
        contains(self.machine.run("dpkg", "--purge", "strome"), "data stays in /var/lib/strome")
        equal(self.machine.of_unit("LoadState"), "not-found", "the unit")
        self.machine.run("test", "-e", "/etc/systemd/system/multi-user.target.wants/strome.service", ok=False)
        self.machine.run("ls", "/var/lib/strome/greetings-0")

    # What the tests say it with.

    def _the_record_is_there(self):
        said = self.machine.run("timeout", "60", "strome", "consume", "greetings", "--from-beginning", "--max-messages", "1")
        equal(said.splitlines()[0], "first light", "what is read")

    def _main_pid(self):
        return self.machine.of_unit("MainPID")

    def _is_active(self):
        return self.machine.of_unit("ActiveState") == "active"


def run(report, root, packages):
    names = [name for name in vars(Service) if not name.startswith("_")]
    try:
        machine = Machine(root)
    except (Failed, OSError, subprocess.SubprocessError) as reason:
        for name in names:
            report.skipped(name.replace("_", " "), f"systemd-nspawn boots nothing here: {str(reason)[-300:]}")
        return
    service = Service(machine, root, packages)
    try:
        if not machine.may_raise_limits():
            names.remove("it_has_the_limits_of_its_unit")
            report.skipped("it has the limits of its unit", "root may not raise limits here (no CAP_SYS_RESOURCE)")
        if not machine.may_keep_processors_awake():
            names.remove("it_may_keep_processors_awake")
            report.skipped("it may keep processors awake", "this host has no /dev/cpu_dma_latency, or lets no machine open it")
        in_turn(report, service, names)
        if report.failures:
            print(service.machine.run("journalctl", "--unit=strome", "--no-pager", "--lines=60", ok=None))
    finally:
        service.machine.stop()
