"""Handlers find their own spans and log lines in the right place, and their failures seen."""

import json

import pytest
from tests.e2e.stack import Stack
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.received import LogRecord
from tests.e2e.telemetry.scenarios import Failures, Line, Traced
from tests.e2e.telemetry.test_trace_of_a_job import assert_hangs_together, step
from tests.e2e.telemetry.traces import ENDS, Trace

from contracts.telemetry import attributes as at
from contracts.telemetry import spans as sp
from contracts.telemetry.names import Source

pytestmark = pytest.mark.e2e


def parent_of(trace: Trace, name: str) -> str:
    above = trace.above(trace.one(name))
    assert above, f"`{name}` has no parent in\n{trace}"
    return above[0].name


def test_spans_of_a_handlers_own_stand_under_the_step_that_made_them(ordinary: Traced) -> None:
    trace = ordinary.trace
    assert parent_of(trace, "read ledger") == step("load")
    assert parent_of(trace, "write ledger") == step("book")
    assert trace.one("read ledger").service == Source.WORKER.service_name


def test_beside_steps_they_stand_under_the_attempt(ordinary: Traced) -> None:
    assert parent_of(ordinary.trace, "think") == sp.RUN_JOB
    assert parent_of(ordinary.trace, "think hard") == "think"


def test_those_of_plain_functions_do_too(line: Line) -> None:
    for traced in line.jobs[1:]:
        assert parent_of(traced.trace, "read ledger") == step("load")


def test_a_failed_step_shows_its_error(failures: Failures) -> None:
    trace = failures.in_step.trace
    assert_hangs_together(trace)
    failed = trace.one(step("divide"))
    assert failed.status == "error"
    assert "ZeroDivisionError" in str(failed.attributes[at.ERROR_TYPE])
    assert parent_of(trace, "compute") == step("divide")
    assert trace.one(step("load")).status != "error"
    end = trace.one(sp.FAIL_JOB)
    assert end.status == "error"
    assert end.attributes[at.JOB_OUTCOME] == "failed"
    assert "ZeroDivisionError" in str(end.attributes[at.ERROR_TYPE])


def test_jobs_that_are_cancelled_or_late_say_so(failures: Failures) -> None:
    for traced, name, outcome in (
        (failures.cancelled, sp.CANCEL_JOB, "cancelled"),
        (failures.timed_out, sp.TIME_OUT_JOB, "timed_out"),
    ):
        assert_hangs_together(traced.trace)
        (end,) = traced.trace.named(*ENDS)
        assert end.name == name, f"{traced.trace}"
        assert end.attributes[at.JOB_OUTCOME] == outcome


def test_a_failed_attempt_that_another_one_follows_says_so(failures: Failures) -> None:
    trace = failures.recovered.trace
    assert_hangs_together(trace)
    failed = trace.one(sp.FAIL_ATTEMPT)
    assert failed.attributes[at.JOB_OUTCOME] == "retried"
    assert failed.attributes[at.ERROR_TYPE] == "RetryLater"
    assert [span.status == "error" for span in trace.named(sp.RUN_JOB)] == [True, False]
    assert trace.one(sp.COMPLETE_JOB).attributes[at.JOB_OUTCOME] == "completed"


def test_what_a_handler_logs_carries_the_trace_and_the_span_it_was_logged_in(
    ordinary: Traced, receiver: OtlpReceiver
) -> None:
    for body, span in (("ledger read", "read ledger"), ("ledger written", "write ledger")):
        records = [record for record in about(receiver.logs, ordinary) if record.body == body]
        assert len(records) == 1, records
        assert records[0].trace_id == ordinary.trace.trace_id
        assert records[0].span_id == ordinary.trace.one(span).span_id
        assert records[0].scope == "ledger"


def test_every_log_record_about_a_job_names_job_lock_and_trace(
    ordinary: Traced, line: Line, killed_runner: Traced, failures: Failures, receiver: OtlpReceiver
) -> None:
    traceds = [ordinary, *line.jobs, killed_runner, failures.in_step, failures.cancelled, failures.timed_out]
    for traced in traceds:
        records = about(receiver.logs, traced)
        assert {"run started", "run ended"} <= {record.body for record in records}
        for record in records:
            assert record.attributes[at.LOCK_NAME] == traced.job.lock, record
            assert (record.trace_id or record.attributes.get(at.TRACE_ID)) == traced.trace.trace_id, record


def test_lines_on_standard_output_do_too(
    ordinary: Traced, killed_runner: Traced, shared_stack: Stack
) -> None:
    printed = [
        json.loads(line)
        for log in shared_stack.folder.glob("*.log")
        for line in log.read_text().splitlines()
        if line.startswith("{")
    ]
    for traced in (ordinary, killed_runner):
        lines = [line for line in printed if traced.job.id in str(line)]
        assert "run started" in {line["message"] for line in lines}
        for line in lines:
            assert line.get(at.JOB_ID) == traced.job.id, line
            assert line.get(at.LOCK_NAME) == traced.job.lock, line
            assert line.get(at.TRACE_ID) == traced.trace.trace_id, line
    ledger = [line for line in printed if line["logger"] == "ledger"]
    assert ledger
    assert all(line[at.SPAN_ID] for line in ledger)


def about(logs: list[LogRecord], traced: Traced) -> list[LogRecord]:
    """Return the records that mention the job anywhere."""
    return [record for record in logs if traced.job.id in str(record)]
