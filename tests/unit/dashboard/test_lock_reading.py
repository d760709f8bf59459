"""What the page of a lock reads, and what it costs."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Literal

import pytest
from tests.unit.audit_projector.doubles import LOCK, World
from tests.unit.dashboard.runs import run

from contracts.lock_names import LockNameError, partition
from coordination.clients.limits import LimitSetter
from coordination.journal.rows import LockRow
from coordination.outcomes import Completed, Interrupted
from coordination.ports import UnknownOutcomeError
from dashboard.board.snapshot import LockState
from dashboard.reading import lock as lock_reading
from dashboard.reading.lock import LockReader, LockView
from read_models.documents import LockRun

RUNS = {"read_models.list_lock_runs": 1}


class LockWorld(World):
    """A lock in the journal's double, whose runs are projected when told to, and counted requests."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: Counter[str] = Counter()
        self.reader = LockReader(self.journal, self.models, self.clock)

    async def count(self, when: Literal["before", "after"], call: str) -> None:
        if when == "before":
            self.requests[call] += 1

    async def view(self, since: datetime | None = None, board: LockState | None = None) -> LockView:
        """Look at the lock now, and count what that takes."""
        self.requests.clear()
        for port in (self.journal, self.models):
            port.calls.fault = self.count
        try:
            return await self.reader.view(LOCK, since or self.clock.now() - timedelta(hours=3), board)
        finally:
            for port in (self.journal, self.models):
                port.calls.fault = None

    async def had_runs(self, count: int) -> None:
        """Let jobs run one after the other, and project them."""
        for _ in range(count):
            job_id = await self.submit("Close of May")
            await self.start()
            await self.end(Completed())
            await self.project(job_id)


@pytest.fixture
def world() -> LockWorld:
    return LockWorld()


def fences(view: LockView) -> list[int]:
    return [each.fence for each in view.runs]


async def test_a_lock_that_was_never_used_is_free_and_costs_one_request(world: LockWorld) -> None:
    view = await world.view()
    assert (view.is_used, view.slots[0].running_fence, view.first_used) == (False, None, None)
    assert (list(view.runs), view.state.waiting) == ([], 0)
    assert world.requests == {"journal.read_range": 1}


async def test_a_lock_with_a_line_and_no_run_yet_is_used(world: LockWorld) -> None:
    await world.submit("Close of June", priority=3)
    view = await world.view()
    assert view.is_used
    assert [(job.name, job.priority) for job in view.state.line] == [("Close of June", 3)]


async def test_opening_an_idle_lock_takes_two_requests_and_a_busy_one_three(world: LockWorld) -> None:
    await world.had_runs(3)
    view = await world.view()
    assert fences(view) == [1, 2, 3]
    assert world.requests == {"journal.read_range": 1, **RUNS}
    await world.submit("Close of July")
    await world.start("worker-2")
    world.reader = LockReader(world.journal, world.models, world.clock)
    view = await world.view()
    assert world.requests == {"journal.read_range": 1, "journal.read": 1, **RUNS}
    assert view.slots[0].running_fence == 4


async def test_many_viewers_at_once_cost_what_one_costs(world: LockWorld) -> None:
    await world.had_runs(2)

    async def slow(when: Literal["before", "after"], call: str) -> None:
        await asyncio.sleep(0)
        await world.count(when, call)

    world.journal.calls.fault = world.models.calls.fault = slow
    await asyncio.gather(*(world.reader.view(f" {LOCK} ", world.clock.now()) for _ in range(20)))
    assert world.requests == {"journal.read_range": 1, **RUNS}


async def test_what_the_board_knows_is_not_read(world: LockWorld) -> None:
    await world.had_runs(1)
    board = LockState(LOCK, LockRow(LOCK, fence=1))
    view = await world.view(board=board)
    assert view.state is board
    assert world.requests == RUNS


async def test_a_lock_that_the_board_does_not_know_is_read_again_every_ten_seconds(world: LockWorld) -> None:
    await world.view()
    await world.clock.advance(9)
    await world.view()
    assert world.requests == {}
    await world.clock.advance(1)
    await world.view()
    assert world.requests == {"journal.read_range": 1}


async def test_a_run_is_shown_before_it_is_projected(world: LockWorld) -> None:
    await world.submit("Close of May")
    await world.start("worker-7")
    (shown,) = (await world.view()).runs
    assert (shown.fence, shown.worker, shown.name, shown.kind) == (1, "worker-7", "Close of May", "ten-steps")
    assert shown.began_at == world.clock.now()
    assert shown.queued_at == world.clock.now() - timedelta(seconds=1)


async def test_runs_are_looked_for_until_they_are_projected_and_then_no_more(world: LockWorld) -> None:
    job_id = await world.submit()
    await world.start()
    for _ in range(2):
        await world.view()
        await world.clock.advance(2)
    assert world.requests == RUNS
    await world.project(job_id)
    await world.view()
    assert world.requests == RUNS
    await world.view()
    assert world.requests == {}


