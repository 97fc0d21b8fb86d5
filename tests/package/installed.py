"""The package where no systemd runs, as in a container: what it puts where, and what the maintainer scripts do."""
import re
import shutil
import socket
import subprocess
import time

from clean import PATIENCE_SECONDS, Failed, in_turn

UNIT = "/lib/systemd/system/strome.service"
SETTINGS = "/etc/strome/server.properties"
# What is installed is world-readable and root's, and nobody else's to write.
FILES = {
    "/usr/bin/strome": "755",
    SETTINGS: "644",
    UNIT: "644",
    "/usr/lib/sysusers.d/strome.conf": "644",
    "/usr/share/bash-completion/completions/strome": "644",
    "/usr/share/zsh/vendor-completions/_strome": "644",
    "/usr/share/fish/vendor_completions.d/strome.fish": "644",
    "/usr/share/doc/strome/copyright": "644",
    "/usr/share/doc/strome/changelog.Debian.gz": "644",
    "/usr/share/doc/strome/README.md": "644",
}
# systemd's own measure, from 0 (cannot do anything) to 100.
EXPOSURE_MAX = 15


def equal(found, wanted, what):
    if found != wanted:
        raise Failed(f"{what}: {found!r} and not {wanted!r}")


def contains(text, part):
    if part not in text:
        raise Failed(f"{part!r} is not in: {text}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def overrides(settings):
    return [word for key, value in settings.items() for word in ("--override", f"{key}={value}")]


class Installed:
    """The tests in their order: each goes on where the one before it has ended."""

    def __init__(self, root, packages):
        self.root, self.package, self.newer = root, packages[0], packages[1]
        # It takes longest, and meanwhile the rest is tried.
        if shutil.which("lintian"):
            self.lintian = subprocess.Popen(["lintian", "--display-level", ">=warning", "--allow-root", self.package],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def it_installs(self):
        said = self.root.run("dpkg", "--install", self.root.add(self.package))
        contains(said, "nothing is started yet")
        equal(self.root.run("dpkg", "--verify", "strome"), "", "what is not as packed")

    def every_file_is_there_and_root_s(self):
        for file, mode in FILES.items():
            equal(self.root.run("stat", "--format=%a %U:%G", file).strip(), f"{mode} root:root", file)
        contains(self.root.run("dpkg-query", "--show", "--showformat=${Conffiles}", "strome"), SETTINGS)

    def the_broker_has_a_user_without_a_shell_and_a_directory(self):
        entry = self.root.run("getent", "passwd", "strome").strip().split(":")
        equal(entry[5:], ["/var/lib/strome", "/usr/sbin/nologin"], "home and shell")
        equal(int(entry[2]) < 1000, True, "a user of the system")
        equal(self.root.run("stat", "--format=%a %U:%G", "/var/lib/strome").strip(), "750 strome:strome", "the directory")

    def every_command_has_its_page(self):
        for page in "strome", "strome-serve", "strome-config-check", "strome-tune-apply":
            contains(self.root.run("man", "--where", "1", page), f"/{page}.1.gz")

    def bash_completes(self):
        script = 'source /usr/share/bash-completion/completions/strome; COMP_WORDS=(strome to); COMP_CWORD=1; '
        said = self.root.run("bash", "-c", script + '_strome strome to strome; echo "${COMPREPLY[@]}"')
        contains(said, "topics")

    def the_settings_are_sound_for_the_user_of_the_broker(self):
        contains(self.root.run("strome", "config", "check", SETTINGS, user="strome"), "a broker starts with it: 0 problems")

    def systemd_takes_the_unit_and_finds_it_hardened(self):
        equal(self.root.run("systemd-analyze", "verify", UNIT), "", "what systemd says of it")
        said = self.root.run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", UNIT)
        print("        ", re.search(r"Overall exposure level.*", said)[0])

    def without_sys_the_broker_says_what_is_missing(self):
        serve = ["strome", "serve", *overrides({"log.dirs": "/root/data", "listeners": "PLAINTEXT://127.0.0.1:0", "strome.admin.listener": ""})]
        contains(self.root.run(*serve, ok=False, sys=False), "mount /sys")

    def a_record_is_written_and_read(self):
        with self._broker() as broker:
            broker.strome("topics", "create", "greetings", "--partitions", "2")
            broker.write("first light")
            equal(broker.records(), ["first light"], "what is read")

    def an_upgrade_keeps_settings_and_data(self):
        self.root.run("sh", "-c", f"echo num.partitions=7 >> {SETTINGS}")
        self.root.run("dpkg", "--install", self.root.add(self.newer))
        equal(self.root.run("dpkg-query", "--show", "--showformat=${Version}", "strome").endswith("-2"), True, "the newer one")
        contains(self.root.run("cat", SETTINGS), "\nnum.partitions=7\n")
        with self._broker() as broker:
            equal(broker.records(), ["first light"], "what is read")

    def a_removal_keeps_settings_data_and_user(self):
        self.root.run("sh", "-c", "mkdir /var/lib/strome-tune; touch /var/lib/strome-tune/state.json")
        contains(self.root.run("dpkg", "--remove", "strome"), "strome tune undo")
        self.root.run("rm", "/var/lib/strome-tune/state.json")
        equal(self.root.run("sh", "-c", f"ls -d {UNIT} /usr/bin/strome; true").count("No such file"), 2, "files")
        self.root.run("ls", SETTINGS, "/var/lib/strome/greetings-0")
        self.root.run("getent", "passwd", "strome")

    def a_purge_keeps_the_data_and_says_so(self):
        contains(self.root.run("dpkg", "--purge", "strome"), "data stays in /var/lib/strome")
        self.root.run("ls", "/var/lib/strome/greetings-0")
        self.root.run("ls", "/etc/strome", ok=False)

    def a_purge_without_data_leaves_nothing(self):
        self.root.run("rm", "--recursive", "/var/lib/strome")
        self.root.run("dpkg", "--install", self.root.add(self.package))
        self.root.run("dpkg", "--purge", "strome")
        left = self.root.run("find", "/etc", "/usr", "/var/lib", "-name", "*strome*").splitlines()
        equal(left, [], "what is left")

    def lintian_finds_nothing(self):
        said, _ = self.lintian.communicate(timeout=PATIENCE_SECONDS)
        equal((self.lintian.returncode, said), (0, ""), "lintian")

    def _broker(self):
        return Broker(self.root)


class Broker:
    """The installed broker with the installed settings, started as its user by hand, on a port of its own."""

    def __init__(self, root):
        self.root, self.address = root, f"127.0.0.1:{free_port()}"

    def __enter__(self):
        self.log = open(self.root.path / "root/broker.log", "a+", encoding="utf-8")
        settings = {"listeners": f"PLAINTEXT://{self.address}", "advertised.listeners": f"PLAINTEXT://{self.address}", "strome.admin.listener": ""}
        self.process = self.root.start("strome", "serve", "--config", SETTINGS, *overrides(settings), user="strome", log=self.log)
        for _ in range(600):
            if self.process.poll() is not None:
                raise Failed(f"the broker has ended: {self.told()}")
            try:
                self.strome("topics", "list")
                return self
            except Failed:
                time.sleep(0.2)
        raise Failed(f"the broker does not answer: {self.told()}")

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(60)
        equal(code, 0, f"the end of the broker, {self.told()}")

    def told(self):
        self.log.seek(0)
        return self.log.read()

    def strome(self, *words):
        return self.root.run("strome", *words, "--bootstrap-server", self.address)

    def write(self, record):
        self.root.run("sh", "-c", 'echo "$0" | strome produce greetings --bootstrap-server "$1"', record, self.address)

    def records(self):
        """The first record, and no more: what is said of it comes behind it."""
        return self.strome("consume", "greetings", "--from-beginning", "--max-messages", "1").splitlines()[:1]


def run(report, root, packages):
    tests = Installed(root, packages)
    names = [name for name in vars(Installed) if not name.startswith("_")]
    # It has nothing to do with the others, and ends last.
    names.remove("lintian_finds_nothing")
    in_turn(report, tests, names)
    if shutil.which("lintian"):
        in_turn(report, tests, ["lintian_finds_nothing"])
    else:
        report.skipped("lintian finds nothing", "there is no lintian")
