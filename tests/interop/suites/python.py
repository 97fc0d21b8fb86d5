"""confluent-kafka by tests of our own, and kafka-python by its own integration tests, which travel in its source distribution."""
import os
import shutil
import tarfile
import xml.etree.ElementTree

from kit import Unavailable

# What kafka-python's tests expect of a broker is what its own fixture sets.
SETTINGS = ["num.partitions=4", "node.id=0", "advertised.listeners=PLAINTEXT://127.0.0.1:{port}", "group.initial.rebalance.delay.ms=0",
            "group.min.session.timeout.ms=1000"]
KAFKA_PYTHON = "kafka-python==3.0.12"
SECONDS_MAX = 400

# The source distribution lacks this module of its tests; with a broker that runs already, nothing of it is used.
SERVICE = '''
class ExternalService:
    def __init__(self, host, port):
        self.host, self.port = host, port


class SpawnedService:
    pass
'''


def prepare(kit):
    python = kit.python()
    folder = kit.cache / "kafka-python"
    if (folder / "test" / "service.py").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    kit.install("kafka-python's source distribution", [python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder, KAFKA_PYTHON])
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, members=[member for member in archive.getmembers() if "/test/" in member.name])
    unpacked = next(folder.glob("kafka_python-*/test"))
    if not (unpacked / "integration" / "fixtures.py").exists():
        raise Unavailable("kafka-python's source distribution has no integration tests")
    shutil.move(unpacked, folder / "test")
    (folder / "test" / "__init__.py").touch()
    (folder / "test" / "service.py").write_text(SERVICE)


def run(kit, broker, report):
    own = kit.here / "python"
    pytest(kit, report, "confluent-kafka", [own / "test_confluent.py", own / "test_confluent_groups.py"], kit.folder,
           {"INTEROP_BOOTSTRAP": broker.bootstrap})
    theirs = kit.cache / "kafka-python" / "test" / "integration"
    pytest(kit, report, "kafka-python", [theirs / f"test_{part}_integration.py" for part in ("producer", "consumer", "admin")], kit.cache / "kafka-python",
           {"KAFKA_VERSION": "4.3", "KAFKA_URI": f"kafka://{broker.bootstrap}", "KAFKA_ROOT": str(kit.folder), "PYTHONPATH": str(own),
            "INTEROP_EXCLUDED": str(own / "kafka_python_excluded.txt")}, "-p", "excluded_tests")


def pytest(kit, report, client, files, folder, env, *options):
    results = kit.folder / f"{client}.xml"
    code, output = kit.call(
        [kit.python(), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "-o", "log_level=WARNING", "--rootdir", folder,
         "--timeout=60", "--tb=short", f"--junitxml={results}", *options, *files], seconds=SECONDS_MAX, cwd=folder, env=dict(os.environ, **env))
    if not results.exists():
        report.failed(f"{client}: pytest", f"exit code {code}\n{output[-2000:]}")
        return
    for test in xml.etree.ElementTree.parse(results).iter("testcase"):
        name = f"{client}: {test.get('name')}"
        skipped, wrong = test.find("skipped"), [*test.findall("failure"), *test.findall("error")]
        if wrong:
            report.failed(name, wrong[0].text or wrong[0].get("message"))
        elif skipped is not None:
            report.skipped(name, skipped.get("message"))
        else:
            report.passed(name, float(test.get("time")))
    if code not in (0, 1):
        report.failed(f"{client}: pytest", f"exit code {code}\n{output[-2000:]}")
