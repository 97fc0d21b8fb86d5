"""What a broken or hostile client sends. After each case the broker still serves, and its memory has not grown with it.

The answers that are expected here are those of Apache Kafka 4.3 (`run --against kafka bad_input`).
"""
import gzip
import os
import random
import socket
import struct
import time
import zlib

from wire import API_VERSIONS, FETCH, LATEST, METADATA, PRODUCE, Connection, array, batch, blob, crc32c, read_batches, record, string

TOPIC = "bad-input"
# What all cases together may add to the broker's resident memory; a JVM's heap is a matter of its flags, so it has a bound of its own.
GROWTH_BYTES_MAX = 256 << 20
CASES = []


def case(test):
    CASES.append(test)
    return test


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} where {wanted!r} was expected")


def expect_closed(connection, what):
    if not connection.is_closed_by_broker():
        raise AssertionError(f"the broker keeps the connection open after {what}")


def prepare(_kit):
    pass


def run(kit, broker, report):
    own = broker.process is not None
    with Connection(broker.bootstrap) as connection:
        connection.create_topic(TOPIC, 1)
    serves(broker)
    base = broker.resident_bytes() if own else 0
    is_java = kit.against == "kafka"
    bound = (2 << 30) if is_java else base + GROWTH_BYTES_MAX
    for test in CASES:
        name = test.__name__.replace("_", " ")
        if kit.only and kit.only not in name:
            continue
        if is_java and test in NOT_OF_KAFKA:
            report.skipped(name, "Kafka allocates what a frame's length claims, so it runs out of memory here")
            continue

        def whole():
            test(broker)
            serves(broker)
            if own and broker.resident_bytes() > bound:
                raise AssertionError(f"resident memory is {broker.resident_bytes() >> 20} MiB, from {base >> 20} MiB at the start")

        if not report.check(name, whole) and not broker.is_alive():
            report.failed("the broker lives on", broker.log_end())
            return


def serves(broker):
    """A normal client is served."""
    with Connection(broker.bootstrap) as connection:
        value = os.urandom(16).hex().encode()
        error, offset = connection.produce(TOPIC, 0, batch([value]))
        expect(error, 0, "error of a normal produce")
        error, _, records = connection.fetch(TOPIC, 0, offset)
        expect(error, 0, "error of a normal fetch")
        expect([v for at, v in read_batches(records) if at == offset], [value], "the record just written")


def sends(broker, data, what):
    with Connection(broker.bootstrap) as connection:
        connection.raw(data)
        expect_closed(connection, what)


# --- frames ---------------------------------------------------------------------------------------------------------


@case
def random_bytes(broker):
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for round_ in range(200):
        with Connection(broker.bootstrap) as connection:
            data = dice.randbytes(dice.randrange(1, 4096))
            try:
                if round_ % 2:
                    connection.raw(struct.pack(">i", len(data)))  # An honest length, so that the noise reaches the decoders.
                connection.raw(data)
            except OSError:
                pass
            if not broker.is_alive():
                raise AssertionError(f"the broker died of seed {seed}, round {round_}")


@case
def noise_behind_an_honest_header(broker):
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for round_ in range(600):
        api, version = dice.randrange(0, 93), dice.randrange(0, 18)
        body = dice.randbytes(dice.randrange(0, 300)) if dice.random() < 0.5 else bytes(dice.choices((0, 1, 2, 3, 127, 255), k=dice.randrange(0, 60)))
        with Connection(broker.bootstrap) as connection:
            try:
                connection.send(api, version, body)
                connection.socket.settimeout(0.005)
                connection.socket.recv(4096)
            except OSError:
                pass
            if not broker.is_alive():
                raise AssertionError(f"the broker died of seed {seed}, round {round_}: API {api} version {version}, {body.hex()}")


@case
def a_frame_of_negative_length(broker):
    for length in (-1, -2147483648):
        sends(broker, struct.pack(">i", length) + bytes(64), f"a frame of length {length}")


@case
def a_frame_of_giant_length(broker):
    for length in (2147483647, 104857601):
        sends(broker, struct.pack(">i", length) + bytes(64), f"a frame of length {length}")


@case
def a_frame_too_short_for_a_header(broker):
    for length in (0, 1, 4, 7):
        sends(broker, struct.pack(">i", length) + bytes(length), f"a frame of length {length}")


@case
def other_protocols(broker):
    sends(broker, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "an HTTP request")
    sends(broker, bytes.fromhex("16030102000100") + bytes(64), "a TLS hello")


