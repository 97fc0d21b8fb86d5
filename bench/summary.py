"""Makes the page for a reader out of a comparison's results."""
from statistics import median


def of(results):
    machine, brokers = results["machine"], list(results["brokers"])
    lines = [
        f"# Strome and Apache Kafka {machine['kafka']}, {results['at'][:10]}", "",
        *[f"- {kind}: {title}" for kind, title in results["brokers"].items()], "",
        f"Medians of {sum(entry['broker'] == brokers[0] for entry in results['rounds'])} interleaved rounds, smallest and largest in brackets. "
        f"One machine for broker and client, loopback, one client process, acks=all, linger 5 ms, batches of up to 256 KiB, no compression, replication factor 1, librdkafka's sticky partitioner.", "",
    ]
    lines += table(results, "Broker CPU seconds per million records", "broker_cpu_s_per_million", 2, lower_is_better=True)
    lines += [
        "The figure to trust: user and system time of the broker's process over the run, with its kernel workers. Not in it: "
        "what the kernel does for a process outside of it, such as writing dirty pages back later, which helps Kafka's default alone.", "",
    ]
    lines += latencies(results)
    lines += table(results, "Records per second", "records_per_s", 0, lower_is_better=False)
    lines += [
        f"Noisy: client and broker share {machine['cores']} cores, and other programs used {others(results)} of them during the runs "
        "(median; smallest to largest). Where the client is the bottleneck this says little about the broker.", "",
    ]
    lines += beside(results)
    lines += ["## Machine", "", *[f"- {name}: {value}" for name, value in machine.items() if name != "name"], "",
              "Made by `bench/compare`; every run is in `results.json` beside this file.", ""]
    return "\n".join(lines)


def latencies(results):
    """Of the workloads at set rates."""
    names = [name for name in results["workloads"] if all("p50_ms" in entry["runs"][name] for entry in results["rounds"])]
    if not names:
        return []
    lines = []
    for figure, title in [("p50_ms", "Median latency, ms"), ("p99_ms", "p99 latency, ms"), ("p999_ms", "p99.9 latency, ms")]:
        lines += table(results, title, figure, 2, lower_is_better=True, only=names)
    return [*lines, "Open loop: from the time at which a record was due, whether or not the broker kept up. Client: `strome bench`, linger 5 ms unless "
            "the title is of consumers (1 ms), on the same cores.", ""]


def table(results, title, figure, digits, lower_is_better, only=None):
    brokers = list(results["brokers"])
    others_than_first = brokers[1:]
    head = ["", *brokers, *[f"{brokers[0]} against {other}" for other in others_than_first]]
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name, workload in results["workloads"].items():
        if name not in only if only else "p50_ms" in results["rounds"][0]["runs"][name]:
            continue
        values = {kind: [entry["runs"][name][figure] for entry in results["rounds"] if entry["broker"] == kind] for kind in brokers}
        cells = [workload["title"], *[cell(values[kind], digits) for kind in brokers]]
        for other in others_than_first:
            mine, theirs = median(values[brokers[0]]), median(values[other])
            cells.append(f"{times(theirs / mine, 'less') if lower_is_better else times(mine / theirs, 'more')}")
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def times(ratio, word):
    opposite = {"less": "more", "more": "less"}
    return f"{ratio:.1f} x {word}" if ratio >= 1 else f"{1 / ratio:.1f} x {opposite[word]}"


def cell(values, digits):
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
    return [*lines, "", "Kafka's heap is 1 GiB; the page cache, in which Kafka keeps its records, is not counted. Strome keeps its newest records in its own memory, which is.", ""]
