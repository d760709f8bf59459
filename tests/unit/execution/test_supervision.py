"""How a run's end is judged, with a runner that only pretends."""

import asyncio

import pytest

from contracts.telemetry import attributes as at
from coordination.held_rows import FencedError
from coordination.outcomes import (
    Cancelled,
    Completed,
    Failed,
    Interrupted,
    Lost,
    StopReason,
    TimedOut,
)
from coordination.ports import InvalidTransactionError
from coordination.rows import JobRow
from coordination.runs import Run, Stop
from turnstile.channels import StopReason as HandlerStop
from worker.execution import messages
from worker.execution.run_telemetry import RunTelemetry
from worker.execution.slots import boot_time
from worker.execution.supervision import Supervision

SHUTDOWN = Interrupted("the worker is being stopped")
DEADLINE = Interrupted("the lease could not be renewed in time")


class PretendedRunner:
    """Does what it is told and notes it down."""

    next_run = 1
    was_overdue = False
    fault = None

    def __init__(self):
        self.told = []
        self.answers = []
        self.killed = asyncio.Event()
        self.listener = None

    def begin(self, start, listener, labels):
        self.listener = listener

    def set_deadlines(self, hard, soft): ...

    def tell_to_stop(self, reason):
        self.told.append(reason)

    def answer(self, number, error=None):
        self.answers.append((number, error))

    def end_run(self): ...

    def ask_where(self): ...

    def kill(self):
        self.killed.set()

    async def end(self):
        self.kill()

    def convict(self, fault):
        self.kill()

    def describe_end(self):
        return "it died"


class Telling(RunTelemetry):
    """Notes down what it is told, and may be broken."""

    def __init__(self):
        self.reports, self.steps, self.spans = [], [], []
        self.error = None

    def reported(self, run, value, limit, step):
        self.reports.append((run.job.job_id, value, limit, step))

    def step_over(self, run, step, span, error=None):
        self.steps.append((step, span, error))
        if self.error:
            raise self.error

    def span_over(self, run, span):
        self.spans.append(span)
        if self.error:
            raise self.error


class Case:
    def __init__(self, timeout=None, grace=0.02):
        self.telling = Telling()
        self.refusal = None
        self.runner = PretendedRunner()
        self.stop = Stop()
        self.steps = []
        self.hard, self.soft = boot_time() + 60, boot_time() + 50
        self.may_write = asyncio.Event()
        run = Run(
            job=JobRow(job_id="j", kind="k", lock_name="l", attempt=1),
            fence=1,
            parameters="{}",
            recorded=[],
            state=None,
            stop=self.stop,
            hard_deadline=lambda: self.hard,
            soft_deadline=lambda: self.soft,
            record_step=self._record,
            save_state=self._record,
            report=lambda value, limit, step: None,
        )
        self.supervision = Supervision(run, self.runner, timeout, grace, self.telling)
        self.task = asyncio.create_task(self.supervision.outcome())

    async def _record(self, step):
        await self.may_write.wait()
        if self.refusal is not None:
            raise self.refusal
        self.steps.append(step)

    async def say(self, message):
        await asyncio.sleep(0)
        self.runner.listener.heard(message)

    async def say_done(self, **fields):
        await self.say(messages.Done(run=1, **fields))

    async def say_step(self, span=None):
        step = messages.RecordStep(run=1, number=1, name="s", result="1", seconds=0, state=None, span=span)
        await self.say(step)

    async def die(self):
        await asyncio.sleep(0)
        self.runner.listener.died()

    async def outcome(self):
        async with asyncio.timeout(5):
            return await self.task


@pytest.fixture
async def case():
    return Case()


async def test_a_handler_that_returned_or_raised_leaves_the_runner_in_use(case):
    await case.say_done(result="1")
    assert await case.outcome() == Completed("1")
    other = Case()
    await other.say_done(error_type="E", error_message="m")
    assert await other.outcome() == Failed("E", "m")
    assert case.supervision.is_reusable
    assert other.supervision.is_reusable


async def test_a_tainted_runner_is_ended_before_the_outcome_is_given(case):
    await case.say_done(result="1", is_tainted=True)
    assert await case.outcome() == Completed("1")
    assert case.runner.killed.is_set()
    assert not case.supervision.is_reusable


@pytest.mark.parametrize(
    ("reason", "expected"),
    [(StopReason.CANCELLED, Cancelled()), (StopReason.SHUTDOWN, SHUTDOWN), (StopReason.DEADLINE, DEADLINE)],
)
@pytest.mark.parametrize(
    "how", ["stops", "fails while stopping", "returns all the same", "dies", "is killed"]
)
async def test_a_handler_that_was_stopped_ends_as_the_reason_says(case, reason, expected, how):
    await asyncio.sleep(0)
    case.stop.request(reason)
    await asyncio.sleep(0)
    match how:
        case "stops":
            await case.say_done(error_type="CancelledError", was_stopped=True)
        case "fails while stopping":
            await case.say_done(error_type="RuntimeError", error_message="clean-up", was_stopped=True)
        case "returns all the same":
            await case.say_done(result="null", was_stopped=True)
        case "dies":
            await case.die()
        case "is killed":
            async with asyncio.timeout(2):
                await case.runner.killed.wait()
            await case.die()
    assert await case.outcome() == expected
    assert not case.supervision.is_reusable


