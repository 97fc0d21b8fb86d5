"""franz-go and sarama: go/main.go."""
from report import told_by_client

SETTINGS = ["num.partitions=4"]


def prepare(kit):
    kit.command("go")
    kit.install("the Go clients", ["go", "mod", "download"], cwd=kit.here / "go")


def run(kit, broker, report):
    report.skipped("franz-go: transactions", "needs transactions")
    program = kit.cache / "go-interop"
    code, output = kit.call(["go", "build", "-o", program, "."], seconds=400, cwd=kit.here / "go")
    if code != 0:
        report.failed("go build", output)
        return
    told_by_client(report, "go", *kit.call([program, broker.bootstrap], seconds=180))
