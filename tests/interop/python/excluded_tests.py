"""A pytest plugin: skips the tests that a list names, with the list's reason. A name that no test has ends the run."""
import os

import pytest

# kafka-python loses a subscription that is made while its first metadata request is under way: it then waits for five minutes,
# and these tests for thirty seconds, without asking any broker anything. One run in twenty; they get three tries.
CLIENT_RACES = ("test_end_to_end", "test_idempotent_producer_max_in_flight", "test_kafka_consumer")


def pytest_collection_modifyitems(items):
    reasons = {}
    with open(os.environ["INTEROP_EXCLUDED"]) as lines:
        for line in lines:
            name, _, reason = line.split("#")[0].strip().partition(" ")
            if name:
                reasons[name] = reason.strip()
    for item in items:
        if item.originalname in CLIENT_RACES:
            item.add_marker(pytest.mark.flaky(reruns=2))
        for name in (item.name, item.originalname):
            if name in reasons:
                item.add_marker(pytest.mark.skip(reason=reasons[name]))
    known = {item.name for item in items} | {item.originalname for item in items}
    if set(reasons) - known:
        pytest.exit(f"excluded tests that do not exist: {', '.join(sorted(set(reasons) - known))}", returncode=3)
