"""A broker for a measurement, and what is measured of it."""
import contextlib
import json
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def started(strome, folder, settings=()):
    """A broker on an empty folder; its address."""
    with tempfile.TemporaryDirectory(dir=folder) as data:
        address = f"127.0.0.1:{free_port()}"
        log = Path(data) / "broker.log"
        settings = [f"listeners=PLAINTEXT://{address}", f"log.dirs={data}/log", "strome.admin.listener=", *settings]
        overrides = [word for setting in settings for word in ("--override", setting)]
        with open(log, "w") as output:
            process = subprocess.Popen([strome, "serve", *overrides], stdout=output, stderr=output)
        try:
            until = time.monotonic() + START_SECONDS_MAX
            while "\nready" not in log.read_text():
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("the broker did not start:\n" + log.read_text())
                time.sleep(0.05)
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


# What takes much room, or is the same for all runs.
LEFT_OUT = ("brokers", "curve_us", "durability", "format", "host", "plan", "series", "tool", "topics")


def without(found):
    if not isinstance(found, dict):
        return found
    return {key: without(value) for key, value in found.items() if key not in LEFT_OUT}


def result(command):
    """What `strome bench` has found, in short."""
    return without(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
