"""What the suites are made of: tools from the ordinary registries by their ordinary clients, kept in .cache beside this file."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS_MAX = 900


ROOT = Path(__file__).resolve().parent.parent.parent


def named_binary():
    """The one that $STROME_BIN names, if it names one."""
    named = os.environ.get("STROME_BIN")
    return Path(named).resolve() if named else None


def strome():
    """The binary that is tested and measured: the one that $STROME_BIN names, or that of this checkout, which is built if it is not there."""
    if named := named_binary():
        return named
    binary = ROOT / "target" / "release" / "strome"
    if not binary.exists():
        print("building target/release/strome", flush=True)
        subprocess.run(["cargo", "build", "--release", "--bin", "strome"], cwd=ROOT, check=True)
    return binary


class Unavailable(Exception):
    """Something that a suite needs cannot be had on this machine; the suite is skipped, loudly."""


class Kit:
    def __init__(self, here):
        self.here = here
        self.root = ROOT
        self.cache = here / ".cache"
        self.cache.mkdir(exist_ok=True)
        self.folder = None
        self.only = ""
        self.against = "strome"
        self._apt_is_fresh = False

    # --- the broker -------------------------------------------------------------------------------------------------

    def broker_command(self, against):
        if against == "kafka":
            return f"{sys.executable} {self.here}/kafka_broker.py {self.java_libraries()} {{port}} {{dir}} {{settings}}"
        return f"{self.strome()} serve --override listeners=PLAINTEXT://127.0.0.1:{{port}} --override log.dirs={{dir}} {{settings}}"

    strome = staticmethod(strome)

    # --- installing -------------------------------------------------------------------------------------------------

    def install(self, what, command, cwd=None):
        """Runs an installer; its output goes to .cache/install.log."""
        log = self.cache / "install.log"
        with open(log, "a") as out:
            out.write(f"\n== {what}: {' '.join(map(str, command))}\n")
            out.flush()
            try:
                done = subprocess.run(list(map(str, command)), cwd=cwd, stdout=out, stderr=out, stdin=subprocess.DEVNULL, timeout=INSTALL_SECONDS_MAX)
            except (OSError, subprocess.TimeoutExpired) as wrong:
                raise Unavailable(f"{what} could not be installed: {wrong}") from wrong
        if done.returncode:
            raise Unavailable(f"{what} could not be installed (see {log.relative_to(self.root)})")

    def command(self, name, package=None):
        """The path of a command; where a Debian package is named, from that when it is missing."""
        found = shutil.which(name)
        if not found and package:
            self.debian(package)
            found = shutil.which(name)
        if not found:
            raise Unavailable(f"{name} is not on this machine")
        return found

    def debian(self, *packages):
        if not shutil.which("dpkg-query"):
            return  # Elsewhere they have other names; whoever needs them says what is missing.
        missing = [package for package in packages if subprocess.run(
            ["dpkg-query", "-W", "-f=${Status}", package], capture_output=True, text=True).stdout != "install ok installed"]
        if not missing:
            return
        if os.geteuid() != 0:
            raise Unavailable(f"{' '.join(missing)} is not installed, and only root can install it")
        if not self._apt_is_fresh:
            self.install("the list of Debian packages", ["apt-get", "update", "-q"])
            self._apt_is_fresh = True
        self.install(" ".join(missing), ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing])

    def python(self):
        """A python with the packages of python/requirements.txt, in a virtual environment."""
        wanted = self.here / "python" / "requirements.txt"
        folder = self.cache / "python"
        stamp = folder / ".installed"
        binary = folder / "bin" / "python"
        if not stamp.exists() or stamp.read_text() != wanted.read_text():
            self.install("a virtual environment", [sys.executable, "-m", "venv", "--clear", folder])
            self.install("the Python clients", [binary, "-m", "pip", "install", "-q", "-r", wanted])
            stamp.write_text(wanted.read_text())
        return binary

    def java_libraries(self, name="pom.xml"):
        """The folder with Kafka's jars: what a pom of java/ asks for."""
        pom = self.here / "java" / name
        folder = self.cache / name.replace("pom", "java").removesuffix(".xml")
        stamp = folder / ".installed"
        if not stamp.exists() or stamp.read_text() != pom.read_text():
            self.command("java", "default-jdk-headless")
            shutil.rmtree(folder, ignore_errors=True)
            self.install("Kafka's jars", [self.command("mvn", "maven"), "-q", "-B", "-f", pom, "dependency:copy-dependencies", f"-DoutputDirectory={folder}"])
            stamp.write_text(pom.read_text())
        return folder

    # --- running ----------------------------------------------------------------------------------------------------

    def call(self, command, seconds=60, stdin=None, env=None, cwd=None):
        """Runs a client to its end; returns (exit code or None on a time-out, output with errors)."""
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, env=env, cwd=cwd, start_new_session=True)
        try:
            output, _ = process.communicate(stdin, timeout=seconds)
            return process.returncode, output.decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            output, _ = process.communicate()
            return None, output.decode(errors="replace") + f"\n(no end within {seconds} s)"
