"""kill -9 in the middle of acks=all load, again and again: what was acknowledged is there, in order, and nothing was invented.

Values name their writer, their place and their round, so that a record's provenance can be checked. A plain producer never
sends a batch twice: in doubt it goes on with the next. An idempotent one sends what is in doubt again with the same sequence
numbers, so each of its values must be in the log exactly once. Besides: what a reader has seen does not vanish, a topic whose
creation was acknowledged is there, one whose deletion was acknowledged is not, and no producer id is given twice.
"""
import os
import random
import threading
import time

from wire import Connection, batch, read_batches

RESTARTS_BROKER = True
PARTITIONS = 6
ROUNDS = int(os.environ.get("INTEROP_CRASH_ROUNDS", "8"))
TOPIC = "crash"
IN_FLIGHT_MAX = 4


# Errors of a broker that has just started: leader not available, not the leader, coordinator loading or not available.
NOT_READY = (5, 6, 14, 15)


class NotReady(Exception):
    pass


class Writer(threading.Thread):
    """Writes to one partition until the broker dies. `sent` and `acknowledged` outlive the broker; the thread does not."""

    def __init__(self, partition, idempotent):
        super().__init__(daemon=True)
        self.partition, self.idempotent = partition, idempotent
        self.dice = random.Random(partition)
        self.sent = {}           # value -> its place in the order of sending
        self.acknowledged = {}   # offset -> value
        self.in_doubt = []       # (base sequence, values) of batches without an answer
        self.producer = (-1, -1)
        self.sequence = 0
        self.failure = None

    def next_round(self, bootstrap):
        again = Writer(self.partition, self.idempotent)
        again.__dict__.update({key: getattr(self, key) for key in ("dice", "sent", "acknowledged", "in_doubt", "producer", "sequence")})
        again.bootstrap = bootstrap
        return again

    def run(self):
        while True:
            try:
                with Connection(self.bootstrap, timeout=20) as connection:
                    self.write(connection)
            except NotReady:
                time.sleep(0.1)
            except (OSError, EOFError):
                return  # The broker is gone: what this test is about.
            except Exception as wrong:
                self.failure = f"partition {self.partition}: {type(wrong).__name__}: {wrong}"
                return

    def write(self, connection):
        """Keeps one batch in flight until the first is acknowledged, then several: a refused first one must not be overtaken."""
        if self.idempotent and self.producer[0] < 0:
            self.producer = self.producer_id(connection)
        in_flight_max = 1
        again = self.in_doubt if self.idempotent else []
        self.in_doubt = []
        pending = list(again)
        waiting = []
        while True:
            while len(waiting) < in_flight_max:
                item = pending.pop(0) if pending else self.fresh()
                waiting.append(item)
                self.in_doubt = waiting + pending
                connection.send(0, 3, connection.produce_body(TOPIC, self.partition, self.encode(*item)))
            _, reader = connection.receive()
            error, offset = connection.produced(reader)
            if error in NOT_READY:
                raise NotReady
            sequence, values = waiting.pop(0)
            in_flight_max = IN_FLIGHT_MAX
            if error:
                raise AssertionError(f"a batch at sequence {sequence} is answered with error {error}")
            self.in_doubt = waiting + pending
            for at, value in enumerate(values):
                known = self.acknowledged.setdefault(offset + at, value)
                if known != value:
                    raise AssertionError(f"offset {offset + at} is given to {value!r} and was given to {known!r}")

    @staticmethod
    def producer_id(connection):
        error, producer_id, epoch = connection.init_producer_id()
        if error in NOT_READY:
            raise NotReady
        if error:
            raise AssertionError(f"no producer id: error {error}")
        return producer_id, epoch

    def fresh(self):
        values = []
        for _ in range(self.dice.choice((1, 1, 2, 5, 20))):
            value = b"%d/%d/" % (self.partition, len(self.sent)) + self.dice.randbytes(self.dice.choice((10, 100, 1000)))
            self.sent[value] = len(self.sent)
            values.append(value)
        item = (self.sequence, values)
        self.sequence += len(values)
        return item

    def encode(self, sequence, values):
        if self.idempotent:
            return batch(values, producer_id=self.producer[0], producer_epoch=self.producer[1], base_sequence=sequence)
        return batch(values)

    def check(self, records):
        """`records` is the partition as it is read back: (offset, value) in offset order."""
        offsets = [offset for offset, _ in records]
        if offsets != list(range(len(offsets))):
            raise AssertionError(f"partition {self.partition} has gaps or repeats in its offsets")
        stored = dict(records)
        for offset, value in self.acknowledged.items():
            if stored.get(offset) != value:
                raise AssertionError(f"partition {self.partition}, offset {offset} was acknowledged and is {'lost' if offset not in stored else 'another record'}"
                                     f" (the log ends at {len(offsets)}, {len(self.acknowledged)} records were acknowledged)")
        places = []
        for offset, value in records:
            if value not in self.sent:
                raise AssertionError(f"partition {self.partition}, offset {offset} holds a record that nobody sent")
            places.append(self.sent[value])
        if any(a >= b for a, b in zip(places, places[1:])):
            raise AssertionError(f"partition {self.partition} holds records twice or out of the order of sending")
        if self.idempotent and places != list(range(len(places))):
            raise AssertionError(f"partition {self.partition} lacks a record before one that it has, from an idempotent producer")


