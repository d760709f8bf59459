"""What can go wrong between a client and the publisher; each error has the problem document of the answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.jobs import JobError
from turnstile.errors import TurnstileError

_TYPE = "urn:turnstile:problem:"


class ClientError(TurnstileError):
    """The publisher did not do what was asked."""

    def __init__(
        self,
        message: str,
        *,
        problem: Mapping[str, Any] | None = None,
        status: int | None = None,
        retry_after: float = 0,
    ) -> None:
        super().__init__(message)
        #: The problem document (RFC 9457); empty when there was none.
        self.problem = dict(problem or {})
        #: The HTTP status code; None when there was no answer.
        self.status = status
        #: Seconds after which it is worth asking again, as the answer says; 0 when it does not.
        self.retry_after = retry_after
        #: How often the request was sent.
        self.tries = 1

    @property
    def type(self) -> str:
        """Type of the problem, such as `job_id_used`; empty when there was no problem document."""
        return str(self.problem.get("type", "")).removeprefix(_TYPE)

    @property
    def trace_id(self) -> str | None:
        """Trace of the request, to quote when you ask for help; None when the answer names none."""
        return self.problem.get("trace_id")


class InvalidArgumentError(ClientError):
    """An argument of a call cannot be sent. The message names it, and says what to give; nothing was sent."""

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f"{argument}: {message}")
        #: The argument, or the place in it, such as `parameters.rate`.
        self.argument = argument


class ClosedError(ClientError):
    """The client is closed. Make a new one, or call it before its `with` statement ends."""

    def __init__(self) -> None:
        super().__init__("The client is closed; make a new one, or call it within its with statement.")


class RefusedError(ClientError):
    """The request is wrong. `fields` says what to change."""

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong with each field, by its path, such as `parameters.steps`."""
        return dict(_wrong_fields(self.problem))


class NotFoundError(ClientError):
    """There is no such job or lock."""


class RemovedError(ClientError):
    """The job has ended and was removed to save space."""


class ConflictError(ClientError):
    """The id belongs to a job with other content, the lock is busy, or the job is not in the state for it."""


class UnavailableError(ClientError):
    """The publisher, or the storage behind it, did not answer in time. What was asked may have been done."""


class UnexpectedAnswerError(UnavailableError):
    """What answers at this address is not Turnstile."""


class NotEndedError(ClientError):
    """The job has not ended in the time that the caller wants to wait. It continues."""


class NoResultError(ClientError):
    """The job ended without a result."""

    @property
    def job_status(self) -> str:
        """How the job ended: `Failed`, `Cancelled`, `TimedOut` or `Expired`."""
        return str(self.problem.get("job_status", ""))

    @property
    def error(self) -> JobError | None:
        """Why the job failed or timed out; None when it was cancelled or expired."""
        found = self.problem.get("error")
        if not isinstance(found, Mapping):
            return None
        return JobError(type=str(found.get("type", "")), message=str(found.get("message", "")))


class WrongResultError(ClientError):
    """The job completed, and its result is not of the type that was asked for."""

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message)
        #: The result, as JSON.
        self.result = result


class FailedError(NoResultError):
    """The job failed."""


class CancelledError(NoResultError):
    """The job was cancelled."""


class TimedOutError(NoResultError):
    """The job ran longer than its kind allows."""


class ExpiredError(NoResultError):
    """The job did not start in the time that it was given."""


_BY_TYPE: Mapping[str, type[ClientError]] = {
    "job_failed": FailedError,
    "job_cancelled": CancelledError,
    "job_timed_out": TimedOutError,
    "job_expired": ExpiredError,
}
_BY_STATUS: Mapping[int, type[ClientError]] = {
    404: NotFoundError,
    409: ConflictError,
    410: RemovedError,
    429: UnavailableError,
}


def error_of(status: int, problem: Mapping[str, Any], retry_after: float = 0) -> ClientError:
    """Return the error that stands for an answer with a problem document."""
    of_status = UnavailableError if status >= 500 else _BY_STATUS.get(status, RefusedError)
    name = str(problem.get("type", "")).removeprefix(_TYPE)
    return _BY_TYPE.get(name, of_status)(
        _sentence(problem), problem=problem, status=status, retry_after=retry_after
    )


def _sentence(problem: Mapping[str, Any]) -> str:
    fields = list(_wrong_fields(problem))
    if fields:
        return "; ".join(f"{field}: {message}" for field, message in fields) + "."
    return str(problem["detail"])


def _wrong_fields(problem: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    errors = problem.get("errors")
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, Mapping) and "field" in error and "message" in error:
            yield str(error["field"]), str(error["message"])
