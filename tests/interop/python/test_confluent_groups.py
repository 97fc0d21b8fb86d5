"""confluent-kafka (librdkafka behind it) in consumer groups: sharing, moving, resuming, and administration of groups."""
import threading
import time
import uuid

import pytest
from confluent_kafka import Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic
from test_confluent import BOOTSTRAP, admin, create, error_of, produce, wait  # noqa: F401

SECONDS = 45


class Member:
    """A consumer that polls in a thread of its own."""

    def __init__(self, group, *topics, **config):
        self.values, self.held, self.revoked, self.errors = [], set(), 0, []
        self.consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
                                  "session.timeout.ms": 6000, "heartbeat.interval.ms": 300, **config})
        self.consumer.subscribe(list(topics), on_revoke=self._revoked)
        self.running = True
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()

    def _revoked(self, consumer, partitions):
        self.revoked += len(partitions)

    def _poll(self):
        while self.running:
            for message in self.consumer.consume(100, 0.1):
                if message.error() is None:
                    self.values.append((message.partition(), message.offset(), message.value()))
                elif message.error().code() != KafkaError._PARTITION_EOF:
                    self.errors.append(message.error())
            # Asked from another thread, librdkafka would wait for this one.
            self.held = {place.partition for place in self.consumer.assignment()}

    def partitions(self):
        return self.held

    def halt(self):
        self.running = False
        self.thread.join()

    def leave(self, commit=True):
        self.halt()
        if commit:
            try:
                self.consumer.commit(asynchronous=False)
            except KafkaException as nothing_new:
                assert nothing_new.args[0].code() == KafkaError._NO_OFFSET
        self.consumer.close()
        assert self.errors == []


def eventually(condition, what):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def name():
    return f"group-{uuid.uuid4()}"


def shared(members, count):
    """Whether the members have all partitions, none of them twice."""
    held = [member.partitions() for member in members]
    return all(held) and sum(map(len, held)) == count == len(set().union(*held))


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_members_share_and_take_over(admin, strategy):
    topic, group = create(admin, 6), name()
    for partition in range(6):
        produce(topic, [b"%d" % i for i in range(20)], partition)
    config = {"partition.assignment.strategy": strategy}
    members = [Member(group, topic, **config)]
    eventually(lambda: shared(members, 6), "one member has all partitions")
    members += [Member(group, topic, **config) for _ in range(2)]
    eventually(lambda: shared(members, 6), "three members share them")
    assert {len(member.partitions()) for member in members} == {2}
    eventually(lambda: len({value[:2] for member in members for value in member.values}) == 120, "everything is read")
    members.pop().leave()
    eventually(lambda: shared(members, 6), "two members take over")
    for member in members:
        member.leave()


def test_offsets_resume(admin):
    topic, group = create(admin, 3), name()
    for partition in range(3):
        produce(topic, [b"a%d" % i for i in range(50)], partition)
    first = Member(group, topic)
    eventually(lambda: len(first.values) == 150, "all of the first")
    first.leave()
    for partition in range(3):
        produce(topic, [b"b%d" % i for i in range(10)], partition)
    second = Member(group, topic)
    eventually(lambda: len(second.values) == 30, "all of the second")
    time.sleep(0.5)
    second.leave()
    assert sorted(value for _, _, value in second.values) == sorted(3 * [b"b%d" % i for i in range(10)])


def test_automatic_commits(admin):
    topic, group = create(admin, 1), name()
    produce(topic, [b"x"] * 30)
    member = Member(group, topic, **{"enable.auto.commit": True, "auto.commit.interval.ms": 100})
    eventually(lambda: len(member.values) == 30, "all of it")
    eventually(lambda: committed(group, topic, 0) == 30, "the offset is committed")
    member.leave(commit=False)


def committed(group, topic, partition):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group})
    try:
        return consumer.committed([TopicPartition(topic, partition)], timeout=30)[0].offset
    finally:
        consumer.close()


