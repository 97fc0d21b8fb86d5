"""A clean Debian of its own: as a folder that commands run in, and as a machine that systemd has booted."""
import os
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path

SUITE = "bookworm"
# What a host has beside Debian's essential packages: systemd as its first process, and man(1).
PACKAGES = "systemd-sysv,dbus,man-db"
# Debian's installer writes it, and no package does.
HOSTS = """printf '127.0.0.1 localhost\\n::1 localhost\\n' > "$1/etc/hosts\""""
DAYS_KEPT = 30
PATIENCE_SECONDS = 240
# Where a process says how long processors may take to wake up.
WAKE_UP = "/dev/cpu_dma_latency"
# The number of the right, in linux/capability.h.
CAP_SYS_RESOURCE = 24


class Failed(AssertionError):
    """A command that did not do as it should."""


class Unavailable(Exception):
    """Why nothing can be tried on this host."""


def finished(command, ok, **more):
    """Runs a command to its end and gives what it printed; `ok` tells whether it has to succeed, None if either will do."""
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, timeout=PATIENCE_SECONDS, check=False, **more)
    if ok is not None and ok != (ran.returncode == 0):
        raise Failed(f"{' '.join(map(str, command))}: exit code {ran.returncode}\n{ran.stdout}")
    return ran.stdout


def image(cache):
    """The archive of the clean Debian, made from Debian's packages if there is none of this month."""
    file = cache / f"{SUITE}.tar"
    if not file.exists() or time.time() - file.stat().st_mtime > DAYS_KEPT * 86400:
        unfinished = file.with_suffix(f".{os.getpid()}.tar")
        try:
            finished(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", "--dpkgopt=force-unsafe-io",
                      "--aptopt=Acquire::Languages none", f"--customize-hook={HOSTS}", SUITE, unfinished], ok=True)
            unfinished.rename(file)
        except (Failed, subprocess.TimeoutExpired) as reason:
            raise Unavailable(f"no clean Debian can be had: {str(reason)[-300:]}") from reason
        finally:
            unfinished.unlink(missing_ok=True)
    return file


class Folder:
    """A clean Debian in a folder: nothing runs in it but what is called."""

    ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}

    def __init__(self, folder, archive):
        self.path = folder
        folder.mkdir()
        finished(["tar", "--extract", "--numeric-owner", "--xattrs", "--directory", folder, "--file", archive], ok=True)

    def add(self, file):
        """Copies a file into /root and gives its name there."""
        shutil.copy(file, self.path / "root")
        return f"/root/{Path(file).name}"

    def inside(self, command, user, sys=True):
        """The words that run a command in the folder, with the file systems of the kernel that every host has."""
        become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        mount = 'mount -t proc proc "$0/proc"' + (' && mount --rbind /sys "$0/sys"' if sys else "")
        script = f'{mount} && exec chroot "$0" "$@"'
        return ["unshare", "--mount", "sh", "-c", script, self.path, *become, *command]

    def run(self, *command, user="root", ok=True, sys=True):
        return finished(self.inside(command, user, sys), ok, env=self.ENVIRONMENT)

    def start(self, *command, user, log):
        """A process that goes on; its id is that of the command itself."""
        return subprocess.Popen(self.inside(command, user), env=self.ENVIRONMENT, stdin=subprocess.DEVNULL,
                                stdout=log, stderr=subprocess.STDOUT)


class Machine:
    """The same folder, booted: systemd is its first process, and its network is its own."""

    def __init__(self, folder):
        self.name = f"strome-package-{os.getpid()}"
        # As on a host of its own: the calls of io_uring, and the right to raise limits, which nspawn keeps to itself.
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", f"--directory={folder.path}", f"--machine={self.name}", "--boot", "--register=no", "--keep-unit",
             "--private-network", "--console=read-only", *self.wake_up_device(folder),
             "--system-call-filter=@aio", "--capability=CAP_SYS_RESOURCE"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self.leader = self.first_process()
            self.wait_for(lambda: self.run("systemctl", "is-system-running", "--wait", ok=None).strip() in ("running", "degraded"), "systemd")
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def wake_up_device(folder):
        """The words that give the machine this device, where the host has it: by a node of its own, so that the host's keeps its owner."""
        node = folder.path.with_name("wake-up")
        try:
            if not node.exists():
                os.mknod(node, stat.S_IFCHR | 0o600, os.stat(WAKE_UP).st_rdev)
        except OSError:
            return []
        return [f"--bind={node}:{WAKE_UP}"]

    def first_process(self):
        children = Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")
        for _ in range(100):
            if self.nspawn.poll() is not None:
                raise Failed(f"systemd-nspawn ended: {self.nspawn.stdout.read()}")
            if found := children.read_text().split():
                # Its root is the folder only after some steps of its own.
                if Path(f"/proc/{found[0]}/comm").read_text().strip() == "systemd":
                    return found[0]
            time.sleep(0.1)
        raise Failed("systemd-nspawn starts no systemd")

    def run(self, *command, ok=True):
        enter = ["nsenter", f"--target={self.leader}", "--all", "--root", "--wdns=/"]
        return finished([*enter, *command], ok, env=Folder.ENVIRONMENT)

    def may_raise_limits(self):
        """Whether this host leaves its root the right to raise limits, so that systemd in the machine can have it."""
        held = re.search(r"CapEff:\t(\w+)", self.run("cat", "/proc/1/status"))[1]
        return bool(int(held, 16) >> CAP_SYS_RESOURCE & 1)

    def may_keep_processors_awake(self):
        return "yes" in self.run("sh", "-c", f"exec 3> {WAKE_UP} && echo yes", ok=None)

    def of_unit(self, name):
        """A property of the broker's unit."""
        return self.run("systemctl", "show", "strome", f"--property={name}", "--value").strip()

    @staticmethod
    def wait_for(condition, what):
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"{what}: not within {PATIENCE_SECONDS} s")
            time.sleep(0.2)

    def stop(self):
        """To nspawn SIGTERM means an orderly shutdown. It leaves a folder behind where /run is a disk."""
        self.nspawn.terminate()
        try:
            self.nspawn.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.communicate()
        shutil.rmtree(f"/run/systemd/nspawn/propagate/{self.name}", ignore_errors=True)


def in_turn(report, tests, names):
    """Runs tests that each go on where the one before it has ended, up to the first that fails."""
    for place, name in enumerate(names):
        if not report.check(name.replace("_", " "), getattr(tests, name)):
            for other in names[place + 1:]:
                report.skipped(other.replace("_", " "), f"it goes on from what has failed: {name.replace('_', ' ')}")
            return
