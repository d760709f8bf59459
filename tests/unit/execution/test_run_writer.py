"""How much may wait to be written for a run."""

import asyncio

import pytest

from worker.execution.messages import RecordStep, SaveState
from worker.execution.run_telemetry import RunTelemetry
from worker.execution.run_writer import RunWriter

MEBI = 1024 * 1024


class SlowRun:
    """Writes when it may."""

    def __init__(self):
        self.may_write = asyncio.Event()

    async def save_state(self, text):
        await self.may_write.wait()

    async def record_step(self, done):
        await self.may_write.wait()


@pytest.fixture
async def run():
    return SlowRun()


@pytest.fixture
async def writer(run):
    writer = RunWriter(run, lambda number, error: None, lambda: None, {}, RunTelemetry())
    yield writer
    writer.stop()


def a_step(number, characters):
    half = "x" * (characters // 2)
    return RecordStep(run=1, number=number, name="", result=half, seconds=0, state=half)


def a_state(number, characters):
    return SaveState(run=1, number=number, state="x" * characters)


async def test_no_more_than_so_many_steps_wait(writer):
    taken = [writer.put(a_step(number, 0)) for number in range(1001)]
    assert taken == [True] * 1000 + [False]


@pytest.mark.parametrize("a_message", [a_step, a_state])
async def test_no_more_than_so_many_characters_wait(writer, run, a_message):
    assert all(writer.put(a_message(number, MEBI)) for number in range(8))
    await asyncio.sleep(0)  # what is being written counts, too
    assert not writer.put(a_message(9, 2))
    run.may_write.set()
    await writer.finish()
    assert writer.put(a_message(10, MEBI))