@case
def half_frames(broker):
    with Connection(broker.bootstrap) as measure:
        whole = measure.frame(PRODUCE, 3, measure.produce_body(TOPIC, 0, batch([b"never whole"])))
        before = measure.offset_at(TOPIC, 0, LATEST)
    for cut in range(1, len(whole)):
        with Connection(broker.bootstrap) as connection:
            connection.raw(whole[:cut])
    with Connection(broker.bootstrap) as connection:
        expect(connection.offset_at(TOPIC, 0, LATEST), before, "the end of the log after half frames")


@case
def a_slow_sender_is_served(broker):
    with Connection(broker.bootstrap) as slow:
        for byte in slow.frame(PRODUCE, 3, slow.produce_body(TOPIC, 0, batch([b"byte by byte"]))):
            slow.raw(bytes([byte]))
            time.sleep(0.005)
        _, reader = slow.receive()
        expect(slow.produced(reader)[0], 0, "error of a produce that came byte by byte")


@case
def claimed_frames_cost_no_memory(broker):
    claimed = [Connection(broker.bootstrap) for _ in range(100)]
    try:
        for connection in claimed:
            connection.raw(struct.pack(">i", 100 << 20) + struct.pack(">hhi", PRODUCE, 3, 1))
        serves(broker)
    finally:
        for connection in claimed:
            connection.close()


@case
def thousands_of_connections_opened_and_dropped(broker):
    host, port = broker.bootstrap.rsplit(":", 1)
    for _ in range(50):
        for socket_ in [socket.create_connection((host, int(port)), 15) for _ in range(100)]:
            socket_.close()


@case
def connections_reset_in_the_middle_of_a_request(broker):
    with Connection(broker.bootstrap) as measure:
        whole = measure.frame(FETCH, 4, struct.pack(">iiiib", -1, 5000, 1 << 20, 1 << 20, 0) + array(
            [string(TOPIC) + array([struct.pack(">iqi", 0, 0, 1 << 20)])]))
    for _ in range(300):
        connection = Connection(broker.bootstrap)
        connection.raw(whole)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


@case
def hundreds_of_idle_connections(broker):
    idle = [Connection(broker.bootstrap) for _ in range(400)]
    try:
        serves(broker)
        expect(len(idle[-1].metadata([])["brokers"]), 1, "brokers told to the last of them")
    finally:
        for connection in idle:
            connection.close()


# --- requests -------------------------------------------------------------------------------------------------------


@case
def an_unknown_api(broker):
    for api in (1000, -1, 32767, 4, 7):
        with Connection(broker.bootstrap) as connection:
            connection.send(api, 0, b"")
            expect_closed(connection, f"a request of API {api}")


@case
def an_unknown_version(broker):
    for api, version in ((METADATA, 99), (FETCH, 3), (FETCH, 99), (PRODUCE, 99), (METADATA, -1)):
        with Connection(broker.bootstrap) as connection:
            connection.send(api, version, bytes(32))
            expect_closed(connection, f"API {api} version {version}")


@case
def api_versions_of_the_future(broker):
    with Connection(broker.bootstrap) as connection:
        reader = connection.request(API_VERSIONS, 99, bytes(16))
        expect(reader.number("h"), 35, "error of ApiVersions 99")
        ranges = {reader.number("h"): (reader.number("h"), reader.number("h")) for _ in range(reader.number("i"))}
        expect(reader.at, len(reader.data), "length of an ApiVersions answer of version 0")
        expect(ranges.get(API_VERSIONS), (0, 4), "versions of ApiVersions")
        expect(len(connection.metadata([])["brokers"]), 1, "brokers told on the same connection")


@case
def produce_below_version_3(broker):
    for version in (0, 1, 2):
        with Connection(broker.bootstrap) as connection:
            body = struct.pack(">hi", -1, 1000) + array([string(TOPIC) + array([struct.pack(">i", 0) + blob(batch([b"old"]))])])
            connection.send(PRODUCE, version, body)
            try:
                _, reader = connection.receive()
            except (EOFError, ConnectionError):
                continue  # Closed, as Kafka does it.
            reader.number("i"), reader.string(), reader.number("i"), reader.number("i")
            expect(reader.number("h"), 35, f"error of Produce {version}")


@case
def bodies_cut_short(broker):
    with Connection(broker.bootstrap) as measure:
        bodies = [(METADATA, 1, array([string(TOPIC)])), (PRODUCE, 3, measure.produce_body(TOPIC, 0, batch([b"cut"])))]
    for api, version, body in bodies:
        for cut in range(0, len(body) - 1, 1 if len(body) < 40 else 7):
            with Connection(broker.bootstrap) as connection:
                connection.send(api, version, body[:cut])
                expect_closed(connection, f"API {api} cut to {cut} bytes")


