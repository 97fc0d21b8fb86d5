"""A broker as a process that is started, watched and stopped."""
import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import machine

CLIENT_SECONDS_MAX = 120
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60


class Process:
    """One broker on a folder of its own. Whoever inherits says in `command` how it is started, and in `answers` whether it is there."""

    def __init__(self, kind, folder):
        self.kind, self.folder = kind, folder
        command = self.command()
        self.log = open(folder / "broker.log", "ab")
        begin = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            self.wait_for_answer(begin + START_SECONDS_MAX)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - begin

    def wait_for_answer(self, deadline):
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if self.answers():
                    return
            except (OSError, EOFError):
                time.sleep(0.002)
        raise SystemExit(f"{self.kind} does not answer: {(self.folder / 'broker.log').read_text()[-2000:]}")

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, which):
        """VmRSS (now) or VmHWM (the most so far)."""
        return int(re.search(rf"{which}:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def run_client(self, command, records, told_in, environment=None):
        """One run of a client; returns what was measured. `told_in` finds (records, seconds) in what the client says."""
        idle, cpu, own = machine.busy_seconds(), self.cpu_seconds(), children_seconds()
        begin = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=CLIENT_SECONDS_MAX, env=environment)
        seconds = time.monotonic() - begin
        time.sleep(0.2)  # What the broker does for this run after the last answer counts too.
        cpu, own = self.cpu_seconds() - cpu, children_seconds() - own
        others = max(0.0, machine.busy_seconds() - idle - cpu - own)
        told = told_in(done.stdout)
        if not told or told[0] < records:
            raise SystemExit(f"{self.kind}: the client did not get through: {done.stdout[-1500:]}")
        return {
            "records": records, "broker_cpu_s_per_million": cpu / records * 1e6, "client_cpu_s_per_million": own / records * 1e6,
            "records_per_s": records / told[1], "client_seconds": seconds, "others_cpus": others / (seconds + 0.2),
        }

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
