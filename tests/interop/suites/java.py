"""Kafka's own command line tools and the Java client (java/Interop.java), by their classes from Maven."""
import json
import os
import re
import time

from report import told_by_client

# Members of the next generation hear of a change by their next heartbeat; Kafka's five seconds between them would be waiting only.
SETTINGS = ["group.consumer.min.heartbeat.interval.ms=200", "group.consumer.heartbeat.interval.ms=300"]
TOOL_SECONDS_MAX = 90
TOPIC = "tools"

# Tools that need what this broker does not have yet and that no test here covers; the list only shrinks.
EXCLUDED = {
    "kafka-share-groups": "needs share groups",
    "kafka-console-share-consumer": "needs share groups",
    "kafka-streams-groups": "needs streams groups",
    "kafka-transactions": "needs transactions",
    "kafka-acls": "needs an authorizer",
    "kafka-delegation-tokens": "needs SASL",
    "kafka-client-metrics": "needs client telemetry",
}

# Tests below that run against Kafka only, until there is what they need here.
NOT_YET = {
    "quorum": "needs DescribeQuorum",
    "leader_election": "needs ElectLeaders",
    "reassignment": "needs ListPartitionReassignments",
}


def prepare(kit):
    kit.java_libraries()


def run(kit, broker, report):
    tools = Tools(kit, broker)
    for name, reason in EXCLUDED.items():
        report.skipped(name, reason)
    for test in (cluster, api_versions, features, quorum, topics, topics_that_fail, partitions, topic_configs, broker_configs, console, console_by_offset,
                 get_offsets, delete_records, log_dirs, producer_performance, verifiable_producer, group_console, group_list_and_describe, group_reset, group_delete,
                 consumer_performance, verifiable_consumer, end_to_end_latency, offsets_formatter, leader_election, reassignment, delete_topic):
        name = f"tool: {test.__name__.replace('_', ' ')}"
        if kit.against != "kafka" and test.__name__ in NOT_YET:
            report.skipped(name, NOT_YET[test.__name__])
        elif kit.only in test.__name__:
            report.check(name, test, tools)
    client(kit, broker, report)
    if broker.data is None:
        report.skipped("tool: dump log", "needs the broker's files, and this one is somebody else's")
    elif kit.only in "dump_log":
        complaint = broker.stop()
        report.check("the broker stops when asked", stopped, complaint)
        report.check("tool: dump log", dump_log, tools)


def stopped(complaint):
    if complaint:
        raise AssertionError(complaint)