@case
def arrays_and_strings_that_claim_too_much(broker):
    giant = struct.pack(">i", 2147483647)
    fetch = struct.pack(">iiiib", -1, 100, 1, 1 << 20, 0)
    lies = [
        (METADATA, 1, giant), (METADATA, 1, struct.pack(">i", 100_000_000)), (METADATA, 1, struct.pack(">ih", 1, 32767)),
        (METADATA, 12, b"\xff\xff\xff\xff\x07"), (METADATA, 12, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), (FETCH, 4, fetch + giant),
        (FETCH, 4, fetch + struct.pack(">i", 1) + string(TOPIC) + giant), (PRODUCE, 3, string(None) + struct.pack(">hi", -1, 1000) + giant),
        (PRODUCE, 3, string(None) + struct.pack(">hi", -1, 1000) + array([string(TOPIC) + array([struct.pack(">ii", 0, 2147483647)])])),
    ]
    for api, version, body in lies:
        with Connection(broker.bootstrap) as connection:
            connection.send(api, version, body)
            expect_closed(connection, f"API {api} version {version} with the body {body.hex()}")


@case
def pipelined_requests_are_answered_in_order(broker):
    with Connection(broker.bootstrap) as connection:
        sent = []
        for round_ in range(300):
            sent.append(connection.send(METADATA, 1, array([string(TOPIC)])))
            sent.append(connection.send(PRODUCE, 3, connection.produce_body(TOPIC, 0, batch([b"%d" % round_]))))
            sent.append(connection.send(API_VERSIONS, 0, b""))
        expect([connection.receive()[0] for _ in sent], sent, "order of the answers")


@case
def acks_0_has_no_answer(broker):
    with Connection(broker.bootstrap) as connection:
        before = connection.offset_at(TOPIC, 0, LATEST)
        connection.send(PRODUCE, 3, connection.produce_body(TOPIC, 0, batch([b"unanswered"]), acks=0))
        expect(len(connection.metadata([])["brokers"]), 1, "brokers told behind an unanswered produce")
        deadline = time.monotonic() + 5
        while connection.offset_at(TOPIC, 0, LATEST) != before + 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        expect(connection.offset_at(TOPIC, 0, LATEST), before + 1, "the end of the log")


@case
def a_client_that_never_reads(broker):
    with Connection(broker.bootstrap, timeout=3) as deaf:
        question = deaf.frame(API_VERSIONS, 0, b"")
        try:
            for _ in range(2000):
                deaf.raw(question * 100)
        except OSError:
            pass  # Back-pressure reached us: as it should be.
        serves(broker)


@case
def a_reader_that_never_reads_its_fetches(broker):
    with Connection(broker.bootstrap, timeout=3) as deaf:
        for _ in range(20):
            deaf.produce(TOPIC, 0, batch([os.urandom(700_000)]))
        start = deaf.offset_at(TOPIC, 0, LATEST) - 20
        question = deaf.frame(FETCH, 4, struct.pack(">iiiib", -1, 100, 1, 50 << 20, 0) + array(
            [string(TOPIC) + array([struct.pack(">iqi", 0, start, 50 << 20)])]))
        try:
            for _ in range(200):
                deaf.raw(question)
        except OSError:
            pass
        serves(broker)


# --- records --------------------------------------------------------------------------------------------------------


def produce_error(broker, records, **options):
    with Connection(broker.bootstrap) as connection:
        return connection.produce(TOPIC, 0, records, **options)[0]


@case
def a_batch_with_a_wrong_checksum(broker):
    expect(produce_error(broker, batch([b"broken"], crc=12345)), 2, "error")
    whole = bytearray(batch([b"broken later"]))
    whole[-3] ^= 1
    expect(produce_error(broker, bytes(whole)), 2, "error")


@case
def a_batch_above_the_limit(broker):
    expect(produce_error(broker, batch([bytes(1_200_000)])), 10, "error")


