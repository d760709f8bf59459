"""Every answer of the store amounts to one of few outcomes, and no request is repeated behind our back."""

from collections.abc import Awaitable
from datetime import UTC, datetime

import pytest
from tests.unit.azure_storage.answers import COMMITTED, batch, blob_error, part, table_error
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.calls import CallOutcome, MissingTableError
from azure_storage.journal import TableJournal
from azure_storage.leases import BlobLeases
from azure_storage.register import TableRegister
from coordination.ports import (
    AccessDeniedError,
    AlreadyRegisteredError,
    CoordinationError,
    Delete,
    Insert,
    InvalidTransactionError,
    Journal,
    LeaseHeldError,
    LeaseLostError,
    Leases,
    RefusedError,
    Registration,
    Transaction,
    UnknownOutcomeError,
)

TIMEOUT = 5.0
TRANSACTION = Transaction("op", [Insert("lock", {"a": 1}), Delete("ticket", 'W/"1"')])

UNKNOWN = [408, 429, 500, 502, 503, 504]
DENIED = [401, 403]


async def outcome(call: Awaitable[object], service: FakeService) -> type[CoordinationError] | None:
    """Await a call that may send one request, and give the type of its error."""
    try:
        await call
    except CoordinationError as error:
        return type(error)
    finally:
        assert len(service.requests) == 1
        assert len(service.calls) == 1
    return None


@pytest.fixture
def job() -> Registration:
    return Registration("an-id", "lock", "p", "hash", datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def journal(service: FakeService) -> Journal:
    return TableJournal(service.connection)


@pytest.fixture
def leases(service: FakeService) -> Leases:
    return BlobLeases(service.connection)


async def test_a_committed_transaction_tells_the_new_versions(service: FakeService, journal: Journal) -> None:
    service.answer = COMMITTED
    assert await journal.commit("p", TRANSACTION, TIMEOUT) == {"lock": "W/\"datetime'x'\""}
    assert [(call.operation, call.outcome) for call in service.calls] == [("journal.commit", CallOutcome.OK)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(status, RefusedError) for status in (404, 409, 412)]
    + [(status, InvalidTransactionError) for status in (400, 413)]
    + [(status, AccessDeniedError) for status in DENIED]
    + [(status, UnknownOutcomeError) for status in UNKNOWN],
)
async def test_what_the_store_says_of_an_operation_is_the_outcome_of_its_transaction(
    service: FakeService, journal: Journal, status: int, expected: type[CoordinationError]
) -> None:
    service.answer = batch(part(status, body=table_error("SomeCode", "1:no")))
    assert await outcome(journal.commit("p", TRANSACTION, TIMEOUT), service) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(status, InvalidTransactionError) for status in (400, 413)]
    + [(status, AccessDeniedError) for status in DENIED]
    # Said of a whole batch, "not found" is no answer about a row.
    + [(status, UnknownOutcomeError) for status in (*UNKNOWN, 200, 301, 404, 409, 412)],
)
async def test_what_the_store_says_of_a_whole_batch_is_told_apart(
    service: FakeService, journal: Journal, status: int, expected: type[CoordinationError]
) -> None:
    service.answer = Prepared(status, table_error("SomeCode").encode(), {"Location": "/", "Retry-After": "0"})
    assert await outcome(journal.commit("p", TRANSACTION, TIMEOUT), service) is expected


async def test_a_refusal_names_the_row(service: FakeService, journal: Journal) -> None:
    service.answer = batch(part(412, body=table_error("UpdateConditionNotSatisfied", "1:no\nRequestId:x")))
    with pytest.raises(RefusedError, match="row ticket: no"):
        await journal.commit("p", TRANSACTION, TIMEOUT)


async def test_a_transaction_is_measured_as_it_would_be_sent(service: FakeService, journal: Journal) -> None:
    rows = [Insert(f"row|{n}", {f"text_{i}": "ü" * 32_000 for i in range(14 + n % 2)}) for n in range(3)]
    with pytest.raises(InvalidTransactionError, match=r"row\|1 is the largest"):
        await journal.commit("p", Transaction("op", rows), TIMEOUT)
    assert service.requests == []


