"""Just enough of Kafka's wire protocol to speak to a broker over a raw socket, well or badly. No dependency."""
import socket
import struct
import time

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS, INIT_PRODUCER_ID = 0, 1, 2, 3, 18, 19, 20, 22
EARLIEST, LATEST = -2, -1
LEADER_NOT_AVAILABLE, UNKNOWN_TOPIC, NOT_LEADER = 5, 3, 6


def crc32c_table():
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    crc, table = 0xFFFFFFFF, CRC32C
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number & ~0x7F:
        out.append((number & 0x7F) | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def string(text):
    if text is None:
        return struct.pack(">h", -1)
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">h", len(data)) + data


def blob(data):
    return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def record(offset_delta, key, value):
    body = b"\x00" + varint(0) + varint(offset_delta)
    for part in (key, value):
        body += varint(-1) if part is None else varint(len(part)) + part
    body += varint(0)
    return varint(len(body)) + body


def batch(values, producer_id=-1, producer_epoch=-1, base_sequence=-1, attributes=0, magic=2, count=None, crc=None):
    """A record batch (magic 2) of values without keys; `count`, `crc` and `magic` can be made to lie."""
    now = int(time.time() * 1000)
    records = b"".join(record(i, None, value) for i, value in enumerate(values))
    count = len(values) if count is None else count
    tail = struct.pack(">hiqqqhii", attributes, count - 1, now, now, producer_id, producer_epoch, base_sequence, count) + records
    checksum = crc32c(tail) if crc is None else crc
    return struct.pack(">qiibI", 0, 4 + 1 + 4 + len(tail), -1, magic, checksum) + tail


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise EOFError("the answer is shorter than it claims")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, kind):
        return struct.unpack(">" + kind, self.take(struct.calcsize(">" + kind)))[0]

    def string(self):
        size = self.number("h")
        return None if size < 0 else self.take(size).decode()

    def blob(self):
        size = self.number("i")
        return None if size < 0 else self.take(size)

    def array(self, item):
        return [item() for _ in range(max(0, self.number("i")))]

    def varint(self):
        shift = value = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7


def read_batches(data):
    """Yields (offset, value) of every record of whole, uncompressed batches; a partial batch at the end is left out."""
    reader = Reader(data)
    while len(data) - reader.at >= 61:
        base, size = struct.unpack(">qi", data[reader.at:reader.at + 12])
        if len(data) - reader.at < 12 + size:
            return
        body = Reader(data[reader.at + 12:reader.at + 12 + size])
        reader.at += 12 + size
        body.take(4)
        if body.number("b") != 2:
            raise AssertionError("a batch that is not of magic 2 came back")
        stored = body.number("I")
        if crc32c(body.data[body.at:]) != stored:
            raise AssertionError(f"the batch at offset {base} came back with a wrong CRC")
        body.take(2 + 4 + 8 + 8 + 8 + 2 + 4)
        for _ in range(body.number("i")):
            body.varint()
            body.take(1)
            body.varint()
            delta = body.varint()
            key = body.varint()
            body.take(max(0, key))
            size = body.varint()
            value = None if size < 0 else bytes(body.take(size))
            for _ in range(body.varint()):
                body.take(body.varint())
                body.take(max(0, body.varint()))
            yield base + delta, value


