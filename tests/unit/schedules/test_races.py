"""Two who act on a schedule at the same moment, in every order of their storage calls."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.schedules.desk import Desk, definition

from contracts.identifiers import id_of_due_time
from coordination.ports import UnknownOutcomeError
from schedules.store import NoSuchScheduleError

NAME, HOUR = "nightly", 3600.0
FIRST, SECOND = "2026-01-01T01:00:00.000000Z", "2026-01-01T02:00:00.000000Z"

Act = Callable[[Desk], Coroutine[Any, Any, Any]]


async def look(desk: Desk) -> None:
    await desk.scheduler().look()


async def edit(desk: Desk) -> None:
    await desk.people().put(NAME, definition(job={"kind": "report", "parameters": {"day": 2}}), "bob")


async def move(desk: Desk) -> None:
    """Let the schedule be due at another minute."""
    await desk.people().put(NAME, definition(cron="30 * * * *"), "bob")


async def pause(desk: Desk) -> None:
    await desk.people().pause(NAME, "bob")


async def delete(desk: Desk) -> None:
    await desk.people().delete(NAME, "bob")


async def run_unnamed(desk: Desk) -> None:
    await desk.people().run(NAME, "bob")


async def run(desk: Desk) -> None:
    await desk.people().run(NAME, "bob", key="once")


async def after(
    *acts: Act, due: bool = True, on_conflict: str = "queue", jobs_take_turns: bool = False
) -> list[Desk]:
    """Let all act at the same time, in every order; return what came of each, when all is done.

    Writes of jobs take turns, too, where both submit the same one.
    """
    ends: list[Desk] = []

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.put(job={"kind": "report", "parameters": {"day": 1}, "on_conflict": on_conflict})
        desk.clock.jump(HOUR if due else 60)

        async def writes_take_turns(when: str, call: str) -> None:
            if call in {"journal.register", "journal.commit"}:
                await turns(when, call)

        desk.table.calls.fault = turns
        if jobs_take_turns:
            desk.journal.calls.fault = desk.register.calls.fault = writes_take_turns
        for end in await turns.play(*(act(desk) for act in acts)):
            if end is not None:
                raise end
        for port in (desk.table, desk.journal, desk.register):
            port.calls.fault = None
        # Some scheduler lives.
        await desk.scheduler().look()
        ends.append(desk)

    await in_every_order(play)
    assert len(ends) > 5
    return ends


def parameters(desk: Desk) -> list[str]:
    return sorted(job.parameters for job in desk.jobs())


async def is_left_whole(desk: Desk) -> bool:
    """Return whether nothing is under way, and the agenda is that of the schedule."""
    try:
        row = await desk.row()
    except NoSuchScheduleError:
        row = None
    return desk.keys("agenda|firing|") == [] and desk.is_whole(NAME, row)


async def test_two_schedulers_fire_a_due_time_once() -> None:
    for desk in await after(look, look, jobs_take_turns=True):
        assert [job.job_id for job in desk.jobs()] == [id_of_due_time(NAME, FIRST)]
        row = await desk.row()
        assert (row.next_due, [one.outcome for one in row.firings]) == (SECOND, ["submitted"])
        assert await is_left_whole(desk)


@pytest.mark.parametrize("on_conflict", ["reject", "skip"])
async def test_two_schedulers_do_not_take_each_others_job_for_another(on_conflict: str) -> None:
    for desk in await after(look, look, on_conflict=on_conflict, jobs_take_turns=True):
        assert [job.job_id for job in desk.jobs()] == [id_of_due_time(NAME, FIRST)]
        assert [one.outcome for one in (await desk.row()).firings] == ["submitted"]
        assert await is_left_whole(desk)


async def test_an_edit_comes_before_the_due_time_or_behind_it() -> None:
    seen = set()
    for desk in await after(look, edit):
        seen.add(parameters(desk)[0])
        assert [job.job_id for job in desk.jobs()] == [id_of_due_time(NAME, FIRST)]
        row = await desk.row()
        assert (row.next_due, row.asked.job.parameters) == (SECOND, {"day": 2})
        assert await is_left_whole(desk)
    assert seen == {'{"day":1}', '{"day":2}'}


async def test_an_edit_of_the_time_lets_the_due_time_fire_once_or_not_at_all() -> None:
    seen = set()
    for desk in await after(look, move):
        seen.add(len(desk.jobs()))
        assert (await desk.row()).next_due == "2026-01-01T01:30:00.000000Z"
        assert await is_left_whole(desk)
    assert seen == {0, 1}


@pytest.mark.parametrize("act", [pause, delete])
async def test_a_pause_or_a_deletion_comes_before_the_due_time_or_behind_it(act: Act) -> None:
    seen = set()
    for desk in await after(look, act):
        seen.add(len(desk.jobs()))
        assert await is_left_whole(desk)
        assert desk.keys("agenda|") == []
    assert seen == {0, 1}


async def test_a_run_by_hand_leaves_the_due_time() -> None:
    for desk in await after(look, run_unnamed):
        assert len(desk.jobs()) == 2
        assert id_of_due_time(NAME, FIRST) in {job.job_id for job in desk.jobs()}
        assert (await desk.row()).next_due == SECOND
        assert await is_left_whole(desk)


async def test_a_run_by_hand_that_a_scheduler_finds_runs_once() -> None:
    for desk in await after(look, run, due=False):
        (job,) = desk.jobs()
        assert job.actor == "bob"
        assert [one.outcome for one in (await desk.row()).firings] == ["submitted"]
        assert await is_left_whole(desk)


async def test_the_same_run_twice_runs_once() -> None:
    for desk in await after(run, run, due=False):
        assert len(desk.jobs()) == 1
        assert [event.action for event in await desk.trail()] == ["created", "run"]
        assert await is_left_whole(desk)


@pytest.mark.parametrize(("first", "second"), [(edit, pause), (edit, move), (pause, pause), (edit, edit)])
async def test_two_who_change_a_schedule_are_one_behind_the_other(first: Act, second: Act) -> None:
    for desk in await after(first, second, due=False):
        assert await is_left_whole(desk)
        actions = [event.action for event in await desk.trail()]
        assert len(actions) == (2 if first is second else 3)


async def test_two_who_create_a_schedule_are_one_behind_the_other() -> None:
    ends: list[Desk] = []

    async def play(turns: Turns) -> None:
        desk = Desk()
        await desk.kinds.all()
        desk.table.calls.fault = turns
        await turns.play(desk.put(), desk.put())
        desk.table.calls.fault = None
        ends.append(desk)

    await in_every_order(play)
    for desk in ends:
        assert [event.action for event in await desk.trail()] == ["created"]
        assert await is_left_whole(desk)


class TestPausedLeader:
    """A scheduler that stands still between any two of its calls, and wakes up hours later."""

    @pytest.mark.parametrize("on_conflict", ["queue", "reject", "skip", "replace-waiting"])
    @pytest.mark.parametrize("stops_at", range(12))
    async def test_it_fires_nothing_a_second_time(self, stops_at: int, on_conflict: str) -> None:
        desk = Desk()
        await desk.put(job={"kind": "report", "on_conflict": on_conflict})
        desk.clock.jump(HOUR)
        calls = 0

        async def stand_still(when: str, call: str) -> None:
            nonlocal calls
            if when != "before":
                return
            calls += 1
            if calls != stops_at + 1:
                return
            for port in (desk.table, desk.journal, desk.register, desk.notifier):
                port.calls.fault = None
            other = desk.scheduler()
            for _ in range(3):
                await other.look()
                desk.clock.jump(HOUR)

        for port in (desk.table, desk.journal, desk.register, desk.notifier):
            port.calls.fault = stand_still
        with suppress(UnknownOutcomeError):
            await desk.scheduler().look()
        desk.clock.jump(HOUR)
        for port in (desk.table, desk.journal, desk.register, desk.notifier):
            port.calls.fault = None
        await desk.scheduler().look()
        ids = [job.job_id for job in desk.jobs()]
        assert len(ids) == len(set(ids))
        assert set(ids) <= {id_of_due_time(NAME, f"2026-01-01T0{hour}:00:00.000000Z") for hour in range(1, 6)}
        if on_conflict == "queue":
            assert len(ids) == (5 if calls > stops_at else 2)
        assert await is_left_whole(desk)
