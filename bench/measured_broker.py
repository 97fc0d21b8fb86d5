"""A broker for a measurement, and what is measured of it."""
import contextlib
import json
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from broker import free_port

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60


def cpu_seconds(pid):
    """Of all threads of a process, also those that have ended, to the nanosecond; the kernel's helpers for a broker's rings are among them."""
    return time.clock_gettime(~pid << 3 | 2)  # As clock_getcpuclockid(3) makes them.


class Broker:
    """A broker on a folder, which may have been another one's. It is stopped at the end; nobody waits for its beginning."""

    def __init__(self, strome, folder, settings=()):
        self.address = f"127.0.0.1:{free_port()}"
        self.log = folder / "broker.log"
        settings = [f"listeners=PLAINTEXT://{self.address}", f"log.dirs={folder}/log", "strome.admin.listener=", *settings]
        overrides = [word for setting in settings for word in ("--override", setting)]
        with open(self.log, "ab") as output:
            self.begun = time.monotonic()
            self.process = subprocess.Popen([strome, "serve", *overrides], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def give_time(self, seconds):
        """To start. Ends this program if the broker has ended, or has had time enough."""
        if self.process.poll() is not None or time.monotonic() > self.begun + START_SECONDS_MAX:
            raise SystemExit("the broker did not start:\n" + self.log.read_text(errors="replace")[-2000:])
        time.sleep(seconds)

    def resident_mib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())[1]) / 1024


@contextlib.contextmanager
def started(strome, folder, settings=()):
    """A broker on an empty folder that is ready."""
    with tempfile.TemporaryDirectory(dir=folder) as data, Broker(strome, Path(data), settings) as broker:
        while "\nready" not in broker.log.read_text(errors="replace"):
            broker.give_time(0.05)
        yield broker


# What takes much room, or is the same for all runs.
LEFT_OUT = ("brokers", "curve_us", "durability", "format", "host", "plan", "series", "tool", "topics")


def without(found):
    if not isinstance(found, dict):
        return found
    return {key: without(value) for key, value in found.items() if key not in LEFT_OUT}


def output(command):
    """What a command tells as JSON. Ends this program with the command's own words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{(done.stderr or done.stdout)[-2000:].strip()}")
    return json.loads(done.stdout)


def result(command):
    """What `strome bench` has found, in short."""
    return without(output(command))
