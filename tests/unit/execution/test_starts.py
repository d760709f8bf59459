"""How runners are started: a few at a time, until each has started."""

import asyncio

from tests.waiting import until

from worker.execution.errors import RunnerStartError
from worker.execution.starts import Starts


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
    starts = Starts(machine.start, at_once=1)
    for _ in range(8):
        starts.begin()
    await until(lambda: machine.started == 8)
    assert machine.failed == []
    assert starts.failure is None
    await starts.stop()


async def test_a_start_that_fails_is_told_and_tried_again() -> None:
    machine = Machine(work=0.0, timeout=1)
    machine.is_broken = True
    starts = Starts(machine.start, at_once=2)
    starts.begin()
    await until(lambda: starts.failure)
    assert starts.failure == "no more processes"
    machine.is_broken = False
    await until(lambda: machine.started == 1)
    assert starts.failure is None
    assert starts.succeeded_at > 0
    await starts.stop()


async def test_nothing_is_started_after_the_stop() -> None:
    machine = Machine(work=0.05, timeout=1)
    starts = Starts(machine.start, at_once=1)
    for _ in range(3):
        starts.begin()
    await asyncio.sleep(0.01)
    await starts.stop()
    await asyncio.sleep(0.1)
    assert machine.started == 0
