"""Whatever a handler does, its job gets an end that says why, and its worker and the other jobs go on."""

import pytest
from tests.e2e.api import Job
from tests.e2e.journeys import assert_finished
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture
def bystander(stack: Stack) -> Job:
    """A well-behaved job beside the bad one on the same worker."""
    stack.crew(1, concurrency="2")
    job = stack.api.submit("effects", stack.new_lock(), {"count": 15, "seconds": 0.2})
    stack.sink.wait_for_effect(job.lock, job.id)
    return job


def assert_unharmed(stack: Stack, bystander: Job) -> None:
    assert_finished(stack, bystander, attempts=1)
    (worker,) = stack.workers
    until(lambda: worker.is_ready, 20, "the worker to be ready, its runners that died being replaced")


def test_a_job_whose_handler_raises_fails_with_the_error(stack: Stack, bystander: Job) -> None:
    stack.expected_tracebacks.append("RuntimeError: out of order")
    state = stack.api.submit("raises", stack.new_lock()).wait_for_end()
    assert state["status"] == "Failed"
    error = state["error"]
    assert (error["type"], error["message"]) == ("RuntimeError", "out of order")
    assert error["traceback"].endswith("RuntimeError: out of order\n")
    assert (state["attempt"], state["interruptions"]) == (1, 0)
    assert_unharmed(stack, bystander)


def test_a_password_in_a_handlers_error_is_kept_and_shown_nowhere(stack: Stack, bystander: Job) -> None:
    masked = "RuntimeError: cannot reach postgres://app:***@db/ledger"
    stack.expected_tracebacks.append(masked)
    job = stack.api.submit("raises-with-a-password", stack.new_lock())
    error = job.wait_for_end()["error"]
    assert f"{error['type']}: {error['message']}" == masked
    assert error["traceback"].endswith(f"{masked}\n")
    # The line of the source that raised it is quoted, and holds it, too.
    assert "canary-of-the-job" not in error["traceback"]
    assert "canary-of-the-job" not in repr(job.events())
    (worker,) = stack.workers
    assert "canary-of-the-job" not in worker.log.read_text()
    assert_unharmed(stack, bystander)


def test_a_job_that_blocks_its_event_loop_is_killed_at_its_timeout(stack: Stack, bystander: Job) -> None:
    state = stack.api.submit("blocks-loop", stack.new_lock()).wait_for_end()
    assert state["status"] == "TimedOut"
    assert_unharmed(stack, bystander)


def test_a_job_that_spins_without_end_can_be_cancelled(stack: Stack, bystander: Job) -> None:
    job = stack.api.submit("spins-in-c", stack.new_lock())
    stack.sink.wait_for_effect(job.lock, job.id)
    assert job.cancel().status_code == 202
    state = job.wait_for_end()
    assert state["status"] == "Cancelled"
    assert_unharmed(stack, bystander)


def test_a_job_that_takes_all_memory_fails_with_that_reason(stack: Stack, bystander: Job) -> None:
    stack.expected_tracebacks.append("MemoryError")
    state = stack.api.submit("allocates", stack.new_lock()).wait_for_end()
    assert (state["status"], state["error"]["type"]) == ("Failed", "MemoryError")
    assert_unharmed(stack, bystander)


def test_a_job_that_ends_its_runner_three_times_fails_for_having_killed_its_worker(
    stack: Stack, bystander: Job
) -> None:
    job = stack.api.submit("exits", stack.new_lock())
    state = job.wait_for_end()
    assert (state["status"], state["attempt"]) == ("Failed", 3)
    assert "its runner process died" in state["error"]["message"]
    assert "exited with code 3" in state["error"]["message"]
    steps = [effect.step for effect in stack.sink.effects(job.lock)]
    assert steps == ["attempt 1", "attempt 2", "attempt 3"]
    assert job.statuses().count("Interrupted") == 3
    assert_unharmed(stack, bystander)
