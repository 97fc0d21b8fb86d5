"""A broker as a process that is started, watched and stopped, and clients that are run against it."""
import contextlib
import ctypes
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import machine

CLIENT_SECONDS_MAX = 120
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60

# Of prctl(2): the signal that a process gets when the one that started it is gone.
PR_SET_PDEATHSIG = 1
PRCTL = ctypes.CDLL(None).prctl


class Failed(Exception):
    """A candidate did not get through a run. The others and the other runs go on; the message is the reason that a reader is shown."""


class Process:
    """One broker on a folder of its own. Whoever inherits says in `command` how it is started, and in `answers` whether it is there."""

    def __init__(self, kind, folder):
        self.kind, self.folder = kind, folder
        command = self.command()
        self.log = open(folder / "broker.log", "ab")
        begin = time.monotonic()
        # A session of its own, so that Ctrl-C does not reach it: it is stopped in order. It does not outlive this program, however that ends.
        try:
            self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True,
                                            preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))
        except OSError as wrong:
            self.log.close()
            raise Failed(f"the broker cannot be started: {wrong}") from wrong
        try:
            self.wait_for_answer(begin + START_SECONDS_MAX)
        except BaseException:
            self.kill()
            raise
        self.start_seconds = time.monotonic() - begin

    def wait_for_answer(self, deadline):
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.answers():
                    return
            except (OSError, EOFError):
                time.sleep(0.002)
        raise Failed(f"the broker does not answer{self.how_it_ended()}: {self.last_words()}")

    def how_it_ended(self):
        """For a sentence about what failed: nothing while the broker is up."""
        status = self.process.poll()
        return "" if status is None else f" (it ended with status {status})"

    def last_words(self):
        return (self.folder / "broker.log").read_text(errors="replace")[-2000:].strip() or "it has said nothing"

    def cpu_seconds(self):
        fields = self.proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, which):
        """VmRSS (now) or VmHWM (the most so far)."""
        found = re.search(rf"{which}:\s+(\d+)", self.proc("status"))
        if not found:
            raise Failed(f"the broker is gone: {self.last_words()}")
        return int(found[1]) / 1024

    def proc(self, name):
        try:
            return Path(f"/proc/{self.process.pid}/{name}").read_text()
        except OSError as wrong:
            raise Failed(f"the broker is gone{self.how_it_ended()}: {self.last_words()}") from wrong

    def call(self, command, seconds=CLIENT_SECONDS_MAX, environment=None):
        """Runs a client to its end; what it says. One that fails, or is not done in time, fails the run."""
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace",
                                  timeout=seconds, env=environment)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{Path(command[0]).name} was not done after {seconds} s{self.how_it_ended()}") from late
        except OSError as wrong:
            raise Failed(f"{Path(command[0]).name} cannot be run: {wrong}") from wrong
        if done.returncode != 0:
            raise Failed(f"{Path(command[0]).name} failed{self.how_it_ended()}: {done.stdout.strip()[-1500:]}")
        return done.stdout

    def run_client(self, command, records, told_in, environment=None):
        """One run of a client; returns what was measured. `told_in` finds (records, seconds) in what the client says."""
        (busy, stolen), cpu, own = machine.cpu_seconds(), self.cpu_seconds(), children_seconds()
        begin = time.monotonic()
        output = self.call(command, environment=environment)
        seconds = time.monotonic() - begin
        time.sleep(0.2)  # What the broker does for this run after the last answer counts too.
        cpu, own = self.cpu_seconds() - cpu, children_seconds() - own
        busy, stolen = (now - before for now, before in zip(machine.cpu_seconds(), (busy, stolen)))
        others = max(0.0, busy - cpu - own)
        told = told_in(output)
        if not told or told[0] < records:
            raise Failed(f"the client did not get through: {output.strip()[-1500:]}")
        return {
            "records": records, "broker_cpu_s_per_million": cpu / records * 1e6, "client_cpu_s_per_million": own / records * 1e6,
            "records_per_s": records / told[1], "client_seconds": seconds, "others_cpus": others / (seconds + 0.2), "stolen_cpus": stolen / (seconds + 0.2),
        }

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS_MAX)
        self.kill()

    def kill(self):
        """At once; nothing happens to one that is gone already."""
        self.process.kill()
        self.process.wait()
        self.log.close()


@contextlib.contextmanager
def running(start, kind, disk, kept_log):
    """A broker that `start` makes of its kind and an empty folder. Of one that fails the log is kept in the file `kept_log`; nothing else is left."""
    folder = Path(tempfile.mkdtemp(prefix=f"strome-compare-{kind}-", dir=disk))
    try:
        server = start(kind, folder)
        try:
            yield server
        except BaseException:
            server.kill()
            raise
        server.stop()
    except Exception:
        with contextlib.suppress(OSError):
            shutil.copyfile(folder / "broker.log", kept_log)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
