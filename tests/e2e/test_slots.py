"""A lock with a limit: as many of its jobs run at the same time, and a lower limit ends none of them."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from tests.e2e.api import Job
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

from contracts.runs import runs_of

pytestmark = pytest.mark.e2e

#: Seconds by which a start may be written later than the limit that it came before.
_RACED = timedelta(seconds=1)


def set_limit(stack: Stack, lock: str, limit: int) -> dict[str, Any]:
    answer = stack.api.client.put(f"/api/v1/locks/{lock}", json={"limit": limit, "reason": "tried"})
    found: dict[str, Any] = answer.raise_for_status().json()
    assert found["limit"] == limit
    return found


def runs_by_slot(jobs: list[Job]) -> dict[int, list[tuple[datetime, datetime, int, str]]]:
    """Return the runs of each slot in order: began, ended, fence, job."""
    found: dict[int, list[tuple[datetime, datetime, int, str]]] = {}
    for job in jobs:
        for run in runs_of(job.events()):
            assert run.start is not None
            assert run.end is not None
            began, ended = (datetime.fromisoformat(each["timestamp_utc"]) for each in (run.start, run.end))
            slot = run.start["data"].get("slot", 0)
            assert run.end["data"].get("slot", 0) == slot
            found.setdefault(slot, []).append((began, ended, run.fence, job.id))
    return {slot: sorted(runs) for slot, runs in found.items()}


def test_two_jobs_run_at_a_time_until_the_limit_is_lowered_while_others_start(stack: Stack) -> None:
    stack.crew(3)
    lock = stack.new_lock()
    set_limit(stack, lock, 2)
    jobs = [stack.api.submit("effects", lock, {"count": 3, "seconds": 0.2}) for _ in range(10)]
    until(lambda: any(slot["job_id"] for slot in stack.api.lock(lock)["slots"]), 30, "slot 1 to run a job")
    until(lambda: jobs[3].state()["status"] != "Queued", 60, "some jobs to be over")
    lowered = set_limit(stack, lock, 1)["limits"][0]
    for job in jobs:
        state = job.wait_for_end(120)
        # A lower limit has interrupted none.
        assert (state["status"], state["attempt"]) == ("Completed", 1)
    runs = runs_by_slot(jobs)
    assert set(runs) == {0, 1}
    for of_slot in runs.values():
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(of_slot))
        assert [fence for _, _, fence, _ in of_slot] == list(range(1, len(of_slot) + 1))
    set_at = datetime.fromisoformat(lowered["set_at"])
    assert all(began <= set_at + _RACED for began, *_ in runs[1])
    starts = sorted(run for of_slot in runs.values() for run in of_slot)
    assert [job_id for *_, job_id in starts] == [job.id for job in jobs]
    effects = stack.sink.effects(lock)
    assert all(effect.accepted for effect in effects)
    assert {effect.slot for effect in effects} == {0, 1}
    assert [(each["limit"], each["previous"]) for each in stack.api.lock(lock)["limits"]] == [(1, 2), (2, 1)]


def test_the_run_of_a_lost_worker_above_a_lower_limit_is_finished(stack: Stack) -> None:
    workers = stack.crew(2)
    lock = stack.new_lock()
    set_limit(stack, lock, 2)
    first, second = (stack.api.submit("effects", lock, {"count": 40, "seconds": 0.2}) for _ in range(2))
    states = [job.wait_for_attempt() for job in (first, second)]
    slots = {slot["job_id"]: slot for slot in stack.api.lock(lock)["slots"]}
    set_limit(stack, lock, 1)
    above = next(job for job in (first, second) if job.id in slots)
    lost = next(state["worker"] for state in states if state["job_id"] == above.id)
    stack.worker_of(lost).kill()
    state = above.wait_for_end(180)
    assert (state["status"], state["attempt"], state["interruptions"]) == ("Completed", 2, 1)
    assert "slot" not in above.events()[-1]["data"], "it was finished above the limit"
    assert len(workers) == 2
