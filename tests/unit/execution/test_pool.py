"""What a pool does that gets no runners, with runners that only pretend."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.execution.pretending import a_run
from tests.waiting import until

from coordination.holder.runs import Stop
from coordination.outcomes import Interrupted, StopReason
from worker.execution import RunnerStartError, pool


class Passes:
    """Lets the pool's watch look when the test wants it to."""

    def __init__(self):
        self._may_look = asyncio.Semaphore(0)

    async def sleep(self, seconds):
        assert seconds == 0.5
        await self._may_look.acquire()

    async def pass_by(self, number):
        for _ in range(number):
            self._may_look.release()
            for _ in range(3):
                await asyncio.sleep(0)


@pytest.fixture
async def passes(monkeypatch):
    passes = Passes()
    monkeypatch.setattr(pool, "_WATCH_SECONDS", 0.5)
    monkeypatch.setattr(pool, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": passes.sleep}))
    return passes


async def lose(runners, pretended, number):
    pretended[0].can_start = False
    places = runners.places
    for runner in list(runners._runners)[:number]:
        runner.die()
    await until(lambda: runners.places == places - number)


async def test_a_run_that_gets_no_runner_ends_as_interrupted_which_is_no_death(runners, pretended):
    await lose(runners, pretended, 2)
    async with asyncio.timeout(5):
        assert await runners.execute(a_run()) == Interrupted("there was no runner for 0.3 s", died=False)


async def test_a_run_that_waits_for_a_runner_is_still_told_to_stop(runners, pretended):
    await lose(runners, pretended, 2)
    stop = Stop()
    stop.request(StopReason.SHUTDOWN)
    outcome = await runners.execute(a_run(stop))
    assert isinstance(outcome, Interrupted)
    assert "stopped before it began" in outcome.reason


async def test_runners_that_cannot_be_replaced_are_no_places(runners, pretended):
    assert runners.places == 2
    await lose(runners, pretended, 1)
    assert runners.places == 1
    await lose(runners, pretended, 1)
    assert runners.places == 0
    pretended[0].can_start = True
    await until(lambda: runners.alive == 2)
    assert runners.places == 2


async def test_without_a_deadline_enforcer_there_is_no_place(runners, pretended):
    runners._enforcer.is_failing = True
    assert runners.places == 0


async def test_a_runner_that_is_being_replaced_is_a_place(runners, pretended):
    next(iter(runners._runners)).die()
    assert runners.alive == 1
    assert runners.places == 2


async def test_a_change_of_places_is_told_once(runners, pretended, passes):
    changes = []
    watch = asyncio.create_task(runners.watch(lambda: changes.append(runners.places)))
    await passes.pass_by(2)
    assert changes == []
    await lose(runners, pretended, 1)
    await passes.pass_by(2)
    assert changes == [1]
    await lose(runners, pretended, 1)
    await passes.pass_by(2)
    assert changes == [1, 0]
    watch.cancel()


async def test_so_many_seconds_without_any_runner_are_an_error(runners, pretended, passes):
    watch = asyncio.create_task(runners.watch(lambda: None, patience_seconds=1.5))
    await lose(runners, pretended, 1)
    await passes.pass_by(5)
    await lose(runners, pretended, 1)
    await passes.pass_by(2)
    pretended[0].can_start = True
    await until(lambda: runners.alive == 2)
    await passes.pass_by(1)
    await lose(runners, pretended, 2)
    await passes.pass_by(2)
    assert not watch.done()
    await passes.pass_by(1)
    with pytest.raises(RunnerStartError, match=r"no runner for 1\.5 s, last: .*temporarily unavailable"):
        await watch


async def test_so_many_seconds_without_a_deadline_enforcer_are_an_error(runners, passes):
    watch = asyncio.create_task(runners.watch(lambda: None, patience_seconds=1))
    runners._enforcer.is_ready = False
    await passes.pass_by(1)
    assert not watch.done()
    await passes.pass_by(1)
    with pytest.raises(RunnerStartError, match=r"no runner for 1 s"):
        await watch


async def test_a_pool_waits_three_minutes_for_a_runner_before_it_is_an_error(runners, passes):
    watch = asyncio.create_task(runners.watch(lambda: None))
    runners._enforcer.is_ready = False
    await passes.pass_by(359)
    assert not watch.done()
    await passes.pass_by(1)
    with pytest.raises(RunnerStartError, match=r"no runner for 180 s"):
        await watch


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_pool_adopts_what_runners_leave_behind_and_takes_no_file_with_it(pretended, monkeypatch):
    adopted = []
    monkeypatch.setattr(pool, "adopt_orphans", lambda: adopted.append(1))
    files = open_files()
    runners = pool.RunnerPool(1, ["jobs"], environment={}, start_timeout_seconds=0.3)
    await runners.start()
    assert adopted == [1]
    await runners.stop()
    assert open_files() == files