def test_a_static_member_comes_back_without_a_rebalance(admin):
    topic, group = create(admin, 4), name()
    static = {"session.timeout.ms": 30000}
    stays = Member(group, topic, **static, **{"group.instance.id": "stays"})
    goes = Member(group, topic, **static, **{"group.instance.id": "goes"})
    eventually(lambda: shared([stays, goes], 4), "two members share")
    had, revoked = goes.partitions(), stays.revoked
    goes.leave()
    again = Member(group, topic, **static, **{"group.instance.id": "goes"})
    eventually(lambda: again.partitions() == had, "it has what it had")
    assert stays.revoked == revoked
    again.leave()
    stays.leave()


def test_a_member_that_dies_is_replaced(admin):
    topic, group = create(admin, 2), name()
    dead = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group, "session.timeout.ms": 6000, "max.poll.interval.ms": 6000})
    dead.subscribe([topic])
    eventually(lambda: dead.poll(0.1) is None and len(dead.assignment()) == 2, "it has both partitions")
    heir = Member(group, topic)
    # It does not poll any more: the group goes on without it.
    eventually(lambda: heir.partitions() == {0, 1}, "the other one has them")
    heir.leave()
    dead.close()


def test_a_pattern_finds_its_topics(admin):
    group, prefix = name(), f"confluent-{uuid.uuid4()}"
    for topic in (f"{prefix}-1", f"{prefix}-2", f"other-{prefix}"):
        wait(admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)]))
        produce(topic, [topic.encode()])
    member = Member(group, f"^{prefix}-.*")
    eventually(lambda: len(member.values) == 2, "what is in both")
    member.leave()
    assert {value for _, _, value in member.values} == {f"{prefix}-1".encode(), f"{prefix}-2".encode()}


def test_a_stale_member_cannot_commit(admin):
    topic, group = create(admin, 1), name()
    member = Member(group, topic)
    eventually(lambda: member.partitions() == {0}, "it has the partition")
    member.halt()
    outsider = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group})
    with pytest.raises(KafkaException) as raised:
        outsider.commit(offsets=[TopicPartition(topic, 0, 5)], asynchronous=False)
    assert raised.value.args[0].code() == KafkaError.UNKNOWN_MEMBER_ID
    outsider.close()
    member.leave(commit=False)


def test_groups_are_administered(admin):
    topic, group = create(admin, 2), name()
    produce(topic, [b"x"] * 5)
    member = Member(group, topic, **{"client.id": "administered"})
    eventually(lambda: len(member.values) == 5, "all of it")
    listed = admin.list_consumer_groups().result(30)
    assert listed.errors == [] and group in {entry.group_id for entry in listed.valid}
    stable = admin.list_consumer_groups(states={ConsumerGroupState.STABLE}).result(30)
    assert group in {entry.group_id for entry in stable.valid}
    empty = admin.list_consumer_groups(states={ConsumerGroupState.EMPTY}).result(30)
    assert group not in {entry.group_id for entry in empty.valid}
    described = wait(admin.describe_consumer_groups([group], include_authorized_operations=True))[group]
    assert (described.state, described.partition_assignor) == (ConsumerGroupState.STABLE, "range")
    assert [(one.client_id, one.host) for one in described.members] == [("administered", "/127.0.0.1")]
    assert sorted(place.partition for place in described.members[0].assignment.topic_partitions) == [0, 1]
    assert described.authorized_operations
    assert error_of(admin.delete_consumer_groups([group])[group]) == KafkaError.NON_EMPTY_GROUP
    member.leave()

    offsets = [TopicPartition(topic, 0, 3), TopicPartition(topic, 1, 4)]
    wait(admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, offsets)]))
    found = wait(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
    assert sorted((place.partition, place.offset) for place in found.topic_partitions) == [(0, 3), (1, 4)]
    wait(admin.delete_consumer_groups([group]))
    assert error_of(admin.delete_consumer_groups([group])[group]) == KafkaError.GROUP_ID_NOT_FOUND
