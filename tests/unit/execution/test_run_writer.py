"""What is written for a run: in order, answered, and never more than may wait."""

import asyncio

import pytest
from tests.waiting import until

from coordination.holder.held_rows import FencedError
from coordination.holder.runs import StepDone
from coordination.ports import InvalidTransactionError
from worker.execution.messages import RecordStep, SaveState
from worker.execution.run_telemetry import RunTelemetry
from worker.execution.run_writer import RunWriter

MEBI = 1024 * 1024


class SlowRun:
    """Writes when it may."""

    naming = None

    def __init__(self):
        self.may_write = asyncio.Event()
        self.written = []
        self.errors = {}

    async def save_state(self, text):
        await self._write(text)

    async def record_step(self, done):
        await self._write(done)

    async def _write(self, what):
        await self.may_write.wait()
        if error := self.errors.get(what if isinstance(what, str) else what.name):
            raise error
        self.written.append(what)


@pytest.fixture
async def run():
    return SlowRun()


@pytest.fixture
async def writer(run):
    answers, losses = [], []
    writer = RunWriter(
        run, lambda *answer: answers.append(answer), lambda: losses.append(1), {}, RunTelemetry()
    )
    writer.answers, writer.losses = answers, losses
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
    assert not writer.put(SaveState(run=1, number=9, state="x"))
    run.may_write.set()
    await writer.finish()
    assert writer.put(a_message(10, MEBI))


@pytest.mark.parametrize(
    "message",
    [
        RecordStep(run=1, number=9, name="n", result="", seconds=0, state=None),
        RecordStep(run=1, number=9, name="", result="r", seconds=0, state=None),
        RecordStep(run=1, number=9, name="", result="", seconds=0, state="s"),
        RecordStep(run=1, number=9, name="", result="", seconds=0, state=None, span={"a": 1}),
        SaveState(run=1, number=9, state="s"),
    ],
)
async def test_every_part_of_what_waits_counts(writer, message):
    assert all(writer.put(a_state(number, MEBI)) for number in range(8))
    assert not writer.put(message)
    assert writer.put(RecordStep(run=1, number=9, name="", result="", seconds=0, state=None))


async def test_steps_and_states_are_written_whole_in_order_and_answered_by_number(writer, run):
    run.may_write.set()
    writer.put(RecordStep(run=1, number=5, name="a", result="1", seconds=0.5, state='"s"'))
    writer.put(SaveState(run=1, number=6, state="2"))
    writer.put(RecordStep(run=1, number=7, name="b", result="3", seconds=1, state=None))
    await writer.finish()
    assert run.written == [StepDone("a", "1", 0.5, '"s"', 2), "2", StepDone("b", "3", 1, None, 2)]
    assert writer.answers == [(5, None), (6, None), (7, None)]
    assert writer.losses == []


async def test_a_step_is_recorded_under_the_naming_rule_of_its_job(writer, run):
    run.may_write.set()
    run.naming = 1
    writer.put(RecordStep(run=1, number=5, name="a", result="1", seconds=0.5, state=None))
    await writer.finish()
    assert run.written == [StepDone("a", "1", 0.5, None, 1)]


async def test_nothing_is_answered_before_it_is_written(writer, run):
    writer.put(a_state(1, 1))
    finishing = asyncio.create_task(writer.finish())
    for _ in range(10):
        await asyncio.sleep(0)
    assert (writer.answers, finishing.done()) == ([], False)
    run.may_write.set()
    await finishing
    assert writer.answers == [(1, None)]


async def test_what_can_never_be_stored_is_answered_with_the_reason_and_the_rest_is_written(writer, run):
    run.errors["x"] = InvalidTransactionError("too large")
    run.may_write.set()
    writer.put(a_state(1, 1))
    writer.put(a_state(2, 2))
    await writer.finish()
    assert writer.answers == [(1, "too large"), (2, None)]
    assert (run.written, writer.losses) == (["xx"], [])


@pytest.mark.parametrize(("error", "is_logged"), [(FencedError("stale"), False), (KeyError("?"), True)])
async def test_after_a_write_that_failed_nothing_is_written_or_answered(
    writer, run, caplog, error, is_logged
):
    run.errors["x"] = error
    run.may_write.set()
    writer.put(a_state(1, 1))
    writer.put(a_state(2, 2))
    await writer.finish()
    assert (writer.losses, writer.answers, run.written) == ([1], [], [])
    assert ("recording a step or state failed" in caplog.messages) is is_logged


async def test_what_arrives_after_the_stop_is_taken_and_not_written(writer, run):
    run.may_write.set()
    writer.put(a_state(1, 1))
    writer.stop()
    assert writer.put(a_state(2, 9 * MEBI))
    await until(writer._task.done)
    await writer.finish()
    assert (run.written, writer.answers, writer.losses) == ([], [], [])


async def test_a_writer_that_stops_itself_finishes(writer, run):
    writer._lose = writer.stop
    run.errors["x"] = FencedError("stale")
    run.may_write.set()
    writer.put(a_state(1, 1))
    async with asyncio.timeout(5):
        await writer.finish()
    await until(writer._task.done)
    assert not writer._task.cancelled()


async def test_without_anything_to_write_there_is_nothing_to_wait_for(writer):
    await writer.finish()


async def test_an_end_of_writing_leaves_no_task_behind(writer, run):
    for number in (1, 2):
        writer.put(a_step(number, 0))
    tasks = asyncio.all_tasks()
    finishing = asyncio.create_task(writer.finish())
    await asyncio.sleep(0)
    writer.stop()
    await finishing
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= tasks
