"""The brokers that `compare` can start, and what is measured of each."""
import json
import re
import socket
import subprocess
import time

from process import Failed, Process
from wire import Connection, batch
from workloads import PRODUCER

# What Kafka's own documentation recommends for its JVM, with a heap that fits a small machine.
JVM = ["-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
       "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"]

BROKERS = {
    "strome": "Strome (acks=all is answered when durable)",
    "kafka": "Kafka (default: acks=all is answered before the disk has the records)",
    "kafka-flush": "Kafka with flush.messages=1 (durable as Strome)",
}
# A load's topic is removed when it is over, and by default its files a minute after that: gigabytes, of which file systems with `discard` tell the disk at
# once, and everybody's writes wait, in the middle of a later load. So they are removed while the next one warms up
# (by Kafka not before 30 s after its start, when it first looks).
DELETE_DELAY = {"log.segment.delete.delay.ms": 1000}
# Only if they are asked for.
OTHERS = {
    "nats": "NATS JetStream (default: answered before the disk has the records; another client)",
    "nats-always": "NATS JetStream with sync_interval: always (durable as Strome; another client)",
}
TITLES = {**BROKERS, **OTHERS}

# It syncs message by message, and takes that much longer.
FEWER_RECORDS = {"nats-always": 0.05}

# Kafka syncs a file and a folder for each new partition, and enters the first position into each of its two indexes when more than 4 KiB
# (index.interval.bytes) have come, which takes as long again: a thousand partitions up to two minutes.
READY_SECONDS_MAX = 240
FIRST_RECORDS = [b"x" * 5000, b"the first one to be indexed"]
# What a broker may say of a partition that it has not taken over yet: UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER.
NOT_READY = (3, 5, 6)


def can(kind, workload):
    """What has more partitions than one, or needs `strome bench`, is nothing for those that do not speak Kafka's protocol."""
    return kind not in OTHERS or workload["kind"] != "bench" and workload.get("partitions", 1) == 1


class KafkaLike(Process):
    """Strome or Kafka: what rdkafka_performance and `strome bench` can talk to."""

    def __init__(self, kind, kit, client, folder):
        self.kit, self.client = kit, client
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            self.port, self.controller_port = one.getsockname()[1], other.getsockname()[1]
        self.bootstrap = f"127.0.0.1:{self.port}"
        super().__init__(kind, folder)

    def command(self):
        return self.strome() if self.kind == "strome" else self.kafka()

    def strome(self):
        # Nobody reads its page of metrics, whose port may be taken.
        settings = {"listeners": f"PLAINTEXT://{self.bootstrap}", "log.dirs": f"{self.folder}/data", "strome.admin.listener": "", **DELETE_DELAY}
        return [self.kit.strome(), "serve", *(word for name, value in settings.items() for word in ("--override", f"{name}={value}"))]

    def kafka(self):
        """The command line; the folder is formatted before, which does not count as starting."""
        settings = {
            "process.roles": "broker,controller", "node.id": 1, "log.dirs": f"{self.folder}/data",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}", "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "offsets.topic.replication.factor": 1, "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1, "group.initial.rebalance.delay.ms": 0,
            **DELETE_DELAY,
        }
        if self.kind == "kafka-flush":
            settings["log.flush.interval.messages"] = 1
        properties = self.folder / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        java = ["java", *JVM, "-cp", f"{self.kit.java_libraries()}/*"]
        tool = [*java, "kafka.tools.StorageTool"]
        try:
            identity = subprocess.run([*tool, "random-uuid"], check=True, capture_output=True, text=True).stdout.split()[-1]
            subprocess.run([*tool, "format", "-t", identity, "-c", properties], check=True, capture_output=True, text=True)
        except OSError as wrong:
            raise Failed(f"Kafka cannot be started: {wrong}") from wrong
        except subprocess.CalledProcessError as wrong:
            raise Failed(f"Kafka's folder could not be formatted: {wrong.stdout[-500:]} {wrong.stderr[-1500:]}") from wrong
        return [*java, "kafka.Kafka", properties]

    def answers(self):
        with Connection(self.bootstrap, timeout=5) as connection:
            return connection.metadata([])["brokers"]

    def create_topic(self, name, partitions):
        """A topic each of whose partitions has taken a few records, so that no run pays for what a broker does only once."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        try:
            with Connection(self.bootstrap, timeout=READY_SECONDS_MAX) as connection:
                connection.create_topic(name, partitions)
                for records in [batch([value]) for value in FIRST_RECORDS]:
                    for partition in range(partitions):
                        while (error := connection.produce(name, partition, records)[0]) in NOT_READY and time.monotonic() < deadline:
                            time.sleep(0.02)
                        if error:
                            raise Failed(f"partition {partition} of {partitions} new ones did not take its first record: error {error}")
        except (OSError, EOFError, AssertionError) as wrong:
            raise Failed(f"topic {name} of {partitions} partitions could not be made: {wrong}{self.how_it_ended()}") from wrong

    def produce(self, topic, size, records):
        options = [word for name, value in PRODUCER.items() for word in ("-X", f"{name}={value}")]
        return self.run_performance(["-P", "-t", topic, "-s", str(size), "-a", "-1", *options], records)

    def consume(self, topic, records):
        return self.run_performance(["-C", "-t", topic, "-p", "0", "-o", "beginning"], records)

    def run_performance(self, arguments, records):
        """One run of rdkafka_performance."""
        def told_in(output):
            found = re.findall(r"(\d+) (?:delivered|messages \(\d+ bytes\) consumed).*?in (\d+)ms", output)
            return found and (int(found[-1][0]), int(found[-1][1]) / 1000)
        return self.run_client([self.client, "-b", self.bootstrap, "-c", str(records), *arguments], records, told_in)

    def bench(self, arguments, saved):
        """One run of `strome bench`, all of whose results go to the file `saved`."""
        self.call([self.kit.strome(), "bench", *arguments, "--bootstrap-server", self.bootstrap, "--quiet", "--save", saved])
        return json.loads(saved.read_text())
