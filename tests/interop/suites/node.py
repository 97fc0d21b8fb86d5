"""KafkaJS and @platformatic/kafka from npm: node/interop.mjs."""
import shutil

from report import told_by_client

SETTINGS = ["num.partitions=4", "group.consumer.min.heartbeat.interval.ms=200", "group.consumer.heartbeat.interval.ms=300"]


def prepare(kit):
    kit.command("node")
    npm = kit.command("npm")
    package = kit.here / "node" / "package.json"
    folder = kit.cache / "node"
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_text() == package.read_text():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(package, folder)
    kit.install("the Node clients", [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=folder)
    stamp.write_text(package.read_text())


def run(kit, broker, report):
    report.skipped("kafkajs: transactions", "needs transactions")
    # Modules are looked for beside the program, so it is run from where they are.
    program = shutil.copy(kit.here / "node" / "interop.mjs", kit.cache / "node")
    told_by_client(report, "node", *kit.call(["node", program, broker.bootstrap], seconds=180))
