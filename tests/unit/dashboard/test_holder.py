"""The lane of a lock: which run has it, how far it is, and when it is free again."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.dashboard.runs import NOW, ago, run
from tests.unit.dashboard.shown import attribute, find, links, parts, text

from contracts.jobs import HeldLease, Worker
from coordination.journal.events import timestamp
from coordination.journal.rows import JobRow, LockRow
from dashboard.board.snapshot import LockState, SlotState
from dashboard.parts import holder
from dashboard.parts.holder import held_lease, lock_lane
from dashboard.parts.nodes import Node
from read_models.documents import LockRun


def worker(heard: float = 4, lease: HeldLease | None = None) -> Worker:
    return Worker(
        worker="worker-3", seen_at=NOW - timedelta(seconds=heard), leases=[lease] if lease is not None else []
    )


def lease(renewed: float, seconds: float = 30, lock: str = "ledger") -> HeldLease:
    renewed_at = NOW - timedelta(seconds=renewed)
    return HeldLease(lock=lock, fence=1042, renewed_at=renewed_at, seconds=seconds)


def holder_lane(state: LockState, worker: Worker | None, last: LockRun | None, now: datetime) -> Node:
    """Return the lane of a lock without a limit."""
    return holder.holder_lane(state, named(worker), [last], now)


def named(*workers: Worker | None) -> dict[str, Worker]:
    return {worker.worker: worker for worker in workers if worker is not None}


def busy(minutes: float = 10, attempt: int = 1, waiting: int = 0, **job: Any) -> LockState:
    row = LockRow(
        "ledger",
        fence=1042,
        worker="worker-3",
        job_id="job-1",
        attempt=attempt,
        started_at=timestamp(ago(minutes)),
    )
    values: dict[str, Any] = {"name": "Close of May", "attempt": attempt}
    running = JobRow("job-1", "ten-steps", "ledger", **(values | job))
    line = [JobRow(f"job-{n}", "k", "ledger", queued_at=timestamp(ago(n))) for n in range(2, 2 + waiting)]
    return LockState("ledger", row, running, line, waiting)


def test_a_held_lock_shows_fence_lease_job_progress_and_worker() -> None:
    state = busy(step="book", progress_value=27_412.0, progress_limit=40_600.0)
    lane = holder_lane(state, worker(4, lease(7)), None, NOW)
    assert text(find(lane, "div.lock")[0]) == "Fence 1,042"
    (ring,) = find(lane, "span.ring")
    assert parts(ring)[1] == {"until": (NOW + timedelta(seconds=23)).timestamp() * 1000, "length": 30}
    inside = find(lane, "div.inside")[0]
    assert text(inside) == (
        "Running Close of May [for] 68% step book · 27,412 of 40,600 worker-3 heard [ago] attempt 1"
    )
    assert links(inside) == [("job", {"id": "job-1"})]
    (bar,) = find(lane, "div.progress")
    assert parts(bar)[1]["aria-valuenow"] == 68


def test_a_lock_is_free_again_at_the_pace_of_this_attempt() -> None:
    lane = holder_lane(busy(10, progress_value=2.0, progress_limit=3.0), worker(), None, NOW)
    assert text(find(lane, "div.queue")[0]) == "Free again in about 5 min 00 s at the pace of this attempt"


@pytest.mark.parametrize(
    "state",
    [
        busy(10),
        busy(0.5, progress_value=2.0, progress_limit=3.0),
        busy(10, 2, progress_value=2.0, progress_limit=3.0),
    ],
)
def test_nothing_is_promised_while_the_pace_says_nothing(state: LockState) -> None:
    assert text(find(holder_lane(state, worker(), None, NOW), "div.queue")[0]) == (
        "Free again when this run has ended"
    )


def test_a_run_whose_row_was_not_read_shows_its_id() -> None:
    state = LockState("ledger", busy().row, None)
    lane = holder_lane(state, None, None, NOW)
    assert "Running job-1 [for] worker-3 attempt 1" in text(lane)
    assert find(lane, "span.ring") == []


@pytest.mark.parametrize(("heard", "shown"), [(24.9, False), (25, True)])
def test_a_worker_that_is_not_heard_is_marked(heard: float, shown: bool) -> None:
    lane = holder_lane(busy(), worker(heard, lease(heard)), None, NOW)
    assert ("silent for" in text(lane)) is shown


def test_a_worker_that_was_stopped_and_still_holds_the_lock_is_marked() -> None:
    stopped = worker(5).model_copy(update={"stopped_at": NOW - timedelta(seconds=5)})
    shown = text(holder_lane(busy(), stopped, None, NOW))
    assert "stopped [ago]" in shown
    assert "silent" not in shown


def test_only_the_lease_of_a_silent_worker_is_shown_to_run_out() -> None:
    assert find(holder_lane(busy(), worker(5, lease(27.5)), None, NOW), "span.ring") == []
    assert "renews its lease" in text(holder_lane(busy(), worker(5, lease(40)), None, NOW))
    assert len(find(holder_lane(busy(), worker(26, lease(40)), None, NOW), "span.ring")) == 1


def test_the_lease_of_another_lock_is_not_this_ones() -> None:
    assert find(holder_lane(busy(), worker(5, lease(1, lock="other")), None, NOW), "span.ring") == []


def test_a_job_that_is_to_stop_says_so() -> None:
    assert "Cancelling" in text(holder_lane(busy(cancel_requested=True), worker(), None, NOW))


def test_progress_without_a_limit_is_a_number_without_a_bar() -> None:
    lane = holder_lane(busy(progress_value=7.0), worker(), None, NOW)
    assert find(lane, "div.progress") == []
    assert "7 worker-3" in text(lane)


def test_progress_beyond_its_limit_fills_the_bar() -> None:
    (bar,) = find(holder_lane(busy(progress_value=7.0, progress_limit=5.0), worker(), None, NOW), "div.track")
    assert parts(parts(bar)[2][0])[1] == {"w": 100.0}


def test_a_free_lock_tells_its_last_run() -> None:
    state = LockState("ledger", LockRow("ledger", fence=7), waiting=2)
    lane = holder_lane(state, None, run(7, 60, 50, outcome="Failed"), NOW)
    assert text(lane) == "Fence 7 Free since [ago] ; the last run was Job 7 Failed 2 waiting"
    unfinished = holder_lane(state, None, run(7, 60), NOW)
    assert "Free ; the last run was Job 7" in text(unfinished)
    assert "Fence none yet Free No jobs waiting" in text(
        holder_lane(LockState("l", LockRow("l")), None, None, NOW)
    )


def test_a_lane_among_others_has_the_name_and_the_first_places() -> None:
    lane = lock_lane(busy(waiting=15), named(worker()), NOW)
    assert links(lane)[0] == ("lock", {"lock": "ledger"})
    assert text(find(lane, "div.lock")[0]) == "ledger fence 1,042"
    assert text(find(lane, "div.queue")[0]) == "15 waiting 1 2 3 4 5 6 7 8 9 10 11 12 +3 oldest [for]"
    assert text(find(lock_lane(busy(), {}, NOW), "div.queue")[0]) == "No jobs waiting"


def test_a_lock_with_a_line_and_no_run_says_why() -> None:
    state = LockState("a/b c", LockRow("a/b c"), None, (), 3)
    lane = lock_lane(state, {}, NOW)
    assert "No job runs" in text(lane)
    assert "no run yet" in text(lane)
    assert parts(lane)[1]["k"] == "a/b c"


def slots() -> LockState:
    """Return a lock with three slots: two are held, and slot 3 still has a run above the limit."""
    state = busy(waiting=1)

    def slot(number: int, job_id: str = "", *, is_closed: bool = False) -> SlotState:
        row = LockRow("ledger", fence=number, worker="worker-4", job_id=job_id, is_closed=is_closed)
        row = replace(row, started_at=timestamp(ago(20)) if job_id else "", attempt=1)
        running = JobRow(job_id, "k", "ledger", name=f"In slot {number}", slot=number) if job_id else None
        return SlotState(number, row, running)

    others = (slot(1, "job-b"), slot(2), slot(3, "job-c", is_closed=True), slot(4, is_closed=True))
    return replace(state, row=replace(state.row, limit=3, limit_number=2), others=others)


def test_every_slot_has_a_lane_with_its_fence_holder_and_job() -> None:
    last = [None, None, run(2, 60, 50, slot=2), None]
    drawn = holder.holder_lane(slots(), named(worker(4, lease(7))), last, NOW)
    lanes = [text(lane) for lane in find(drawn, "div.lane")]
    assert len(lanes) == 4
    assert lanes[0].startswith("Slot 0 fence 1,042")
    assert "Close of May" in lanes[0]
    assert "Slot 1 fence 1" in lanes[1]
    assert "In slot 1" in lanes[1]
    assert "worker-4" in lanes[1]
    assert "Free since [ago] ; the last run was Job 2" in lanes[2]
    assert "Slot 3 closed: it starts no other job" in lanes[3]
    assert [attribute(lane, "k") for lane in find(drawn, "div.lane")] == [f"slot {n}" for n in range(4)]


def test_among_others_a_lock_with_slots_says_how_many_are_held_and_lists_their_jobs() -> None:
    lane = lock_lane(slots(), named(worker()), NOW)
    assert text(find(lane, "div.lock")[0]) == "ledger 3 of 3 slots held"
    runs = [text(inside) for inside in find(lane, "div.inside")]
    assert len(runs) == 3
    assert "slot 1 · fence 1" in runs[1]
    assert "1 waiting" in text(find(lane, "div.queue")[0])


def test_of_several_leases_under_a_lock_the_one_with_the_fence_is_that_of_the_run() -> None:
    first, second = lease(7), HeldLease(lock="ledger", fence=3, renewed_at=NOW, seconds=30)
    both = worker().model_copy(update={"leases": [first, second]})
    assert held_lease(both, "ledger", 3) == second
    assert held_lease(both, "ledger", 4) is None
    assert held_lease(worker(4, first), "ledger", 4) == first
