"""What a pool does that gets no runners, with runners that only pretend."""

import asyncio

import pytest
from tests.waiting import until

from coordination.outcomes import Completed, Interrupted, StopReason
from coordination.rows import JobRow
from coordination.runs import Run, Stop
from worker.execution import RunnerPool, RunnerStartError, pool
from worker.execution.messages import KindMessage
from worker.execution.slots import boot_time


class PretendedGuillotine:
    """Is ready, unless told otherwise."""

    def __init__(self, slots, on_ready):
        self.is_ready, self.is_failing = True, False

    async def start(self, timeout_seconds): ...

    async def stop(self): ...


class PretendedRunner:
    """Starts while it can, and ends when told."""

    can_start = True
    is_unwanted = False
    pid = 0

    def __init__(self, options, slots, orphans, on_exit):
        self.on_exit = on_exit
        self.is_alive = True
        if not PretendedRunner.can_start:
            raise BlockingIOError(11, "Resource temporarily unavailable")

    async def started(self, timeout_seconds):
        return [KindMessage(kind="a", parameters_schema={}, timeout_seconds=None, description="")]

    def die(self):
        self.is_alive = False
        self.on_exit(self)

    async def end(self):
        self.is_alive = False

    def describe_end(self):
        return "died"


class PretendedSupervision:
    """A run that is over at once."""

    is_reusable = True

    def __init__(self, *about): ...

    async def outcome(self):
        return Completed()


@pytest.fixture
async def runners(monkeypatch):
    monkeypatch.setattr(PretendedRunner, "can_start", True)
    monkeypatch.setattr(pool, "GuillotineWatch", PretendedGuillotine)
    monkeypatch.setattr(pool, "RunnerProcess", PretendedRunner)
    monkeypatch.setattr(pool, "Supervision", PretendedSupervision)
    monkeypatch.setattr(pool, "adopt_orphans", lambda: None)
    monkeypatch.setattr(pool, "_WATCH_SECONDS", 0.01)
    runners = RunnerPool(2, ["jobs"], environment={}, start_timeout_seconds=0.3)
    await runners.start()
    await until(lambda: runners.alive == 2)
    yield runners
    await runners.stop()


def a_run(stop=None):
    return Run(
        job=JobRow(job_id="job", kind="a", lock_name="lock"),
        fence=1,
        parameters="{}",
        recorded=[],
        state=None,
        stop=stop or Stop(),
        hard_deadline=lambda: boot_time() + 100,
        soft_deadline=lambda: boot_time() + 90,
        record_step=None,
        save_state=None,
        report=None,
    )


async def lose(runners, number):
    PretendedRunner.can_start = False
    places = runners.places
    for runner in list(runners._runners)[:number]:
        runner.die()
    await until(lambda: runners.places == places - number)


async def test_a_run_that_gets_no_runner_ends_as_interrupted_which_is_no_death(runners):
    await lose(runners, 2)
    async with asyncio.timeout(5):
        assert await runners.execute(a_run()) == Interrupted("there was no runner for 0.3 s", died=False)


async def test_a_run_that_waits_for_a_runner_is_still_told_to_stop(runners):
    await lose(runners, 2)
    stop = Stop()
    stop.request(StopReason.SHUTDOWN)
    outcome = await runners.execute(a_run(stop))
    assert isinstance(outcome, Interrupted)
    assert "stopped before it began" in outcome.reason


async def test_runners_that_cannot_be_replaced_are_no_places(runners):
    assert runners.places == 2
    await lose(runners, 1)
    assert runners.places == 1
    await lose(runners, 1)
    assert runners.places == 0
    PretendedRunner.can_start = True
    await until(lambda: runners.alive == 2)
    assert runners.places == 2


async def test_without_a_guillotine_there_is_no_place(runners):
    runners._guillotine.is_failing = True
    assert runners.places == 0


async def test_a_runner_that_is_being_replaced_is_a_place(runners):
    next(iter(runners._runners)).die()
    assert runners.alive == 1
    assert runners.places == 2


async def test_a_change_of_places_is_told_and_minutes_without_a_runner_are_an_error(runners):
    changes = []
    watch = asyncio.create_task(runners.watch(lambda: changes.append(runners.places), patience_seconds=0.3))
    await lose(runners, 1)
    await until(lambda: changes == [1])
    await asyncio.sleep(0.4)
    assert not watch.done()
    await lose(runners, 1)
    async with asyncio.timeout(5):
        with pytest.raises(RunnerStartError, match=r"no runner for 0\.3 s, last: .*temporarily unavailable"):
            await watch
    assert changes == [1, 0]
