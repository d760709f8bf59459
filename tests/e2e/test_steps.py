"""Steps on the running stack: tried again, many at once, and failing in a group."""

import pytest
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e


def test_a_retried_step_has_one_name_and_one_key_also_for_the_next_attempt(stack: Stack) -> None:
    stack.crew(1)
    job = stack.api.submit("charges", stack.new_lock())
    state = job.wait_for_end()
    assert (state["status"], state["attempt"]) == ("Completed", 2), state
    assert state["result"] == f"{job.id}/charge"
    assert [effect.step for effect in stack.sink.effects(job.lock, job.id)] == ["charge", "charge"]
    assert job.statuses().count("Step") == 1


def test_a_job_with_more_steps_at_once_than_may_wait_completes_in_one_attempt(stack: Stack) -> None:
    stack.crew(1)
    job = stack.api.submit("fans-out", stack.new_lock(), {"count": 1_200})
    state = job.wait_for_end()
    assert (state["status"], state["attempt"]) == ("Completed", 1), state
    assert state["result"] == sum(range(1_200))


def test_a_reason_to_fail_in_a_group_is_the_reason_of_the_job(stack: Stack) -> None:
    stack.crew(1)
    state = stack.api.submit("fails-in-a-group", stack.new_lock()).wait_for_end()
    error = state["error"]
    assert (state["status"], error["type"]) == ("Failed", "FailJob")
    assert error["message"] == "no such account: 4711"
    assert not error.get("traceback")
