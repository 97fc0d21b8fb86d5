"""What passed, what failed and what was left out, and how it is told."""
import time


def count(passed, failed, skipped):
    return f"{passed} passed, {failed} failed, {skipped} skipped"


class Report:
    def __init__(self, suite):
        self.suite = suite
        self.passes, self.failures, self.skips = [], [], []

    def passed(self, name, seconds=None):
        self.passes.append(name)
        print(f"    ok   {name}" + (f" ({seconds:.1f} s)" if seconds is not None else ""), flush=True)

    def failed(self, name, why):
        self.failures.append((name, why))
        print(f"    FAIL {name}", flush=True)
        for line in str(why).rstrip().splitlines()[-40:]:
            print(f"         {line[:400]}", flush=True)

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
