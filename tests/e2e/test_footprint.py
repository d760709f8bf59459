"""How much a worker's supervisor takes: memory when it has worked, and time until it can."""

import psutil
import pytest
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e

MIB = 1024 * 1024


def test_a_supervisor_stays_below_150_mb_and_starts_in_less_than_three_seconds(stack: Stack) -> None:
    (worker,) = stack.crew(1)
    jobs = [stack.api.submit("effects", stack.new_lock(), {"count": 5}) for _ in range(5)]
    for job in jobs:
        assert job.wait_for_end()["status"] == "Completed"
    assert psutil.Process(worker.pid).memory_info().rss < 150 * MIB
    starts = [worker.start_seconds]
    # Others may be busy on this machine: the best of three counts.
    while min(starts) >= 3 and len(starts) < 3:
        worker.stop()
        worker.start()
        starts.append(worker.start_seconds)
    assert min(starts) < 3, starts
