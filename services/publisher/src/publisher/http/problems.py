"""What the API answers when it cannot do what was asked: problem documents (RFC 9457)."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import Match

from contracts.jobs import JobError
from contracts.lock_names import LockNameError
from contracts.statuses import JobState, JobStatus
from contracts.strict_json import StrictJsonError
from contracts.telemetry import attributes as at
from coordination.clients.cancellation import CancelTooLateError
from coordination.clients.conflicts import LockBusyError, TooManyWaitingError
from coordination.clients.finalizing import CannotFinalizeError
from coordination.clients.job_writer import JobRemovedError, NoSuchJobError
from coordination.clients.pinning import CannotPinError
from coordination.clients.retrying import (
    CannotRetryError,
    HistoryRemovedError,
    RetriedAlreadyError,
)
from coordination.clients.submission import JobExistsError
from coordination.journal.rows import JobRow
from coordination.ports import InvalidTransactionError, UnknownOutcomeError
from publisher.http.job_filters import JobQuestion
from publisher.http.problem import MEDIA_TYPE, Problem
from publisher.tracing import current_trace_id, traceresponse
from publisher.use_cases.locks import NoSuchLockError
from publisher.use_cases.results import NoResultError
from publisher.use_cases.stream import TooManyFollowersError
from publisher.use_cases.workers import NoSuchWorkerError
from read_models import CursorError, ForeignCursorError
from schedules import NoSuchScheduleError
from service_defaults.broker import QuarantineUnavailableError
from submission import FieldProblem, IdempotencyKeyError, InvalidSubmissionError, SubmissionUnknownError
from submission.fields import field_problems, shorten, summary

#: Seconds after which it is worth asking again when the storage, or RabbitMQ, does not answer.
RETRY_AFTER = 5

#: Seconds after which it is worth asking again for the result of a job that has not ended.
RESULT_RETRY_AFTER = 1

#: The header with a caller's own name for a request.
KEY_HEADER = "Idempotency-Key"

_STORAGE_SILENT, _BROKER_SILENT = "storage did not answer", "broker did not answer"

_logger = logging.getLogger(__name__)


class ProblemError(Exception):
    """A request cannot be carried out; `name` stands in the problem's type."""

    def __init__(
        self,
        status: HTTPStatus,
        name: str,
        detail: str,
        *,
        errors: list[FieldProblem] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.more = more


def invalid_fields(errors: list[FieldProblem], detail: str | None = None, **more: Any) -> ProblemError:
    """Return the problem of a request with wrong fields."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_fields", detail or summary(errors), errors=errors, **more
    )


def install(app: FastAPI) -> None:
    """Make the application answer every error with a problem document."""
    for kind in _PROBLEMS:
        app.add_exception_handler(kind, _expected)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def job_path(job_id: str) -> str:
    """Return the path of a job."""
    return f"/api/v1/jobs/{job_id}"


def _invalid_request(error: RequestValidationError) -> ProblemError:
    problems = field_problems(list(error.errors()), skip=1)
    for problem, found in zip(problems, error.errors(), strict=True):
        if found["type"] == "extra_forbidden":
            problem.message = _UNKNOWN_FILTER
    return invalid_fields(problems)


def _invalid_submission(error: InvalidSubmissionError) -> ProblemError:
    more = {} if error.known_kinds is None else {"known_kinds": error.known_kinds}
    return invalid_fields(error.fields, str(error), **more)


def _not_json(error: StrictJsonError) -> ProblemError:
    text = str(error)
    return ProblemError(HTTPStatus.BAD_REQUEST, "not_json", f"{text[0].upper()}{text[1:]}.")


def _job_exists(error: JobExistsError) -> ProblemError:
    job_id = error.existing.job_id
    if error.is_closed:
        return ProblemError(
            HTTPStatus.CONFLICT,
            "job_id_used",
            f"Job id {job_id} is closed: a submission with it was never completed, and no job has run or "
            "will run under it. Submit the job again with a new job_id.",
            job_id=job_id,
            same_request=False,
        )
    content = (
        "with the same content; nothing needs to be done"
        if error.same_request
        else "with different content; use a new job_id"
    )
    return ProblemError(
        HTTPStatus.CONFLICT,
        "job_id_used",
        f"Job {job_id} was already submitted {content}.",
        headers={"Location": job_path(job_id)},
        job_id=job_id,
        location=job_path(job_id),
        same_request=error.same_request,
    )


def _key_used(error: IdempotencyKeyError) -> ProblemError:
    exists, detail = error.exists, f"The {error}."
    more: dict[str, Any] = {} if exists.is_closed else {"job_id": exists.existing.job_id}
    if exists.is_removed and exists.same_request:
        return ProblemError(HTTPStatus.GONE, "job_removed", detail, **more)
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "idempotency_key_used",
        detail,
        errors=[FieldProblem(field=KEY_HEADER, message=error.reason)],
        **more,
    )


def _lock_busy(error: LockBusyError) -> ProblemError:
    job = error.job
    return ProblemError(
        HTTPStatus.CONFLICT,
        "lock_busy",
        f"Lock {job.lock_name!r} is busy: job {job.job_id} is {job.status}. Nothing was submitted; try again "
        "when it has ended, or submit with another on_conflict.",
        headers={"Location": job_path(job.job_id)},
        job_id=job.job_id,
        location=job_path(job.job_id),
    )


def _submission_unknown(error: SubmissionUnknownError) -> ProblemError:
    again = f"job_id {error.job_id}" if error.idempotency_key is None else f"the same {KEY_HEADER}"
    return _storage_unavailable(
        f"The storage does not answer. Submit again with {again}: it cannot run twice.", job_id=error.job_id
    )


def _cannot_be_stored(error: InvalidTransactionError) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "cannot_be_stored", str(error))


def _not_found(name: str, detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, name, detail)


def _cancel_too_late(error: CancelTooLateError) -> ProblemError:
    return _about_job("cancel_too_late", f"The job has already ended: {error.job.status}.", error.job)


def _cannot_retry(error: CannotRetryError) -> ProblemError:
    detail = f"The job is {error.job.status}: only a job that ended without completing can be retried."
    return _about_job("cannot_be_retried", detail, error.job)


def _cannot_finalize(error: CannotFinalizeError) -> ProblemError:
    status = error.job.status
    detail = f"The job is {status}: only a job that ended without completing can be finalized."
    return _about_job("cannot_be_finalized", detail, error.job)


def _cannot_pin(error: CannotPinError) -> ProblemError:
    detail = f"The job is {error.job.status}: only a job that has ended can be pinned or unpinned."
    return _about_job("cannot_be_pinned", detail, error.job)


def _retried_already(error: RetriedAlreadyError) -> ProblemError:
    new = str(error.job.retried_by)
    detail = f"The job was already retried by job {new}, with another request: retry that job."
    return ProblemError(
        HTTPStatus.CONFLICT,
        "already_retried",
        detail,
        headers={"Location": job_path(new)},
        job_id=new,
        location=job_path(new),
    )


def _history_removed(error: HistoryRemovedError) -> ProblemError:
    detail = "The recorded steps that the retry would continue with were removed; retry it with fresh."
    return _about_job("history_removed", detail, error.job)


def _about_job(name: str, detail: str, job: JobRow) -> ProblemError:
    return ProblemError(HTTPStatus.CONFLICT, name, detail, job_id=job.job_id, job_status=job.status)


def _no_result(error: NoResultError) -> ProblemError:
    job = error.job
    more: dict[str, Any] = {}
    if job.error_type:
        more["error"] = JobError(type=job.error_type, message=job.error_message)
    match job.status:
        case JobStatus.FAILED:
            name, sentence = "job_failed", "The job failed"
            reason = f"{job.error_type}: {job.error_message}".removesuffix(": ")
        case JobStatus.TIMED_OUT:
            name, sentence, reason = "job_timed_out", "The job was stopped", job.error_message
        case JobStatus.EXPIRED:
            name, sentence, reason = "job_expired", "The job did not start in time", ""
        case _:
            name, sentence, reason = "job_cancelled", "The job was cancelled", job.cancel_reason
    detail = f"{sentence}: {shorten(reason)}" if reason else f"{sentence}."
    return ProblemError(HTTPStatus.CONFLICT, name, detail, job_id=job.job_id, job_status=job.status, **more)


def _removed(error: JobRemovedError) -> ProblemError:
    if error.has_trail:
        detail = "The job is archived, as its time is over: its audit trail is all there is of it."
        return ProblemError(HTTPStatus.GONE, "job_removed", detail, state=JobState.ARCHIVED)
    detail = "The job has ended and was removed to save space; its id stays in use."
    return ProblemError(HTTPStatus.GONE, "job_removed", detail, state=JobState.DELETED)


def _storage_unavailable(detail: str, **more: Any) -> ProblemError:
    return _unavailable("storage_unavailable", detail, **more)


def _unavailable(name: str, detail: str, **more: Any) -> ProblemError:
    headers = {"Retry-After": str(RETRY_AFTER)}
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, name, detail, headers=headers, **more)


#: The only parameters that are refused where they are unknown are filters of the list of jobs.
_UNKNOWN_FILTER = f"is not a parameter of this path; known: {', '.join(JobQuestion.model_fields)}"

#: What is wrong with a cursor that no answer can have given.
WRONG_CURSOR = "is not a cursor of this API; use the `next` value of the previous page"
_FOREIGN_CURSOR = (
    "belongs to another list, to this list with other filters, or to an earlier release; "
    "begin again without a cursor"
)

#: The problem of each error that is expected. Each has its handler here, so that use cases know no HTTP.
_PROBLEMS: Mapping[type[Exception], Callable[[Any], ProblemError]] = {
    ProblemError: lambda error: error,
    RequestValidationError: _invalid_request,
    StrictJsonError: _not_json,
    InvalidSubmissionError: _invalid_submission,
    InvalidTransactionError: _cannot_be_stored,
    CursorError: lambda _: invalid_fields([FieldProblem(field="cursor", message=WRONG_CURSOR)]),
    ForeignCursorError: lambda _: invalid_fields([FieldProblem(field="cursor", message=_FOREIGN_CURSOR)]),
    JobExistsError: _job_exists,
    CancelTooLateError: _cancel_too_late,
    NoResultError: _no_result,
    CannotRetryError: _cannot_retry,
    CannotFinalizeError: _cannot_finalize,
    CannotPinError: _cannot_pin,
    RetriedAlreadyError: _retried_already,
    HistoryRemovedError: _history_removed,
    NoSuchJobError: lambda _: _not_found("no_such_job", "The job does not exist; check its id."),
    JobRemovedError: _removed,
    NoSuchScheduleError: lambda _: _not_found(
        "no_such_schedule", "The schedule does not exist; check its name. PUT creates it."
    ),
    NoSuchLockError: lambda error: _not_found("no_such_lock", f"{error}, so it is free."),
    NoSuchWorkerError: lambda error: _not_found(
        "no_such_worker", f"{error}; list the workers to see their names."
    ),
    LockNameError: lambda error: invalid_fields([FieldProblem(field="name", message=str(error))]),
    UnknownOutcomeError: lambda _: _storage_unavailable("The storage does not answer; try again later."),
    QuarantineUnavailableError: lambda _: _unavailable(
        "broker_unavailable", "RabbitMQ does not answer; try again later. The messages in it are kept."
    ),
    TooManyFollowersError: lambda _: _unavailable(
        "too_many_followers",
        "Too many clients follow jobs here; try again later, or ask for the job instead.",
    ),
    IdempotencyKeyError: _key_used,
    LockBusyError: _lock_busy,
    TooManyWaitingError: lambda error: ProblemError(
        HTTPStatus.CONFLICT, "too_many_waiting", f"{str(error)[0].upper()}{str(error)[1:]}."
    ),
    SubmissionUnknownError: _submission_unknown,
}


async def _expected(request: Request, error: Exception) -> JSONResponse:
    problem = next(_PROBLEMS[kind](error) for kind in type(error).__mro__ if kind in _PROBLEMS)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        said = {QuarantineUnavailableError: _BROKER_SILENT, TooManyFollowersError: "too many followers"}
        _logger.warning(
            said.get(type(error), _STORAGE_SILENT), extra={at.URL_PATH: shorten(request.url.path)}
        )
    return _response(request, problem)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.NOT_FOUND: _no_such_path(request.scope["path"]),
        HTTPStatus.METHOD_NOT_ALLOWED: f"This path does not support {request.method}; see /docs.",
    }
    name = status.phrase.lower().replace(" ", "_").replace("-", "_")
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    return _response(request, ProblemError(status, name, details.get(status, error.detail), headers=headers))


def _no_such_path(path: str) -> str:
    """Say why no handler has a path, where it may name something that cannot have such a name."""
    if not path.isprintable():
        return "This path does not exist: no name or id contains a control character, such as a line break."
    if path.endswith("/") and path != "/":
        return "This path does not exist: a name or an id is missing at its end; /docs lists all paths."
    return "This path does not exist; /docs lists all paths."


def _methods(request: Request) -> list[str]:
    """Return the methods that this path knows; the framework names those of one handler only."""
    routes = request.app.router.routes
    asked = ({**request.scope, "method": method.value} for method in HTTPMethod)
    return [scope["method"] for scope in asked if any(r.matches(scope)[0] is Match.FULL for r in routes)]


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Answer without details of the error; the server logs the traceback, but does not know the trace."""
    _logger.error(
        "request failed unexpectedly",
        extra={at.ERROR_TYPE: type(error).__name__, at.URL_PATH: shorten(request.url.path)},
    )
    return _response(request, _internal_error())


def problem_document(request: Request, error: Exception) -> dict[str, Any]:
    """Return what the answer to an error would contain, for an answer about several things."""
    kind = next((kind for kind in type(error).__mro__ if kind in _PROBLEMS), None)
    if kind is None:
        _logger.error("request failed unexpectedly", exc_info=error)
        return _content(request, _internal_error())
    return _content(request, _PROBLEMS[kind](error))


def _response(request: Request, error: ProblemError) -> JSONResponse:
    headers = error.headers | traceresponse()
    return JSONResponse(_content(request, error), error.status, headers, MEDIA_TYPE)


def _internal_error() -> ProblemError:
    detail = "An unexpected error occurred; the log of the publisher has the details."
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)


def _content(request: Request, error: ProblemError) -> dict[str, Any]:
    body = Problem(
        type=f"urn:turnstile:problem:{error.name}",
        title=error.name.replace("_", " ").capitalize(),
        status=error.status,
        detail=error.detail,
        trace_id=current_trace_id(),
        instance=shorten(request.url.path),
        errors=error.errors,
        **error.more,
    )
    return body.model_dump(mode="json", exclude_defaults=True) | {"status": int(error.status)}