async def test_a_missing_table_refuses_nobody(service: FakeService, journal: Journal) -> None:
    service.answer = batch(part(404, body=table_error("TableNotFound", "0:no")))
    assert await outcome(journal.commit("p", TRANSACTION, TIMEOUT), service) is MissingTableError


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Prepared(202, b""), id="empty"),
        pytest.param(Prepared(202, b"hello"), id="no batch"),
        pytest.param(Prepared(202, b"\xff\xfe"), id="no text"),
        pytest.param(Prepared(202, COMMITTED.body[:-60]), id="cut off"),
        pytest.param(batch(part(204, "ETag: x")), id="too few answers"),
        pytest.param(batch(part(204, "ETag: x"), part(204), part(204)), id="too many answers"),
        pytest.param(batch(part(204), part(204)), id="no version"),
        pytest.param(batch("\r\n\r\nnonsense", part(204)), id="no status"),
        pytest.param(Prepared(0), id="connection closed"),
    ],
)
async def test_an_answer_that_makes_no_sense_leaves_the_outcome_unknown(
    service: FakeService, journal: Journal, answer: Prepared
) -> None:
    service.answer = answer
    assert await outcome(journal.commit("p", TRANSACTION, TIMEOUT), service) is UnknownOutcomeError


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(404, "ResourceNotFound", None), (404, "TableNotFound", MissingTableError)]
    + [(status, "SomeCode", AccessDeniedError) for status in DENIED]
    + [(status, "SomeCode", UnknownOutcomeError) for status in (*UNKNOWN, 400, 409)],
)
async def test_a_read_finds_a_row_or_none_or_knows_nothing(
    service: FakeService, journal: Journal, status: int, code: str, expected: type[CoordinationError] | None
) -> None:
    headers = {"Content-Type": "application/json", "Retry-After": "0"}
    service.answer = Prepared(status, table_error(code).encode(), headers)
    assert await outcome(journal.read("p", "k"), service) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(status, AccessDeniedError) for status in DENIED]
    + [(status, UnknownOutcomeError) for status in (*UNKNOWN, 400, 404)],
)
async def test_a_range_is_read_or_unknown(
    service: FakeService, journal: Journal, status: int, expected: type[CoordinationError]
) -> None:
    headers = {"Content-Type": "application/json", "Retry-After": "0"}
    service.answer = Prepared(status, table_error("SomeCode").encode(), headers)
    assert await outcome(journal.read_range("p", "k"), service) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(409, AlreadyRegisteredError), (503, UnknownOutcomeError), (403, AccessDeniedError)],
)
async def test_a_job_id_is_taken_only_when_the_store_says_so(
    service: FakeService, status: int, expected: type[CoordinationError], job: Registration
) -> None:
    service.answer = batch(part(status, body=table_error("SomeCode", "0:no")))
    assert await outcome(TableRegister(service.connection).add(job), service) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(status, LeaseHeldError) for status in (409, 412)]
    + [(status, AccessDeniedError) for status in DENIED]
    + [(status, UnknownOutcomeError) for status in (*UNKNOWN, 400)],
)
async def test_a_lease_is_held_only_when_the_store_says_so(
    service: FakeService, leases: Leases, status: int, expected: type[CoordinationError]
) -> None:
    service.answer = blob_error(status, "SomeCode")
    assert await outcome(leases.acquire("lock", 15, "an-id", TIMEOUT), service) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(status, LeaseLostError) for status in (404, 409, 412)]
    + [(status, AccessDeniedError) for status in DENIED]
    + [(status, UnknownOutcomeError) for status in (*UNKNOWN, 400)],
)
async def test_a_lease_is_lost_only_when_the_store_says_so(
    service: FakeService, leases: Leases, status: int, expected: type[CoordinationError]
) -> None:
    service.answer = blob_error(status, "SomeCode")
    assert await outcome(leases.renew("lock", "an-id", TIMEOUT), service) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(status, None) for status in (404, 409, 412)]
    + [(status, AccessDeniedError) for status in DENIED]
    + [(status, UnknownOutcomeError) for status in (*UNKNOWN, 400)],
)
async def test_giving_back_a_lease_is_done_when_it_is_not_ours_any_more(
    service: FakeService, leases: Leases, status: int, expected: type[CoordinationError] | None
) -> None:
    service.answer = blob_error(status, "SomeCode")
    assert await outcome(leases.release("lock", "an-id", TIMEOUT), service) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, None)]
    + [(status, AccessDeniedError) for status in DENIED]
    + [(status, UnknownOutcomeError) for status in (*UNKNOWN, 400, 409, 412)],
)
async def test_a_lease_is_free_only_when_the_store_says_so(
    service: FakeService, leases: Leases, status: int, expected: type[CoordinationError] | None
) -> None:
    service.answer = blob_error(status, "SomeCode")
    assert await outcome(leases.is_free("lock", TIMEOUT), service) is expected


@pytest.mark.parametrize(
    ("state", "free"),
    [("available", True), ("expired", True), ("broken", True), ("leased", False), ("breaking", False)],
)
async def test_a_lease_in_any_state_is_free_or_not(
    service: FakeService, leases: Leases, state: str, free: bool
) -> None:
    service.answer = Prepared(200, headers={"x-ms-lease-state": state, "x-ms-blob-type": "BlockBlob"})
    assert await leases.is_free("lock", TIMEOUT) is free
