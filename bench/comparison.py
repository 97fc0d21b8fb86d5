"""One round of a comparison: a broker goes through all workloads, and whatever fails is a result like others."""
import os
from functools import partial
from itertools import count
from statistics import median

import candidates
import machine
from process import Failed, running
from workloads import WORKLOADS, at_a_rate


def round_of(kind, start, chosen, raw, number, note):
    """What one broker does with all workloads. `start` makes it of its kind and a folder, `chosen` has the scale, the disk and how often a run may be
    repeated, `raw` is the folder for all that clients and brokers say, and `note` is given the round, as far as it has come, and the name of the workload
    after each of them."""
    entry = {"broker": kind, "load_before": os.getloadavg()[0], "runs": {}}
    left = [name for name in chosen.workloads if candidates.can(kind, WORKLOADS[name])]
    for process in count(1):
        if not left:
            return entry
        name = None
        try:
            with running(start, kind, chosen.disk, raw / f"broker-{kind}-{number}-{process}.log") as server:
                entry.setdefault("start_seconds", server.start_seconds)
                entry.setdefault("rss_mib_idle", server.memory_mib("VmRSS"))
                session = Session(server, chosen.scale * candidates.FEWER_RECORDS.get(kind, 1), partial(saved, raw, kind, number))
                while left:
                    name = left.pop(0)
                    run = undisturbed(session, name, chosen.repeats)
                    run["rss_mib_after"] = server.memory_mib("VmRSS")
                    entry["rss_mib_peak"] = max(server.memory_mib("VmHWM"), entry.get("rss_mib_peak", 0))
                    entry["runs"][name] = run
                    note(entry, name)
                    name = None
        # What nobody has foreseen is no reason to lose the runs of the others, either.
        except Exception as wrong:
            reason = str(wrong) if isinstance(wrong, Failed) else f"{type(wrong).__name__}: {wrong}"
            # The next one gets a new broker: nobody knows what this one would do. One that does not even start will not do so for the others.
            without = [name] if name else left
            left = left if name else []
            for failed in without:
                entry["runs"][failed] = {"failed": reason}
                note(entry, failed)


def undisturbed(session, name, repeats):
    """The last run of a workload, which is repeated, as often as `repeats` says, while the hypervisor takes too much. That alone decides, never what was
    measured; the figures of the earlier ones stand beside those of the last."""
    run, earlier = session.measure(name), []
    while machine.is_withheld(run) and len(earlier) < repeats:
        earlier.append({figure: value for figure, value in run.items() if figure != "curve_us"})
        run = session.measure(name)
    return run | ({"disturbed": earlier} if earlier else {})


def saved(raw, kind, number, name):
    """The file for all that `strome bench` finds."""
    return raw / f"{name}-{kind}-{number}.json"


class Session:
    """The workloads that one process of a broker goes through, and the topics that they leave for each other."""

    def __init__(self, server, scale, file_of):
        self.server, self.scale, self.file_of = server, scale, file_of
        self.topics = set()

    def measure(self, name):
        """Begins with nothing left to write: the page cache is brought to the disk when the kernel sees fit, and what an earlier load left there
        would be a burden on this one."""
        workload = WORKLOADS[name]
        os.sync()
        return {"produce": self.produce, "consume": self.consume, "bench": self.bench}[workload["kind"]](name, workload)

    def topic(self, name, partitions):
        if name not in self.topics:
            self.server.create_topic(name, partitions)
            self.topics.add(name)

    def produce(self, name, workload):
        """To warm up on a topic of its own, and then on another."""
        records = int(workload["records"] * self.scale)
        for topic in (f"warm-{name}", name):
            self.topic(topic, workload["partitions"])
        self.server.produce(f"warm-{name}", workload["size"], records)
        return self.server.produce(name, workload["size"], records)

    def consume(self, _name, workload):
        source = workload["of"]
        if source not in self.topics:
            self.produce(source, WORKLOADS[source])
        records = int(workload["records"] * self.scale)
        self.server.consume(f"warm-{source}", records)
        return self.server.consume(source, records)

    def bench(self, name, workload):
        times = [str(word) for option in workload["seconds"].items() for word in option]
        topic = []
        if workload["topic"]:
            self.topic(*workload["topic"])
            topic = ["--topic", workload["topic"][0]]
        result = self.server.bench([*workload["command"], *topic, *times], self.file_of(name))
        return figures(result, workload)


def figures(result, workload):
    """What of a result of `strome bench` goes into tables."""
    latency = result[workload["of"]]["latency"]
    run = {"broker_cpu_s_per_million": result["broker_cpu_us_per_record"], "client_cpu_s_per_million": result["client"]["cpu_us_per_record"],
           "records_per_s": result["produce"]["records_per_s"], "others_cpus": result["others_cpu_seconds"] / result["seconds"],
           "stolen_cpus": result["stolen_cpu_seconds"] / result["seconds"],
           "unacknowledged": result["unacknowledged_records"]}
    if at_a_rate(workload):
        run |= {f"{name}_ms": latency[f"{name}_us"] / 1000 for name in ("p50", "p99", "p999", "max") if latency[f"{name}_us"] is not None}
        run["p99_median_second_ms"] = p99_of_the_median_second(result["series"], workload["of"])
        run["curve_us"] = latency["curve_us"]
    return {name: value for name, value in run.items() if value is not None}


def p99_of_the_median_second(series, of):
    """What p99 was for half of the measured time, in milliseconds: single seconds in which the machine had other things to do are not in it."""
    seconds = [second[of]["p99_us"] for second in series if second["at_s"] >= 0]
    seconds = [p99 / 1000 for p99 in seconds if p99 is not None]
    return median(seconds) if seconds else None