class Follower(threading.Thread):
    """Reads all partitions while they are written. `seen` outlives the broker."""

    def __init__(self, bootstrap, seen):
        super().__init__(daemon=True)
        self.bootstrap, self.seen, self.failure = bootstrap, seen, None
        self.next = [1 + max((offset for place, offset in seen if place == partition), default=-1) for partition in range(PARTITIONS)]

    def run(self):
        try:
            with Connection(self.bootstrap, timeout=20) as connection:
                while True:
                    for partition in range(PARTITIONS):
                        _, _, records = connection.fetch(TOPIC, partition, self.next[partition], wait_ms=1)
                        for offset, value in read_batches(records):
                            self.seen[partition, offset] = value
                            self.next[partition] = offset + 1
        except (OSError, EOFError):
            pass
        except Exception as wrong:
            self.failure = f"the reader: {type(wrong).__name__}: {wrong}"


class Catalogue:
    """Topics that were acknowledged as created or deleted, and producer ids that were given out."""

    def __init__(self):
        self.created, self.deleted, self.producers = set(), set(), set()

    def change(self, connection, round_):
        name = f"crash-created-{round_}"
        connection.create_topic(name, 1)
        self.created.add(name)
        if round_ % 3 == 0:
            doomed = sorted(self.created)[0]
            self.created.remove(doomed)
            connection.delete_topic(doomed)
            self.deleted.add(doomed)

    def check(self, connection):
        known = set(connection.metadata(None)["topics"])
        if self.created - known:
            raise AssertionError(f"topics that were created are gone: {self.created - known}")
        if self.deleted & known:
            raise AssertionError(f"topics that were deleted are there: {self.deleted & known}")
        error, producer, _ = connection.init_producer_id()
        if error not in NOT_READY:
            if producer in self.producers:
                raise AssertionError(f"producer id {producer} is given out a second time")
            self.producers.add(producer)


def prepare(_kit):
    pass


def run(kit, broker, report):
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(TOPIC, PARTITIONS)
    writers = [Writer(partition, idempotent=partition % 2 == 1) for partition in range(PARTITIONS)]
    catalogue, seen = Catalogue(), {}
    for round_ in range(1, ROUNDS + 1):
        name = f"round {round_} of {ROUNDS}"
        writers = [writer.next_round(broker.bootstrap) for writer in writers]
        # Threads start once, so each round has writers of its own that go on where the last ones ended.
        if not report.check(name, lambda: one_round(broker, writers, catalogue, seen, round_, dice.uniform(0.1, 1.5))):
            report.failed("the seed of the failure", str(seed))
            return
    total = sum(len(writer.acknowledged) for writer in writers)
    report.check(f"{total} records acknowledged and {len(seen)} read in {ROUNDS} crashes", lambda: enough(total, len(seen)))


def enough(acknowledged, read):
    if min(acknowledged, read) < ROUNDS * PARTITIONS:
        raise AssertionError("so few records were acknowledged or read that this proves nothing")


def one_round(broker, writers, catalogue, seen, round_, seconds):
    follower = Follower(broker.bootstrap, seen)
    threads = [*writers, follower]
    for thread in threads:
        thread.start()
    with Connection(broker.bootstrap) as connection:
        catalogue.change(connection, round_)
    time.sleep(seconds)
    broker.kill()
    for thread in threads:
        thread.join(30)
    failures = [thread.failure for thread in threads if thread.failure]
    if failures:
        raise AssertionError("; ".join(failures))
    broker.start()
    with Connection(broker.bootstrap, timeout=30) as connection:
        wait_for_leaders(connection)
        catalogue.check(connection)
        for writer in writers:
            records = connection.read_all(TOPIC, writer.partition)
            writer.check(records)
            vanished = [offset for (partition, offset), value in seen.items() if partition == writer.partition and (offset >= len(records) or records[offset][1] != value)]
            if vanished:
                raise AssertionError(f"partition {writer.partition}, offset {min(vanished)} was read before the crash and is gone or another record")


def wait_for_leaders(connection):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        error, partitions = connection.metadata([TOPIC])["topics"][TOPIC]
        if error == 0 and len(partitions) == PARTITIONS and all(leader >= 0 and not wrong for _, leader, wrong in partitions):
            return
        time.sleep(0.1)
    raise AssertionError("the partitions have no leader 30 s after the restart")