async def test_only_runs_from_the_first_open_one_on_are_read_again(
    world: LockWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.had_runs(4)
    await world.view()
    asked: list[tuple[int, int]] = []
    between = world.models.lock_runs_between

    async def noted(lock: str, first: int, last: int, slot: int = 0) -> list[LockRun]:
        asked.append((first, last))
        return await between(lock, first, last, slot)

    monkeypatch.setattr(world.models, "lock_runs_between", noted)
    job_id = await world.submit()
    await world.start()
    await world.project(job_id)
    await world.clock.advance(10)
    before = await world.view()
    await world.end(Completed())
    await world.project(job_id)
    await world.had_runs(1)
    await world.clock.advance(10)
    view = await world.view()
    assert asked == [(5, 5), (5, 6)]
    assert fences(view) == [1, 2, 3, 4, 5, 6]
    assert view.runs[4].outcome == "Completed"
    assert view.version > before.version


async def test_a_run_that_stays_unprojected_is_looked_for_seldom(world: LockWorld) -> None:
    await world.submit()
    await world.start()
    await world.view()
    await world.clock.advance(60)
    board = LockState(LOCK, LockRow(LOCK, fence=1, job_id="job"))
    await world.view(board=board)
    await world.clock.advance(60)
    await world.view(board=board)
    assert world.requests == RUNS
    await world.clock.advance(29)
    await world.view(board=board)
    assert world.requests == {}
    await world.clock.advance(1)
    await world.view(board=board)
    assert world.requests == RUNS


async def test_an_interrupted_run_tells_since_when_its_worker_was_silent(world: LockWorld) -> None:
    job_id = await world.submit()
    await world.start("worker-1")
    await world.step("load")
    stepped = world.clock.now()
    await world.clock.advance(20)
    await world.start("worker-2")
    await world.end(Interrupted("shutdown"))
    await world.project(job_id)
    lost, stopped = (await world.view()).runs
    assert (lost.worker, lost.ended_by) == ("worker-1", "worker-2")
    assert (lost.last_event_at, stopped.began_at) == (stepped, world.clock.now() - timedelta(seconds=1))
    assert (stopped.ended_by, stopped.runner_died) == ("worker-2", False)


# --- long histories ---------------------------------------------------------


async def long_history(world: LockWorld, count: int, minutes_each: float = 1) -> LockState:
    """Store so many runs of a minute each; return the lock's state."""
    now = world.clock.now()
    for fence in range(1, count + 1):
        began = now - timedelta(minutes=minutes_each * (count + 1 - fence))
        stored = run(fence, 1, 0, began_at=began, ended_at=began + timedelta(seconds=50))
        world.models.runs[partition(LOCK), fence] = stored
    return LockState(LOCK, LockRow(LOCK, fence=count))


async def test_a_long_history_costs_no_more_to_open_than_a_short_one(world: LockWorld) -> None:
    board = await long_history(world, 5_000)
    view = await world.view(world.clock.now() - timedelta(hours=3), board)
    # The newest runs, and the first of all.
    assert world.requests == {"read_models.list_lock_runs": 2}
    assert fences(view) == list(range(4_001, 5_001))
    assert view.first_used == world.clock.now() - timedelta(minutes=5_000)
    assert view.read_from == world.clock.now() - timedelta(minutes=1_000)
    await world.view(world.clock.now() - timedelta(hours=3), board)
    assert world.requests == {}


async def test_older_runs_are_read_once_for_a_longer_period(world: LockWorld) -> None:
    board = await long_history(world, 3_500)
    since = world.clock.now() - timedelta(minutes=1_500)
    view = await world.view(since, board)
    assert world.requests == {"read_models.list_lock_runs": 3}
    assert fences(view) == list(range(1_501, 3_501))
    await world.view(since, board)
    assert world.requests == {}
    view = await world.view(world.clock.now() - timedelta(days=7), board)
    assert fences(view) == list(range(1, 3_501))
    assert view.read_from is None


async def test_no_more_runs_are_read_than_are_shown(world: LockWorld) -> None:
    board = await long_history(world, 12_000)
    view = await world.view(world.clock.now() - timedelta(days=30), board)
    assert fences(view) == list(range(7_001, 12_001))
    assert view.read_from == view.runs[0].began_at
    assert world.requests == {"read_models.list_lock_runs": 6}


async def test_the_oldest_runs_are_forgotten_when_new_ones_come(world: LockWorld) -> None:
    since = world.clock.now() - timedelta(days=30)
    view = await world.view(since, await long_history(world, 4_500))
    assert view.read_from is None
    for count in (5_400, 6_300, 7_200):
        view = await world.view(since, await long_history(world, count))
    assert len(view.runs) == lock_reading.MOST_RUNS + lock_reading.PAGE
    assert fences(view)[-1] == 7_200
    assert view.read_from == view.runs[0].began_at


async def test_after_a_long_pause_the_newest_runs_are_read_at_once(world: LockWorld) -> None:
    since = world.clock.now() - timedelta(minutes=1)
    await world.view(since, await long_history(world, 100))
    view = await world.view(since, await long_history(world, 2_000))
    assert world.requests["read_models.list_lock_runs"] == 1
    assert fences(view) == list(range(1_001, 2_001))


async def test_a_history_that_became_shorter_is_read_from_the_beginning(world: LockWorld) -> None:
    since = world.clock.now() - timedelta(minutes=1)
    await world.view(since, await long_history(world, 100))
    world.models.runs.clear()
    view = await world.view(since, await long_history(world, 3))
    assert fences(view) == [1, 2, 3]


# --- slots ------------------------------------------------------------------


async def set_limit(world: LockWorld, limit: int, reason: str = "") -> None:
    await LimitSetter(world.journal, world.notifier, world.clock).set(LOCK, limit, "ann", reason)


async def test_every_slot_has_its_holder_and_its_runs(world: LockWorld) -> None:
    await set_limit(world, 3, "three at a time")
    first, second = await world.submit("Close of May"), await world.submit("Close of June")
    await world.start("worker-1")
    await world.start("worker-2", slot=2)
    for job_id in (first, second):
        await world.project(job_id)
    view = await world.view()
    state = view.state
    assert (state.limit, [slot.number for slot in state.shown_slots]) == (3, [0, 1, 2])
    assert [(slot.number, slot.row.worker, slot.row.fence) for slot in state.held] == [
        (0, "worker-1", 1),
        (2, "worker-2", 1),
    ]
    assert [slot.running.name for slot in state.held if slot.running is not None] == [
        "Close of May",
        "Close of June",
    ]
    assert [(run.slot, run.fence, run.worker) for run in view.runs] == [
        (None, 1, "worker-1"),
        (2, 1, "worker-2"),
    ]
    assert [(slot.number, slot.running_fence) for slot in view.slots] == [(0, 1), (2, 1)]
    assert [(record.limit, record.actor, record.reason) for record in view.limits] == [
        (3, "ann", "three at a time")
    ]
    # The line, the slots and the records; what runs in each of two; the runs of each of two.
    assert world.requests == {
        "journal.read_range": 3,
        "journal.read": 2,
        "read_models.list_lock_runs": 2,
    }
    await world.view()
    assert world.requests == {}


async def test_records_of_limits_are_read_again_only_when_there_is_a_new_one(world: LockWorld) -> None:
    await set_limit(world, 2)
    await world.view()
    await world.clock.advance(10)
    await world.view()
    assert world.requests == {"journal.read_range": 2}
    await set_limit(world, 1)
    await world.clock.advance(10)
    view = await world.view()
    assert world.requests == {"journal.read_range": 3}
    assert [record.limit for record in view.limits] == [2, 1]
    assert [slot.number for slot in view.state.shown_slots] == [0]


async def test_a_lock_whose_limit_was_just_set_is_read_again_at_once(world: LockWorld) -> None:
    await world.view()
    await set_limit(world, 2)
    world.reader.forget(f" {LOCK} ")
    assert (await world.view()).state.limit == 2


# --- trouble ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", "a" * 201, "a\nb", ".."])
async def test_a_name_that_no_lock_can_have_is_refused(world: LockWorld, name: str) -> None:
    with pytest.raises(LockNameError):
        await world.reader.view(name, world.clock.now())


@pytest.mark.parametrize("name", ["a b/c%2F?d=1&e#f", 'it\'s "quoted"', "🔒 ledger", "x" * 200, "<b>"])
async def test_odd_names_are_names(world: LockWorld, name: str) -> None:
    view = await world.reader.view(name, world.clock.now())
    assert (view.state.name, view.is_used) == (name, False)


async def test_what_was_read_stays_when_the_storage_is_away_for_a_while(world: LockWorld) -> None:
    await world.had_runs(2)
    await world.view()
    await world.had_runs(1)
    await world.clock.advance(20)

    async def away(when: Literal["before", "after"], call: str) -> None:
        raise UnknownOutcomeError

    world.models.calls.fault = away
    with pytest.raises(UnknownOutcomeError):
        await world.reader.view(LOCK, world.clock.now())
    assert fences(await world.view()) == [1, 2, 3]


async def test_only_the_locks_looked_at_last_are_remembered(world: LockWorld) -> None:
    await world.view()
    for number in range(25):
        await world.reader.view(f"lock-{number}", world.clock.now())
    await world.view()
    assert world.requests == {"journal.read_range": 1}
