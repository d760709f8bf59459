"""Storage calls: each one request, bounded in time, with a definite meaning, and reported."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import aiohttp
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from coordination.ports import AccessDeniedError, UnknownOutcomeError

AnswerT = TypeVar("AnswerT")


class CallOutcome(StrEnum):
    """What is known after a storage call."""

    OK = "ok"
    #: The store said no, and nothing was done.
    REFUSED = "refused"
    #: It is unknown whether the request was carried out.
    UNKNOWN = "unknown"
    #: The store did not accept the credentials.
    DENIED = "denied"


@dataclass(frozen=True)
class StorageCall:
    """One request to the store, as telemetry and tests count it."""

    #: Port and call, such as `journal.commit`; one of few, never with an id.
    operation: str
    outcome: CallOutcome
    seconds: float
    #: Whether this is how one of several callers saw a request that is reported, and counted, by itself.
    is_shared: bool = False


ObserveCall = Callable[[StorageCall], None]


class MissingTableError(UnknownOutcomeError):
    """The table does not exist yet, or this namespace is not in use; it says nothing about a row."""


class RefusedCallError(Exception):
    """The store definitely did not carry out the request; for the adapters, which know what that means."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code


def refusal(status: int | None, code: str, message: str) -> Exception:
    """Return the error that an answer other than success amounts to."""
    if status in {401, 403}:
        return AccessDeniedError(f"{status} {code}: {message}")
    if code == "TableNotFound":
        return MissingTableError(f"{status} {code}: {message}")
    # What is being deleted is no answer about a row or a lease, and comes back.
    if code in {"TableBeingDeleted", "ContainerBeingDeleted"}:
        return UnknownOutcomeError(f"{status} {code}: {message}")
    if status is not None and 400 <= status < 500 and status not in {408, 429}:
        return RefusedCallError(status, code, message)
    return UnknownOutcomeError(f"{status} {code}: {message}")


class StorageCaller:
    """Carries out storage calls and reports each to an observer."""

    def __init__(self, observe: ObserveCall) -> None:
        self._observe = observe
        self._answered_at = -math.inf

    def is_answered(self, within: float) -> bool:
        """Return whether the last call was answered, and no more than so many seconds ago."""
        return asyncio.get_running_loop().time() - self._answered_at <= within

    async def carry_out(self, operation: str, request: Awaitable[AnswerT], deadline: float) -> AnswerT:
        """Await a request until the deadline, in the event loop's time.

        Raises RefusedCallError, UnknownOutcomeError or AccessDeniedError. When the awaiting task is
        cancelled, the call is reported as unknown: it may have been carried out.
        """
        started = time.perf_counter()
        outcome = CallOutcome.UNKNOWN
        try:
            answer = await _bounded(request, deadline)
            outcome = CallOutcome.OK
            return answer
        except RefusedCallError:
            outcome = CallOutcome.REFUSED
            raise
        except AccessDeniedError:
            outcome = CallOutcome.DENIED
            raise
        except StopAsyncIteration:
            outcome = CallOutcome.OK
            raise
        finally:
            is_answer = outcome in {CallOutcome.OK, CallOutcome.REFUSED}
            self._answered_at = asyncio.get_running_loop().time() if is_answer else -math.inf
            self.report(StorageCall(operation, outcome, time.perf_counter() - started))

    def report(self, call: StorageCall) -> None:
        """Report a call that is over, as belonging to what the current context does."""
        self._observe(call)


async def _bounded(request: Awaitable[AnswerT], deadline: float) -> AnswerT:
    try:
        async with asyncio.timeout_at(deadline):
            return await request
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Some transports cancel those who wait when a connection breaks.
        raise UnknownOutcomeError("the connection was given up") from None
    except TimeoutError:
        raise UnknownOutcomeError("no answer in time") from None
    except HttpResponseError as error:
        status = 401 if isinstance(error, ClientAuthenticationError) else error.status_code
        code = getattr(error, "error_code", None) or ""
        raise refusal(status, str(getattr(code, "value", code)), error.message) from error
    except (AzureError, aiohttp.ClientError, OSError) as error:
        raise UnknownOutcomeError(f"no answer: {error}") from error


def deadline_in(seconds: float) -> float:
    """Return the event loop's time `seconds` from now."""
    return asyncio.get_running_loop().time() + seconds


def ignore_call(_: StorageCall) -> None:
    """Observe nothing."""