@case
def batches_with_lying_headers(broker):
    good = batch([b"a", b"b", b"c"])
    expect(produce_error(broker, batch([b"a"], count=5)), 87, "error of a batch that claims more records than it has")
    expect(produce_error(broker, batch([b"a", b"b", b"c"], count=1)), 87, "error of a batch that claims fewer records than it has")
    expect(produce_error(broker, good + good), 87, "error of two batches for one partition")
    with Connection(broker.bootstrap) as connection:
        before = connection.offset_at(TOPIC, 0, LATEST)
        for size in (0, 1, 20, len(good) - 12 - 5, len(good), 1 << 30, -1):
            lying = bytearray(good)
            lying[8:12] = struct.pack(">i", size)
            try:
                error = produce_error(broker, bytes(lying))
            except (EOFError, ConnectionError):
                continue
            if error == 0:
                raise AssertionError(f"a batch that claims {size} bytes is accepted")
        expect(connection.offset_at(TOPIC, 0, LATEST), before, "the end of the log after lying batches")


@case
def old_message_formats(broker):
    for magic in (0, 1):
        message = struct.pack(">bb", magic, 0) + (struct.pack(">q", 1) if magic else b"") + blob(None) + blob(b"old")
        message = struct.pack(">I", zlib.crc32(message)) + message
        records = struct.pack(">qi", 0, len(message)) + message
        expect(produce_error(broker, records), 87, f"error of a message of magic {magic}")
    if produce_error(broker, batch([b"new"], magic=3)) not in (2, 87):
        raise AssertionError("a batch of magic 3 is neither corrupt nor invalid")


@case
def records_with_lying_lengths(broker):
    for lie in (record(0, None, b"x" * 20)[:-5], b"\xfe\xff\xff\xff\x0f" + bytes(20), bytes(8)):
        crafted = batch([])
        body = bytearray(crafted[21:]) + lie
        body[2:6] = struct.pack(">i", 0)
        body[36:40] = struct.pack(">i", 1)
        whole = struct.pack(">qiibI", 0, 9 + len(body), -1, 2, crc32c(body)) + bytes(body)
        expect(produce_error(broker, whole), 87, f"error of a record {lie.hex()}")


@case
def compressed_noise(broker):
    for codec in (1, 2, 3, 4):
        body = bytearray(batch([b"x"])[21:]) + os.urandom(100)
        body[0:2] = struct.pack(">h", codec)
        whole = struct.pack(">qiibI", 0, 9 + len(body), -1, 2, crc32c(body)) + bytes(body)
        error = produce_error(broker, whole)
        if error == 0:
            raise AssertionError(f"noise said to be compressed with codec {codec} is accepted")


@case
def a_decompression_bomb(broker):
    bomb = gzip.compress(bytes(400 << 20), 9)
    body = bytearray(batch([b"x"])[21:61]) + bomb
    body[0:2] = struct.pack(">h", 1)
    whole = struct.pack(">qiibI", 0, 9 + len(body), -1, 2, crc32c(body)) + bytes(body)
    produce_error(broker, whole)


@case
def requests_out_of_range(broker):
    expect(produce_error(broker, batch([b"a"]), acks=2), 21, "error of acks=2")
    expect(produce_error(broker, b""), 87, "error of no records")
    with Connection(broker.bootstrap) as connection:
        expect(connection.produce("no-such-topic." + "x" * 10, 7, batch([b"a"]))[0], 3, "error of an unknown topic")
        expect(connection.produce(TOPIC, 1, batch([b"a"]))[0], 3, "error of an unknown partition")
        expect(connection.produce(TOPIC, -1, batch([b"a"]))[0], 3, "error of partition -1")
        expect(connection.fetch(TOPIC, 0, -5)[0], 1, "error of a fetch at offset -5")
        expect(connection.fetch(TOPIC, 0, 1 << 40)[0], 1, "error of a fetch behind the end")
        expect(connection.fetch(TOPIC, 77, 0)[0], 3, "error of a fetch of an unknown partition")
        end = connection.offset_at(TOPIC, 0, LATEST)
        for bytes_max in (0, 1):
            expect(connection.fetch(TOPIC, 0, end - 1, bytes_max=bytes_max)[0], 0, f"error of a fetch of at most {bytes_max} bytes")
        connection.fetch(TOPIC, 0, end - 1, bytes_max=-1)  # Kafka answers -1; any answer will do.


@case
def invalid_topic_names(broker):
    with Connection(broker.bootstrap) as connection:
        names = ["", ".", "..", "a/b", "../../etc/passwd", "x" * 250, "a b", "a\u0000b", "\u00e4"]
        topics = connection.metadata(names)["topics"]
        expect({name: topics[name][0] for name in names}, {name: 17 for name in names}, "errors of invalid names")


NOT_OF_KAFKA = {claimed_frames_cost_no_memory}
