"""What the API answers when it cannot do what was asked: problem documents (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import Match

from contracts.telemetry import attributes as at
from coordination.clients.cancellation import CancelTooLateError, NoSuchJobError
from coordination.ports import UnknownOutcomeError
from publisher.tracing import current_trace_id, traceresponse

#: Media type of every error body.
MEDIA_TYPE = "application/problem+json"

#: Seconds after which it is worth asking again when the storage does not answer.
RETRY_AFTER = 5

#: Longest text that is repeated back to the caller.
_LONGEST_MESSAGE = 300

_logger = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Path of the field, such as `parameters.steps` or `items[2]`.")
    message: str


class Problem(BaseModel):
    """Why a request was not carried out, and what to do about it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Type of the problem; stable, for programs.")
    title: str = Field(description="Type of the problem in words.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What happened, and what to do.")
    trace_id: str | None = Field(None, description="Trace of this request. Quote it when you ask for help.")
    instance: str | None = Field(None, description="Path of the request.")
    errors: list[FieldProblem] = Field(default_factory=list, description="The invalid fields.")


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


class InvalidFieldsError(ProblemError):
    """Fields of the request are wrong."""

    def __init__(self, errors: list[FieldProblem], detail: str | None = None, **more: Any) -> None:
        named = "; ".join(f"{error.field}: {error.message}" for error in errors[:3])
        super().__init__(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_fields", detail or shorten(named), errors=errors, **more
        )


class NotFoundError(ProblemError):
    """What was asked for does not exist."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, name, detail)


class StorageAwayError(ProblemError):
    """The storage does not answer, so nothing can be said or promised."""

    def __init__(self, detail: str = "The storage does not answer; try again later.", **more: Any) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "storage_unavailable",
            detail,
            headers={"Retry-After": str(RETRY_AFTER)},
            **more,
        )


def shorten(text: str) -> str:
    """Cut a text that may quote the caller's input to a readable length."""
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[: _LONGEST_MESSAGE - 1]}…"


def install(app: FastAPI) -> None:
    """Make the application answer every error with a problem document."""
    app.add_exception_handler(ProblemError, _known)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UnknownOutcomeError, _storage_unavailable)
    app.add_exception_handler(NoSuchJobError, _no_such_job)
    app.add_exception_handler(CancelTooLateError, _too_late)
    app.add_exception_handler(Exception, _unexpected)


def field_path(location: tuple[int | str, ...]) -> str:
    """Write the place of a field as people do: `parameters.items[2].name`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return shorten(path)


def field_problems(errors: list[Any], *, skip: int = 0) -> list[FieldProblem]:
    """Translate pydantic's errors, leaving out the first `skip` parts of each place."""
    return [
        FieldProblem(
            field=field_path(tuple(error["loc"][skip:])) or "body",
            message=shorten(str(error["msg"]).removeprefix("Value error, ")),
        )
        for error in errors
    ]


async def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class only
    return _response(request, error)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.NOT_FOUND: "This path does not exist; /docs lists all paths.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"This path does not support {request.method}; see /docs.",
    }
    name = status.phrase.lower().replace(" ", "_").replace("-", "_")
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    return _response(request, ProblemError(status, name, details.get(status, error.detail), headers=headers))


def _methods(request: Request) -> list[str]:
    """Return the methods that this path knows; the framework names those of one handler only."""
    routes = request.app.router.routes
    asked = ({**request.scope, "method": method.value} for method in HTTPMethod)
    return [scope["method"] for scope in asked if any(r.matches(scope)[0] is Match.FULL for r in routes)]


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return _response(request, InvalidFieldsError(field_problems(list(error.errors()), skip=1)))


async def _storage_unavailable(request: Request, error: Exception) -> JSONResponse:
    _logger.warning("storage did not answer", extra={at.URL_PATH: shorten(request.url.path)})
    return _response(request, StorageAwayError())


async def _no_such_job(request: Request, error: Exception) -> JSONResponse:
    return _response(request, NotFoundError("no_such_job", "The job does not exist; check its id."))


async def _too_late(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CancelTooLateError)  # noqa: S101
    detail = f"The job has already ended: {error.job.status}."
    problem = ProblemError(
        HTTPStatus.CONFLICT,
        "cancel_too_late",
        detail,
        job_id=error.job.job_id,
        job_status=error.job.status,
    )
    return _response(request, problem)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Say nothing about the inside; the server logs the traceback, but knows no trace."""
    _logger.error(
        "request failed unexpectedly",
        extra={at.ERROR_TYPE: type(error).__name__, at.URL_PATH: shorten(request.url.path)},
    )
    detail = "An unexpected error occurred; the log of the publisher has the details."
    return _response(request, ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail))


def _response(request: Request, error: ProblemError) -> JSONResponse:
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
    content = body.model_dump(mode="json", exclude_defaults=True) | {"status": int(error.status)}
    return JSONResponse(content, error.status, error.headers | traceresponse(), MEDIA_TYPE)
