"""kcat as Debian ships it, with a librdkafka some years older than the one of the suite `librdkafka`."""
import json
import os
import time

from wire import Connection

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def prepare(kit):
    kit.command("kcat", "kcat")


def run(kit, broker, report):
    kcat = Kcat(kit, broker)
    for test in (metadata, keys_and_order, *[codec(name) for name in CODECS], acknowledgements, idempotence, a_big_message, headers,
                 null_and_empty_values, offsets_from_both_ends, offsets_by_timestamp, tailing, many_partitions, auto_creation,
                 twenty_thousand_in_order, unknown_topic, a_group_goes_on_where_it_was, a_group_shares_a_topic):
        report.check(test.__name__.replace("_", " "), test, kcat)


class Kcat:
    def __init__(self, kit, broker):
        self.kit, self.broker, self.count = kit, broker, 0

    def topic(self, partitions=1):
        self.count += 1
        name = f"kcat-{self.count}"
        with Connection(self.broker.bootstrap) as connection:
            connection.create_topic(name, partitions)
        return name

    def __call__(self, *args, stdin=None, fails=False):
        code, output = self.kit.call(["kcat", "-b", self.broker.bootstrap, *args], stdin=stdin, seconds=60)
        if (code != 0) != fails:
            raise AssertionError(f"kcat {' '.join(args)} ends with {code}: {output[-600:]}")
        return output

    def produce(self, topic, lines, *args):
        self("-P", "-t", topic, *args, stdin="".join(line + "\n" for line in lines).encode())

    def consume(self, topic, *args, format="%s\n"):
        return self("-C", "-q", "-e", "-t", topic, "-f", format, *args).splitlines()


def same(found, wanted):
    if found != wanted:
        raise AssertionError(f"{str(found)[:300]} where {str(wanted)[:300]} was expected")


def metadata(kcat):
    topic = kcat.topic(3)
    told = json.loads(kcat("-L", "-J"))
    same([broker["name"] for broker in told["brokers"]], [kcat.broker.bootstrap])
    same([len(t["partitions"]) for t in told["topics"] if t["topic"] == topic], [3])
    same(len(json.loads(kcat("-L", "-J", "-t", topic))["topics"]), 1)


def keys_and_order(kcat):
    topic = kcat.topic()
    kcat.produce(topic, [f"key{i}:value{i}" for i in range(100)], "-K:")
    same(kcat.consume(topic, "-o", "beginning", format="%o %k %s\n"), [f"{i} key{i} value{i}" for i in range(100)])


def codec(name):
    def test(kcat):
        topic = kcat.topic()
        lines = [f"{name} {i} " + "abc" * 50 for i in range(500)]
        kcat.produce(topic, lines, "-z", name)
        same(kcat.consume(topic, "-o", "beginning"), lines)
        same(kcat.consume(topic, "-o", "250", "-c", "3", format="%o\n"), ["250", "251", "252"])
    test.__name__ = f"codec {name}"
    return test


def acknowledgements(kcat):
    for acks in ("1", "all"):
        topic = kcat.topic()
        kcat.produce(topic, ["one", "two"], "-X", f"acks={acks}")
        same(kcat.consume(topic, "-o", "beginning"), ["one", "two"])
    topic = kcat.topic()
    kcat.produce(topic, ["one", "two"], "-X", "acks=0")
    deadline = time.monotonic() + 10
    while kcat.consume(topic, "-o", "beginning") != ["one", "two"]:
        if time.monotonic() > deadline:
            raise AssertionError("what was sent with acks=0 does not arrive")


def idempotence(kcat):
    topic = kcat.topic(2)
    lines = [str(i) for i in range(2000)]
    kcat.produce(topic, lines, "-X", "enable.idempotence=true", "-X", "batch.num.messages=10", "-p", "1")
    same(kcat.consume(topic, "-o", "beginning", "-p", "1"), lines)


def a_big_message(kcat):
    topic = kcat.topic()
    path = kcat.kit.folder / "big"
    path.write_bytes(os.urandom(450_000).hex().encode())
    kcat("-P", "-t", topic, "-p", "0", str(path))
    same(kcat.consume(topic, "-o", "beginning", format="%S\n"), ["900000"])
    same(kcat("-C", "-q", "-e", "-t", topic, "-o", "beginning", "-f", "%s").encode() == path.read_bytes(), True)


def headers(kcat):
    topic = kcat.topic()
    kcat.produce(topic, ["with headers"], "-H", "one=1", "-H", "two=2")
    same(kcat.consume(topic, "-o", "beginning", format="%h %s\n"), ["one=1,two=2 with headers"])


