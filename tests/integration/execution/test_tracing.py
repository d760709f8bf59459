"""Handlers' spans, from real runners to the supervisor's exporter."""

import logging
import time

import pytest
import pytest_asyncio
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from tests.integration.execution import rig
from tests.integration.execution.rig import FakeRun
from tests.waiting import until

from contracts.telemetry import attributes as at
from coordination.outcomes import Completed, Failed, Interrupted, StopReason
from service_defaults.span_ids import SpanIds
from worker.execution import RunnerPool
from worker.execution.run_telemetry import RunTelemetry
from worker.telemetry.anchors import anchor
from worker.telemetry.runner_spans import RunnerSpans

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

JOBS = "tests.integration.execution.tracing_jobs"
TRACE = 0x1234567890ABCDEF1234567890ABCDEF
SUBMISSION = f"00-{TRACE:032x}-00000000000000cc-01"
UNSAMPLED = f"00-{TRACE:032x}-00000000000000cc-00"


class Telling(RunTelemetry):
    """Tells of runs as the worker does."""

    def __init__(self):
        self.spans = RunnerSpans("the-worker")
        self.ends = []
        self.run_traceparent = self.spans.run_traceparent  # type: ignore[method-assign]
        self.step_over = self.spans.step_over  # type: ignore[method-assign, assignment]
        self.span_over = self.spans.span_over  # type: ignore[method-assign, assignment]

    def runner_replaced(self, end):
        self.ends.append(end)


@pytest.fixture(scope="module")
def provider():
    patch = pytest.MonkeyPatch()
    made = TracerProvider(
        resource=Resource({"service.name": "worker"}), id_generator=SpanIds(), shutdown_on_exit=False
    )
    patch.setattr(trace, "get_tracer_provider", lambda: made)
    yield made
    patch.undo()


@pytest.fixture
def exporter(provider):
    exporter = InMemorySpanExporter()
    processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    yield exporter
    exporter.shutdown()


@pytest.fixture(scope="module")
def telling(provider):
    return Telling()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(telling):
    pool = RunnerPool(
        1,
        [JOBS],
        cancel_grace_seconds=2,
        environment=rig.environment(),
        telemetry=telling,
        is_traced=True,
    )
    await pool.start()
    yield pool
    await pool.stop()


def named(exporter):
    """Return the finished spans by name; spans of one name are told apart by what they are about."""
    found: dict[str, list[ReadableSpan]] = {}
    for span in exporter.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def parents(exporter):
    """Return each span's name with its parent's."""
    spans = exporter.get_finished_spans()
    names = {span.context.span_id: span.name for span in spans}
    pairs = ((span.name, names.get(span.parent.span_id, span.parent.span_id)) for span in spans)
    return sorted(pairs, key=str)


def anchor_of(run):
    return anchor(run.run().job).span_id


async def test_spans_of_an_async_handler_stand_under_their_steps(pool, exporter):
    run = FakeRun("spans", traceparent=SUBMISSION)
    assert isinstance(await run.on(pool), Completed)
    root = anchor_of(run)
    assert parents(exporter) == sorted(
        [
            ("before", root),
            ("step outer", root),
            ("in outer", "step outer"),
            ("step inner", "step outer"),
            ("in inner's thread", "step inner"),
            ("own", "step inner"),
            ("in own", "own"),
            ("step twice", root),
            ("step twice", root),
            ("in twice", "step twice"),
            ("in twice", "step twice"),
        ],
        key=str,
    )
    found = named(exporter)
    assert {span.context.trace_id for span in exporter.get_finished_spans()} == {TRACE}
    assert [span.attributes[at.JOB_STEP] for span in found["step twice"]] == ["twice", "twice#2"]
    outer, own = found["step outer"][0], found["in outer"][0]
    assert outer.attributes[at.JOB_ID] == "job-spans"
    assert (outer.attributes[at.WORKER_NAME], outer.attributes["from"]) == ("the-worker", "handler")
    assert (own.attributes["mine"], own.events[0].name) == ((1, 2), "happened")
    assert own.instrumentation_scope.name == "tests.jobs"
    assert own.resource.attributes == {"service.name": "worker"}
    assert own.start_time <= own.end_time <= outer.end_time <= time.time_ns()


async def test_spans_of_a_plain_handler_and_its_threads_stand_in_its_trace(pool, exporter):
    run = FakeRun("sync-spans", traceparent=SUBMISSION)
    assert isinstance(await run.on(pool), Completed)
    root = anchor_of(run)
    assert dict(parents(exporter)) == {
        "step outer": root,
        "step inner": "step outer",
        "in inner": "step inner",
        "step threads": root,
        # Python tells a plain thread nothing of where it was started.
        "in a plain thread": root,
    }


async def test_a_recorded_step_has_its_span_even_if_the_runner_dies_then(pool, exporter, telling):
    run = FakeRun("step-then-kill", traceparent=SUBMISSION)
    ended = len(telling.ends)
    assert isinstance(await run.on(pool), Interrupted)
    assert dict(parents(exporter)) == {"in first": "step first", "step first": anchor_of(run)}
    await until(lambda: telling.ends[ended:] == ["died"])


