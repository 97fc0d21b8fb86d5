"""franz-go's own tests of its client (pkg/kgo), out of the module that go/go.mod names, compiled once and run as they are.

Its heart is TestGroupETL: chains of groups whose members join and leave while they read and produce, in both protocols, with and without
static members; no record may be missing, doubled or out of order. Tests that need no broker are not run.
"""
import json
import os
import re

from kit import Unavailable

SETTINGS = ["num.partitions=4", "group.consumer.min.heartbeat.interval.ms=200", "group.consumer.heartbeat.interval.ms=500"]
RECORDS = 20_000  # Its own default is half a million.
PARTITIONS_MAX = 7
BUILD_SECONDS_MAX = 600
RUN_SECONDS_MAX = 300
MODULE = "github.com/twmb/franz-go"

TESTS = [
    "TestUnknownGroupOffsetFetchPinned", "TestPing", "TestIssue1034", "TestIssue325", "TestConsumeTopicRetrieval",
    "TestConsumeTopicRetrieval_Many", "TestConsumeRegex", "Test848RegexBrokerResolves", "TestIssue337", "TestDirectPartitionPurge",
    "TestIssue434", "TestAddRemovePartitions", "TestPauseIssue489", "TestPauseIssueOct2023", "TestIssue523", "TestIssue648", "TestIssue810",
    "TestIssue865", "TestIssueFetchLargerThanBrokerMaxReadBytes", "TestPooling", "TestGroupSimple", "TestHookPollStart",
    "TestConsumeMaxDecompressBatchBytes", "TestGroupETL", "TestClient_Produce", "TestIssue769",
    "TestIssueProduceSyncManualPartitionNegativeDoesNotPanic", "TestIssue831",
    "TestClient_ProduceLargeMessages",
]

# This list only shrinks.
EXCLUDED = {
    "TestIssueProduceBrokerTooOldFailsRecords": "leaves itself out, as against Kafka: ApiVersions names old versions of Produce for old clients' sake",
    "TestTxnEtl": "needs transactions",
    "TestSCRAMAuth": "needs SASL",
    "TestSCRAMAuthBadCredentials": "needs SASL",
    "TestShareGroup": "needs share groups",
    "TestShareGroupETL": "needs share groups",
    "TestShareGroupAckOnClose": "needs share groups",
    "TestShareGroupOffsetsAdmin": "needs share groups",
    "TestConsumeRegexShareSkipsInternal": "needs share groups",
}

# A line of a verbose run that tells how a test, or an indented part of one, ended.
RESULT = re.compile(r"^( *)--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)$")


def prepare(kit):
    go = kit.command("go")
    code, output = kit.call([go, "mod", "download", "-json", MODULE], seconds=BUILD_SECONDS_MAX, cwd=kit.here / "go")
    if code != 0:
        raise Unavailable(f"franz-go's sources could not be fetched: {output.strip()[-300:]}")
    module = json.loads(output)
    program, stamp = program_of(kit), kit.cache / "kgo.version"
    if program.exists() and stamp.exists() and stamp.read_text() == module["Version"]:
        return
    # The module's own folder is read-only, and has its own go.mod: nothing of it is changed.
    kit.install("franz-go's tests", [go, "test", "-c", "-o", program, "./pkg/kgo"], cwd=module["Dir"])
    stamp.write_text(module["Version"])


def program_of(kit):
    return kit.cache / "kgo.test"


def run(kit, broker, report):
    for test, reason in EXCLUDED.items():
        report.skipped(test, reason)
    chosen = [test for test in TESTS if kit.only in test]
    if not chosen:
        return
    env = {**os.environ, "KGO_SEEDS": broker.bootstrap, "KGO_TEST_RF": "1", "KGO_TEST_RECORDS": str(RECORDS),
           "KGO_TEST_MAX_TOPIC_PARTS": str(PARTITIONS_MAX), "KGO_LOG_LEVEL": "none"}
    code, output = kit.call([program_of(kit), "-test.v", f"-test.run=^({'|'.join(chosen)})$", f"-test.timeout={RUN_SECONDS_MAX}s"],
                            seconds=RUN_SECONDS_MAX + 10, env=env, cwd=kit.folder)
    told = tell(output, report)
    missing = sorted(set(chosen) - told)
    if missing or (code != 0 and not report.failures):
        report.failed(f"franz-go's tests: {', '.join(missing) or 'the program'}", f"exit code {code}\n{output[-3000:]}")


def tell(output, report):
    """Reports every test and every part of one; returns the names of those that told how they ended."""
    told = set()
    lines = output.splitlines()
    for number, line in enumerate(lines):
        result = RESULT.match(line)
        if not result:
            continue
        _, state, name, seconds = result.groups()
        told.add(name)
        if state == "PASS":
            report.passed(name, float(seconds))
        elif state == "SKIP":
            report.failed(name, f"left itself out: {following(lines, number)}")
        else:
            report.failed(name, following(lines, number))
    return told


def following(lines, number):
    """What a test said stands, further indented, before or behind its result."""
    return "\n".join(lines[max(0, number - 25):number + 10])
