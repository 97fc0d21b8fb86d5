"""confluent-kafka (librdkafka behind it): producing, reading by assignment, administering. No transactions."""
import os
import threading
import time
import uuid

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, IsolationLevel, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource, NewPartitions, NewTopic,
                                   OffsetSpec, ResourceType)

BOOTSTRAP = os.environ["INTEROP_BOOTSTRAP"]


@pytest.fixture(scope="session")
def admin():
    return AdminClient({"bootstrap.servers": BOOTSTRAP})


@pytest.fixture
def topic(admin):
    return create(admin, 1)


def create(admin, partitions, **config):
    name = f"confluent-{uuid.uuid4()}"
    wait(admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1, config=config)]))
    return name


def wait(futures):
    return {key: future.result(timeout=30) for key, future in futures.items()}


def error_of(future):
    with pytest.raises(KafkaException) as raised:
        future.result(timeout=30)
    return raised.value.args[0].code()


def produce(topic, values, partition=0, keys=None, headers=None, timestamps=None, **config):
    """Returns the delivered messages in the order of their reports."""
    delivered, wrong = [], []
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5, **config})

    def report(error, message):
        (wrong if error else delivered).append(error or message)

    for i, value in enumerate(values):
        extra = {}
        if timestamps:
            extra["timestamp"] = timestamps[i]
        while True:
            try:
                producer.produce(topic, value, key=keys[i] if keys else None, partition=partition, headers=headers, on_delivery=report, **extra)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(30) == 0
    assert wrong == []
    return delivered


def consumer(**config):
    return Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "unused", "enable.auto.commit": False, "auto.offset.reset": "error", **config})


def read(topic, count, offset=OFFSET_BEGINNING, partition=0, **config):
    reader = consumer(**config)
    reader.assign([TopicPartition(topic, partition, offset)])
    found, deadline = [], time.monotonic() + 30
    while len(found) < count and time.monotonic() < deadline:
        for message in reader.consume(min(500, count - len(found)), 1.0):
            assert message.error() is None, message.error()
            found.append(message)
    reader.close()
    assert len(found) == count
    return found


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("idempotent", [False, True])
def test_what_is_produced_is_read(topic, codec, idempotent):
    values = [f"{codec} {i} ".encode() + b"x" * (i % 300) for i in range(3000)]
    delivered = produce(topic, values, **{"compression.type": codec, "enable.idempotence": idempotent})
    assert [message.offset() for message in delivered] == list(range(3000))
    assert [message.value() for message in read(topic, 3000)] == values


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_acknowledgements(topic, acks):
    produce(topic, [b"a", b"b"], acks=acks)
    assert [message.value() for message in read(topic, 2)] == [b"a", b"b"]


def test_keys_headers_timestamps_nulls(topic):
    headers = [("a", b"1"), ("a", b"2"), ("empty", b""), ("null", None)]
    produce(topic, [b"value", None, b""], keys=[b"key", b"tombstone", None], headers=headers, timestamps=[1000, 2000, 3000])
    found = read(topic, 3)
    assert [(message.key(), message.value()) for message in found] == [(b"key", b"value"), (b"tombstone", None), (None, b"")]
    assert [message.timestamp()[1] for message in found] == [1000, 2000, 3000]
    assert found[0].headers() == headers


def test_keys_are_spread_over_partitions_and_kept_together(admin):
    topic = create(admin, 8)
    delivered = produce(topic, [b"%d" % i for i in range(800)], partition=-1, keys=[b"key%d" % (i % 40) for i in range(800)])
    places = {}
    for message in delivered:
        places.setdefault(message.key(), set()).add(message.partition())
    assert all(len(partitions) == 1 for partitions in places.values())
    assert len(set.union(*places.values())) > 4


def test_reading_starts_anywhere(topic):
    produce(topic, [b"%d" % i for i in range(1000)], **{"compression.type": "zstd"})
    for offset in (0, 1, 499, 500, 998, 999):
        assert read(topic, 1, offset)[0].offset() == offset


def test_reading_at_the_end_waits_for_news(topic):
    produce(topic, [b"old"])
    reader = consumer()
    reader.assign([TopicPartition(topic, 0, OFFSET_END)])
    assert reader.poll(1.5) is None
    timer = threading.Timer(0.5, produce, (topic, [b"new"]))
    timer.start()
    message = reader.poll(15)
    timer.join()
    reader.close()
    assert message.value() == b"new"