async def test_a_stop_that_came_too_late_for_the_handler_changes_nothing(case):
    await asyncio.sleep(0)
    case.stop.request(StopReason.CANCELLED)
    await asyncio.sleep(0)
    await case.say_done(result="1", was_stopped=False)
    assert await case.outcome() == Completed("1")


async def test_loss_outweighs_a_result(case):
    await case.say_done(result="1")
    case.stop.request(StopReason.LOST)
    assert await case.outcome() == Lost()


async def test_a_time_out_stops_and_then_kills(case):
    case = Case(timeout=0.01)
    async with asyncio.timeout(2):
        await case.runner.killed.wait()
    assert case.runner.told == [HandlerStop.TIMED_OUT]
    await case.die()
    assert await case.outcome() == TimedOut("ran longer than 0.01 s")


async def test_a_handler_that_saw_the_deadline_itself_is_interrupted(case):
    await case.say_done(error_type="DeadlinePassedError", was_stopped=True)
    assert await case.outcome() == DEADLINE


async def test_a_death_without_reason_counts_against_the_job(case):
    await case.die()
    assert await case.outcome() == Interrupted("it died", died=True)


async def test_a_runner_killed_by_the_guillotine_is_no_death_of_the_jobs_making(case):
    case.runner.was_overdue = True
    await case.die()
    assert await case.outcome() == DEADLINE
    late = Case()
    late.runner.was_overdue = True
    late.hard = boot_time() - 1
    await late.die()
    assert await late.outcome() == Lost()


async def test_what_was_sent_before_the_end_is_written_before_the_end(case):
    await case.say_step()
    await case.say_done(result="1")
    await asyncio.sleep(0.02)
    assert not case.task.done()
    case.may_write.set()
    assert await case.outcome() == Completed("1")
    assert len(case.steps) == 1


async def test_nothing_is_written_for_a_run_that_is_lost(case):
    await asyncio.sleep(0)
    case.stop.request(StopReason.LOST)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert case.runner.killed.is_set()
    await case.say_step()
    await case.die()
    assert await case.outcome() == Lost()
    assert case.steps == []


async def test_more_steps_at_once_than_anyone_needs_convict_the_runner(case):
    await asyncio.sleep(0)
    for _ in range(1002):
        await case.say_step()
    assert case.runner.killed.is_set()
    case.may_write.set()
    await case.die()
    assert await case.outcome() == Interrupted("it died", died=True)


async def test_a_steps_span_is_told_once_its_record_is_committed(case):
    await case.say_step(span={"name": "x"})
    await asyncio.sleep(0.02)
    assert case.telling.steps == []
    case.may_write.set()
    await case.say_done(result="1")
    assert await case.outcome() == Completed("1")
    assert case.telling.steps == [("s", {"name": "x"}, None)]


@pytest.mark.parametrize(
    "refusal", [InvalidTransactionError("too large"), FencedError("stale"), KeyError("?")]
)
async def test_the_span_of_a_step_that_was_not_recorded_is_told_with_the_error(case, refusal):
    case.refusal = refusal
    case.may_write.set()
    await case.say_step(span={})
    await case.say_done(result="1")
    await case.outcome()
    assert case.telling.steps == [("s", {}, refusal)]


async def test_the_span_of_a_step_whose_record_was_given_up_is_told_with_an_error(case):
    await case.say_step(span={})
    case.stop.request(StopReason.LOST)
    await case.die()
    assert await case.outcome() == Lost()
    ((name, _, error),) = case.telling.steps
    assert (name, type(error)) == ("s", asyncio.CancelledError)


async def test_spans_and_progress_are_told_as_they_come(case):
    await case.say(messages.Report(run=1, value=1, limit=2, step="s"))
    await case.say(messages.Span(run=1, span={"name": "own"}))
    await case.say(messages.Span(run=1, span={"name": "failed"}, step="s"))
    await case.say_done(result="1")
    await case.outcome()
    assert case.telling.reports == [("j", 1, 2, "s")]
    assert case.telling.spans == [{"name": "own"}]
    assert case.telling.steps == [("s", {"name": "failed"}, None)]


async def test_telling_that_fails_changes_nothing_for_the_run(case, caplog):
    case.telling.error = RuntimeError("broken")
    case.may_write.set()
    await case.say_step(span={})
    await case.say(messages.Span(run=1, span={}))
    await case.say_done(result="1")
    assert await case.outcome() == Completed("1")
    assert case.runner.answers == [(1, None)]
    assert caplog.messages == ["step not told of", "span not told of"] or caplog.messages == [
        "span not told of",
        "step not told of",
    ]


async def test_dropped_spans_are_counted_in_the_log(case, caplog):
    await case.say_done(result="1", dropped_spans=3)
    await case.outcome()
    assert [getattr(record, at.DROPPED) for record in caplog.records] == [3]
