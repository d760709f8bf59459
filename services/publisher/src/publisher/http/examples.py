"""Examples of the answers in the OpenAPI document. All are of one moment of one installation."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from contracts.following import JobResult
from contracts.jobs import (
    Accepted,
    BatchAnswer,
    BatchItem,
    Drain,
    Event,
    HeldLease,
    Instance,
    Job,
    JobError,
    JobPage,
    JobSummary,
    Kind,
    Lock,
    LockLimit,
    LockSlot,
    Page,
    Progress,
    WaitingFor,
    Worker,
)
from contracts.quarantine import QuarantinedMessage, QuarantinePage
from contracts.statuses import EventStatus, JobStatus
from publisher.http.problem import Problem
from submission import FieldProblem

_SUBMITTED = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
_STARTED = _SUBMITTED + timedelta(seconds=1)
_JOB, _NEXT_JOB = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab", "018f6c3e-7b1b-7a10-8f21-ba9876543210"
_LOCK, _WORKER, _TRACE = "ledger-2026", "worker-1", "4bf92f3577b34da6a3ce929d0e0e4736"

_RUNNING = Job(
    job_id=_JOB,
    kind="ten-steps",
    name="Close November",
    description="",
    lock=_LOCK,
    priority=5,
    properties={"team": "accounts"},
    status=JobStatus.RUNNING,
    attempt=1,
    interruptions=0,
    fence=7,
    worker=_WORKER,
    step="step 4",
    progress=Progress(value=3, limit=10),
    cancel_requested=False,
    cancel_requested_by=None,
    cancel_reason=None,
    position=None,
    waiting_for=None,
    result=None,
    error=None,
    trace_id=_TRACE,
    submitted_at=_SUBMITTED,
    started_at=_STARTED,
    finished_at=None,
)
_CANCELLED = _RUNNING.model_copy(
    update={"cancel_requested": True, "cancel_requested_by": "maria", "cancel_reason": "wrong month"}
)
_FINALIZED = _CANCELLED.model_copy(
    update={
        "status": JobStatus.CANCELLED,
        "step": None,
        "finished_at": _STARTED,
        "finalized_by": "maria",
        "finalize_reason": "corrected by hand",
    }
)
_PINNED = _CANCELLED.model_copy(
    update={
        "status": JobStatus.CANCELLED,
        "step": None,
        "finished_at": _STARTED,
        "pinned_by": "maria",
        "pin_reason": "the auditors ask for it",
    }
)
_QUEUED = _RUNNING.model_copy(
    update={
        "job_id": _NEXT_JOB,
        "status": JobStatus.QUEUED,
        "position": 1,
        "waiting_for": WaitingFor(lock=_LOCK, holder=_WORKER, running=_JOB, ahead=[]),
    }
    | dict.fromkeys(("fence", "worker", "step", "progress", "started_at"))
    | {"attempt": 0}
)
_RESULT = JobResult(
    job_id=_JOB,
    status=JobStatus.COMPLETED,
    result={"steps": 10},
    finished_at=_STARTED + timedelta(seconds=5),
)
_SUMMARY = JobSummary.model_validate(
    _RUNNING.model_dump(include=set(JobSummary.model_fields)) | {"actor": "maria", "queued_at": _SUBMITTED}
)
_EVENT = Event(
    job_id=_JOB,
    seq=3,
    event_id=f"{_JOB}-000003",
    status=EventStatus.STARTED,
    message="started",
    timestamp_utc=_STARTED,
    attempt=1,
    fence=7,
    worker=_WORKER,
    lock=_LOCK,
    actor=_WORKER,
    trace_id=_TRACE,
    data={},
)
_LOCK_STATE = Lock(
    lock=_LOCK, holder=_WORKER, job_id=_JOB, fence=7, since=_STARTED, line=[_NEXT_JOB], waiting=1
)
_LIMITED_LOCK = _LOCK_STATE.model_copy(
    update={
        "limit": 2,
        "slots": [LockSlot(number=1, open=True, holder=None, job_id=None, fence=3, since=None)],
        "limits": [
            LockLimit(
                limit=2,
                previous=1,
                actor="maria",
                reason="the ledger takes two writers",
                set_at=_STARTED,
            )
        ],
    }
)
_KIND = Kind(
    kind="ten-steps",
    description="Does nothing for some steps; for demonstrations.",
    parameters={"type": "object", "properties": {"steps": {"type": "integer", "minimum": 1, "default": 10}}},
    published_at=_SUBMITTED,
)
_WORKER_STATE = Worker(
    worker=_WORKER,
    seen_at=_STARTED,
    started_at=_SUBMITTED,
    kinds=["ten-steps"],
    running=[_JOB],
    properties={"places": 4},
    leases=[HeldLease(lock=_LOCK, fence=7, renewed_at=_STARTED, seconds=30)],
)
_DRAINED = _WORKER_STATE.model_copy(
    update={"drain": Drain(since=_STARTED, actor="maria", reason="update of the host")}
)
_SCHEDULER = Instance(
    service="scheduler",
    instance="host-1",
    seen_at=_STARTED,
    started_at=_SUBMITTED,
    version="0.1.0",
    details={"leads": True},
)
_MESSAGE = QuarantinedMessage(
    reason="the body is not JSON",
    quarantined_at=_SUBMITTED,
    queue="turnstile.submissions",
    exchange="turnstile.jobs",
    routing_key="submit",
    message_id=None,
    content_type="application/json",
    sender="billing",
    trace_id=None,
    headers={},
    body="{",
    size=1,
    truncated=False,
)


def _problem(status: HTTPStatus, name: str, detail: str, path: str = "/api/v1/jobs", **more: Any) -> Problem:
    return Problem(
        type=f"urn:turnstile:problem:{name}",
        title=name.replace("_", " ").capitalize(),
        status=status.value,
        detail=detail,
        instance=path,
        trace_id=_TRACE,
        **more,
    )


def _sent(answer: BaseModel) -> Any:
    return answer.model_dump(mode="json", exclude_defaults=isinstance(answer, Problem))


_ACCEPTED = Accepted(job_id=_JOB, lock=_LOCK, status=JobStatus.QUEUED)
_WRONG_PRIORITY = _problem(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_fields",
    "priority: must be at most 9",
    errors=[FieldProblem(field="priority", message="must be at most 9")],
)

#: The answer of each operation that answers with JSON when it does what was asked.
ANSWERS: Mapping[str, Any] = {
    name: _sent(answer)
    for name, answer in {
        "submit_job": _ACCEPTED,
        "submit_jobs": BatchAnswer(
            accepted=1,
            items=[
                BatchItem(status=HTTPStatus.ACCEPTED.value, job=_ACCEPTED),
                BatchItem(status=_WRONG_PRIORITY.status, problem=_sent(_WRONG_PRIORITY)),
            ],
        ),
        "list_jobs": JobPage(items=[_SUMMARY], looked_through=1, looked_back_to=_SUBMITTED),
        "get_job": _QUEUED,
        "get_result": _RESULT,
        "cancel_job": _CANCELLED,
        "retry_job": _ACCEPTED,
        "finalize_job": _FINALIZED,
        "pin_job": _PINNED,
        "unpin_job": _PINNED.model_copy(update={"pinned_by": None, "pin_reason": None}),
        "list_job_events": Page[Event](items=[_EVENT]),
        "list_events": Page[Event](items=[_EVENT]),
        "list_locks": Page[Lock](items=[_LOCK_STATE]),
        "get_lock": _LOCK_STATE,
        "set_limit": _LIMITED_LOCK,
        "list_kinds": Page[Kind](items=[_KIND]),
        "list_workers": Page[Worker](items=[_WORKER_STATE]),
        "get_worker": _WORKER_STATE,
        "tell_worker": _DRAINED,
        "list_instances": Page[Instance](items=[_SCHEDULER]),
        "list_quarantined_messages": QuarantinePage(items=[_MESSAGE], total=1),
    }.items()
}

#: The answer about the result of a job that has not ended.
NOT_ENDED = _sent(Accepted(job_id=_JOB, lock=_LOCK, status=JobStatus.RUNNING, existing=True))

#: The answer to a request that an earlier one has carried out.
EXISTING = _sent(Accepted(job_id=_JOB, lock=_LOCK, status=JobStatus.QUEUED, existing=True))

_KEY_USED = f"was used for another request, that of job {_JOB}; use a new key for a new request"
_TOO_LARGE = "The body is larger than 256 KiB; put large input into a blob and name it."

#: Problems with each status.
PROBLEMS: Mapping[int, list[Any]] = {
    problems[0].status: [_sent(problem) for problem in problems]
    for problems in (
        [_problem(HTTPStatus.BAD_REQUEST, "not_json", "The body is empty; send a JSON object.")],
        [
            _problem(
                HTTPStatus.NOT_FOUND,
                "no_such_job",
                "The job does not exist; check its id.",
                f"/api/v1/jobs/{_JOB}",
            ),
            _problem(
                HTTPStatus.NOT_FOUND,
                "no_such_schedule",
                "The schedule does not exist; check its name. PUT creates it.",
                "/api/v1/schedules/close-of-day",
            ),
        ],
        [
            _problem(
                HTTPStatus.CONFLICT,
                "job_id_used",
                f"Job {_JOB} was already submitted with the same content; nothing needs to be done.",
                job_id=_JOB,
                location=f"/api/v1/jobs/{_JOB}",
                same_request=True,
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "lock_busy",
                f"Lock '{_LOCK}' is busy: job {_JOB} is Running. Nothing was submitted; try again when it "
                "has ended, or submit with another on_conflict.",
                job_id=_JOB,
                location=f"/api/v1/jobs/{_JOB}",
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "cancel_too_late",
                "The job has already ended: Completed.",
                f"/api/v1/jobs/{_JOB}/cancel",
                job_id=_JOB,
                job_status=JobStatus.COMPLETED,
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "job_failed",
                "The job failed: ValueError: no such month",
                f"/api/v1/jobs/{_JOB}/result",
                job_id=_JOB,
                job_status=JobStatus.FAILED,
                error=JobError(type="ValueError", message="no such month"),
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "job_cancelled",
                "The job was cancelled: wrong month",
                f"/api/v1/jobs/{_JOB}/result",
                job_id=_JOB,
                job_status=JobStatus.CANCELLED,
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "job_timed_out",
                "The job was stopped: ran longer than 3600 s",
                f"/api/v1/jobs/{_JOB}/result",
                job_id=_JOB,
                job_status=JobStatus.TIMED_OUT,
                error=JobError(type="TimedOut", message="ran longer than 3600 s"),
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "job_expired",
                "The job did not start in time.",
                f"/api/v1/jobs/{_JOB}/result",
                job_id=_JOB,
                job_status=JobStatus.EXPIRED,
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "cannot_be_retried",
                "The job is Completed: only a job that ended without completing can be retried.",
                f"/api/v1/jobs/{_JOB}/retry",
                job_id=_JOB,
                job_status=JobStatus.COMPLETED,
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "already_retried",
                f"The job was already retried by job {_NEXT_JOB}, with another request: retry that job.",
                f"/api/v1/jobs/{_JOB}/retry",
                job_id=_NEXT_JOB,
                location=f"/api/v1/jobs/{_NEXT_JOB}",
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "cannot_be_finalized",
                "The job is Running: only a job that ended without completing can be finalized.",
                f"/api/v1/jobs/{_JOB}/finalize",
                job_id=_JOB,
                job_status=JobStatus.RUNNING,
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "cannot_be_pinned",
                "The job is Running: only a job that has ended can be pinned or unpinned.",
                f"/api/v1/jobs/{_JOB}/pin",
                job_id=_JOB,
                job_status=JobStatus.RUNNING,
            ),
            _problem(
                HTTPStatus.CONFLICT,
                "history_removed",
                "The recorded steps that the retry would continue with were removed; retry it with fresh.",
                f"/api/v1/jobs/{_JOB}/retry",
                job_id=_JOB,
                job_status=JobStatus.FAILED,
            ),
        ],
        [
            _problem(
                HTTPStatus.GONE,
                "job_removed",
                "The job has ended and was removed to save space; its id stays in use.",
                f"/api/v1/jobs/{_JOB}",
            )
        ],
        [_problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", _TOO_LARGE)],
        [
            _problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "wrong_media_type",
                "Send JSON in UTF-8, with the header Content-Type: application/json.",
            )
        ],
        [
            _WRONG_PRIORITY,
            _problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "idempotency_key_used",
                f"The idempotency key 'close-november' {_KEY_USED}.",
                errors=[FieldProblem(field="Idempotency-Key", message=_KEY_USED)],
                job_id=_JOB,
            ),
        ],
        [
            _problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "internal_error",
                "An unexpected error occurred; the log of the publisher has the details.",
            )
        ],
        [
            _problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "storage_unavailable",
                "The storage does not answer; try again later.",
            )
        ],
    )
}