class Tools:
    def __init__(self, kit, broker):
        self.kit, self.broker = kit, broker
        self.java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{kit.java_libraries()}/*"]

    def __call__(self, name, *args, stdin=None, fails=False, bare=False):
        server = [] if bare else ["--bootstrap-server", self.broker.bootstrap]
        code, output = self.kit.call([*self.java, f"org.apache.kafka.tools.{name}" if "." not in name else name, *server, *args],
                                     stdin=stdin, seconds=TOOL_SECONDS_MAX)
        if (code != 0) != fails:
            raise AssertionError(f"{name} {' '.join(args)} ends with {code}: {output[-1500:]}")
        return output


def holds(output, *wanted):
    for text in wanted:
        if text not in output:
            raise AssertionError(f"{text!r} is not in: {output[-1500:]}")


def same(found, wanted):
    if found != wanted:
        raise AssertionError(f"{str(found)[:500]} where {str(wanted)[:500]} was expected")


def cluster(tools):
    holds(tools("ClusterTool", "cluster-id", "--bootstrap-server", tools.broker.bootstrap, bare=True), "Cluster ID: ")
    holds(tools("ClusterTool", "list-endpoints", "--bootstrap-server", tools.broker.bootstrap, bare=True), tools.broker.bootstrap.split(":")[1])


def api_versions(tools):
    output = tools("BrokerApiVersionsCommand")
    holds(output, "Produce(0): 0 to 13", "Fetch(1): 4 to 18", "Metadata(3): 0 to 13", "ApiVersions(18): 0 to 4", "CreateTopics(19): 2 to 7")


def features(tools):
    holds(tools("FeatureCommand", "describe"), "metadata.version")


def quorum(tools):
    holds(tools("MetadataQuorumCommand", "describe", "--status"), "LeaderId:", "HighWatermark:", "CurrentVoters:")


def topics(tools):
    tools("TopicCommand", "--create", "--topic", TOPIC, "--partitions", "2", "--replication-factor", "1", "--config", "retention.ms=1234567")
    tools("TopicCommand", "--create", "--topic", TOPIC, "--if-not-exists")
    same(TOPIC in tools("TopicCommand", "--list").split(), True)
    output = tools("TopicCommand", "--describe", "--topic", TOPIC)
    holds(output, "PartitionCount: 2", "ReplicationFactor: 1", "retention.ms=1234567", "TopicId: ")
    same(len(re.findall(r"Partition: \d+\s+Leader: \d+\s+Replicas: \d+\s+Isr: \d+", output)), 2)
    same(tools("TopicCommand", "--describe", "--unavailable-partitions").strip(), "")


def topics_that_fail(tools):
    holds(tools("TopicCommand", "--create", "--topic", TOPIC, fails=True), "already exists")
    holds(tools("TopicCommand", "--describe", "--topic", "nowhere", fails=True), "does not exist")
    holds(tools("TopicCommand", "--delete", "--topic", "nowhere", fails=True), "does not exist")
    holds(tools("TopicCommand", "--create", "--topic", "replicated", "--replication-factor", "5", fails=True), "eplication")


def partitions(tools):
    tools("TopicCommand", "--alter", "--topic", TOPIC, "--partitions", "3")
    holds(tools("TopicCommand", "--describe", "--topic", TOPIC), "PartitionCount: 3")
    tools("TopicCommand", "--alter", "--topic", TOPIC, "--partitions", "1", fails=True)


def topic_configs(tools):
    entity = ["--entity-type", "topics", "--entity-name", TOPIC]
    command = "kafka.admin.ConfigCommand"
    holds(tools(command, *entity, "--describe"), "retention.ms=1234567")
    tools(command, *entity, "--alter", "--add-config", "max.message.bytes=2000000,cleanup.policy=[compact,delete]")
    holds(tools(command, *entity, "--describe"), "max.message.bytes=2000000", "cleanup.policy=compact,delete")
    tools(command, *entity, "--alter", "--delete-config", "max.message.bytes,cleanup.policy")
    output = tools(command, *entity, "--describe", "--all")
    holds(output, "max.message.bytes=1048588", "cleanup.policy=delete", "segment.bytes=1073741824", "DEFAULT_CONFIG")
    tools(command, *entity, "--alter", "--add-config", "retention.ms=soon", fails=True)


def broker_configs(tools):
    node = re.search(r"\(id: (\d+)", tools("BrokerApiVersionsCommand"))[1]
    output = tools("kafka.admin.ConfigCommand", "--entity-type", "brokers", "--entity-name", node, "--describe", "--all")
    holds(output, "log.dirs=", "num.partitions=", "message.max.bytes=1048588", "auto.create.topics.enable=true", "log.retention.hours=168")


def console(tools):
    lines = "".join(f"key{i}:value {i}\n" for i in range(500))
    tools("ConsoleProducer", "--topic", "console", "--reader-property", "parse.key=true", "--reader-property", "key.separator=:", stdin=lines.encode())
    found = []
    for partition in partitions_of(tools, "console"):
        output = tools("org.apache.kafka.tools.consumer.ConsoleConsumer", "--topic", "console", "--partition", partition, "--offset", "earliest",
                       "--timeout-ms", "4000", "--formatter-property", "print.key=true", "--formatter-property", "key.separator=:", fails=False)
        found += [line for line in output.splitlines() if line.startswith("key")]
    same(sorted(found), sorted(lines.splitlines()))


def partitions_of(tools, topic):
    return re.findall(r"Partition: (\d+)\s+Leader", tools("TopicCommand", "--describe", "--topic", topic))


def console_by_offset(tools):
    tools("ConsoleProducer", "--topic", TOPIC, "--compression-codec", "zstd", stdin="".join(f"{i}\n" for i in range(100)).encode())
    partition = next(line for line in tools("GetOffsetShell", "--topic", TOPIC).split() if line.startswith(TOPIC) and not line.endswith(":0"))
    _, number, end = partition.split(":")
    output = tools("org.apache.kafka.tools.consumer.ConsoleConsumer", "--topic", TOPIC, "--partition", number, "--offset", str(int(end) - 1), "--max-messages", "1",
                   "--formatter-property", "print.offset=true", "--formatter-property", "print.timestamp=true")
    holds(output, f"Offset:{int(end) - 1}", "CreateTime:")


def get_offsets(tools):
    tools("TopicCommand", "--create", "--topic", "offsets", "--partitions", "1")
    before = int(time.time() * 1000)
    tools("ConsoleProducer", "--topic", "offsets", stdin="".join(f"{i}\n" for i in range(20)).encode())
    for asked, offset in (("earliest", 0), ("latest", 20), ("max-timestamp", None), (str(before), 0), (str(before + 10_000_000), "")):
        found = re.findall(r"^offsets:0:(\d*)$", tools("GetOffsetShell", "--topic-partitions", "offsets:0", "--time", asked), re.M)
        if asked == "max-timestamp":
            same(len(found) == 1 and 0 <= int(found[0]) < 20, True)
        elif offset == "":
            same(found in ([], [""]), True)
        else:
            same(found, [str(offset)])


def delete_records(tools):
    path = tools.kit.folder / "delete.json"
    path.write_text(json.dumps({"partitions": [{"topic": "offsets", "partition": 0, "offset": 5}], "version": 1}))
    holds(tools("DeleteRecordsCommand", "--offset-json-file", str(path)), "low_watermark: 5")
    holds(tools("GetOffsetShell", "--topic", "offsets", "--time", "earliest"), "offsets:0:5")


def log_dirs(tools):
    output = tools("LogDirsCommand", "--describe", "--topic-list", "offsets")
    told = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    found = [partition for directory in told["brokers"][0]["logDirs"] for partition in directory["partitions"]]
    same([partition["partition"] for partition in found], ["offsets-0"])
    same(found[0]["size"] > 0 and found[0]["offsetLag"] == 0, True)


def producer_performance(tools):
    tools("TopicCommand", "--create", "--topic", "perf", "--partitions", "3")
    output = tools("ProducerPerformance", "--topic", "perf", "--num-records", "100000", "--record-size", "200", "--throughput", "-1",
                   "--command-property", "acks=all")
    holds(output, "100000 records sent")
    offsets = re.findall(r"^perf:\d:(\d+)$", tools("GetOffsetShell", "--topic", "perf"), re.M)
    same(sum(map(int, offsets)), 100000)


def verifiable_producer(tools):
    tools("TopicCommand", "--create", "--topic", "verified", "--partitions", "1")
    output = tools("VerifiableProducer", "--topic", "verified", "--max-messages", "2000", "--acks", "-1")
    same(output.count('"producer_send_success"'), 2000)
    holds(tools("GetOffsetShell", "--topic", "verified"), "verified:0:2000")


GROUP = "tools-group"
CONSOLE = "org.apache.kafka.tools.consumer.ConsoleConsumer"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"


def group_console(tools):
    """A group reads on where it stopped."""
    tools("TopicCommand", "--create", "--topic", "grouped", "--partitions", "3")
    for round in range(2):
        tools("ConsoleProducer", "--topic", "grouped", stdin="".join(f"{round}-{i}\n" for i in range(100)).encode())
        output = tools(CONSOLE, "--topic", "grouped", "--group", GROUP, "--from-beginning", "--max-messages", "100", "--timeout-ms", "30000")
        same(sorted(line for line in output.splitlines() if re.fullmatch(r"\d-\d+", line)), sorted(f"{round}-{i}" for i in range(100)))


def rows(output):
    """The lines of a table as dictionaries."""
    lines = [line.split() for line in output.splitlines() if line.strip()]
    start = next(i for i, line in enumerate(lines) if line[0] == "GROUP")
    return [dict(zip(lines[start], line)) for line in lines[start + 1:]]


def group_list_and_describe(tools):
    same(GROUP in tools(GROUPS, "--list").split(), True)
    same(GROUP in tools(GROUPS, "--list", "--state", "Empty").split("\n", 1)[1], True)
    same(GROUP in tools(GROUPS, "--list", "--state", "Stable"), False)
    same(GROUP in tools(GROUPS, "--list", "--type", "classic"), True)
    holds(tools("GroupsCommand", "--list"), GROUP, "Classic", "consumer")
    offsets = rows(tools(GROUPS, "--describe", "--group", GROUP, "--offsets"))
    same(sorted((row["TOPIC"], row["PARTITION"], row["LAG"]) for row in offsets), [("grouped", str(i), "0") for i in range(3)])
    same(sum(int(row["CURRENT-OFFSET"]) for row in offsets), 200)
    holds(tools(GROUPS, "--describe", "--group", GROUP, "--state"), "Empty")
    holds(tools(GROUPS, "--describe", "--group", GROUP, "--members"), "has no active members")
    holds(tools(GROUPS, "--describe", "--all-groups", "--offsets"), GROUP)
    holds(tools(GROUPS, "--describe", "--group", "nowhere"), "Group nowhere not found")


def group_reset(tools):
    def reset(*how):
        output = tools(GROUPS, "--reset-offsets", "--group", GROUP, "--topic", "grouped", *how)
        return sum(int(row["NEW-OFFSET"]) for row in rows(output))

    same(reset("--to-earliest", "--dry-run"), 0)
    # The producer may have left out a partition.
    same(reset("--shift-by", "-1", "--execute") in (197, 198, 199), True)
    same(reset("--to-offset", "7", "--execute") in (7, 14, 21), True)
    same(reset("--to-datetime", "2000-01-01T00:00:00.000", "--execute"), 0)
    same(reset("--by-duration", "PT0S", "--dry-run"), 200)
    same(reset("--to-latest", "--execute"), 200)
    tools(GROUPS, "--delete-offsets", "--group", GROUP, "--topic", "grouped:1")
    same({row["PARTITION"]: row["CURRENT-OFFSET"] == "-" for row in rows(tools(GROUPS, "--describe", "--group", GROUP))}.get("1", True), True)


def group_delete(tools):
    holds(tools(GROUPS, "--delete", "--group", GROUP), "Deletion of requested")
    same(GROUP in tools(GROUPS, "--list").split(), False)
    holds(tools(GROUPS, "--delete", "--group", GROUP, fails=False), "GroupIdNotFoundException")


def consumer_performance(tools):
    output = tools("ConsumerPerformance", "--topic", "perf", "--num-records", "100000", "--timeout", "60000", "--group", "perf-group")
    same(re.search(r", 100\d{3}, ", output) is not None, True)


def verifiable_consumer(tools):
    output = tools("VerifiableConsumer", "--topic", "verified", "--group-id", "verified-group", "--max-messages", "2000", "--reset-policy", "earliest")
    same(sum(json.loads(line)["count"] for line in output.splitlines() if '"records_consumed"' in line), 2000)
    commits = [json.loads(line) for line in output.splitlines() if '"offsets_committed"' in line]
    same(commits[-1]["success"], True)
    same(commits[-1]["offsets"][0]["offset"], 2000)


def end_to_end_latency(tools):
    output = tools("EndToEndLatency", "--topic", "latency", "--num-records", "200", "--producer-acks", "all", "--record-size", "100")
    holds(output, "Avg latency:")


def offsets_formatter(tools):
    """Kafka's own readers of the offsets topic understand what the coordinator writes."""
    same({"group": "verified-group", "topic": "verified", "partition": 0} in formatted(tools, "OffsetsMessageFormatter"), True)
    same("verified-group" in [key["group"] for key in formatted(tools, "GroupMetadataMessageFormatter")], True)


def formatted(tools, formatter):
    """The keys of the records that a formatter shows; it writes one behind the other."""
    output = tools(CONSOLE, "--topic", "__consumer_offsets", "--from-beginning", "--timeout-ms", "8000", "--formatter",
                   f"org.apache.kafka.tools.consumer.{formatter}")
    keys, decoder = [], json.JSONDecoder()
    for line in output.splitlines():
        while line.startswith("{"):
            told, end = decoder.raw_decode(line)
            keys.append(told["key"]["data"])
            line = line[end:].lstrip()
    return keys


def leader_election(tools):
    output = tools("LeaderElectionCommand", "--election-type", "preferred", "--topic", TOPIC, "--partition", "0")
    holds(output, "already elected")


def reassignment(tools):
    holds(tools("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", "--list"), "No partition reassignments found")


def delete_topic(tools):
    tools("TopicCommand", "--delete", "--topic", "console")
    deadline = time.monotonic() + 20
    while "console" in tools("TopicCommand", "--list").split():
        if time.monotonic() > deadline:
            raise AssertionError("the topic is still listed")


def dump_log(tools):
    """Kafka's own reader of segment files finds nothing wrong in any of ours."""
    files = sorted(str(path) for path in tools.broker.data.rglob("*.log") if path.stat().st_size and re.search(r"-\d+$", path.parent.name) and not path.parent.name.startswith("__"))
    if not files:
        raise AssertionError(f"no segment file under {tools.broker.data}")
    output = tools("DumpLogSegments", "--files", ",".join(files), "--deep-iteration", bare=True)
    counted = len(re.findall(r"^\| offset: ", output, re.M))
    wrong = [line for line in output.splitlines() if "isvalid: false" in line or "invalid" in line.lower() or "mismatch" in line.lower() or "non-consecutive" in line.lower()]
    same(wrong, [])
    if counted < 100_000:
        raise AssertionError(f"only {counted} records were read from {len(files)} files: {output[-800:]}")
    indexes = sorted(str(path) for path in tools.broker.data.rglob("*index") if path.stat().st_size and re.search(r"-\d+$", path.parent.name))
    if indexes:
        output = tools("DumpLogSegments", "--files", ",".join(indexes), "--index-sanity-check", bare=True)
        same([line for line in output.splitlines() if "mismatch" in line.lower() or "found" in line.lower() and "error" in line.lower()], [])


def client(kit, broker, report):
    """java/Interop.java prints one line per test: PASS name, or FAIL name | why."""
    if kit.only and "client" not in kit.only:
        return
    code, output = kit.call(["java", "-Xmx512m", "-cp", f"{kit.java_libraries()}/*", kit.here / "java" / "Interop.java", broker.bootstrap],
                            seconds=480, env=dict(os.environ))
    told_by_client(report, "client", code, output)
