"""NATS JetStream as a further candidate: it does not speak Kafka's protocol, so its own `nats bench` is the client.

What is compared is one stream with one replica on disk, written by one client that does not wait for each answer, and read from its
beginning. A stream has no partitions, and a message is a message: nothing gathers in batches. (`nats bench js pub fast` has batches, which are answered as a
whole and may have gaps; it promises less.)
"""
import os
import re
import shutil
import socket

from process import Process

SERVER = "github.com/nats-io/nats-server/v2@v2.15.2"
CLIENT = "github.com/nats-io/natscli/nats@v0.5.1"

CLIENT_NOTE = ("NATS does not speak Kafka's protocol, so it has another client, its own `nats bench js`: one connection, up to 5,000 messages unanswered when "
               "writing (100 where each is synced, for the client gives up when it waits), and an ordered consumer when reading. A stream has one log and no batches. Records per second compare client and broker together; the broker's CPU is its own.")

# Messages that a client has sent without having heard of them. It gives up when none is answered for a fifth of a second.
IN_FLIGHT = {"nats": 5000, "nats-always": 100}
# More than a comparison writes; without these bounds the client's default would end it after a gigabyte.
STREAM_BYTES_MAX = 4 << 30
STORE_BYTES_MAX = 16 << 30


def programs(kit):
    """Server and client, built by Go's own tool from the sources that its module proxy has."""
    folder = kit.cache / "nats"
    found = folder / "nats-server", folder / "nats"
    if not all(path.exists() for path in found):
        go = kit.command("go", "golang-go")
        for package in (SERVER, CLIENT):
            kit.install(package, [shutil.which("env"), f"GOBIN={folder}", go, "install", package])
    return found


class Nats(Process):
    def __init__(self, kind, kit, folder):
        self.server, self.client = programs(kit)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        # The client would look for its settings in the user's folder.
        self.environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "NATS_URL": f"nats://127.0.0.1:{self.port}"}
        super().__init__(kind, folder)

    def command(self):
        # Messages are on the disk when they are answered, or within two minutes, which is the default.
        interval = "sync_interval: always" if self.kind == "nats-always" else ""
        settings = self.folder / "nats.conf"
        settings.write_text(f'listen: "127.0.0.1:{self.port}"\njetstream {{\n store_dir: "{self.folder}/data"\n max_file_store: {STORE_BYTES_MAX}\n {interval}\n}}\n')
        return [self.server, "-c", settings]

    def answers(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            return connection.recv(4) == b"INFO"

    def create_topic(self, _name, _partitions):
        """The client makes the stream."""

    def produce(self, topic, size, records):
        options = ["--create", "--storage", "file", "--replicas", "1", "--maxbytes", f"{STREAM_BYTES_MAX}B", "--size", f"{size}B", "--batch", str(IN_FLIGHT[self.kind])]
        return self.run_bench(["pub", "async", topic, *options], topic, records)

    def consume(self, topic, records):
        return self.run_bench(["ordered"], topic, records)

    def run_bench(self, words, topic, records):
        """One run of the client. Each topic is a stream of its own."""
        command = [self.client, "bench", "js", *words, "--stream", topic, "--msgs", str(records), "--clients", "1", "--no-progress"]
        return self.run_client(command, records, lambda told: rate(told, records), self.environment)


def rate(told, records):
    """Records and seconds out of a line such as `NATS JetStream ... stats: 62,500 msgs/sec ~ 60 MiB/sec`."""
    found = re.search(r"stats: ([\d,]+) msgs/sec", told)
    return found and (records, records / int(found[1].replace(",", "")))
