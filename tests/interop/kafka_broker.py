"""Runs Apache Kafka as one KRaft node: kafka_broker.py JARS PORT DIR [--override name=value ...]. It becomes the JVM."""
import os
import socket
import subprocess
import sys
from pathlib import Path


def main():
    jars, port, data, rest = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller = probe.getsockname()[1]
    properties = data.parent / "kafka.properties"
    overrides = [word for word in rest if word != "--override"]
    node = next((word.split("=")[1] for word in overrides if word.startswith("node.id=")), "1")
    settings = [
        "process.roles=broker,controller", f"node.id={node}", f"log.dirs={data}",
        f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}", "controller.listener.names=CONTROLLER",
        f"controller.quorum.voters={node}@127.0.0.1:{controller}", "group.initial.rebalance.delay.ms=0",
        "offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
        *overrides,
    ]
    properties.write_text("\n".join(settings) + "\n")
    java = ["java", "-Xms512m", "-Xmx1g", "-XX:+UseG1GC", "-cp", f"{jars}/*"]
    if not (data / "meta.properties").exists():
        identity = subprocess.run([*java, "kafka.tools.StorageTool", "random-uuid"], check=True, capture_output=True, text=True).stdout.split()[-1]
        subprocess.run([*java, "kafka.tools.StorageTool", "format", "-t", identity, "-c", properties], check=True)
    os.execvp("java", [*java, "kafka.Kafka", str(properties)])


if __name__ == "__main__":
    main()
