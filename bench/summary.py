"""Makes the page for a reader out of a comparison's results."""
from statistics import median

import nats
import plots

CPU = ("Broker CPU seconds per million records", "broker_cpu_s_per_million", 2)
SPEED = ("Records per second", "records_per_s", 0)
LATENCIES = [("Median latency, ms", "p50_ms", 2), ("p99 latency, ms", "p99_ms", 2), ("p99.9 latency, ms", "p999_ms", 2)]


def of(results):
    machine, brokers = results["machine"], list(results["brokers"])
    lines = [
        f"# Strome and {' and '.join(compared_with(results))}, {results['at'][:10]}", "",
        *[f"- {kind}: {title}" for kind, title in results["brokers"].items()], "",
        f"Medians of {sum(entry['broker'] == brokers[0] for entry in results['rounds'])} interleaved rounds, smallest and largest in brackets. "
        f"One machine for broker and client, loopback, one client process, acks=all, linger 5 ms, batches of up to 256 KiB, no compression, replication factor 1, librdkafka's sticky partitioner.", "",
        *([nats.CLIENT_NOTE, ""] if any(kind.startswith("nats") for kind in brokers) else []),
    ]
    lines += [results["note"], ""] if "note" in results else []
    lines += ["![The figures of this page as bars](plots.svg)", ""]
    lines += everything(results, machine) if at_full_speed(results) else latencies(results)
    lines += beside(results)
    lines += ["## Machine", "", *[f"- {name}: {value}" for name, value in machine.items() if name != "name"], "",
              "Made by `bench/compare`; every run is in `results.json` beside this file.", ""]
    return "\n".join(lines)


def everything(results, machine):
    """The latencies between the figures at full speed."""
    lines = table(results, at_full_speed(results), *CPU, lower_is_better=True)
    lines += [
        "The figure to trust: user and system time of the broker's process over the run, with its kernel workers. Not in it: "
        "what the kernel does for a process outside of it, such as writing dirty pages back later, which helps Kafka's default alone.", "",
    ]
    lines += latencies(results)
    lines += table(results, at_full_speed(results), *SPEED, lower_is_better=False)
    lines += [
        f"Noisy: client and broker share {machine['cores']} cores, and other programs used {others(results)} of them during the runs "
        "(median; smallest to largest). Where the client is the bottleneck this says little about the broker.", "",
    ]
    return lines


def compared_with(results):
    named = {"kafka": f"Apache Kafka {results['machine']['kafka']}", "nats": "NATS JetStream"}
    return [name for start, name in named.items() if any(kind.startswith(start) for kind in results["brokers"])]


def drawn(results):
    """The same as a picture."""
    fast, slow = at_full_speed(results), at_set_rates(results)
    return plots.of(results, [(*CPU, fast), *[(*latency, slow) for latency in LATENCIES if slow], (*SPEED, fast)])


def at_set_rates(results):
    return [name for name in results["workloads"] if any("p50_ms" in entry["runs"].get(name, {}) for entry in results["rounds"])]


def at_full_speed(results):
    return [name for name in results["workloads"] if name not in at_set_rates(results)]


def latencies(results):
    """Of the workloads at set rates."""
    names = at_set_rates(results)
    if not names:
        return []
    lines = [line for latency in LATENCIES for line in table(results, names, *latency, lower_is_better=True)]
    return [*lines, "Open loop: from the time at which a record was due, whether or not the broker kept up. Client: `strome bench`, linger 5 ms unless "
            "the title says otherwise or is of consumers (1 ms), on the same cores.", ""]


def table(results, names, title, figure, digits, lower_is_better):
    """One row for each of the workloads with these names."""
    brokers = list(results["brokers"])
    others_than_first = brokers[1:]
    head = ["", *brokers, *[f"{brokers[0]} against {other}" for other in others_than_first]]
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name in names:
        values = {kind: plots.values(results, kind, name, figure) for kind in brokers}
        cells = [results["workloads"][name]["title"], *[cell(values[kind], digits) for kind in brokers]]
        cells += [ratio(values[brokers[0]], values[other], lower_is_better) for other in others_than_first]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def ratio(mine, theirs, lower_is_better):
    if not mine or not theirs:
        return ""
    mine, theirs = median(mine), median(theirs)
    return times(theirs / mine, "less") if lower_is_better else times(mine / theirs, "more")


def times(factor, word):
    opposite = {"less": "more", "more": "less"}
    return f"{factor:.1f} x {word}" if factor >= 1 else f"{1 / factor:.1f} x {opposite[word]}"


def cell(values, digits):
    if not values:
        return ""
    def shown(value):
        return f"{value:,.{digits}f}"
    return f"{shown(median(values))} ({shown(min(values))}-{shown(max(values))})"


def others(results):
    values = [run["others_cpus"] for entry in results["rounds"] for run in entry["runs"].values() if "others_cpus" in run]
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def beside(results):
    """Memory and start-up."""
    brokers = list(results["brokers"])
    lines = ["## Memory and start", "", "| | " + " | ".join(brokers) + " |", "| --- |" + " ---: |" * len(brokers)]
    rows = [("resident after the start, MiB", "rss_mib_idle", 0), ("resident at most, over all workloads, MiB", "rss_mib_peak", 0),
            ("start until the first answer to Metadata, s", "start_seconds", 2)]
    for title, figure, digits in rows:
        values = [[entry[figure] for entry in results["rounds"] if entry["broker"] == kind] for kind in brokers]
        lines.append("| " + " | ".join([title, *[cell(value, digits) for value in values]]) + " |")
    heap = "Kafka's heap is 1 GiB. " if any(kind.startswith("kafka") for kind in brokers) else ""
    return [*lines, "", f"{heap}The page cache is not counted, in which others than Strome keep their records. Strome keeps its newest records in its own memory, which is.", ""]