def null_and_empty_values(kcat):
    topic = kcat.topic()
    kcat.produce(topic, ["a:", "b:x"], "-K:", "-Z")
    same(kcat.consume(topic, "-o", "beginning", format="%k %S\n"), ["a -1", "b 1"])


def offsets_from_both_ends(kcat):
    topic = kcat.topic()
    kcat.produce(topic, [str(i) for i in range(50)])
    same(kcat.consume(topic, "-o", "end"), [])
    same(kcat.consume(topic, "-o", "-5"), ["45", "46", "47", "48", "49"])
    same(kcat.consume(topic, "-o", "48"), ["48", "49"])


def offsets_by_timestamp(kcat):
    topic = kcat.topic()
    kcat.produce(topic, ["early"])
    time.sleep(0.05)
    middle = int(time.time() * 1000)
    time.sleep(0.05)
    kcat.produce(topic, ["late"])
    same(kcat.consume(topic, "-p", "0", "-o", f"s@{middle}"), ["late"])
    same(kcat.consume(topic, "-p", "0", "-o", "s@0", "-o", f"e@{middle}"), ["early"])
    same(kcat("-Q", "-t", f"{topic}:0:{middle}").split(), [topic, "[0]", "offset", "1"])


def tailing(kcat):
    """A consumer that waits at the end is given what comes."""
    import subprocess
    topic = kcat.topic()
    with subprocess.Popen(["kcat", "-b", kcat.broker.bootstrap, "-C", "-q", "-u", "-t", topic, "-o", "end", "-c", "3"], stdout=subprocess.PIPE) as waiting:
        time.sleep(2)
        for value in ("a", "b", "c"):
            kcat.produce(topic, [value])
        try:
            output, _ = waiting.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            waiting.kill()
            raise
    same(output.split(), [b"a", b"b", b"c"])


def many_partitions(kcat):
    topic = kcat.topic(30)
    kcat.produce(topic, [f"{i}:{i}" for i in range(1000)], "-K:")
    found = kcat.consume(topic, "-o", "beginning", format="%p %s\n")
    same(sorted(int(line.split()[1]) for line in found), list(range(1000)))
    if len({line.split()[0] for line in found}) < 20:
        raise AssertionError("a thousand keys fell on fewer than twenty of thirty partitions")


def auto_creation(kcat):
    kcat.produce("kcat-created-by-producing", ["first"])
    same(kcat.consume("kcat-created-by-producing", "-o", "beginning"), ["first"])


def twenty_thousand_in_order(kcat):
    topic = kcat.topic()
    lines = [f"{i} " + "x" * (i % 400) for i in range(20000)]
    kcat.produce(topic, lines, "-z", "lz4")
    same(kcat.consume(topic, "-o", "beginning") == lines, True)


def unknown_topic(kcat):
    kcat("-C", "-q", "-e", "-t", "kcat-nowhere", "-X", "allow.auto.create.topics=false", "-o", "beginning", fails=True)


def group(kcat, name, *topics):
    """What a member of the group reads until it has everything."""
    return kcat("-G", name, "-q", "-e", "-f", "%s\n", "-X", "auto.offset.reset=earliest", *topics).splitlines()


def a_group_goes_on_where_it_was(kcat):
    topic, other = kcat.topic(3), kcat.topic()
    kcat.produce(topic, [f"{i}" for i in range(100)])
    kcat.produce(other, ["other"])
    same(sorted(group(kcat, "kcat-resumes", topic, other)), sorted([f"{i}" for i in range(100)] + ["other"]))
    kcat.produce(topic, ["new"])
    same(group(kcat, "kcat-resumes", topic, other), ["new"])
    same(len(group(kcat, "kcat-begins", topic)), 101)


def a_group_shares_a_topic(kcat):
    import subprocess
    topic = kcat.topic(4)
    command = ["kcat", "-b", kcat.broker.bootstrap, "-G", "kcat-shares", "-q", "-u", "-f", "%s\n", "-X", "auto.offset.reset=earliest", topic]
    members = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        time.sleep(8)  # Longer than a new group waits for members, and two rebalances.
        kcat.produce(topic, [f"{i}:{i}" for i in range(200)], "-K:")
        time.sleep(3)
    finally:
        for member in members:
            member.terminate()
    read = [member.communicate(timeout=30)[0].split() for member in members]
    same(sorted(map(int, read[0] + read[1])), list(range(200)))
    if not all(read):
        raise AssertionError("one of two members had nothing to do")
