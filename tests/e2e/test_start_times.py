"""Start times on the running stack: a job starts when its time has come, whoever has died by then."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.e2e.api import Job
from tests.e2e.stack import Stack
from tests.e2e.test_next_attempts import proved, turnstile

pytestmark = pytest.mark.e2e

#: Seconds by which a start may be late on a machine that does other things, too.
_LATE = 5.0


def delayed(stack: Stack, lock: str, seconds: float) -> Job:
    start_at = datetime.now(UTC) + timedelta(seconds=seconds)
    return stack.api.submit("nothing", lock, start_at=start_at.isoformat())


def lateness(job: Job) -> float:
    """Wait until a job has ended; return how many seconds after its start time it started."""
    ended = job.wait_for_end()
    assert (ended["status"], ended["attempt"]) == ("Completed", 1)
    waited = datetime.fromisoformat(ended["started_at"]) - datetime.fromisoformat(ended["start_at"])
    return waited.total_seconds()


@pytest.mark.parametrize("seconds", [2.0, 12.0])
def test_a_job_starts_at_its_time_and_others_pass_it(stack: Stack, seconds: float) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    job = delayed(stack, lock, seconds)
    passing = stack.api.submit("nothing", lock)
    assert passing.wait_for_end()["status"] == "Completed"
    assert 0 <= lateness(job) < _LATE
    proved(stack, job)


def test_a_start_time_survives_every_worker_and_the_scheduler(stack: Stack) -> None:
    job = delayed(stack, stack.new_lock(), 10)
    for worker in list(stack.workers):
        worker.kill()
        stack.dismiss([worker])
    stack.scheduler.kill()
    stack.scheduler.launch()
    stack.scheduler.wait_until_ready()
    stack.crew(1)
    assert lateness(job) >= 0
    proved(stack, job)


def test_a_job_that_waits_for_its_start_time_says_so_and_is_cancelled_at_once(stack: Stack) -> None:
    stack.crew(1)
    job = delayed(stack, stack.new_lock(), 3600)
    assert "for its start time" in turnstile(stack, "show", job.id)
    assert job.state()["position"] is None
    turnstile(stack, "cancel", job.id, "--reason", "not needed")
    assert job.state()["status"] == "Cancelled"
    assert job.statuses() == ["Submitted", "Cancelled"]
    proved(stack, job)
