"""Makes the page for a reader out of a comparison's results."""
from statistics import median

import nats
import plots
from machine import is_withheld

REASON_CHARACTERS_MAX = 300
# This share of a set rate within the measured time is all of it: some answers come after the end.
KEPT_UP = 0.95

CPU = ("Broker CPU seconds per million records", "broker_cpu_s_per_million", 2)
SPEED = ("Records per second", "records_per_s", 0)
LATENCIES = [("Median latency, ms", "p50_ms", 2), ("p99 latency, ms", "p99_ms", 2), ("p99 of the median second, ms", "p99_median_second_ms", 2),
             ("p99.9 latency, ms", "p999_ms", 2)]


def of(results):
    machine, brokers = results["machine"], list(results["brokers"])
    lines = [
        f"# {' and '.join(['Strome', *compared_with(results)])}, {results['at'][:10]}", "",
        *[f"- {kind}: {title}" for kind, title in results["brokers"].items()], "",
        f"Medians of {sum(entry['broker'] == brokers[0] for entry in results['rounds'])} interleaved rounds, smallest and largest in brackets. "
        f"One machine for broker and client, loopback, one client process, acks=all, linger 5 ms, batches of up to 256 KiB, no compression, replication factor 1, librdkafka's sticky partitioner.", "",
        *([nats.CLIENT_NOTE, ""] if any(kind.startswith("nats") for kind in brokers) else []),
    ]
    lines += [results["note"], ""] if "note" in results else []
    lines += what_failed(results)
    lines += ["**Not complete**: the comparison was ended, or is still going on.", ""] if not results.get("complete", True) else []
    lines += ["![The figures of this page as bars](plots.svg)", ""]
    lines += everything(results, machine) if at_full_speed(results) else latencies(results)
    lines += [disturbed(results), "", *beside(results)]
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
        f"Noisy: client and broker share {machine['cores']} cores. Where the client is the bottleneck this says little about the broker.", "",
    ]
    return lines


def failures(results):
    """Of every run that failed: round, broker, workload and reason."""
    counts, found = {}, []
    for entry in results["rounds"]:
        kind = entry["broker"]
        counts[kind] = counts.get(kind, 0) + 1
        found += [(counts[kind], kind, name, run["failed"]) for name, run in entry["runs"].items() if "failed" in run]
    return found


def what_failed(results):
    found = failures(results)
    if not found:
        return []
    lines = ["## What failed", "", "These runs are in no median. Logs of the brokers are in `raw`.", "", "| round | broker | workload | reason |", "| ---: | --- | --- | --- |"]
    lines += [f"| {number} | {kind} | {results['workloads'][name]['title']} | {in_a_cell(reason)} |" for number, kind, name, reason in found]
    return [*lines, ""]


def in_a_cell(reason):
    return shortened(reason).replace("|", "\\|").replace("<", "&lt;")


def shortened(reason):
    """The end of what was said is what matters of a long reason."""
    words = " ".join(reason.split())
    return words if len(words) <= REASON_CHARACTERS_MAX else f"{words[:60]} ... {words[-(REASON_CHARACTERS_MAX - 60):]}"


def in_a_line(run):
    """For whoever watches."""
    if "failed" in run:
        return f"FAILED: {shortened(run['failed'])}"
    parts = [f"{run['broker_cpu_s_per_million']:7.3f} CPU s per million" if "broker_cpu_s_per_million" in run else "", f"{run['records_per_s']:10.0f} records/s"]
    parts += [f"{title} {run[figure]:.1f} ms" for title, figure in (("p50", "p50_ms"), ("p99", "p99_ms"), ("p99.9", "p999_ms")) if figure in run]
    parts += [f"after {len(run['disturbed'])} disturbed"] if "disturbed" in run else []
    parts += [f"{run['unacknowledged']} never acknowledged"] if run.get("unacknowledged") else []
    return ", ".join(part for part in parts if part)


def compared_with(results):
    named = {"kafka": f"Apache Kafka {results['machine']['kafka']}", "nats": "NATS JetStream"}
    return [name for start, name in named.items() if any(kind.startswith(start) for kind in results["brokers"])]


def drawn(results):
    """The same as a picture."""
    fast, slow = at_full_speed(results), at_set_rates(results)
    return plots.of(results, [(*CPU, fast), *[(*latency, slow) for latency in latencies_known(results)], (*SPEED, fast)])


def at_set_rates(results):
    return [name for name, workload in results["workloads"].items() if "--rate" in workload.get("command", [])]


