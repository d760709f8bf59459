"""Jobs one after the other on one runner: none harms the next, and each may tidy up when its worker stops."""

import signal

import pytest
from tests.e2e.journeys import next_start
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e


def test_a_job_that_silences_logging_does_not_silence_the_next_one(stack: Stack) -> None:
    stack.expected_tracebacks.append("RuntimeError: out of order")
    (worker,) = stack.crew(1)
    for kind, status in (("raises", "Failed"), ("migrates", "Completed"), ("raises", "Failed")):
        assert stack.api.submit(kind, stack.new_lock()).wait_for_end()["status"] == status
    assert worker.log_text().count("handler raised") == 2


def test_a_leak_does_not_fail_an_innocent_job(stack: Stack) -> None:
    (worker,) = stack.crew(1)
    for kind in ("leaks", "leaks", "leaks", "leaks", "needs-memory"):
        state = stack.api.submit(kind, stack.new_lock()).wait_for_end()
        assert (state["status"], state["attempt"]) == ("Completed", 1), state
    assert "after a job of kind 'leaks', more than" in worker.log_text()


def test_a_handler_may_tidy_up_for_longer_than_jobs_may_continue(stack: Stack) -> None:
    (worker,) = stack.crew(1, grace_seconds="0.5", cancel_grace_seconds="15")
    job = stack.api.submit("tidies-up", stack.new_lock(), {"seconds": 3})
    stack.sink.wait_for_effect(job.lock, job.id)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    stack.crew(1)
    next_start(stack, job, 2, within=30)
    state = job.wait_for_end()
    assert (state["status"], state["result"], state["interruptions"]) == ("Completed", "tidied up", 1)
