"""What is written and told of a run, with a runner that only pretends."""

import asyncio
from dataclasses import replace

import pytest
from tests.unit.execution.supervised import Case

from contracts.telemetry import attributes as at
from coordination.holder.held_rows import FencedError
from coordination.holder.runs import StepRecord
from coordination.journal.rows import JobRow
from coordination.outcomes import Completed, Interrupted, Lost, StopReason
from coordination.ports import InvalidTransactionError
from worker.execution import history, messages, run_supervision


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_was_sent_before_the_end_is_written_before_the_end(supervised):
    await supervised.say_step()
    await supervised.say_done(result="1")
    await settle()
    assert not supervised.task.done()
    supervised.may_write.set()
    assert await supervised.outcome() == Completed("1")
    assert len(supervised.steps) == 1


async def test_nothing_is_written_for_a_run_that_is_lost(supervised):
    await asyncio.sleep(0)
    supervised.stop.request(StopReason.LOST)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert supervised.runner.killed.is_set()
    await supervised.say_step()
    await supervised.die()
    assert await supervised.outcome() == Lost()
    assert supervised.steps == []


async def test_more_steps_at_once_than_anyone_needs_kill_the_runner(supervised):
    await asyncio.sleep(0)
    for _ in range(1001):
        await supervised.say_step()
    assert not supervised.runner.killed.is_set()
    await supervised.say_step()
    assert supervised.runner.fault == "exceeded the limit of pending steps"
    supervised.may_write.set()
    await supervised.die()
    assert await supervised.outcome() == Interrupted("it died", died=True)


async def test_a_steps_span_is_told_once_its_record_is_committed(supervised):
    await supervised.say_step(span={"name": "x"})
    await settle()
    assert supervised.telling.steps == []
    supervised.may_write.set()
    await supervised.say_done(result="1")
    assert await supervised.outcome() == Completed("1")
    assert supervised.telling.steps == [("s", {"name": "x"}, None)]


@pytest.mark.parametrize(
    "refusal", [InvalidTransactionError("too large"), FencedError("stale"), KeyError("?")]
)
async def test_the_span_of_a_step_that_was_not_recorded_is_told_with_the_error(supervised, refusal):
    supervised.refusal = refusal
    supervised.may_write.set()
    await supervised.say_step(span={})
    await supervised.say_done(result="1")
    await supervised.outcome()
    assert supervised.telling.steps == [("s", {}, refusal)]


async def test_the_span_of_a_step_whose_record_was_given_up_is_told_with_an_error(supervised):
    await supervised.say_step(span={})
    supervised.stop.request(StopReason.LOST)
    await supervised.die()
    assert await supervised.outcome() == Lost()
    ((name, _, error),) = supervised.telling.steps
    assert (name, type(error)) == ("s", asyncio.CancelledError)


async def test_spans_and_progress_are_told_as_they_come(supervised):
    await supervised.say(messages.Report(run=1, value=1, limit=2, step="s"))
    await supervised.say(messages.Span(run=1, span={"name": "own"}))
    await supervised.say(messages.Span(run=1, span={"name": "failed"}, step="s"))
    await supervised.say_done(result="1")
    await supervised.outcome()
    assert supervised.telling.reports == [("j", 1, 2, "s")]
    assert supervised.telling.spans == [{"name": "own"}]
    assert supervised.telling.steps == [("s", {"name": "failed"}, None)]


async def test_telling_that_fails_changes_nothing_for_the_run(supervised, caplog):
    supervised.telling.error = RuntimeError("broken")
    supervised.may_write.set()
    await supervised.say_step(span={})
    await supervised.say(messages.Span(run=1, span={}))
    await supervised.say_done(result="1")
    assert await supervised.outcome() == Completed("1")
    assert supervised.runner.answers == [(1, None)]
    assert sorted(caplog.messages) == ["span export failed", "step telemetry failed"]


async def test_dropped_spans_are_counted_in_the_log(supervised, caplog):
    await supervised.say_done(result="1", dropped_spans=3)
    await supervised.outcome()
    assert [getattr(record, at.DROPPED) for record in caplog.records] == [3]