def at_full_speed(results):
    return [name for name in results["workloads"] if name not in at_set_rates(results)]


def latencies(results):
    """Of the workloads at set rates."""
    lines = [line for latency in latencies_known(results) for line in table(results, at_set_rates(results), *latency, lower_is_better=True)]
    if not lines:
        return []
    return [*lines, "Open loop: from the time at which a record was due, whether or not the broker kept up. Client: `strome bench`, linger 5 ms unless "
            "the title says otherwise or is of consumers (1 ms), on the same cores.", ""]


def latencies_known(results):
    """Those that some run has: what was measured long ago does not have all of them."""
    runs = [run for entry in results["rounds"] for run in entry["runs"].values()]
    return [(title, figure, digits) for title, figure, digits in LATENCIES if any(figure in run for run in runs)]


def table(results, names, title, figure, digits, lower_is_better):
    """One row for each of the workloads with these names."""
    brokers = list(results["brokers"])
    others_than_first = brokers[1:]
    head = ["", *brokers, *[f"{brokers[0]} against {other}" for other in others_than_first]]
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name in names:
        values = {kind: plots.values(results, kind, name, figure) for kind in brokers}
        cells = [results["workloads"][name]["title"], *[(cell(values[kind], digits) + marks(results, kind, name)).strip() for kind in brokers]]
        behind = {kind for kind in brokers if any(fell_behind(run, results["workloads"][name]) for run in runs_of(results, kind, name))}
        cells += ["" if behind & {brokers[0], other} else ratio(values[brokers[0]], values[other], lower_is_better) for other in others_than_first]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def marks(results, kind, name):
    """What a reader must know of a median: how many runs are missing from it, and of how many the figures are of a broker that was overrun or of a machine
    that was not all there."""
    runs = runs_of(results, kind, name)
    failed = sum("failed" in run for run in runs)
    behind = sum(fell_behind(run, results["workloads"][name]) for run in runs)
    told = [f"{failed} of {len(runs)} failed"] if failed else []
    told += [f"{behind} of {len(runs)} did not keep up"] if behind else []
    withheld = sum(is_withheld(run) for run in runs)
    told += [f"{withheld} of {len(runs)} with cores withheld"] if withheld else []
    return f" **{', '.join(told)}**" if told else ""


def runs_of(results, kind, name):
    return [entry["runs"][name] for entry in results["rounds"] if entry["broker"] == kind and name in entry["runs"]]


def fell_behind(run, workload):
    """Whether fewer records were acknowledged than were due: its latencies say for how long the run went on, and nothing else."""
    command = workload.get("command", [])
    if "failed" in run or "--rate" not in command:
        return False
    return bool(run.get("unacknowledged")) or run["records_per_s"] < KEPT_UP * float(command[command.index("--rate") + 1])


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


def disturbed(results):
    """What neither broker nor client had of the cores during the runs."""
    def share(figure):
        values = [run[figure] for entry in results["rounds"] for run in entry["runs"].values() if figure in run]
        return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})" if values else "an unknown share"
    repeated = sum(len(run.get("disturbed", [])) for entry in results["rounds"] for run in entry["runs"].values())
    told = f"{repeated} earlier run{' was' if repeated == 1 else 's were'} repeated, because it withheld more; what was measured then is in `results.json`."
    return (f"During the runs other programs used {share('others_cpus')} of the {results['machine']['cores']} cores, and the hypervisor withheld "
            f"{share('stolen_cpus')} (median; smallest to largest)." + (f" {told}" if repeated else ""))


def beside(results):
    """Memory and start-up."""
    brokers = list(results["brokers"])
    lines = ["## Memory and start", "", "| | " + " | ".join(brokers) + " |", "| --- |" + " ---: |" * len(brokers)]
    rows = [("resident after the start, MiB", "rss_mib_idle", 0), ("resident at most, over all workloads, MiB", "rss_mib_peak", 0),
            ("start until the first answer to Metadata, s", "start_seconds", 2)]
    for title, figure, digits in rows:
        values = [[entry[figure] for entry in results["rounds"] if entry["broker"] == kind and figure in entry] for kind in brokers]
        lines.append("| " + " | ".join([title, *[cell(value, digits) for value in values]]) + " |")
    heap = "Kafka's heap is 1 GiB. " if any(kind.startswith("kafka") for kind in brokers) else ""
    return [*lines, "", f"{heap}The page cache is not counted, in which others than Strome keep their records. Strome keeps its newest records in its own memory, which is.", ""]
