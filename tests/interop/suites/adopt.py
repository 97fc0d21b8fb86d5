"""`strome log adopt`: a data directory that Apache Kafka has filled (java/Adopted.java) is taken over by Strome.

For each release of Kafka: it is filled with every codec, several segments, compaction, transactions, deleted records, offsets
of groups and settings, and stopped. Then everything that a client can see has to be the same with Strome, which goes on
writing there; and Kafka's own tool reads what came of it.
"""
import json
import re
import shutil
import sys

from broker import Broker
from kit import Unavailable

RESTARTS_BROKER = True
RELEASES = {"4.3.1": "pom.xml", "3.9.1": "pom-3.9.xml"}
SECONDS_MAX = 240
SETTINGS_OF_KAFKA = ("offsets.topic.num.partitions=3", "transaction.state.log.num.partitions=3", "log.cleaner.backoff.ms=300",
                     "log.cleaner.dedupe.buffer.size=2000000")

# What Kafka says of itself and of coordinators, and Strome cannot: none of it is about data.
NOT_COMPARED = re.compile(r"^setting of all brokers (?!message\.max\.bytes)")


def prepare(kit):
    kit.java_libraries()


def run(kit, broker, report):
    if kit.against == "kafka":
        report.skipped("the whole suite", "it is about taking over from Kafka")
        return
    complaint = broker.stop()
    if complaint:
        report.failed("the suite's own broker stops", complaint)
    for release, pom in RELEASES.items():
        if kit.only not in release:
            continue
        try:
            jars = kit.java_libraries(pom)
        except Unavailable as reason:
            report.skipped(f"Kafka {release}", str(reason))
            continue
        node = Node(kit, release, jars)
        try:
            for step in STEPS:
                name = f"{release}: {step.__doc__}"
                if not report.check(name, step, node):
                    break  # What follows builds on it.
        finally:
            node.kill()
    broker.start()


class Node:
    """A node's data directory with the brokers that use it, one after the other."""

    def __init__(self, kit, release, jars):
        self.kit, self.jars = kit, jars
        self.folder = kit.folder / f"kafka-{release}"
        command = f"{sys.executable} {kit.here}/kafka_broker.py {jars} {{port}} {{dir}} {{settings}}"
        self.kafka = Broker(command, self.folder, SETTINGS_OF_KAFKA)
        self.settings = self.folder / "kafka.properties"
        self.strome = None
        self.before = None

    @property
    def data(self):
        return self.kafka.data

    def java(self, mode, bootstrap):
        # One client for all releases: what differs is then the broker's.
        libraries = self.kit.java_libraries()
        code, output = self.kit.call(["java", "-Xmx512m", "-cp", f"{libraries}/*", self.kit.here / "java" / "Adopted.java", mode, bootstrap], seconds=SECONDS_MAX)
        if code != 0:
            raise AssertionError(f"Adopted {mode} ends with {code}: {output[-3000:]}")
        return output

    def seen(self, bootstrap):
        lines = [line for line in self.java("read", bootstrap).splitlines() if re.match(r"(cluster|topic|setting|partition) ", line)]
        return [line for line in lines if not NOT_COMPARED.match(line)]

    def log(self, *words, code=0):
        found, output = self.kit.call([self.kit.strome(), "log", *words], seconds=120)
        if found != code:
            raise AssertionError(f"strome log {' '.join(map(str, words))} ends with {found} instead of {code}: {output[-3000:]}")
        return output

    def adopt(self, *words, code=0, settings=None):
        return self.log("adopt", "--config", settings or self.settings, "--from", self.data, *words, code=code)

    def files(self):
        """Every file with its size and the time of its last change."""
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in self.data.rglob("*")}

    def kill(self):
        self.kafka.kill()
        if self.strome:
            self.strome.kill()


def holds(output, *wanted):
    for text in wanted:
        if text not in output:
            raise AssertionError(f"{text!r} is not in: {output[-3000:]}")


def stops(broker):
    complaint = broker.stop()
    if complaint:
        raise AssertionError(complaint)


def fill(node):
    """Kafka is filled"""
    node.kafka.start()
    holds(node.java("fill", node.kafka.bootstrap), "filled")


def refuse_running(node):
    """a directory on which Kafka runs is refused"""
    holds(node.adopt("--execute", code=1), "a broker is running on it")
    holds(node.log("verify", node.data, code=2), "a broker is running on it")


def look_at_kafka(node):
    """Kafka tells what it has, and stops"""
    node.before = node.seen(node.kafka.bootstrap)
    records = sum(int(re.search(r": (\d+) records", line).group(1)) for line in node.before if line.startswith("partition "))
    if records < 10_000 or not any("partition __consumer_offsets" in line for line in node.before):
        raise AssertionError(f"only {records} records: {node.before}")
    stops(node.kafka)


