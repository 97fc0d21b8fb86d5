"""librdkafka's own test suite, out of the crate that carries its sources: one process and one time-out per test.

Every test of the suite is either in librdkafka/allow.txt (it must pass; the list only grows) or in librdkafka/excluded.txt (with the
reason; the list only shrinks). A test that is in neither, or in both, fails the run. A test of which
only parts can run has its parts (test/subtest) in both: those that run in allow.txt, the others in excluded.txt.

Most of a test's time is waiting (for a session to end, for a topic to be noticed), so several run at once, with topics and groups of
their own. Those that measure time or look at everything in the cluster say `alone` in the list, and run after all others.
"""
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from kit import Unavailable

SETTINGS = ["num.partitions=4"]  # What librdkafka's own harness gives its brokers.
TEST_SECONDS_MAX = 180
AT_ONCE = 8  # So many waiting clients do not fill two cores.
TABLE_ROW = re.compile(r"^\|\s*(\d{4}_\w+)\s*\|\s+(\w+) \|", re.M)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def sources(kit):
    manifest = kit.here / "librdkafka" / "Cargo.toml"
    done = subprocess.run(["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", str(manifest)], capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"the crate with librdkafka's sources could not be fetched: {done.stderr.strip()[-300:]}")
    for package in json.loads(done.stdout)["packages"]:
        if package["name"] == "rdkafka-sys":
            return package["version"], os.path.join(os.path.dirname(package["manifest_path"]), "librdkafka")
    raise Unavailable("cargo does not know the crate with librdkafka's sources")


def library(kit):
    """Builds the library and its tools, if they are not there; the version."""
    version, source = sources(kit)
    build = kit.cache / "librdkafka"
    stamp = build / ".library"
    if any(done.exists() and done.read_text() == version for done in (stamp, build / ".built")):
        return version
    for tool, package in (("gcc", "gcc"), ("g++", "g++"), ("make", "make"), ("pkg-config", "pkg-config")):
        kit.command(tool, package)
    kit.debian("zlib1g-dev", "libzstd-dev", "rapidjson-dev")
    shutil.rmtree(build, ignore_errors=True)
    shutil.copytree(source, build)
    print("    building librdkafka", flush=True)
    kit.install("librdkafka's configuration", ["./configure", "--disable-gssapi", "--disable-ssl", "--disable-curl", "--disable-lz4-ext"], cwd=build)
    kit.install("librdkafka", ["make", f"-j{os.cpu_count()}", "libs"], cwd=build)
    stamp.write_text(version)
    return version


def prepare(kit):
    try:
        kit.java_libraries()
    except Unavailable:
        pass  # Only some tests need them.
    version = library(kit)
    build = kit.cache / "librdkafka"
    stamp = build / ".built"
    if stamp.exists() and stamp.read_text() == version:
        return
    print("    building librdkafka's tests", flush=True)
    kit.install("librdkafka's tests", ["make", f"-j{os.cpu_count()}", "-C", "tests", "build"], cwd=build)
    stamp.write_text(version)


def all_tests(build):
    """Name -> scenario of every test in the suite's own table."""
    text = (build / "tests" / "test.c").read_text()
    table = text[text.index("struct test tests[] = {"):]
    table = table[:table.index("{NULL}")]
    tests = {}
    for entry in re.split(r"\b_TEST\(", table)[1:]:
        scenario = re.search(r'\.scenario\s*=\s*"([^",]*)', entry)
        tests[re.match(r"\w+", entry)[0]] = scenario[1] if scenario else "default"
    return tests


def entries(path):
    """(first word, rest) of each line."""
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def check_lists(tests, allowed, excluded):
    allowed, excluded = {name.split("/")[0] for name, _ in allowed}, {name for name, _ in excluded if "/" not in name}
    wrong = [f"{name} is in no list" for name in tests if name not in allowed | excluded]
    wrong += [f"{name} is in both lists" for name in allowed & excluded]
    wrong += [f"{name} is in a list, and no test" for name in (allowed | excluded) - set(tests)]
    if wrong:
        raise AssertionError("; ".join(wrong))


def run(kit, broker, report):
    build = kit.cache / "librdkafka"
    tests = all_tests(build)
    allowed = list(entries(kit.here / "librdkafka" / "allow.txt"))
    excluded = list(entries(kit.here / "librdkafka" / "excluded.txt"))
    report.check("every test is in exactly one list", check_lists, tests, allowed, excluded)
    for name, reason in excluded:
        report.skipped(name, reason)
    chosen = [Test(name, options.split()) for name, options in allowed if kit.only in f"{name} {options}"]
    try:
        distribution = kafka_distribution(kit)
    except Unavailable as reason:
        distribution = None
        for test in chosen:
            if test.tools:
                report.skipped(test.title, str(reason))
        chosen = [test for test in chosen if not test.tools]
    Runner(kit, build, environment(kit, broker, distribution), tests).run(chosen, report)


