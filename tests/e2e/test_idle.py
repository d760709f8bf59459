"""What a stack without work costs: requests to the storage, and processor time."""

import re
import time
from collections import Counter

import httpx
import psutil
import pytest
from tests.e2e.services import Service
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

from contracts.telemetry import metrics

pytestmark = pytest.mark.e2e

#: Seconds for which a stack without work is watched.
WATCHED = 30.0

#: What the scheduler does once in five minutes, each shard a request; and the workers, for their kinds.
SWEEP, SHARDS, SELDOM_SECONDS = "journal.active", 16, 300.0

_METRIC = metrics.STORAGE_CALL_DURATION.replace(".", "_")
_COUNT = re.compile(
    rf'^{_METRIC}_seconds_count{{.*storage_operation="([^"]+)".*?}} (\S+)',
    re.MULTILINE,
)


def calls_of(service: Service) -> Counter[tuple[str, str]]:
    """Count the requests that a service has sent to the storage, by service and operation."""
    text = httpx.get(f"{service.url}/metrics", timeout=10).raise_for_status().text
    found: Counter[tuple[str, str]] = Counter()
    for operation, count in _COUNT.findall(text):
        found[service.name, operation] += int(float(count))
    return found


def calls(stack: Stack) -> Counter[tuple[str, str]]:
    return sum(map(calls_of, stack.services()), Counter())


def processor_seconds(stack: Stack) -> float:
    """Return the processor time of all services and their runners."""
    times = [process.cpu_times() for service in stack.services() for process in service.family()]
    return sum(each.user + each.system for each in times)


def wait_until_it_rests(stack: Stack) -> None:
    """Wait until the scheduler has not read the shards for ten seconds."""
    last, since = -1, time.monotonic()

    def rests() -> bool:
        nonlocal last, since
        sweeps = calls_of(stack.scheduler)[stack.scheduler.name, SWEEP]
        if sweeps != last:
            last, since = sweeps, time.monotonic()
        return time.monotonic() - since > 10

    until(rests, 120, "the scheduler to rest")


def test_a_stack_without_work_sends_fewer_than_sixty_requests_per_minute_and_hardly_computes(
    stack: Stack,
) -> None:
    stack.crew(2)
    job = stack.api.submit("effects", stack.new_lock(), {"count": 1})
    assert job.wait_for_end()["status"] == "Completed"
    wait_until_it_rests(stack)
    pids = [psutil.Process(service.pid) for service in stack.services()]
    before, worked = calls(stack), processor_seconds(stack)
    # A rate takes a time: nothing is waited for.
    time.sleep(WATCHED)
    sent, worked = calls(stack) - before, processor_seconds(stack) - worked
    assert all(process.is_running() for process in pids)
    sweeps = sent.pop((stack.scheduler.name, SWEEP), 0)
    assert sweeps in {0, SHARDS}
    per_minute = sent.total() / WATCHED * 60 + SHARDS / SELDOM_SECONDS * 60
    assert per_minute < 60, sent
    # The figures are there: they are not those of services without metrics.
    assert sent[stack.scheduler.name, "journal.marks"] > 0
    assert worked / WATCHED < 0.1
