"""`compare` with brokers that only pretend: what becomes of a comparison when a candidate fails. Run by `cargo test` (tests/compare.rs)."""
import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent


def program(name):
    """A program beside this file, as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(HERE / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


compare = program("compare")
import comparison  # noqa: E402
import kit  # noqa: E402
import machine  # noqa: E402
import summary  # noqa: E402
from process import Failed, Process  # noqa: E402

SLEEPS = ["sleep", "600"]
DEATH_SECONDS_MAX = 10
RUN = {"records": 1, "broker_cpu_s_per_million": 2.0, "records_per_s": 3.0}


def lives(pid):
    """A dead process of which whoever inherited it has not taken note does not live."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Pretender(Process):
    """A broker of which every run succeeds at once."""

    started = []

    def command(self):
        Pretender.started.append(self)
        return SLEEPS

    def answers(self):
        return True

    def create_topic(self, _name, _partitions):
        pass

    def produce(self, _topic, _size, _records):
        return dict(RUN)

    def consume(self, _topic, _records):
        return dict(RUN)


class Refuses(Pretender):
    def consume(self, _topic, _records):
        raise Failed("the client gave up | after 30 s")


class Dies(Pretender):
    def consume(self, _topic, _records):
        self.process.kill()
        self.process.wait()
        return dict(RUN)


class Surprises(Pretender):
    def consume(self, _topic, _records):
        return {}["what it never says"]


class Stillborn(Pretender):
    def command(self):
        Pretender.started.append(self)
        return ["sh", "-c", "echo no room on the disk; exit 3"]

    def answers(self):
        raise ConnectionRefusedError


class Withheld(Pretender):
    """The hypervisor takes less from run to run of a broker: 0.3 of a core, 0.2, 0.1, nothing."""

    def produce(self, _topic, _size, _records):
        self.runs = getattr(self, "runs", 0) + 1
        return RUN | {"stolen_cpus": max(0, 0.4 - self.runs / 10), "others_cpus": 2.0, "curve_us": [], "records_per_s": self.runs}


class Interrupted(Pretender):
    """It sees what is on the disk by then."""

    results, found = None, None

    def consume(self, _topic, _records):
        Interrupted.found = json.loads(Interrupted.results.read_text())
        raise KeyboardInterrupt