def verify_kafka(node):
    """what Kafka has left is sound"""
    found = json.loads(node.log("verify", node.data, "--output", "json"))
    if found["records"] < 10_000 or found["segments"] < 20:
        raise AssertionError(str(found)[:1000])


def dry_run(node):
    """a dry run tells what would be done, and changes nothing"""
    before = node.files()
    output = node.adopt()
    holds(output, "Nothing was changed", "Would be changed", "SCRAM credentials of alice", "client quotas", "retention.ms=987654321",
          "__consumer_offsets", "segment.jitter.ms=5")
    if node.files() != before:
        raise AssertionError("something was changed")
    if " gone " in output:
        raise AssertionError(f"a deleted topic is told of: {output}")


def refuse(node):
    """another node's settings, an unclean stop and a lost directory are refused"""
    before = node.files()
    other = node.folder / "other.properties"
    other.write_text(node.settings.read_text().replace("node.id=1", "node.id=9"))
    holds(node.adopt("--execute", code=1, settings=other), "belongs to node 1")
    tiered = node.folder / "tiered.properties"
    tiered.write_text(node.settings.read_text() + "remote.log.storage.system.enable=true\n")
    holds(node.adopt("--execute", code=1, settings=tiered), "tiered storage")
    marker = node.data / ".kafka_cleanshutdown"
    aside = node.folder / "marker"
    shutil.move(marker, aside)
    holds(node.adopt("--execute", code=1), "was not stopped cleanly")
    shutil.move(aside, marker)
    lost, aside = node.data / "cut-0", node.folder / "cut-0"
    shutil.move(lost, aside)
    holds(node.adopt("--execute", code=1), "cut-0 has no log", "--partial")
    shutil.move(aside, lost)
    after = node.files()
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} - {str(node.data)}
    if changed:
        raise AssertionError(f"something was changed: {changed}")


def execute(node):
    """it is taken over, after an attempt that was interrupted, and once only"""
    draft = node.data / "strome-metadata.adopting"
    draft.mkdir()
    (draft / "00000000000000000001.entries").write_bytes(b"half")
    before = node.files()
    holds(node.adopt("--execute"), "Taken over")
    after = node.files()
    changed = [path for path in before if before[path] != after.get(path) and not path.startswith(str(draft)) and path != str(node.data)]
    if changed or draft.exists():
        raise AssertionError(f"something else was changed: {changed}")
    holds(node.adopt("--execute", code=1), "it was adopted")


def compare(node):
    """Strome starts and serves everything that Kafka served"""
    node.strome = Broker(f"{node.kit.strome()} serve --config {node.settings} --override listeners=PLAINTEXT://127.0.0.1:{{port}} "
                         "--override advertised.listeners=PLAINTEXT://127.0.0.1:{port}", node.folder / "strome")
    node.strome.start()
    after = node.seen(node.strome.bootstrap)
    differences = [f"Kafka:  {line}" for line in node.before if line not in after] + [f"Strome: {line}" for line in after if line not in node.before]
    if differences:
        raise AssertionError("\n".join(differences))


def more(node):
    """every topic takes more records, also across a restart"""
    holds(node.java("more", node.strome.bootstrap), "added")
    between = node.seen(node.strome.bootstrap)
    stops(node.strome)
    node.strome.start()
    if node.seen(node.strome.bootstrap) != between:
        raise AssertionError("a restart has changed something")
    stops(node.strome)


def verify_strome(node):
    """what Strome has made of it is sound, and Kafka's tool reads it"""
    node.log("verify", node.data)
    logs = sorted(str(path) for path in node.data.rglob("*.log") if path.stat().st_size)
    java = ["java", "-Xmx256m", "-cp", f"{node.jars}/*"]
    tool = "org.apache.kafka.tools.DumpLogSegments" if "4.3" in node.folder.name else "kafka.tools.DumpLogSegments"
    code, output = node.kit.call([*java, tool, "--files", ",".join(logs), "--deep-iteration"], seconds=SECONDS_MAX)
    wrong = [line for line in output.splitlines() if re.search(r"isvalid: false|nvalid|mismatch", line) and "isvalid: true" not in line]
    if code != 0 or wrong or output.count("| offset: ") < 10_000:
        raise AssertionError(f"{code} {wrong[:5]} {output[-1500:]}")
    indexes = sorted(str(path) for path in node.data.rglob("*index") if path.stat().st_size)
    code, output = node.kit.call([*java, tool, "--files", ",".join(indexes), "--index-sanity-check"], seconds=SECONDS_MAX)
    if code != 0 or re.search(r"mismatch|[Ee]rror", output):
        raise AssertionError(f"{code} {output[-1500:]}")


STEPS = (fill, refuse_running, look_at_kafka, verify_kafka, dry_run, refuse, execute, compare, more, verify_strome)