def test_reading_out_of_range_is_an_error(topic):
    produce(topic, [b"only"])
    reader = consumer()
    reader.assign([TopicPartition(topic, 0, 77)])
    message = reader.poll(15)
    reader.close()
    assert message.error().code() == KafkaError._AUTO_OFFSET_RESET


def test_seek_pause_resume(topic):
    produce(topic, [b"%d" % i for i in range(20)])
    reader = consumer()
    place = TopicPartition(topic, 0, 0)
    reader.assign([place])
    assert reader.poll(15).offset() == 0
    reader.seek(TopicPartition(topic, 0, 10))
    assert reader.poll(15).offset() == 10
    reader.pause([place])
    assert reader.poll(1) is None
    reader.resume([place])
    assert reader.poll(15).offset() == 11
    reader.close()


def test_many_partitions_in_one_reader(admin):
    topic = create(admin, 60)
    for partition in range(60):
        produce(topic, [b"%d" % partition], partition=partition) if partition % 7 == 0 else None
    reader = consumer()
    reader.assign([TopicPartition(topic, partition, 0) for partition in range(60)])
    found, deadline = set(), time.monotonic() + 20
    while len(found) < 9 and time.monotonic() < deadline:
        message = reader.poll(1)
        if message is not None:
            assert message.error() is None
            found.add(int(message.value()))
    reader.close()
    assert found == {partition for partition in range(60) if partition % 7 == 0}


def test_watermarks_and_offsets_for_times(topic):
    produce(topic, [b"a", b"b", b"c"], timestamps=[1000, 2000, 3000])
    reader = consumer()
    assert reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=15) == (0, 3)
    asked = [(500, 0), (1000, 0), (1500, 1), (3000, 2), (3001, OFFSET_END)]
    for timestamp, offset in asked:
        assert reader.offsets_for_times([TopicPartition(topic, 0, timestamp)], timeout=15)[0].offset == offset, timestamp
    reader.close()


def test_big_messages(admin):
    topic = create(admin, 1, **{"max.message.bytes": "8388608"})
    values = [os.urandom(size) for size in (3_000_000, 1, 5_000_000)]
    produce(topic, values, **{"message.max.bytes": 8_000_000})
    assert [message.value() for message in read(topic, 3)] == values
    assert [message.value() for message in read(topic, 3, **{"fetch.message.max.bytes": 1000})] == values


def test_a_message_above_the_topic_s_limit_is_refused(admin):
    topic = create(admin, 1, **{"max.message.bytes": "1000"})
    errors = []
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    producer.produce(topic, os.urandom(2000), on_delivery=lambda error, _: errors.append(error.code()))
    producer.flush(30)
    assert errors == [KafkaError.MSG_SIZE_TOO_LARGE]


def test_an_unknown_topic_is_told_and_not_created(admin):
    nowhere = f"nowhere-{uuid.uuid4()}"
    reader = consumer(**{"allow.auto.create.topics": False})
    for _ in range(2):
        assert reader.list_topics(nowhere, timeout=15).topics[nowhere].error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    reader.close()


def test_producing_creates_a_topic(admin):
    topic = f"auto-{uuid.uuid4()}"
    produce(topic, [b"first"])
    assert read(topic, 1)[0].value() == b"first"