def environment(kit, broker, distribution):
    conf = kit.folder / "test.conf"
    conf.write_text(f"bootstrap.servers={broker.bootstrap}\ntest.topic.random=true\n")
    env = {key: value for key, value in os.environ.items() if key != "CI"}  # With CI set it would treble its own time-outs.
    env.update(RDKAFKA_TEST_CONF=str(conf), TEST_KAFKA_VERSION="4.3.1", LD_LIBRARY_PATH="../src:../src-cpp", TEST_LEVEL="2")
    if distribution:
        env.update(KAFKA_PATH=str(distribution), BROKERS=broker.bootstrap)
    return env


def kafka_distribution(kit):
    """What the tests call of a distribution of Kafka: bin/kafka-topics.sh."""
    script = kit.folder / "kafka" / "bin" / "kafka-topics.sh"
    java = f"java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '{kit.java_libraries()}/*'"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec {java} org.apache.kafka.tools.TopicCommand "$@"\n')
    script.chmod(0o755)
    return script.parent.parent


# What a word behind a test's name means for librdkafka's runner: its flags, and its environment.
FLAGS = {"quick": "-Q", "idempotent": "-P"}
ENVIRONMENT = {"consumer": {"TEST_CONSUMER_GROUP_PROTOCOL": "consumer"}}
# And what it means for us.
LONG, ALONE, TOOLS = "long", "alone", "tools"
OURS = {LONG, ALONE, TOOLS}


class Test:
    """A line of allow.txt."""

    def __init__(self, name, words):
        unknown = set(words) - {*FLAGS, *ENVIRONMENT, *OURS}
        if unknown:
            raise AssertionError(f"{name}: {', '.join(unknown)} means nothing")
        self.test, _, part = name.partition("/")
        self.subtest = part.replace("+", " ")
        self.long, self.alone, self.tools = LONG in words, ALONE in words, TOOLS in words
        self.flags = [FLAGS[word] for word in words if word in FLAGS]
        self.environment = {key: value for word in words for key, value in ENVIRONMENT.get(word, {}).items()}
        self.environment["TESTS"] = self.test[:4]
        if self.subtest:
            self.environment["SUBTESTS"] = self.subtest
        self.title = " ".join([name, *(word for word in words if word not in OURS)])


class Runner:
    def __init__(self, kit, build, env, scenarios):
        self.kit, self.folder, self.env, self.scenarios = kit, build / "tests", env, scenarios
        # Two runs of one test may share what random names do not keep apart, as a pattern of topics: one at a time.
        self.one_at_a_time = defaultdict(threading.Lock)

    def run(self, chosen, report):
        """Starts the long ones first, so that they do not end last, and tells of all in the list's order."""
        beside, alone = [test for test in chosen if not test.alone], [test for test in chosen if test.alone]
        results = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for test in sorted(beside, key=lambda test: not test.long):
                results[test] = pool.submit(self.call, test)
            for test in beside:
                result = results[test].result()
                if result.failure:
                    # A slow machine is not the broker's fault, and what failed is told either way.
                    report.say(f"    ...  {test.title} fails beside others, and is run again alone: {result.last_words()}")
                    alone.append(test)
                else:
                    report.passed(test.title, result.seconds)
        for test in alone:
            result = self.call(test)
            if result.failure:
                report.failed(test.title, result.failure)
            else:
                report.passed(test.title, result.seconds)

    def call(self, test):
        command = ["./test-runner", "-p1", "-L", "-s", self.scenarios[test.test], *test.flags]
        with self.one_at_a_time[test.test, test.subtest]:
            started = time.monotonic()
            code, output = self.kit.call(command, seconds=TEST_SECONDS_MAX, env={**self.env, **test.environment}, cwd=self.folder)
            return Result(test, time.monotonic() - started, code, COLOUR.sub("", output))


class Result:
    """How a run ended. `failure` says why it did not pass, and is None if it did."""

    def __init__(self, test, seconds, code, output):
        self.seconds, self.output, self.failure = seconds, output, None
        state = dict(TABLE_ROW.findall(output)).get(test.test, "no state")
        if state == "PASSED" and test.subtest and not re.search(rf"^\[.*\[ .*{re.escape(test.subtest)}.*: PASS", output, re.M):
            state = "not run"  # A part that does not exist fails nothing.
        if code != 0 or state != "PASSED":
            self.failure = f"exit code {code}, {state}\n" + "\n".join(self.last_lines())

    def last_lines(self):
        lines = [line for line in self.output.splitlines() if line.strip() and not line.startswith(("|", "#=")) and " test(s) running" not in line]
        return lines[-25:]

    def last_words(self):
        complaint = re.search(r"^### Test .*\n(.*)", self.output, re.M)
        return complaint[1] if complaint else self.failure.splitlines()[0]
