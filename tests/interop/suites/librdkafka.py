"""librdkafka's own test suite, out of the crate that carries its sources: one process and one time-out per test.

Every test of the suite is either in librdkafka/allow.txt (it must pass; the list only grows) or in librdkafka/excluded.txt (with the
reason; the list only shrinks). A test that is in neither, or in both, fails the run. A test of which
only parts can run has its parts (test/subtest) in both: those that run in allow.txt, the others in excluded.txt.
"""
import json
import os
import re
import shutil
import subprocess
import time

from kit import Unavailable

SETTINGS = ["num.partitions=4"]  # What librdkafka's own harness gives its brokers.
TEST_SECONDS_MAX = 150
TABLE_ROW = re.compile(r"^\|\s*(?:\x1b\[\d+m)*\s*(\d{4}_\w+)\s*\|\s+(\w+) \|", re.M)
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


def prepare(kit):
    version, source = sources(kit)
    build = kit.cache / "librdkafka"
    stamp = build / ".built"
    if stamp.exists() and stamp.read_text() == version:
        return
    for tool, package in (("gcc", "gcc"), ("g++", "g++"), ("make", "make"), ("pkg-config", "pkg-config")):
        kit.command(tool, package)
    kit.debian("zlib1g-dev", "libzstd-dev", "rapidjson-dev")
    shutil.rmtree(build, ignore_errors=True)
    shutil.copytree(source, build)
    print("    building librdkafka and its tests", flush=True)
    kit.install("librdkafka's configuration", ["./configure", "--disable-gssapi", "--disable-ssl", "--disable-curl", "--disable-lz4-ext"], cwd=build)
    kit.install("librdkafka", ["make", f"-j{os.cpu_count()}", "libs"], cwd=build)
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
    conf = kit.folder / "test.conf"
    conf.write_text(f"bootstrap.servers={broker.bootstrap}\ntest.topic.random=true\n")
    env = {key: value for key, value in os.environ.items() if key != "CI"}  # With CI set it would treble its own time-outs.
    env.update(RDKAFKA_TEST_CONF=str(conf), TEST_KAFKA_VERSION="4.3.1", LD_LIBRARY_PATH="../src:../src-cpp", TEST_LEVEL="2")
    for name, options in allowed:
        if kit.only in name:
            run_test(kit, build, env, name, options.split(), tests, report)


def run_test(kit, build, env, name, options, tests, report):
    test, _, subtest = name.partition("/")
    env = dict(env, TESTS=test[:4])
    if subtest:
        env["SUBTESTS"] = subtest
    flags = {"quick": "-Q", "idempotent": "-P"}
    command = ["./test-runner", "-p1", "-L", "-s", tests[test], *[flags[option] for option in options]]
    started = time.monotonic()
    code, output = kit.call(command, seconds=TEST_SECONDS_MAX, env=env, cwd=build / "tests")
    states = dict(TABLE_ROW.findall(output))
    title = " ".join([name, *options])
    if code == 0 and states.get(test) == "PASSED":
        report.passed(title, time.monotonic() - started)
    else:
        lines = [line for line in COLOUR.sub("", output).splitlines() if line.strip() and not line.startswith(("|", "#="))]
        report.failed(title, f"exit code {code}, {states.get(test, 'no state')}\n" + "\n".join(lines[-25:]))