def test_several_producers_at_once_lose_and_repeat_nothing(admin):
    topic = create(admin, 4)
    threads = [threading.Thread(target=produce, args=(topic, [b"%d/%d" % (writer, i) for i in range(2000)], writer % 4),
                                kwargs={"enable.idempotence": writer % 2 == 0, "batch.num.messages": 37}) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for partition in range(4):
        found = [message.value().split(b"/") for message in read(topic, 4000, partition=partition)]
        for writer in (partition, partition + 4):
            assert [int(i) for w, i in found if int(w) == writer] == list(range(2000))


def test_create_and_delete_topics(admin):
    name = f"created-{uuid.uuid4()}"
    wait(admin.create_topics([NewTopic(name, 3, 1)]))
    assert error_of(admin.create_topics([NewTopic(name, 3, 1)])[name]) == KafkaError.TOPIC_ALREADY_EXISTS
    assert len(admin.list_topics(name, timeout=15).topics[name].partitions) == 3
    wait(admin.delete_topics([name], operation_timeout=15))
    deadline = time.monotonic() + 15
    while name in admin.list_topics(timeout=15).topics and time.monotonic() < deadline:
        time.sleep(0.1)
    assert name not in admin.list_topics(timeout=15).topics
    assert error_of(admin.delete_topics([name])[name]) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_deleted_topic_comes_back_empty(admin):
    name = create(admin, 1)
    produce(name, [b"old"])
    wait(admin.delete_topics([name], operation_timeout=15))
    deadline = time.monotonic() + 15
    while True:
        try:
            wait(admin.create_topics([NewTopic(name, 1, 1)]))
            break
        except KafkaException:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    produce(name, [b"new"])
    assert [message.value() for message in read(name, 1)] == [b"new"]


@pytest.mark.parametrize("topic, error", [
    (NewTopic("bad name!", 1, 1), KafkaError.TOPIC_EXCEPTION),
    (NewTopic("x" * 250, 1, 1), KafkaError.TOPIC_EXCEPTION),
    (NewTopic("no-partitions", 0, 1), KafkaError.INVALID_PARTITIONS),
    (NewTopic("too-many-replicas", 1, 9), KafkaError.INVALID_REPLICATION_FACTOR),
    (NewTopic("bad-config", 1, 1, config={"retention.ms": "soon"}), KafkaError.INVALID_CONFIG),
    (NewTopic("unknown-config", 1, 1, config={"no.such.setting": "1"}), KafkaError.INVALID_CONFIG),
], ids=["name", "long-name", "partitions", "replicas", "value", "setting"])
def test_topics_that_cannot_be(admin, topic, error):
    assert error_of(admin.create_topics([topic])[topic.topic]) == error
    assert error_of(admin.create_topics([topic], validate_only=True)[topic.topic]) == error


def test_validate_only_creates_nothing(admin):
    name = f"never-{uuid.uuid4()}"
    wait(admin.create_topics([NewTopic(name, 3, 1)], validate_only=True))
    assert name not in admin.list_topics(timeout=15).topics


def test_create_partitions(admin):
    topic = create(admin, 2)
    produce(topic, [b"before"], partition=1)
    wait(admin.create_partitions([NewPartitions(topic, 5)]))
    deadline = time.monotonic() + 15
    while len(admin.list_topics(topic, timeout=15).topics[topic].partitions) != 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    produce(topic, [b"after"], partition=4)
    assert read(topic, 1, partition=1)[0].value() == b"before"
    assert read(topic, 1, partition=4)[0].value() == b"after"
    assert error_of(admin.create_partitions([NewPartitions(topic, 3)])[topic]) == KafkaError.INVALID_PARTITIONS


def configs_of(admin, kind, name):
    resource = ConfigResource(kind, name)
    return admin.describe_configs([resource])[resource].result(timeout=30)


def test_describe_topic_configs(admin):
    topic = create(admin, 1, **{"retention.ms": "123456"})
    configs = configs_of(admin, ResourceType.TOPIC, topic)
    assert configs["retention.ms"].value == "123456"
    assert configs["retention.ms"].source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    assert configs["cleanup.policy"].value == "delete"
    assert configs["cleanup.policy"].is_default
    assert {"segment.bytes", "max.message.bytes", "min.insync.replicas", "compression.type", "message.timestamp.type"} <= set(configs)


def test_describe_broker_configs(admin):
    broker = str(next(iter(admin.list_topics(timeout=15).brokers)))
    configs = configs_of(admin, ResourceType.BROKER, broker)
    assert configs["num.partitions"].value == "4"
    assert {"log.dirs", "message.max.bytes", "auto.create.topics.enable", "log.retention.hours", "listeners"} <= set(configs)


def alter(admin, topic, *changes):
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
        ConfigEntry(name, value, incremental_operation=operation) for name, value, operation in changes])
    return admin.incremental_alter_configs([resource])[resource]


