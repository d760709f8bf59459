"""A storage call ends in time, and a cancellation by the transport is not one of its own."""

import asyncio
import time
from collections.abc import Generator

import aiohttp
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables import TableErrorCode

from azure_storage.calls import (
    CallOutcome,
    MissingTableError,
    RefusedCallError,
    StorageCall,
    StorageCaller,
    deadline_in,
    refusal,
)
from coordination.ports import AccessDeniedError, UnknownOutcomeError


@pytest.fixture
def calls() -> list[StorageCall]:
    return []


@pytest.fixture
def caller(calls: list[StorageCall]) -> StorageCaller:
    return StorageCaller(calls.append)


async def test_a_call_without_an_answer_ends_at_its_deadline(
    caller: StorageCaller, calls: list[StorageCall]
) -> None:
    with pytest.raises(UnknownOutcomeError, match="no answer in time"):
        await caller.carry_out("journal.commit", asyncio.Event().wait(), deadline_in(0.05))
    assert calls[0].outcome is CallOutcome.UNKNOWN
    assert calls[0].seconds > 0.04


async def test_a_transport_that_cancels_leaves_the_outcome_unknown(caller: StorageCaller) -> None:
    broken = asyncio.get_running_loop().create_future()
    broken.cancel()
    with pytest.raises(UnknownOutcomeError):
        await caller.carry_out("journal.commit", broken, deadline_in(60))


async def test_a_cancelled_call_is_reported_as_unknown(
    caller: StorageCaller, calls: list[StorageCall]
) -> None:
    task = asyncio.ensure_future(caller.carry_out("journal.commit", asyncio.Event().wait(), deadline_in(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(call.operation, call.outcome) for call in calls] == [("journal.commit", CallOutcome.UNKNOWN)]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(status, RefusedCallError) for status in (400, 402, 404, 405, 407, 409, 412, 413, 428, 430, 499)]
    + [(status, AccessDeniedError) for status in (401, 403)]
    + [(status, UnknownOutcomeError) for status in (None, 100, 200, 301, 399, 408, 429, 500, 503, 599)],
)
def test_a_status_is_a_refusal_only_where_the_store_has_surely_done_nothing(
    status: int | None, kind: type[Exception]
) -> None:
    error = refusal(status, "SomeCode", "why")
    assert type(error) is kind
    assert str(error) == f"{status} SomeCode: why"


@pytest.mark.parametrize("status", [404, 409, 412])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("TableNotFound", MissingTableError),
        ("TableBeingDeleted", UnknownOutcomeError),
        ("ContainerBeingDeleted", UnknownOutcomeError),
        ("ContainerNotFound", RefusedCallError),
        ("ResourceNotFound", RefusedCallError),
        ("", RefusedCallError),
    ],
)
def test_a_table_that_is_missing_or_being_deleted_is_not_an_answer(
    status: int, code: str, kind: type[Exception]
) -> None:
    error = refusal(status, code, "why")
    assert type(error) is kind
    assert code in str(error)


def test_denied_access_is_reported_as_denied_with_any_code() -> None:
    assert type(refusal(403, "TableNotFound", "")) is AccessDeniedError


class Fails:
    """A request that fails when it is awaited."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __await__(self) -> Generator[None, None, None]:
        yield
        raise self._error


def sdk_error(
    status: int, code: object, kind: type[HttpResponseError] = HttpResponseError
) -> HttpResponseError:
    error = kind("why")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "raised", "outcome"),
    [
        (RefusedCallError(412, "Code", "why"), RefusedCallError, CallOutcome.REFUSED),
        (sdk_error(412, "Code"), RefusedCallError, CallOutcome.REFUSED),
        (sdk_error(404, TableErrorCode.TABLE_NOT_FOUND), MissingTableError, CallOutcome.UNKNOWN),
        (sdk_error(409, TableErrorCode.TABLE_BEING_DELETED), UnknownOutcomeError, CallOutcome.UNKNOWN),
        (sdk_error(503, None), UnknownOutcomeError, CallOutcome.UNKNOWN),
        (sdk_error(403, "Code"), AccessDeniedError, CallOutcome.DENIED),
        (sdk_error(400, "Code", ClientAuthenticationError), AccessDeniedError, CallOutcome.DENIED),
        (AccessDeniedError("why"), AccessDeniedError, CallOutcome.DENIED),
        (ServiceRequestError("why"), UnknownOutcomeError, CallOutcome.UNKNOWN),
        (ServiceResponseError("why"), UnknownOutcomeError, CallOutcome.UNKNOWN),
        (aiohttp.ServerDisconnectedError("why"), UnknownOutcomeError, CallOutcome.UNKNOWN),
        (aiohttp.ClientPayloadError("why"), UnknownOutcomeError, CallOutcome.UNKNOWN),
        (ConnectionResetError("why"), UnknownOutcomeError, CallOutcome.UNKNOWN),
        (TimeoutError(), UnknownOutcomeError, CallOutcome.UNKNOWN),
        (asyncio.CancelledError(), UnknownOutcomeError, CallOutcome.UNKNOWN),
        # An unexpected error is not an answer either, and is not hidden.
        (ZeroDivisionError("why"), ZeroDivisionError, CallOutcome.UNKNOWN),
        (StopAsyncIteration(), StopAsyncIteration, CallOutcome.OK),
    ],
    ids=repr,
)
async def test_every_way_to_fail_is_raised_and_reported_as_what_it_means(
    caller: StorageCaller,
    calls: list[StorageCall],
    error: BaseException,
    raised: type[BaseException],
    outcome: CallOutcome,
) -> None:
    with pytest.raises(raised) as caught:
        await caller.carry_out("journal.commit", Fails(error), deadline_in(60))
    assert type(caught.value) is raised
    assert "None" not in str(caught.value)
    assert [(call.operation, call.outcome) for call in calls] == [("journal.commit", outcome)]


async def test_an_answer_is_passed_on_and_reported_with_the_time_it_took(
    caller: StorageCaller, calls: list[StorageCall], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([100.0, 107.5])
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))

    async def answer() -> str:
        return "an answer"

    assert await caller.carry_out("journal.read", answer(), deadline_in(60)) == "an answer"
    assert calls == [StorageCall("journal.read", CallOutcome.OK, 7.5)]


def test_outcomes_are_called_as_telemetry_knows_them() -> None:
    assert [str(outcome) for outcome in CallOutcome] == ["ok", "refused", "unknown", "denied"]


async def test_a_deadline_is_in_the_time_of_the_event_loop() -> None:
    now = asyncio.get_running_loop().time()
    assert now + 3 <= deadline_in(3) <= asyncio.get_running_loop().time() + 3