class Connection:
    """A blocking connection; requests may be pipelined with `send` and `receive`."""

    def __init__(self, bootstrap, timeout=15):
        host, port = bootstrap.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def raw(self, data):
        self.socket.sendall(data)

    def frame(self, api, version, body):
        self.correlation += 1
        request = struct.pack(">hhi", api, version, self.correlation) + string("interop") + body
        return struct.pack(">i", len(request)) + request

    def send(self, api, version, body):
        self.raw(self.frame(api, version, body))
        return self.correlation

    def receive_bytes(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(min(count - len(data), 1 << 20))
            if not piece:
                raise EOFError("the broker closed the connection")
            data += piece
        return bytes(data)

    def receive(self):
        size = struct.unpack(">i", self.receive_bytes(4))[0]
        reader = Reader(self.receive_bytes(size))
        return reader.number("i"), reader

    def request(self, api, version, body):
        sent = self.send(api, version, body)
        correlation, reader = self.receive()
        if correlation != sent:
            raise AssertionError(f"answer {correlation} to request {sent}: out of order")
        return reader

    def is_closed_by_broker(self, seconds=10):
        """Whether the broker closes this connection within the time, whatever it may still send before."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(1 << 16):
                pass
            return True
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    # The requests below are the oldest versions that Kafka 4 still speaks, because their layout is the simplest.

    def metadata(self, topics):
        reader = self.request(METADATA, 1, struct.pack(">i", -1) if topics is None else array([string(t) for t in topics]))
        brokers = reader.array(lambda: (reader.number("i"), reader.string(), reader.number("i"), reader.string()))
        controller = reader.number("i")

        def partition():
            error, index, leader = reader.number("h"), reader.number("i"), reader.number("i")
            reader.array(lambda: reader.number("i")), reader.array(lambda: reader.number("i"))
            return index, leader, error

        topics = reader.array(lambda: (reader.number("h"), reader.string(), reader.number("b"), reader.array(partition)))
        return {"brokers": brokers, "controller": controller, "topics": {name: (error, parts) for error, name, _, parts in topics}}

    def create_topic(self, name, partitions, configs=()):
        settings = array([string(key) + string(value) for key, value in configs])
        topic = string(name) + struct.pack(">ih", partitions, 1) + array([]) + settings
        reader = self.request(CREATE_TOPICS, 2, array([topic]) + struct.pack(">ib", 15000, 0))
        reader.number("i")
        (_, error, message), = reader.array(lambda: (reader.string(), reader.number("h"), reader.string()))
        if error:
            raise AssertionError(f"topic {name} could not be created: {error} {message}")
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            error, parts = self.metadata([name])["topics"][name]
            if error == 0 and len(parts) == partitions and all(leader >= 0 and not wrong for _, leader, wrong in parts):
                return
            time.sleep(0.05)
        raise AssertionError(f"topic {name} has no leaders 15 s after it was created")

    def delete_topic(self, name):
        reader = self.request(DELETE_TOPICS, 1, array([string(name)]) + struct.pack(">i", 15000))
        reader.number("i")
        (_, error), = reader.array(lambda: (reader.string(), reader.number("h")))
        if error:
            raise AssertionError(f"topic {name} could not be deleted: error {error}")

    @staticmethod
    def produce_body(topic, partition, records, acks=-1):
        return string(None) + struct.pack(">hi", acks, 15000) + array([string(topic) + array([struct.pack(">i", partition) + blob(records)])])

    @staticmethod
    def produced(reader):
        """(error, base offset) of the one partition of a Produce v3 answer."""
        (_, ((_, error, offset, _),)), = reader.array(
            lambda: (reader.string(), reader.array(lambda: (reader.number("i"), reader.number("h"), reader.number("q"), reader.number("q")))))
        return error, offset

    def produce(self, topic, partition, records, acks=-1, version=3):
        return self.produced(self.request(PRODUCE, version, self.produce_body(topic, partition, records, acks)))

    def fetch(self, topic, partition, offset, bytes_max=4 << 20, wait_ms=500):
        """(error, high watermark, records) of one partition."""
        body = struct.pack(">iiiib", -1, wait_ms, 1, bytes_max, 0) + array(
            [string(topic) + array([struct.pack(">iqi", partition, offset, bytes_max)])])
        reader = self.request(FETCH, 4, body)
        reader.number("i")

        def answer():
            reader.number("i")
            error, watermark = reader.number("h"), reader.number("q")
            reader.number("q")
            reader.array(lambda: reader.take(16))
            return error, watermark, reader.blob() or b""

        (_, (found,)), = reader.array(lambda: (reader.string(), reader.array(answer)))
        return found

    def read_all(self, topic, partition):
        """Every record of a partition as (offset, value), from the earliest offset to the high watermark."""
        offset, found = self.offset_at(topic, partition, EARLIEST), []
        while True:
            error, watermark, records = self.fetch(topic, partition, offset)
            if error:
                raise AssertionError(f"fetching {topic}-{partition} at {offset} fails with error {error}")
            if offset >= watermark:
                return found
            news = [(at, value) for at, value in read_batches(records) if at >= offset]
            if not news:
                raise AssertionError(f"fetching {topic}-{partition} at {offset} brings nothing, though the watermark is {watermark}")
            found += news
            offset = news[-1][0] + 1

    def offset_at(self, topic, partition, timestamp):
        body = struct.pack(">i", -1) + array([string(topic) + array([struct.pack(">iq", partition, timestamp)])])
        reader = self.request(LIST_OFFSETS, 1, body)
        (_, ((_, error, _, offset),)), = reader.array(
            lambda: (reader.string(), reader.array(lambda: (reader.number("i"), reader.number("h"), reader.number("q"), reader.number("q")))))
        if error:
            raise AssertionError(f"the offset of {topic}-{partition} cannot be had: error {error}")
        return offset

    def init_producer_id(self):
        """(error, producer id, epoch)."""
        reader = self.request(INIT_PRODUCER_ID, 0, string(None) + struct.pack(">i", 60000))
        reader.number("i")
        return reader.number("h"), reader.number("q"), reader.number("h")
