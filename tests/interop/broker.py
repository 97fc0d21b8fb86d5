"""One broker of its own for a suite: started on a free loopback port, stopped, killed and started again by its pid."""
import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

from wire import Connection

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30


class BrokerFailed(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A broker process. `command` is a template in which {port}, {dir} and {settings} are filled in."""

    def __init__(self, command, folder, settings=()):
        self.port = free_port()
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.data.mkdir(parents=True)
        self.log = self.folder / "broker.log"
        self.command = []
        for word in shlex.split(command):
            if word == "{settings}":
                for setting in settings:
                    self.command += ["--override", setting.format(port=self.port)]
            else:
                self.command.append(word.format(port=self.port, dir=self.data))
        self.process = None

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise BrokerFailed(f"the broker ended with {self.process.returncode} at its start\n{self.log_end()}")
            try:
                with Connection(self.bootstrap, timeout=5) as connection:
                    if connection.metadata([])["brokers"]:
                        return self
            except (OSError, EOFError):
                pass
            time.sleep(0.05)
        raise BrokerFailed(f"the broker did not answer within {START_SECONDS_MAX} s\n{self.log_end()}")

    def stop(self):
        """Ends it as an operator would. Returns what was wrong with that, or None."""
        if self.process is None:
            return None
        complaint = None
        if self.process.poll() is not None:
            complaint = f"the broker had already ended with {self.process.returncode}\n{self.log_end()}"
        else:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(STOP_SECONDS_MAX)
                if code not in (0, 143, -signal.SIGTERM):
                    complaint = f"the broker ended with {code} when asked to stop\n{self.log_end()}"
            except subprocess.TimeoutExpired:
                complaint = f"the broker did not stop within {STOP_SECONDS_MAX} s and was killed\n{self.log_end()}"
                self.kill()
        self.process = None
        return complaint

    def kill(self):
        """kill -9, as a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def resident_bytes(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise BrokerFailed("the broker has no resident memory")

    def log_end(self, lines=15):
        try:
            text = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join("    | " + line[:300] for line in text[-lines:])
