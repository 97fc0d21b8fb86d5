"""What `compare` measures, in the order in which it does: what leaves many partitions behind comes last.

The `kind` of a workload says who the client is and what it does: "produce" and "consume" go through a number of records as fast as
possible with librdkafka's rdkafka_performance (NATS: its own client), "bench" is a run of `strome bench`.
"""

# Of rdkafka_performance; `strome bench` is given the same batches by its defaults.
PRODUCER = {"linger.ms": 5, "batch.size": 262144, "queue.buffering.max.messages": 500000, "queue.buffering.max.kbytes": 1000000}

# How long `strome bench` runs: before it measures, and while it does. At a set rate for longer, because a single slow second decides what
# p99.9 of ten is.
SECONDS = {"--warm-up": 5, "--seconds": 10}
SECONDS_AT_A_RATE = {"--warm-up": 5, "--seconds": 30}


def produce(title, size, partitions, records):
    """Records of `size` bytes onto `partitions`."""
    return {"kind": "produce", "title": title, "size": size, "partitions": partitions, "records": records}


def bench(title, command, of="produce", topic=None, warm_up=None):
    """`of` names the part of the result that is wanted. With a `topic` (name, partitions) the run is on that, which is made if it is not there
    and has had records in each partition; else `strome bench` makes one, and removes it."""
    seconds = SECONDS_AT_A_RATE if "--rate" in command else SECONDS
    return {"kind": "bench", "title": title, "command": command, "of": of, "topic": topic, "seconds": seconds | ({"--warm-up": warm_up} if warm_up else {})}


ONE = ["produce", "--record-size", "1000", "--partitions", "1"]
ONE_AT_A_RATE = [*ONE, "--rate", "60000"]
END_TO_END = ["end-to-end", "--record-size", "1000", "--partitions", "16", "--producers", "4", "--consumers", "4", "--linger", "1"]
KEYED = ["produce", "--record-size", "100", "--keys", "100000"]
KEYED_TOPIC = ("keyed", 1000)

# Rates are about half of what Kafka takes at most from the same client on the machine on which this was written when that was quiet: 60,000/s of what
# durable Kafka takes of 1 KB, 160,000/s of what it takes by default. What that is anywhere else, the same loads without a rate say.
WORKLOADS = {
    "produce-1k": produce("produce 1 KB, 1 partition", 1000, 1, 1_000_000),
    # What produce-1k has written, from its beginning.
    "consume-1k": {"kind": "consume", "title": "consume 1 KB from the beginning, 1 partition", "of": "produce-1k", "records": 1_000_000},
    "produce-100": produce("produce 100 B, 1 partition", 100, 1, 2_000_000),
    "produce-100-3": produce("produce 100 B, 3 partitions", 100, 3, 2_000_000),
    "bench-1k": bench("produce 1 KB, 1 partition, linger 1 ms, five requests under way", [*ONE, "--linger", "1"]),
    # What produce-100 and produce-100-100 cannot say where rdkafka_performance is the limit: a record of 100 B costs it ten times the CPU.
    "bench-100": bench("produce 100 B, 1 partition, strome bench", ["produce", "--record-size", "100", "--partitions", "1"]),
    "bench-100-100": bench("produce 100 B, 100 partitions, strome bench", ["produce", "--record-size", "100", "--partitions", "100"]),
    "latency-1k": bench("1 KB, 1 partition, 60,000 records/s", ONE_AT_A_RATE),
    "latency-1k-linger-1": bench("1 KB, 1 partition, 60,000 records/s, linger 1 ms", [*ONE_AT_A_RATE, "--linger", "1"]),
    "latency-1k-linger-0": bench("1 KB, 1 partition, 60,000 records/s, linger 0", [*ONE_AT_A_RATE, "--linger", "0"]),
    "latency-1k-160k": bench("1 KB, 1 partition, 160,000 records/s, linger 1 ms", [*ONE, "--linger", "1", "--rate", "160000"]),
    "latency-100": bench("100 B, 1 partition, 500,000 records/s, linger 1 ms",
                         ["produce", "--record-size", "100", "--partitions", "1", "--linger", "1", "--rate", "500000"]),
    "bench-end-to-end-1k": bench("produce and consume 1 KB, 16 partitions", END_TO_END, of="end_to_end", warm_up=15),
    "end-to-end-1k": bench("1 KB, 16 partitions, 40,000 records/s, until a consumer has it", [*END_TO_END, "--rate", "40000"], of="end_to_end", warm_up=15),
    "end-to-end-1k-100k": bench("1 KB, 16 partitions, 100,000 records/s, until a consumer has it", [*END_TO_END, "--rate", "100000"], of="end_to_end", warm_up=15),
    "end-to-end-1k-200k": bench("1 KB, 16 partitions, 200,000 records/s, until a consumer has it", [*END_TO_END, "--rate", "200000"], of="end_to_end", warm_up=15),
    "produce-100-100": produce("produce 100 B, 100 partitions", 100, 100, 2_000_000),
    "keyed-100-1000": bench("produce 100 B with keys, 1000 partitions", KEYED, topic=KEYED_TOPIC, warm_up=15),
    # As much under way as Kafka's own client allows by default, instead of 4 MiB: far larger batches, and latencies too.
    "keyed-100-1000-32m": bench("produce 100 B with keys, 1000 partitions, up to 32 MiB under way", [*KEYED, "--window", "32MiB"], topic=KEYED_TOPIC),
    "latency-100-1000": bench("100 B with keys, 1000 partitions, 200,000 records/s", [*KEYED, "--rate", "200000"], topic=KEYED_TOPIC, warm_up=15),
    "produce-100-1000": produce("produce 100 B, 1000 partitions", 100, 1000, 2_000_000),
}
# The others would say little more, and take as long.
DEFAULT = [
    "produce-1k", "consume-1k", "produce-100", "produce-100-100", "bench-1k", "keyed-100-1000",
    "latency-1k-160k", "end-to-end-1k-200k", "latency-100-1000", "latency-1k-linger-1", "latency-1k-linger-0", "end-to-end-1k-100k",
]


def at_a_rate(workload):
    """Whether its latencies are what counts: at full speed they only say how much was under way."""
    return workload["kind"] == "bench" and "--rate" in workload["command"]
