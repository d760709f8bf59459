"""The simulation's judges read what stands in tables, and find what a faulty product would leave there."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.chaos.judging import StoredLock, judge_lock
from tests.simulation.judges.order import overtaken
from tests.simulation.judges.writes import Write, from_events
from tests.simulation.seeds import play
from tests.simulation.setting import Setting
from tests.simulation.world import World

from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Registration, Row

#: Jobs with ends of all kinds, some of which are cut off several times.
_SETTING = Setting(strikes={"worker killed": 1.0, "runner killed": 1.0, "worker stopped": 1.0}, pause=5.0)


@pytest.fixture(scope="module")
def world() -> World:
    played = World(2, replace(_SETTING, cancellations=6))
    play(played)
    played.close()
    return played


def stored_lock(world: World, number: int = 0) -> StoredLock:
    lock = StoredLock(f"L{number}", {}, {})
    rows = dict(world.journal.partitions[lock.partition])
    committed = {key: world.history.committed_at.get(key, 0.0) for key in rows}
    return StoredLock(lock.name, rows, committed)


def changed(stored: StoredLock, key: str, **values: Any) -> StoredLock:
    row = stored.rows[key]
    return replace(stored, rows={**stored.rows, key: Row(key, {**row.values, **values}, row.etag)})


def job_keys(stored: StoredLock, wanted: Callable[[JobRow], bool]) -> list[str]:
    keys = [key for key in stored.rows if key.startswith("job|")]
    return [key for key in keys if wanted(JobRow.from_row(stored.rows[key]))]


def test_what_the_simulation_left_holds(world: World) -> None:
    for number in range(world.setting.locks):
        assert judge_lock(stored_lock(world, number), world.register.jobs) == []


@pytest.mark.parametrize(
    ("values", "topic"),
    [
        ({"losses": 7}, "counts"),
        ({"deaths": 2}, "counts"),
        ({"interruptions": 9}, "counts"),
        ({"attempt": 9}, "row"),
        ({"cancel_requested": True}, "row"),
        ({"step": "step 1"}, "progress"),
        ({"request_hash": "another"}, "register"),
    ],
)
def test_a_row_that_says_something_else_than_its_events_is_found(
    world: World, values: dict[str, Any], topic: str
) -> None:
    stored = stored_lock(world)
    [key, *_] = job_keys(stored, lambda job: job.status == "Completed" and not job.cancel_requested)
    found = judge_lock(changed(stored, key, **values), world.register.jobs)
    assert [sentence.split(": ")[1] for sentence in found] == [topic]


def test_a_job_that_is_registered_under_another_lock_is_found(world: World) -> None:
    stored = stored_lock(world)
    [key, *_] = job_keys(stored, lambda job: job.status == "Completed")
    job_id = key.removeprefix("job|")
    registered = world.register.jobs[job_id]
    elsewhere: dict[str, Registration] = {
        **world.register.jobs,
        job_id: replace(registered, lock_name="L1", partition=stored_lock(world, 1).partition),
    }
    [found] = judge_lock(stored, elsewhere)
    assert "lives under L0, registered is L1" in found


# --- made by hand -----------------------------------------------------------------


_OF_A_RUN: dict[str, Any] = {"attempt": 1, "worker": "w1", "fence": 1}


def event(job_id: str, seq: int, status: EventStatus, op_id: str, message: str = "", **more: Any) -> EventRow:
    known: dict[str, Any] = {
        "job_id": job_id,
        "lock_name": "L",
        "seq": seq,
        "status": status.value,
        "op_id": op_id,
    }
    told = {"message": message, "timestamp": "2026-01-01T00:00:00.000000Z", "actor": "ann", "hash": ""}
    data = json.dumps(more.pop("facts", {}))
    return EventRow.from_values({**known, **told, "data": data, **_OF_A_RUN, **more})


def lives_of(*events: EventRow) -> list[str]:
    rows = {f"event|{one.job_id}|{one.seq:06d}": Row("", one.values(), "") for one in events}
    committed = {key: float(number) for number, key in enumerate(rows)}
    return judge_lock(StoredLock("L", rows, committed), {})


SUBMITTED = event("a", 1, EventStatus.SUBMITTED, "1", worker=None, fence=None)
STARTED = event("a", 2, EventStatus.STARTED, "2")
REQUESTED = event("a", 3, EventStatus.CANCEL_REQUESTED, "3", actor="bob", worker=None)


def interrupted(seq: int, op_id: str, *, died: bool) -> EventRow:
    message = "killed" if died else "worker w1 was lost"
    return event("a", seq, EventStatus.INTERRUPTED, op_id, message, facts={"died": died})


def test_a_job_that_is_started_again_although_it_was_to_be_cancelled_is_found() -> None:
    again = event("a", 5, EventStatus.STARTED, "4", attempt=2, fence=2)
    found = lives_of(SUBMITTED, STARTED, REQUESTED, interrupted(4, "4", died=False), again)
    assert found[0] == "lock L: cancel: a was interrupted, was to be cancelled, and goes on"
    assert found[1] == "lock L: cancel: a was started again after its cancellation was requested"


def test_a_job_that_ends_with_its_interruption_as_it_was_to_be_cancelled_holds() -> None:
    end = event("a", 5, EventStatus.CANCELLED, "4", "cancelled, asked by bob")
    assert lives_of(SUBMITTED, STARTED, REQUESTED, interrupted(4, "4", died=False), end) == []


@pytest.mark.parametrize(
    ("deaths", "fails", "found"),
    [
        (2, False, []),
        (2, True, ["lock L: counts: a failed as RunnerCrashLimit after 2"]),
        (3, True, []),
        (3, False, ["lock L: counts: a should have failed as RunnerCrashLimit after 3 deaths, 0 losses"]),
    ],
)
def test_a_job_fails_exactly_with_the_third_death(deaths: int, fails: bool, found: list[str]) -> None:
    events = [SUBMITTED]
    for number in range(1, deaths + 1):
        start = event("a", len(events) + 1, EventStatus.STARTED, f"s{number}", attempt=number, fence=number)
        events.append(start)
        events.append(interrupted(len(events) + 1, f"i{number}", died=True))
    if fails:
        message = f"its runner process died {deaths} times, last: killed"
        facts = {"error_type": "RunnerCrashLimit"}
        events.append(event("a", len(events) + 1, EventStatus.FAILED, f"i{deaths}", message, facts=facts))
    assert lives_of(*events) == found


@pytest.mark.parametrize(("waited", "is_found"), [(29.9, False), (30.1, True)])
def test_a_job_that_was_passed_over_for_long_is_found(waited: float, is_found: bool) -> None:
    jobs = {
        "urgent": JobRow("urgent", "kind", "L", priority=0, order="2"),
        "patient": JobRow("patient", "kind", "L", priority=9, order="1"),
    }
    events = [
        (0.0, event("patient", 1, EventStatus.SUBMITTED, "1")),
        (0.0, event("urgent", 1, EventStatus.SUBMITTED, "2")),
        (waited, event("patient", 2, EventStatus.STARTED, "3")),
    ]
    found = overtaken(from_events("p", events), jobs, 30.0)
    assert [sentence.split(",")[0] for sentence in found] == (
        ["patient was started before urgent"] if is_found else []
    )


def test_transactions_are_put_in_the_order_of_events_and_fences_where_times_say_nothing() -> None:
    events = [
        (5.0, event("b", 2, EventStatus.STARTED, "second", fence=2)),
        (5.0, event("a", 3, EventStatus.COMPLETED, "second")),
        (5.0, event("a", 2, EventStatus.STARTED, "first", fence=1)),
        (5.0, event("b", 1, EventStatus.SUBMITTED, "b")),
        (5.0, event("a", 1, EventStatus.SUBMITTED, "a")),
    ]
    writes: list[Write] = from_events("p", events)
    order = [write.events[0].op_id for write in writes]
    assert order.index("a") < order.index("first") < order.index("second")
    assert order.index("b") < order.index("second")
