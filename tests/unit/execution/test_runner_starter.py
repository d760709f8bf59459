"""How runners are started: a few at a time, until each has started."""

import asyncio
from types import SimpleNamespace

import pytest
from tests.waiting import until

from contracts.telemetry import attributes as at
from worker.execution import runner_starter as starts_module
from worker.execution.errors import RunnerStartError
from worker.execution.runner_starter import RunnerStarter


class Machine:
    """Each start takes `work` seconds of a processor that all share, and is given up after `timeout`."""

    def __init__(self, work: float, timeout: float) -> None:
        self.work, self.timeout = work, timeout
        self.starting = self.started = 0
        self.failed: list[str] = []
        self.is_broken = False

    async def start(self) -> None:
        self.starting += 1
        try:
            async with asyncio.timeout(self.timeout):
                await asyncio.sleep(self.work * self.starting)
        except TimeoutError:
            self.failed.append("too late")
            raise RunnerStartError("too late") from None
        finally:
            self.starting -= 1
        if self.is_broken:
            raise BlockingIOError("no more processes")
        self.started += 1


async def test_many_slow_starts_take_turns_and_none_is_too_late() -> None:
    machine = Machine(work=0.1, timeout=0.3)
    starts = RunnerStarter(machine.start, at_once=1)
    for _ in range(8):
        starts.begin()
    await until(lambda: machine.started == 8)
    assert machine.failed == []
    assert starts.failure is None
    await starts.stop()


async def test_a_start_that_fails_is_told_and_tried_again() -> None:
    machine = Machine(work=0.0, timeout=1)
    machine.is_broken = True
    starts = RunnerStarter(machine.start, at_once=2)
    starts.begin()
    await until(lambda: starts.failure)
    assert starts.failure == "no more processes"
    machine.is_broken = False
    await until(lambda: machine.started == 1)
    assert starts.failure is None
    assert starts.succeeded_at > 0
    await starts.stop()


class Pauses:
    """Lets each pause end when the test wants it to."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._may_go_on = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self._may_go_on.acquire()

    def end(self) -> None:
        self._may_go_on.release()


async def test_between_tries_it_waits_twice_as_long_up_to_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = Pauses()
    bounds: list[tuple[float, float]] = []

    def longest(shortest: float, longest: float) -> float:
        bounds.append((shortest, longest))
        return longest

    monkeypatch.setattr(starts_module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": pauses.sleep}))
    monkeypatch.setattr(starts_module, "random", SimpleNamespace(uniform=longest))
    tries: list[int] = []

    async def fail() -> None:
        tries.append(1)
        raise RunnerStartError("no")

    starts = RunnerStarter(fail, at_once=1)
    starts.begin()
    for number in range(1, 8):
        await until(lambda: len(pauses.asked) == number)  # noqa: B023 - awaited at once
        assert len(tries) == number
        pauses.end()
    assert pauses.asked[:7] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert bounds[:2] == [(0.25, 0.5), (0.5, 1.0)]
    assert [getattr(record, at.REASON) for record in caplog.records[:2]] == ["no", "no"]
    await starts.stop()


async def test_a_start_that_waits_for_its_next_try_gives_its_turn_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses = Pauses()
    monkeypatch.setattr(starts_module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": pauses.sleep}))
    fails = [True, False]
    began: list[bool] = []

    async def start() -> None:
        began.append(fails[0])
        if fails.pop(0):
            raise BlockingIOError(11, "no more processes")

    starts = RunnerStarter(start, at_once=1)
    starts.begin()
    starts.begin()
    await until(lambda: len(began) == 2)
    assert starts.failure is None
    assert starts.succeeded_at <= asyncio.get_running_loop().time()
    await starts.stop()


async def test_at_first_nothing_has_failed_or_started() -> None:
    starts = RunnerStarter(Machine(work=0, timeout=1).start, at_once=1)
    assert (starts.failure, starts.succeeded_at) == (None, float("-inf"))
    await starts.stop()


async def test_an_error_that_no_start_should_raise_is_not_tried_again() -> None:
    tries: list[int] = []

    async def fail() -> None:
        tries.append(1)
        raise KeyError("a fault of the product")

    starts = RunnerStarter(fail, at_once=1)
    starts.begin()
    (task,) = starts._tasks
    with pytest.raises(KeyError):
        await task
    await asyncio.sleep(0)
    assert (len(tries), starts._tasks) == (1, set())


async def test_nothing_is_started_after_the_stop() -> None:
    may_start = asyncio.Event()
    starting: list[str] = []

    async def start() -> None:
        starting.append("began")
        try:
            await may_start.wait()
        finally:
            starting.append("ended")

    starts = RunnerStarter(start, at_once=1)
    for _ in range(3):
        starts.begin()
    await until(lambda: starting)
    await starts.stop()
    may_start.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert starting == ["began", "ended"]
    assert starts._tasks == set()


async def test_a_stop_waits_until_the_starts_that_it_called_off_have_ended() -> None:
    machine = Machine(work=60, timeout=60)
    starts = RunnerStarter(machine.start, at_once=1)
    starts.begin()
    await until(lambda: machine.starting)
    await starts.stop()
    assert machine.starting == 0
