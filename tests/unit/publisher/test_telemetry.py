"""What the publisher emits of submissions and cancellations, and what it tells who asked."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode
from tests.unit.captured import Captured, capturing
from tests.unit.publisher.doubles import Api, CountingDirectory, FakeWorker
from tests.unit.publisher.test_commands import FakeIntake, FakeMessage

from contracts.jobs import Submission
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination.outcomes import Completed
from coordination.ports import InvalidTransactionError
from coordination.testing.memory import InMemoryJournal
from publisher.commands import SubmitCommands
from publisher.http.application import make_application
from publisher.job_traces import JobTraces
from publisher.telemetry import RequestTelemetry
from publisher.use_cases import UseCases, make_use_cases
from service_defaults.broker.message_reader import MessageReader
from submission import InvalidSubmissionError, Patience

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
COMMAND = json.dumps({"version": 1, "job": {"kind": "ten-steps", "job_id": JOB_ID}}).encode()
ASKED_BY = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


@pytest.fixture
async def captured() -> AsyncIterator[Captured]:
    with capturing() as captured:
        yield captured


@pytest.fixture
async def api(captured: Captured, api: Api) -> AsyncIterator[Api]:
    """Make the application once more, now that what it emits is captured."""
    api.use_cases = make_use_cases(
        api.journal,
        api.register,
        api.notifier,
        api.read_models,
        api.directory,
        api.clock,
        api.quarantine,
        schedule_table=InMemoryJournal(),
    )
    api.app = make_application(api.use_cases)
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://publisher") as api.client:
        yield api


def commands(api: Api) -> SubmitCommands:
    uses: UseCases = api.use_cases
    return SubmitCommands(
        cast("MessageReader", FakeIntake()), uses.submissions, Patience(api.clock), uses.telemetry
    )


def ids(span: Any) -> tuple[str, str]:
    return f"{span.trace_id:032x}", f"{span.span_id:016x}"


async def test_a_job_hangs_under_its_submission_and_that_under_the_request_of_the_caller(
    api: Api, captured: Captured
) -> None:
    body = {"kind": "ten-steps", "lock": "ledger", "priority": 3}
    answer = await api.client.post("/api/v1/jobs", json=body, headers=ASKED_BY)

    request, submission = captured.span("POST /api/v1/jobs"), captured.span(spans.SUBMIT_JOB)
    assert request.kind is SpanKind.SERVER
    assert ids(request.parent) == (TRACE, PARENT)
    assert ids(submission.parent) == ids(request.context)
    trace_id, span_id = ids(submission.context)
    assert api.notifier.wake_ups[0].traceparent == f"00-{trace_id}-{span_id}-01"
    assert dict(submission.attributes) == {
        at.JOB_ID: answer.json()["job_id"],
        at.JOB_KIND: "ten-steps",
        at.LOCK_NAME: "ledger",
        at.JOB_PRIORITY: 3,
        at.JOB_SUBMISSION_OUTCOME: "accepted",
    }


async def test_the_server_span_and_the_durations_have_what_the_schema_lists(
    api: Api, captured: Captured
) -> None:
    await api.client.get("/api/v1/events?limit=3")

    request = captured.span("GET /api/v1/events")
    assert set(request.attributes) <= set(spans.HTTP_REQUEST.attributes)
    (duration,) = captured.points(metrics.HTTP_DURATION)
    assert set(duration.attributes) <= set(metrics.HTTP_DURATION.attributes)
    assert tuple(duration.explicit_bounds) == metrics.HTTP_DURATION.buckets
    (active,) = captured.points(metrics.HTTP_ACTIVE)
    assert set(active.attributes) == set(metrics.HTTP_ACTIVE.attributes)


async def test_health_checks_are_not_traced(api: Api, captured: Captured) -> None:
    await api.client.get("/health/live")
    await api.client.get("/metrics")
    assert captured.spans() == []


async def test_a_job_whose_caller_does_not_record_has_a_trace_of_its_own_with_a_link(
    api: Api, captured: Captured
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    answer = await api.client.post("/api/v1/jobs", json={"kind": "ten-steps"}, headers=headers)

    (submission,) = captured.spans()
    assert submission.parent is None
    trace_id, span_id = ids(submission.context)
    assert trace_id != TRACE
    assert api.notifier.wake_ups[0].traceparent == f"00-{trace_id}-{span_id}-01"
    (link,) = submission.links
    assert ids(link.context)[0] == TRACE
    assert submission.attributes[at.JOB_ID] == answer.json()["job_id"]


async def test_where_it_is_wished_what_the_caller_does_not_record_is_not_recorded(
    api: Api, captured: Captured
) -> None:
    api.use_cases.telemetry._traces = JobTraces(follows_unsampled=True)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    await api.client.post("/api/v1/jobs", json={"kind": "ten-steps"}, headers=headers)

    assert captured.spans() == []
    assert (api.notifier.wake_ups[0].traceparent or "").split("-")[1::2] == [TRACE, "00"]


async def test_a_request_that_is_not_recorded_by_our_own_decision_gets_no_second_chance(
    api: Api, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captured.tracing, "sampler", ALWAYS_OFF)
    # The tracers that are in use have a sampler of their own.
    monkeypatch.setattr(api.use_cases.telemetry._tracer, "sampler", ALWAYS_ON)
    with trace.use_span(NonRecordingSpan(SpanContext(1, 2, is_remote=False))):
        await commands(api).submit_job(cast("Any", FakeMessage(COMMAND, {})))

    assert [span for span in captured.spans() if span.parent is None] == []


async def test_of_many_submissions_in_one_trace_only_the_first_continue_it(
    api: Api, captured: Captured
) -> None:
    api.use_cases.telemetry._traces = JobTraces(jobs_per_trace=2)
    for _ in range(4):
        await api.client.post("/api/v1/jobs", json={"kind": "ten-steps"}, headers=ASKED_BY)

    submissions, requests = captured.spans(spans.SUBMIT_JOB), captured.spans("POST /api/v1/jobs")
    traces = [ids(span.context)[0] for span in submissions]
    assert traces[:2] == [TRACE] * 2
    assert len({TRACE, *traces[2:]}) == 3
    for submission, request in zip(submissions[2:], requests[2:], strict=True):
        assert [link.context for link in submission.links] == [request.context]
        assert [link.context.span_id for link in request.links] == [submission.context.span_id]
        assert dict(request.links[0].attributes) == {at.JOB_ID: submission.attributes[at.JOB_ID]}
    assert [request.links for request in requests[:2]] == [(), ()]


async def test_jobs_of_a_batch_have_a_trace_each_and_the_request_leads_to_them(
    api: Api, captured: Captured
) -> None:
    batch = [{"kind": "ten-steps"} for _ in range(200)]
    await api.client.post("/api/v1/jobs:batch", json={"jobs": batch}, headers=ASKED_BY)

    (request,) = captured.spans("POST /api/v1/jobs:batch")
    submissions = captured.spans(spans.SUBMIT_JOB)
    assert len({ids(span.context)[0] for span in submissions} - {TRACE}) == 200
    linked = {link.context.span_id for link in request.links}
    assert linked <= {span.context.span_id for span in submissions}
    assert {link.context.span_id for span in submissions for link in span.links} == {request.context.span_id}
    assert at.JOB_ID not in request.attributes


async def test_a_kind_that_a_worker_knows_is_in_the_names_that_lists_of_traces_show(
    api: Api, captured: Captured
) -> None:
    api.directory.know("ten-steps", {"type": "object"})
    answer = await api.submit(lock="ledger")

    submission = captured.span(spans.SUBMIT_KIND.replace("{job.kind}", "ten-steps"))
    request = captured.span("POST /api/v1/jobs ten-steps")
    for span in (submission, request):
        assert span.attributes[at.JOB_ID] == answer.json()["job_id"]
        assert span.attributes[at.LOCK_NAME] == "ledger"
    (duration,) = captured.points(metrics.HTTP_DURATION)
    assert duration.attributes["http.route"] == "/api/v1/jobs"


async def test_the_answer_names_the_trace(api: Api, captured: Captured) -> None:
    answer = await api.client.post("/api/v1/jobs", json={"kind": "ten-steps"}, headers=ASKED_BY)

    assert answer.headers["traceresponse"].split("-")[1] == TRACE


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/api/v1/jobs", b"?", 400), ("/api/v1/jobs/nothing/cancel", b"", 404), ("/nowhere", b"", 404)],
)
async def test_a_problem_names_the_trace(
    api: Api, captured: Captured, path: str, body: bytes, status: int
) -> None:
    headers = {**ASKED_BY, "content-type": "application/json"}
    answer = await api.client.post(path, content=body, headers=headers)

    assert (answer.status_code, answer.json()["trace_id"]) == (status, TRACE)
    assert answer.headers["traceresponse"].split("-")[1] == TRACE


async def test_a_failure_nobody_expected_can_be_found_in_the_log(
    api: Api, captured: Captured, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(self: CountingDirectory) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(CountingDirectory, "workers", fail)
    answer = await api.client.get("/api/v1/workers", headers=ASKED_BY)

    assert (answer.status_code, answer.json()["trace_id"]) == (500, TRACE)
    assert "the inside" not in answer.text
    assert [vars(record)[at.ERROR_TYPE] for record in caplog.records] == ["RuntimeError"]
    assert captured.span("GET /api/v1/workers").status.status_code is StatusCode.ERROR


async def test_submissions_are_counted_by_what_came_of_them(api: Api, captured: Captured) -> None:
    api.directory.know("ten-steps", {"type": "object"})
    job_id = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
    for body in ({"job_id": job_id}, {"job_id": job_id}, {"job_id": job_id, "lock": "other"}, {"kind": "x"}):
        await api.submit(**body)
    await api.client.post("/api/v1/jobs", content=b"?", headers={"content-type": "application/json"})
    api.storage.is_away = True
    await api.submit()

    assert captured.values(metrics.JOB_SUBMISSIONS) == {
        ("ten-steps", "accepted"): 1,
        ("ten-steps", "repeated"): 1,
        ("ten-steps", "refused"): 1,
        ("(unknown)", "refused"): 2,
        ("ten-steps", "unknown"): 1,
    }
    submissions = [span for span in captured.spans() if span.name.startswith(spans.SUBMIT_JOB)]
    failed = submissions[-1]
    assert failed.attributes[at.ERROR_TYPE] == "SubmissionUnknownError"
    states = [span.status.status_code for span in submissions]
    assert states == [StatusCode.UNSET] * 5 + [StatusCode.ERROR]


async def test_kinds_that_nobody_knows_make_no_labels(api: Api, captured: Captured) -> None:
    for number in range(3):
        await api.submit(kind=f"made-up-{number}")

    assert captured.values(metrics.JOB_SUBMISSIONS) == {("(unknown)", "accepted"): 3}


async def test_a_job_asked_for_by_message_hangs_under_its_submission_too(
    api: Api, captured: Captured
) -> None:
    job_id = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
    body = json.dumps({"version": 1, "job": {"kind": "ten-steps", "job_id": job_id}}).encode()
    await commands(api).submit_job(cast("Any", FakeMessage(body, dict(ASKED_BY))))

    submission = captured.span(spans.SUBMIT_JOB)
    assert ids(submission.parent) == (TRACE, PARENT)
    assert (api.notifier.wake_ups[0].traceparent or "").split("-")[1:3] == list(ids(submission.context))
    assert dict(submission.attributes) == {
        at.JOB_ID: job_id,
        at.JOB_KIND: "ten-steps",
        at.LOCK_NAME: "default",
        at.JOB_PRIORITY: 5,
        at.JOB_SUBMISSION_OUTCOME: "accepted",
    }


async def test_a_cancellation_names_its_job_and_points_to_its_trace(api: Api, captured: Captured) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    await api.client.post(f"/api/v1/jobs/{job_id}/cancel", headers=ASKED_BY)

    asked, submission = captured.span(spans.REQUEST_CANCELLATION), captured.span(spans.SUBMIT_JOB)
    assert dict(asked.attributes) == {at.JOB_ID: job_id, at.LOCK_NAME: "ledger"}
    assert ids(asked.context)[0] == TRACE
    assert [ids(link.context) for link in asked.links] == [ids(submission.context)]


async def test_a_cancellation_that_came_too_late_says_so(api: Api, captured: Captured) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    worker = FakeWorker(api, "ledger")
    await worker.start()
    await worker.end(Completed())
    await api.client.post(f"/api/v1/jobs/{job_id}/cancel")

    asked = captured.span(spans.REQUEST_CANCELLATION)
    assert asked.attributes == {
        at.JOB_ID: job_id,
        at.LOCK_NAME: "ledger",
        at.ERROR_TYPE: "CancelTooLateError",
    }
    assert asked.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    ("path", "status", "error", "state"),
    [
        ("/api/v1/jobs/018f6c3e-7b1a-7c4e-9d3a-0123456789ac/cancel", 404, "NoSuchJobError", StatusCode.UNSET),
        (f"/api/v1/jobs/{JOB_ID}/cancel", 503, "UnknownOutcomeError", StatusCode.ERROR),
    ],
)
async def test_a_cancellation_that_failed_is_an_error_only_when_it_is_our_fault(
    api: Api, captured: Captured, path: str, status: int, error: str, state: StatusCode
) -> None:
    await api.submit(job_id=JOB_ID)
    api.storage.is_away = status == 503
    assert (await api.client.post(path)).status_code == status

    asked = captured.span(spans.REQUEST_CANCELLATION)
    assert dict(asked.attributes) == {at.ERROR_TYPE: error}
    assert (asked.status.status_code, list(asked.links)) == (state, [])
    assert list(asked.events) == []


async def test_a_submission_names_its_job_whatever_came_of_it(api: Api, captured: Captured) -> None:
    await api.submit(job_id=JOB_ID, lock="ledger")
    await api.submit(job_id=JOB_ID, lock="other")
    api.storage.is_away = True
    await api.submit(job_id=JOB_ID)

    told = [dict(span.attributes) for span in captured.spans(spans.SUBMIT_JOB)]
    assert [one[at.JOB_ID] for one in told] == 3 * [JOB_ID]
    assert [one[at.LOCK_NAME] for one in told] == ["ledger", "other", "default"]
    assert [one.get(at.ERROR_TYPE) for one in told] == [None, "JobExistsError", "SubmissionUnknownError"]


async def test_a_repeated_key_is_a_repeated_submission_and_no_error(api: Api, captured: Captured) -> None:
    for priority in (5, 5, 1):
        await api.submit(idempotency_key="march", priority=priority)

    told = [dict(span.attributes) for span in captured.spans(spans.SUBMIT_JOB)]
    assert len({one[at.JOB_ID] for one in told}) == 1
    assert [one[at.JOB_SUBMISSION_OUTCOME] for one in told] == ["accepted", "repeated", "refused"]
    assert [one.get(at.ERROR_TYPE) for one in told] == [None, None, "IdempotencyKeyError"]


async def test_a_body_that_cannot_be_read_says_nothing_of_a_job(api: Api, captured: Captured) -> None:
    await api.client.post("/api/v1/jobs", content=b"?", headers={"content-type": "application/json"})

    assert dict(captured.span(spans.SUBMIT_JOB).attributes) == {
        at.JOB_SUBMISSION_OUTCOME: "refused",
        at.ERROR_TYPE: "StrictJsonError",
    }


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (asyncio.CancelledError(), "unknown"),
        (RuntimeError(), "unknown"),
        (InvalidTransactionError("too large"), "refused"),
        (InvalidSubmissionError([]), "refused"),
    ],
)
@pytest.mark.parametrize("is_read", [True, False])
def test_what_came_of_a_submission_that_was_cut_off_is_known_only_before_it_was_sent(
    captured: Captured, failure: BaseException, outcome: str, is_read: bool
) -> None:
    telemetry = RequestTelemetry(lambda kind: kind == "known")

    def submit() -> None:
        with telemetry.submission({}) as submitting:
            if is_read:
                submitting.asks(Submission(kind="known"))
            raise failure

    with pytest.raises(type(failure)):
        submit()
    expected = (outcome if is_read else "refused", "known" if is_read else "(unknown)")
    assert captured.values(metrics.JOB_SUBMISSIONS) == {(expected[1], expected[0]): 1}
    (span,) = captured.spans()
    assert span.name == (f"{spans.SUBMIT_JOB} known" if is_read else spans.SUBMIT_JOB)
    assert span.attributes[at.JOB_SUBMISSION_OUTCOME] == expected[0]
    assert span.status.status_code is (StatusCode.ERROR if expected[0] == "unknown" else StatusCode.UNSET)


async def test_every_answer_names_the_trace_also_without_a_callers(api: Api, captured: Captured) -> None:
    for path in ("/api/v1/events", "/api/v1/kinds", "/api/v1/locks", "/api/v1/workers", "/nowhere"):
        answer = await api.client.get(path)
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", answer.headers["traceresponse"])
