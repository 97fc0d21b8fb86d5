"""What passed, what failed and what was left out, and how it is told."""
import queue
import time


def count(passed, failed, skipped):
    return f"{passed} passed, {failed} failed, {skipped} skipped"


class Report:
    """A suite's results. Its lines wait here until those of the suites before it have been printed."""

    def __init__(self, suite):
        self.suite = suite
        self.passes, self.failures, self.skips = [], [], []
        self.failed_once, self.broker_fell = [], False
        self._lines = queue.Queue()

    def say(self, line):
        self._lines.put(line)

    def end(self):
        self._lines.put(None)

    def print_until_end(self):
        while (line := self._lines.get()) is not None:
            print(line, flush=True)

    def passed(self, name, seconds=None):
        self.passes.append(name)
        self.say(f"    ok   {name}" + (f" ({seconds:.1f} s)" if seconds is not None else ""))

    def failed(self, name, why):
        self.failures.append((name, why))
        self.say(f"    FAIL {name}")
        for line in str(why).rstrip().splitlines()[-40:]:
            self.say(f"         {line[:400]}")

    def fell(self, name, why):
        """The broker's own failure, which no second try makes good."""
        self.broker_fell = True
        self.failed(name, why)

    def forgive(self, again):
        """Counts as passed, but not as if nothing had been, what failed here and passed in `again`."""
        if self.broker_fell or again.broker_fell:
            return
        failures, self.failures = self.failures, []
        for name, why in failures:
            if name in again.passes:
                self.passes.append(name)
                self.failed_once.append((name, why))
            else:
                self.failures.append((name, why))

    def skipped(self, name, reason):
        self.skips.append((name, reason))

    def check(self, name, test, *given):
        """Runs one test that fails by an exception."""
        started = time.monotonic()
        try:
            test(*given)
        except Exception as wrong:
            self.failed(name, f"{type(wrong).__name__}: {wrong}")
            return False
        self.passed(name, time.monotonic() - started)
        return True

    def counts(self):
        return count(len(self.passes), len(self.failures), len(self.skips))


def told_by_client(report, name, code, output):
    """A client program tells its results in lines: PASS test, or FAIL test | why."""
    for line in output.splitlines():
        if line.startswith("PASS "):
            report.passed(line[5:])
        elif line.startswith("FAIL "):
            test, _, why = line[5:].partition(" | ")
            report.failed(test, why)
    if code != 0 and "FAIL " not in output or "PASS " not in output:
        report.failed(f"{name}: the program", f"exit code {code}\n{output[-3000:]}")


def print_failed_once(reports):
    """Every test that failed and then passed, with the last line of why it failed."""
    if any(report.failed_once for report in reports):
        print("\n== FAILED ONCE, passed when tried again")
    for report in reports:
        for name, why in report.failed_once:
            print(f"{report.suite}: {name}: {(str(why).strip().splitlines() or ['no reason'])[-1][:300]}")


def print_skipped(reports):
    """Every skipped test by name, under its reason."""
    if not any(report.skips for report in reports):
        return
    print("\n== SKIPPED")
    for report in reports:
        reasons = {}
        for name, reason in report.skips:
            reasons.setdefault(reason, []).append(name)
        for reason, names in sorted(reasons.items()):
            print(f"{report.suite}: {len(names)} skipped, {reason}: {', '.join(names)}")


def print_total(reports):
    """The last line, and the exit code."""
    failures = [(report.suite, name) for report in reports for name, _ in report.failures]
    if failures:
        print("\n== FAILED")
        for suite, name in failures:
            print(f"{suite}: {name}")
    print()
    print(count(*(sum(len(getattr(report, kind)) for report in reports) for kind in ("passes", "failures", "skips"))), flush=True)
    return 1 if failures or not any(report.passes for report in reports) else 0