class Comparison(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.disk, self.out, self.wake_up = (Path(folder.name) / name for name in ("disk", "out", "wake-up"))
        self.disk.mkdir()
        device = mock.patch.object(machine, "WAKE_UP", self.wake_up)
        device.start()
        self.addCleanup(device.stop)
        Pretender.started.clear()

    def compare(self, rounds=1, repeats=2, **brokers):
        """The exit status, the results, and the page of a comparison of these."""
        names = {name.replace("_", "-"): broker for name, broker in brokers.items()}
        words = ["compare", "--rounds", str(rounds), "--repeats", str(repeats), "--brokers", ",".join(names), "--workloads", "produce-1k,consume-1k,produce-100",
                 "--disk", str(self.disk), "--out", str(self.out)]
        with (mock.patch.object(sys, "argv", words), mock.patch.object(compare, "prepare", lambda *_: (lambda kind, folder: names[kind](kind, folder), "-")),
              mock.patch.dict(os.environ, STROME_BIN="/bin/true"), contextlib.redirect_stdout(io.StringIO())):
            status = compare.main()
        self.assertEqual(list(self.disk.iterdir()), [], "a broker's folder was left behind")
        for server in Pretender.started:
            self.assertIsNotNone(server.process.poll(), "a broker was left running")
        return status, json.loads((self.out / "results.json").read_text()), (self.out / "summary.md").read_text()

    def test_all_that_succeeds_ends_well(self):
        status, results, page = self.compare(rounds=2, strome=Pretender, kafka=Pretender)
        self.assertEqual(status, 0)
        self.assertTrue(results["complete"])
        self.assertEqual([len(entry["runs"]) for entry in results["rounds"]], [3] * 4)
        self.assertNotIn("failed", page)

    def test_a_run_that_fails_is_told_and_everything_else_goes_on(self):
        status, results, page = self.compare(rounds=2, strome=Pretender, kafka=Refuses, kafka_flush=Pretender)
        self.assertEqual(status, 1)
        self.assertTrue(results["complete"])
        self.assertEqual([entry["broker"] for entry in results["rounds"]], ["strome", "kafka", "kafka-flush"] * 2)
        for entry in results["rounds"]:
            failed = [name for name, run in entry["runs"].items() if "failed" in run]
            self.assertEqual(failed, ["consume-1k"] if entry["broker"] == "kafka" else [])
            self.assertEqual(len(entry["runs"]), 3)
        self.assertIn("| 2 | kafka | consume 1 KB from the beginning, 1 partition | the client gave up \\| after 30 s |", page)
        self.assertIn("**2 of 2 failed**", page)
        self.assertEqual(sum(server.kind == "kafka" for server in Pretender.started), 4, "a new one after each failure")
        self.assertTrue((self.out / "raw" / "broker-kafka-1-1.log").exists())

    def test_a_broker_that_dies_has_failed_the_run(self):
        status, results, _page = self.compare(strome=Dies)
        self.assertEqual(status, 1)
        runs = results["rounds"][0]["runs"]
        self.assertIn("the broker is gone", runs["consume-1k"]["failed"])
        self.assertNotIn("failed", runs["produce-100"])

    def test_what_nobody_has_foreseen_fails_one_run(self):
        status, results, _page = self.compare(strome=Surprises, kafka=Pretender)
        self.assertEqual(status, 1)
        self.assertIn("KeyError: 'what it never says'", results["rounds"][0]["runs"]["consume-1k"]["failed"])
        self.assertEqual([len(entry["runs"]) for entry in results["rounds"]], [3, 3])

    def test_a_broker_that_does_not_start_fails_everything_and_is_not_tried_again(self):
        status, results, page = self.compare(strome=Pretender, kafka=Stillborn)
        self.assertEqual(status, 1)
        runs = results["rounds"][1]["runs"]
        self.assertEqual(len(runs), 3)
        for run in runs.values():
            self.assertIn("status 3", run["failed"])
            self.assertIn("no room on the disk", run["failed"])
        self.assertEqual(len(Pretender.started), 2)
        self.assertIn("no room on the disk", page)

    def test_a_broker_warms_up_on_a_topic_of_its_own_before_each_figure(self):
        server = mock.Mock(spec=["create_topic", "produce", "consume"])
        comparison.Session(server, 0.001, None).measure("consume-1k")
        done = [(name, *words[:1]) for name, words, _ in server.method_calls]
        self.assertEqual(done, [("create_topic", "warm-produce-1k"), ("create_topic", "produce-1k"), ("produce", "warm-produce-1k"), ("produce", "produce-1k"),
                                ("consume", "warm-produce-1k"), ("consume", "produce-1k")])

    def test_a_run_is_repeated_while_processors_are_withheld(self):
        # Each is run on a topic to warm up, and then on another: the second, fourth and sixth count.
        _status, results, page = self.compare(strome=Withheld)
        run = results["rounds"][0]["runs"]["produce-1k"]
        self.assertEqual((run["stolen_cpus"], run["records_per_s"]), (0, 4))
        self.assertEqual([(earlier["records_per_s"], "curve_us" in earlier) for earlier in run["disturbed"]], [(2, False)])
        self.assertNotIn("disturbed", results["rounds"][0]["runs"]["produce-100"], "other programs are no reason")
        self.assertIn("1 earlier run was repeated, because it withheld more", page)

    def test_a_run_is_not_repeated_more_often_than_is_allowed(self):
        _status, results, page = self.compare(repeats=0, strome=Withheld)
        run = results["rounds"][0]["runs"]["produce-1k"]
        self.assertEqual((run["records_per_s"], "disturbed" in run), (2, False))
        self.assertNotIn("repeated", page)

    def test_processors_are_kept_awake_where_the_system_allows_it(self):
        _, results, _ = self.compare(strome=Pretender)
        self.assertEqual(results["machine"]["processors"], "left to the system and the brokers")
        shutil.rmtree(self.out)
        self.wake_up.touch()
        _, results, page = self.compare(strome=Pretender)
        self.assertEqual(results["machine"]["processors"], "kept awake")
        self.assertIn("- processors: kept awake", page)
        self.assertEqual(self.wake_up.read_bytes(), bytes(4), "no microsecond to wake up in")

    def test_the_most_memory_is_that_of_all_processes_of_a_round(self):
        resident = iter(range(900, 0, -1))
        with mock.patch.object(Refuses, "memory_mib", lambda _broker, _name: next(resident)):
            _status, results, _page = self.compare(strome=Refuses)
        self.assertEqual(len(Pretender.started), 2)
        # Of the first process: after its start, and then after its run.
        self.assertEqual(results["rounds"][0]["rss_mib_peak"], 898)

    def test_what_was_measured_before_an_interruption_is_kept(self):
        Interrupted.results = self.out / "results.json"
        status, results, page = self.compare(strome=Interrupted, kafka=Pretender)
        self.assertEqual(status, 130)
        self.assertEqual(list(Interrupted.found["rounds"][0]["runs"]), ["produce-1k"], "written before it was interrupted")
        self.assertFalse(results["complete"])
        self.assertEqual(list(results["rounds"][0]["runs"]), ["produce-1k"])
        self.assertIn("Not complete", page)

    def test_results_of_one_day_go_to_folders_of_their_own(self):
        chosen, described = argparse.Namespace(out=None), {"name": "a-machine"}
        with mock.patch.object(compare, "HERE", self.disk):
            for end in ("-a-machine", "-a-machine-2", "-a-machine-3"):
                folder = compare.folder_for(chosen, described)
                self.assertTrue(folder.name.endswith(end), folder)
                folder.mkdir(parents=True)

    def test_a_client_that_hangs_or_fails_is_a_reason(self):
        broker = Pretender("strome", self.disk)
        self.addCleanup(broker.kill)
        with self.assertRaisesRegex(Failed, "sleep was not done after 0.1 s"):
            broker.call(SLEEPS, seconds=0.1)
        with self.assertRaisesRegex(Failed, "it went wrong"):
            broker.call(["sh", "-c", "echo it went wrong; exit 1"])
        with self.assertRaisesRegex(Failed, "no-such-program cannot be run"):
            broker.call(["/no-such-program"])

    def test_a_broker_does_not_outlive_a_comparison_that_was_killed(self):
        words = ("import os, sys; from pathlib import Path; import test_compare; "
                 f"print(test_compare.Pretender('strome', Path({str(self.disk)!r})).process.pid); sys.stdout.flush(); os._exit(0)")
        told = subprocess.run([sys.executable, "-c", words], cwd=HERE, capture_output=True, text=True, check=True)
        deadline = time.monotonic() + DEATH_SECONDS_MAX
        while lives(told.stdout.strip()) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(lives(told.stdout.strip()))


class Binary(unittest.TestCase):
    def test_an_empty_variable_names_no_binary(self):
        for named, found in (("", None), ("/bin/true", Path("/bin/true").resolve())):
            with mock.patch.dict(os.environ, STROME_BIN=named):
                self.assertEqual(kit.named_binary(), found)

    def test_a_relative_name_is_one_of_the_folder_in_which_the_program_began(self):
        with mock.patch.dict(os.environ, STROME_BIN="some/strome"):
            self.assertEqual(kit.strome(), Path.cwd() / "some" / "strome")


class Page(unittest.TestCase):
    """What becomes of figures that are known."""

    def page(self, **runs):
        """Of a comparison in which a broker's runs of each workload were these, one for each round."""
        names = {"cpu": "produce-1k", "rate": "latency-1k"}
        rounds = [{"broker": kind.replace("_", "-"), "rss_mib_idle": 10 + number, "rss_mib_peak": 100, "start_seconds": 1.0,
                   "runs": {names[of]: run} } for kind, of_kind in runs.items() for of, told in of_kind.items() for number, run in enumerate(told)]
        workloads = {"produce-1k": {"title": "full speed"}, "latency-1k": {"title": "at a rate", "command": ["produce", "--rate", "1000"]}}
        return summary.of({"at": "2026-01-02T03:04Z", "machine": {"name": "m", "cores": 2, "kafka": "1.2.3"}, "workloads": workloads,
                           "brokers": {kind.replace("_", "-"): kind for kind in runs}, "rounds": rounds})

    def cells(self, page, title, row):
        """Of a row in the table below a title."""
        lines = page.split(f"## {title}\n")[1].split("\n\n## ")[0].splitlines()
        return next([cell.strip() for cell in line.split("|")[2:-1]] for line in lines if line.startswith(f"| {row} |"))

    def fast(self, *cpu):
        return [{"broker_cpu_s_per_million": value, "records_per_s": 1_000_000 / value, "others_cpus": value / 10, "stolen_cpus": value / 100} for value in cpu]

    def slow(self, *p99, **others):
        return [{"records_per_s": 1000, "p50_ms": 1.0, "p99_ms": value, "p999_ms": 2 * value} | others for value in p99]

    def test_figures_are_medians_with_their_spread_and_ratios_say_who_is_better(self):
        page = self.page(strome={"cpu": self.fast(2.0, 1.0, 9.0)}, kafka={"cpu": self.fast(8.0, 5.0, 4.0)}, kafka_flush={"cpu": self.fast(1.0)})
        self.assertEqual(self.cells(page, "Broker CPU seconds per million records", "full speed"),
                         ["2.00 (1.00-9.00)", "5.00 (4.00-8.00)", "1.00 (1.00-1.00)", "2.5 x less", "2.0 x more"])
        self.assertEqual(self.cells(page, "Records per second", "full speed"),
                         ["500,000 (111,111-1,000,000)", "200,000 (125,000-250,000)", "1,000,000 (1,000,000-1,000,000)", "2.5 x more", "2.0 x less"])
        self.assertIn("other programs used 0.40 (0.10 to 0.90) of the 2 cores, and the hypervisor withheld 0.04 (0.01 to 0.09)", page)

    def test_a_run_that_failed_is_in_no_median(self):
        page = self.page(strome={"cpu": [*self.fast(2.0, 4.0), {"failed": "why"}]}, kafka={"cpu": self.fast(6.0)})
        self.assertEqual(self.cells(page, "Broker CPU seconds per million records", "full speed")[0], "3.00 (2.00-4.00) **1 of 3 failed**")

    def test_a_median_of_runs_with_cores_withheld_is_marked(self):
        page = self.page(strome={"cpu": self.fast(2.0, 4.0, 11.0)}, kafka={"cpu": self.fast(6.0)})
        cells = self.cells(page, "Broker CPU seconds per million records", "full speed")
        self.assertEqual(cells, ["4.00 (2.00-11.00) **1 of 3 with cores withheld**", "6.00 (6.00-6.00)", "1.5 x less"])

    def test_who_did_not_keep_up_with_a_rate_is_marked_and_compared_with_nobody(self):
        for fell_behind in ({"records_per_s": 940}, {"unacknowledged": 1}):
            page = self.page(strome={"rate": self.slow(1.0)}, kafka={"rate": self.slow(4.0)}, kafka_flush={"rate": self.slow(9.0, **fell_behind)})
            self.assertEqual(self.cells(page, "p99 latency, ms", "at a rate"),
                             ["1.00 (1.00-1.00)", "4.00 (4.00-4.00)", "9.00 (9.00-9.00) **1 of 1 did not keep up**", "4.0 x less", ""])
        kept_up = self.page(strome={"rate": self.slow(1.0)}, kafka={"rate": self.slow(4.0, records_per_s=960)})
        self.assertNotIn("did not keep up", kept_up)

    def test_latencies_are_shown_of_set_rates_alone(self):
        result = {"produce": {"latency": {"p50_us": 1000, "p99_us": 2000, "p999_us": 3000, "max_us": 4000, "curve_us": []}, "records_per_s": 5.0},
                  "broker_cpu_us_per_record": 6.0, "client": {"cpu_us_per_record": 7.0}, "others_cpu_seconds": 8.0, "stolen_cpu_seconds": 2.0, "seconds": 4.0, "unacknowledged_records": 0,
                  # Of the warm-up, three seconds that count, and one in which nothing was answered.
                  "series": [{"at_s": at, "produce": {"p99_us": p99}} for at, p99 in [(-1, 1), (0, 9000), (1, 1500), (2, 2500), (3, None)]]}
        at_a_rate = comparison.figures(result, {"kind": "bench", "of": "produce", "command": ["--rate", "5"]})
        self.assertEqual([at_a_rate[name] for name in ("p50_ms", "p99_ms", "p99_median_second_ms", "p999_ms", "broker_cpu_s_per_million", "others_cpus",
                                                        "stolen_cpus")], [1, 2, 2.5, 3, 6, 2, 0.5])
        self.assertNotIn("p99_ms", comparison.figures(result, {"kind": "bench", "of": "produce", "command": []}))


if __name__ == "__main__":
    unittest.main()