async def test_a_runner_is_told_all_of_its_run():
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    job = JobRow(job_id="j", kind="k", lock_name="l", attempt=3, interruptions=2, traceparent=trace)
    job = replace(job, progress_value=2.0, progress_limit=8.0, properties='{"team":"a"}')
    recorded = [StepRecord("a", "1"), StepRecord("b", "2", 2)]
    case = Case(job=job, fence=9, parameters='{"x":1}', recorded=recorded, state='"s"')
    case.runner.next_run = 4
    case.telling.run_traceparent = lambda run: f"run of {run.job.job_id}"
    await case.say_done(result="1")
    await case.outcome()
    assert case.runner.start == messages.Start(
        run=4,
        job_id="j",
        kind="k",
        lock="l",
        attempt=3,
        interruptions=2,
        fence=9,
        traceparent=trace,
        run_traceparent="run of j",
        parameters='{"x":1}',
        recorded={"a": "1", "b": "2"},
        state='"s"',
        naming=1,
        progress_value=2.0,
        progress_limit=8.0,
        properties='{"team":"a"}',
    )
    assert case.runner.labels == {
        at.JOB_ID: "j",
        at.JOB_KIND: "k",
        at.LOCK_NAME: "l",
        at.JOB_ATTEMPT: 3,
        at.LOCK_FENCE: 9,
        at.TRACE_ID: "0af7651916cd43dd8448eb211c80319c",
    }


async def test_progress_reaches_the_run_and_a_log_record_the_log_with_its_labels(supervised, caplog):
    await supervised.say(messages.Report(run=1, value=1, limit=2, step="s"))
    await supervised.say(messages.Log(level=40, logger="jobs.a", message="odd"))
    await supervised.say_done(result="1")
    await supervised.outcome()
    assert supervised.reports == [(1, 2, "s")]
    (record,) = caplog.records
    assert (record.name, record.getMessage(), getattr(record, at.JOB_ID)) == ("jobs.a", "odd", "j")


async def test_times_of_a_handler_are_passed_on_if_it_was_called(supervised):
    await supervised.say_done(result="1", handler_began=1.5, handler_ended=2.5)
    assert await supervised.outcome() == Completed("1")
    assert supervised.telling.handlers == [("j", 1.5, 2.5)]


@pytest.mark.parametrize("half", [{}, {"handler_began": 1.5}, {"handler_ended": 2.5}])
async def test_half_a_handlers_times_are_not_passed_on(supervised, half):
    await supervised.say_done(result="1", **half)
    await supervised.outcome()
    assert supervised.telling.handlers == []


async def test_telemetry_that_fails_on_a_handlers_times_does_not_decide_its_end(supervised, caplog):
    supervised.telling.error = ValueError("broken")
    await supervised.say_done(result="1", handler_began=1.5, handler_ended=2.5)
    assert await supervised.outcome() == Completed("1")
    assert caplog.messages == ["telemetry failed"]


async def test_a_long_history_is_sent_in_parts(monkeypatch):
    monkeypatch.setattr(history, "_CHARACTERS", 10)
    recorded = [StepRecord(name, "x" * size) for name, size in (("a", 3), ("b", 5), ("c", 20), ("d", 1))]
    case = Case(recorded=recorded)
    await case.say(messages.Begun(run=1))
    await case.say_done(result="1")
    assert await case.outcome() == Completed("1")
    parts = [*case.runner.history, case.runner.start]
    assert [list(part.recorded) for part in parts] == [["a", "b"], ["c"], ["d"]]
    assert {name: result for part in parts for name, result in part.recorded.items()} == {
        step.name: step.result for step in recorded
    }


async def test_a_runner_that_does_not_begin_is_killed_with_that_reason(monkeypatch):
    monkeypatch.setattr(run_supervision, "_BEGIN_SECONDS", 0.02)
    case = Case()
    async with asyncio.timeout(5):
        await case.runner.killed.wait()
    await case.die()
    await case.outcome()
    assert case.runner.fault == "did not begin the handler within 0.02 s"


async def test_a_runner_that_has_begun_may_take_its_time(monkeypatch):
    monkeypatch.setattr(run_supervision, "_BEGIN_SECONDS", 0.02)
    case = Case()
    await case.say(messages.Begun(run=1))
    await asyncio.sleep(0.05)
    await case.say_done(result="1")
    assert await case.outcome() == Completed("1")
    assert case.runner.fault is None
