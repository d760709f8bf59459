"""What a scheduler emits of schedules, and how it submits their jobs."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.captured import Captured, capturing
from tests.unit.schedules.desk import JOB, Desk

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import Submitter
from coordination.ports import UnknownOutcomeError
from scheduler.schedules import due_schedules
from schedules.due import DueSchedules
from submission import SubmissionService


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capturing() as captured:
        yield captured


def scheduler(desk: Desk) -> DueSchedules:
    submitter = Submitter(desk.register, JobWriter(desk.journal, desk.notifier, desk.clock))
    return due_schedules(desk.store(), SubmissionService(submitter, desk.kinds))


async def fired(desk: Desk, **fields: Any) -> DueSchedules:
    await desk.put(**fields)
    due = scheduler(desk)
    desk.clock.jump(3602)
    await due.go()
    return due


async def test_the_trace_of_a_job_begins_with_its_submission_by_the_scheduler(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    desk = Desk()
    await fired(desk)
    (job,) = desk.jobs()
    (span,) = captured.spans()
    assert span.name == spans.SUBMIT_KIND.replace(f"{{{at.JOB_KIND}}}", "report")
    assert span.parent is None
    assert job.traceparent == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"
    assert span.attributes == {
        at.JOB_ID: job.job_id,
        at.JOB_KIND: "report",
        at.LOCK_NAME: "reports",
        at.JOB_PRIORITY: 5,
        at.SCHEDULE_NAME: "nightly",
        at.SCHEDULE_DUE_AT: "2026-01-01T01:00:00.000000Z",
        at.JOB_SUBMISSION_OUTCOME: "accepted",
    }
    assert captured.values(metrics.SCHEDULE_FIRINGS) == {("submitted",): 1}
    (lateness,) = captured.points(metrics.SCHEDULE_LATENESS)
    assert (lateness.count, lateness.sum) == (1, 2.0)
    (line,) = [record for record in caplog.records if record.message == "schedule fired"]
    assert line.__dict__[at.SCHEDULE_NAME] == "nightly"


async def test_a_refusal_says_why(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    due = await fired(desk, job={**JOB, "on_conflict": "reject"})
    desk.clock.jump(3600)
    await due.go()
    assert captured.values(metrics.SCHEDULE_FIRINGS) == {("submitted",): 1, ("refused",): 1}
    (line,) = [record for record in caplog.records if record.message == "schedule refused"]
    assert "lock" in line.__dict__[at.REASON]
    refused = captured.spans()[-1]
    assert refused.attributes[at.JOB_SUBMISSION_OUTCOME] == "refused"
    assert refused.attributes[at.ERROR_TYPE] == "LockBusyError"
    assert refused.status.is_unset


async def test_a_storage_that_is_away_fails_the_span(captured: Captured) -> None:
    desk = Desk()
    await desk.put()
    due = scheduler(desk)
    desk.clock.jump(3600)

    async def lose(when: str, call: str) -> None:
        raise UnknownOutcomeError

    desk.register.calls.fault = lose
    with pytest.raises(UnknownOutcomeError):
        await due.go()
    (span,) = captured.spans()
    assert (span.attributes[at.JOB_SUBMISSION_OUTCOME], span.status.is_ok) == ("unknown", False)


async def test_missed_due_times_are_counted_and_logged(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    await desk.put(misfire="skip")
    desk.clock.jump(3 * 3600 + 1800)
    await scheduler(desk).go()
    assert captured.values(metrics.SCHEDULE_FIRINGS) == {("missed",): 3}
    (line,) = [record for record in caplog.records if record.message == "due times missed"]
    assert line.__dict__[at.SCHEDULE_MISSED] == 3