def test_incremental_alter_configs(admin, topic):
    alter(admin, topic, ("retention.ms", "1000000", AlterConfigOpType.SET), ("cleanup.policy", "compact", AlterConfigOpType.APPEND)).result(timeout=30)
    configs = configs_of(admin, ResourceType.TOPIC, topic)
    assert (configs["retention.ms"].value, sorted(configs["cleanup.policy"].value.split(","))) == ("1000000", ["compact", "delete"])
    alter(admin, topic, ("retention.ms", None, AlterConfigOpType.DELETE), ("cleanup.policy", "compact", AlterConfigOpType.SUBTRACT)).result(timeout=30)
    configs = configs_of(admin, ResourceType.TOPIC, topic)
    assert (configs["retention.ms"].value, configs["cleanup.policy"].value) == ("604800000", "delete")
    assert error_of(alter(admin, topic, ("retention.ms", "never", AlterConfigOpType.SET))) == KafkaError.INVALID_CONFIG
    assert error_of(alter(admin, f"nowhere-{uuid.uuid4()}", ("retention.ms", "1", AlterConfigOpType.SET))) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_changed_limit_takes_effect(admin, topic):
    produce(topic, [bytes(5000)])
    alter(admin, topic, ("max.message.bytes", "1000", AlterConfigOpType.SET)).result(timeout=30)
    errors, deadline = [], time.monotonic() + 10
    while KafkaError.MSG_SIZE_TOO_LARGE not in errors and time.monotonic() < deadline:
        producer = Producer({"bootstrap.servers": BOOTSTRAP})
        producer.produce(topic, os.urandom(5000), on_delivery=lambda error, _: errors.append(error.code() if error else None))
        producer.flush(15)
    assert KafkaError.MSG_SIZE_TOO_LARGE in errors


def test_alter_configs_replaces_the_whole(admin):
    topic = create(admin, 1, **{"retention.ms": "1000000"})
    resource = ConfigResource(ResourceType.TOPIC, topic, set_config={"segment.bytes": "2000000"})
    admin.alter_configs([resource])[resource].result(timeout=30)
    configs = configs_of(admin, ResourceType.TOPIC, topic)
    assert (configs["segment.bytes"].value, configs["retention.ms"].value) == ("2000000", "604800000")


def test_list_offsets(admin, topic):
    produce(topic, [b"a", b"b", b"c"], timestamps=[1000, 3000, 2000])
    place = TopicPartition(topic, 0)
    found = {}
    for name, spec in (("earliest", OffsetSpec.earliest()), ("latest", OffsetSpec.latest()), ("max", OffsetSpec.max_timestamp()), ("time", OffsetSpec.for_timestamp(1500))):
        found[name] = admin.list_offsets({place: spec}, isolation_level=IsolationLevel.READ_UNCOMMITTED)[place].result(timeout=30)
    assert {name: result.offset for name, result in found.items()} == {"earliest": 0, "latest": 3, "max": 1, "time": 1}
    assert (found["max"].timestamp, found["time"].timestamp) == (3000, 3000)


def test_delete_records(admin, topic):
    produce(topic, [b"%d" % i for i in range(10)])
    place = TopicPartition(topic, 0, 4)
    assert admin.delete_records([place])[place].result(timeout=30).low_watermark == 4
    reader = consumer()
    assert reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=15) == (4, 10)
    reader.close()
    assert [message.offset() for message in read(topic, 6)] == list(range(4, 10))
    beyond = TopicPartition(topic, 0, 99)
    assert error_of(admin.delete_records([beyond])[beyond]) == KafkaError.OFFSET_OUT_OF_RANGE


def test_describe_cluster(admin):
    cluster = admin.describe_cluster().result(timeout=30)
    assert len(cluster.cluster_id) == 22
    assert [f"{node.host}:{node.port}" for node in cluster.nodes] == [BOOTSTRAP]
    assert cluster.controller.id == cluster.nodes[0].id


def test_describe_topics(admin):
    topic = create(admin, 3)
    nowhere = f"nowhere-{uuid.uuid4()}"
    futures = admin.describe_topics(TopicCollection([topic, nowhere]))
    told = futures[topic].result(timeout=30)
    assert [(partition.id, len(partition.replicas), len(partition.isr)) for partition in told.partitions] == [(i, 1, 1) for i in range(3)]
    assert not told.is_internal
    assert str(told.topic_id) != "AAAAAAAAAAAAAAAAAAAAAA"
    assert error_of(futures[nowhere]) == KafkaError.UNKNOWN_TOPIC_OR_PART