async def test_a_recorded_steps_span_lasts_until_the_commit_and_another_attempt_has_none(pool, exporter):
    run = FakeRun("step-then-kill", traceparent=SUBMISSION)
    committed = []
    run.before_write = lambda: committed.append(time.time_ns())
    await run.on(pool)
    (span,) = named(exporter)["step first"]
    assert span.end_time >= committed[0]
    exporter.clear()
    await run.next_attempt().on(pool)
    assert "step first" not in named(exporter)


async def test_a_step_left_by_an_error_has_a_span_with_the_error(pool, exporter):
    assert isinstance(await FakeRun("failing-step", traceparent=SUBMISSION).on(pool), Failed)
    (inner,), (outer,) = (named(exporter)[name] for name in ("step fails", "step outer"))
    assert inner.parent.span_id == outer.context.span_id
    for span, step in (inner, "outer/fails"), (outer, "outer"):
        assert span.status.status_code is StatusCode.ERROR
        assert span.attributes[at.ERROR_TYPE] == "ValueError"
        assert span.events[0].attributes["exception.message"] == "no such account"
        assert span.attributes[at.JOB_STEP] == step


async def test_an_error_that_cannot_be_told_still_fails_the_job_as_itself(pool, exporter):
    outcome = await FakeRun("sync-failing-step", traceparent=SUBMISSION).on(pool)
    assert (type(outcome), outcome.type) == (Failed, "SpeechlessError")


async def test_a_step_that_was_stopped_has_a_span_that_says_so(pool, exporter):
    run = FakeRun("sleeps-in-step", traceparent=SUBMISSION)
    await run.stopped_on(pool, StopReason.CANCELLED)
    (span,) = named(exporter)["step waits"]
    assert (span.status.status_code, span.attributes[at.ERROR_TYPE]) == (StatusCode.ERROR, "CancelledError")


async def test_what_the_handler_calls_learns_the_anchor_or_the_step(pool, exporter):
    run = FakeRun("context", traceparent=SUBMISSION)
    result = (await run.on(pool)).result
    (step,) = named(exporter)["step inside"]
    assert f'"outside":{{"traceparent":"00-{TRACE:032x}-{anchor_of(run):016x}-01"}}' in result
    assert f'"inside":{{"traceparent":"00-{TRACE:032x}-{step.context.span_id:016x}-01"}}' in result
    assert f'"submission":"{SUBMISSION}"' in result


@pytest.mark.parametrize("traceparent", [UNSAMPLED, None, "nonsense"])
async def test_a_job_whose_trace_is_not_sampled_or_not_there_has_no_spans(pool, exporter, traceparent):
    assert isinstance(await FakeRun("spans", traceparent=traceparent).on(pool), Completed)
    assert isinstance(await FakeRun("sync-spans", traceparent=traceparent).on(pool), Completed)
    assert exporter.get_finished_spans() == ()


async def test_log_records_name_the_span_they_were_written_in(pool, exporter, caplog):
    caplog.set_level(logging.INFO)
    run = FakeRun("logs-in-steps", traceparent=SUBMISSION)
    await run.on(pool)
    (step,) = named(exporter)["step inside"]
    told = {record.getMessage(): getattr(record, at.SPAN_ID, None) for record in caplog.records}
    assert told["outside"] == f"{anchor_of(run):016x}"
    assert told["inside"] == f"{step.context.span_id:016x}"


async def test_a_flood_of_spans_is_cut_and_counted(pool, exporter, caplog):
    assert isinstance(await FakeRun("floods-spans", traceparent=SUBMISSION).on(pool), Completed)
    (fat,) = named(exporter)["fat"]
    assert len(fat.attributes) <= 16
    (dropped,) = [record for record in caplog.records if record.getMessage() == "spans dropped"]
    count = getattr(dropped, at.DROPPED)
    assert count > 1000
    assert len(exporter.get_finished_spans()) + count == 5001


async def test_forged_spans_are_dropped_and_do_no_harm(pool, exporter):
    run = FakeRun("forged-spans", traceparent=SUBMISSION)
    assert isinstance(await run.on(pool), Completed)
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.context.span_id, span.parent.span_id) == ("good", 0xAA, anchor_of(run))


async def test_without_tracing_the_sdk_is_not_loaded_but_the_context_is_there(exporter, telling):
    pool = RunnerPool(1, [JOBS], environment=rig.environment(), telemetry=telling)
    await pool.start()
    run = FakeRun("context", traceparent=SUBMISSION)
    result = (await run.on(pool)).result
    await pool.stop()
    assert '"sdk":[]' in result
    there = f'{{"traceparent":"00-{TRACE:032x}-{anchor_of(run):016x}-01"}}'
    assert f'"outside":{there},"inside":{there}' in result
    assert exporter.get_finished_spans() == ()
