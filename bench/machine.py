"""What a machine is, as far as it matters for a measurement."""
import os
import platform
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

# More than this of the cores, and a run is one of the hypervisor as much as of the broker. What other programs use is no reason: some of it is the
# kernel's, which writes for a broker what that has left in the page cache.
WITHHELD_CPUS_MAX = 0.1

# Where a process says how long processors may take to wake up; it counts for as long as the process has the file open.
WAKE_UP = "/dev/cpu_dma_latency"

AUTOGROUP = Path("/proc/sys/kernel/sched_autogroup_enabled")


def output(*command, cwd=Path(__file__).parent):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def cpu_seconds():
    """CPU seconds since this machine was started, all cores together: what anything on it has used, and what a hypervisor withheld."""
    fields = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    user, nice, system, _idle, _iowait, irq, softirq, stolen = (ticks / os.sysconf("SC_CLK_TCK") for ticks in fields)
    return user + nice + system + irq + softirq, stolen


def is_withheld(run):
    """Whether the hypervisor kept too much of the machine to itself during a run."""
    return run.get("stolen_cpus", 0) > WITHHELD_CPUS_MAX


@contextmanager
def awake():
    """Keeps all processors from sleeping while they have nothing to do. Yields whether the system lets it."""
    try:
        file = os.open(WAKE_UP, os.O_WRONLY)
    except OSError:
        yield False
        return
    try:
        os.write(file, bytes(4))  # No microsecond, as an i32.
        yield True
    finally:
        os.close(file)


def describe(disk, strome, librdkafka):
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    model = re.sub(r"\s+", " ", model[1]) if model else platform.machine()
    flags = re.search(r"flags\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory_gib = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) / 1024 / 1024
    cores = len(os.sched_getaffinity(0))
    source, kind, options = (output("findmnt", "-no", "SOURCE,FSTYPE,OPTIONS", "-T", str(disk)).split(None, 2) + ["?"] * 3)[:3]
    word = re.sub(r"\(.*?\)|CPU|Processor|@.*", "", model).lower()
    return {
        "name": f"{'-'.join(word.split())}-{cores}-cores-{memory_gib:.0f}-gib",
        "cpu": model, "cores": cores, "virtual": bool(flags) and "hypervisor" in flags[1].split(), "memory_gib": round(memory_gib, 1),
        "kernel": platform.release(), "autogroup": autogroup(), "disk": f"{kind} ({options}) on {source}",
        "strome": output(str(strome), "--version"),
        "strome_commit": output("git", "describe", "--always", "--abbrev=10", "--dirty", cwd=strome.parent),  # Of the checkout that it was built in.
        "rustc": output("rustc", "--version"), "java": output("java", "--version").split("\n")[0], "kafka": kafka_version(),
        "client": f"rdkafka_performance of rdkafka-sys {librdkafka}",
    }


def autogroup():
    """Whether the kernel shares processors out between sessions before it does between threads; None where it cannot."""
    try:
        return AUTOGROUP.read_text().strip() != "0"
    except OSError:
        return None


def kafka_version():
    pom = (Path(__file__).parent.parent / "tests" / "interop" / "java" / "pom.xml").read_text()
    return re.search(r"kafka_2\.13</artifactId>\s*<version>(.*?)<", pom)[1]
