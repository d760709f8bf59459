"""A transaction is one request, of a size the store takes, and has a version for each row that is left."""

import re

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from tests.unit.azure_storage.answers import COMMITTED, ETAG, batch, part, table_error
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage import authorization as module
from azure_storage.authorization import table_authorization
from azure_storage.batch import encode_batch
from azure_storage.journal import TableJournal
from azure_storage.transactions import TableTransactions
from coordination.journal.storage_limits import MAX_TRANSACTION_BYTES
from coordination.ports import (
    Delete,
    GuardedUpdate,
    Insert,
    InvalidTransactionError,
    Operation,
    RefusedError,
    Transaction,
    UnknownOutcomeError,
    Update,
)

OPERATIONS: list[Operation] = [
    Insert("new", {"a": 1}),
    Delete("ticket", 'W/"1"'),
    GuardedUpdate("job", {"b": 2}, "ticket"),
    Update("lock", {"c": 3}, 'W/"2"'),
]


async def test_a_transaction_is_sent_signed_and_in_a_version_that_takes_tokens(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "formatdate", lambda **_: "Sat, 21 Nov 2026 01:47:05 GMT")
    service.answer = COMMITTED
    await TableJournal(service.connection).commit("p", Transaction("op", OPERATIONS[:2]), 5.0)
    (request,) = service.requests
    assert service.asked == [("POST", "/$batch")]
    signed = table_authorization(AzureNamedKeyCredential("account", "a2V5"))
    for name, value in (await signed.headers("POST", str(request.url), {})).items():
        assert request.headers[name] == value
    assert request.headers["x-ms-version"] >= "2020-12-06"
    assert request.headers["DataServiceVersion"] == "3.0"
    assert request.headers["MaxDataServiceVersion"] == "3.0;NetFx"
    # Nothing here would decompress the answer.
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["Accept"] == "application/json"
    boundary = re.fullmatch(
        r"multipart/mixed; boundary=(batch_[0-9a-f-]{36})", request.headers["Content-Type"]
    )
    assert boundary
    assert service.bodies[0].startswith(f"--{boundary[1]}\r\n".encode())


async def test_every_write_names_the_version_it_goes_by_or_the_row_that_vouches_for_it(
    service: FakeService,
) -> None:
    service.answer = batch(*(part(204, f"ETag: {n}") for n in range(4)))
    await TableJournal(service.connection).commit("p", Transaction("op", OPERATIONS), 5.0)
    sent = re.findall(r"(POST|MERGE|DELETE) http://\S+/account/(\S+) HTTP/1\.1", service.bodies[0].decode())
    assert sent == [
        ("POST", "Journal"),
        ("DELETE", "Journal(PartitionKey='p',RowKey='ticket')"),
        ("MERGE", "Journal(PartitionKey='p',RowKey='job')"),
        ("MERGE", "Journal(PartitionKey='p',RowKey='lock')"),
    ]
    assert re.findall(r"If-Match: (.*)\r", service.bodies[0].decode()) == ['W/"1"', "*", 'W/"2"']


async def test_every_row_that_is_left_has_its_own_new_version(service: FakeService) -> None:
    service.answer = batch(
        part(204, 'ETag: W/"a\'b,c;d"'), part(204, "ETag: old"), part(204, "etag:x"), part(200, "ETag: y ")
    )
    versions = await TableTransactions(service.connection).send("name", "Table", "p", OPERATIONS, 5.0)
    assert versions == {"new": 'W/"a\'b,c;d"', "job": "x", "lock": "y "}
    assert service.calls[0].operation == "name"


async def test_a_transaction_is_not_sent_again_when_the_connection_it_was_sent_over_breaks(
    service: FakeService,
) -> None:
    journal = TableJournal(service.connection)
    service.answers = [COMMITTED]
    service.answer = Prepared(0)
    await journal.commit("p", Transaction("op-1", OPERATIONS[:2]), 5.0)
    with pytest.raises(UnknownOutcomeError):
        await journal.commit("p", Transaction("op-2", OPERATIONS[:2]), 5.0)
    assert len(service.requests) == 2


@pytest.mark.parametrize("failed", range(4))
async def test_one_operation_that_failed_among_answers_that_did_not_fails_them_all(
    service: FakeService, failed: int
) -> None:
    parts = [part(204, f"ETag: {ETAG}")] * 4
    parts[failed] = part(412, body=table_error("UpdateConditionNotSatisfied", f"{failed}:no"))
    service.answer = batch(*parts)
    with pytest.raises(
        RefusedError, match=f"412 UpdateConditionNotSatisfied: row {OPERATIONS[failed].key}: no"
    ):
        await TableJournal(service.connection).commit("p", Transaction("op", OPERATIONS), 5.0)


@pytest.mark.parametrize("message", ["4:no", "no", "x:no", "-1:no", ""])
async def test_a_refusal_that_names_no_operation_is_passed_on_as_it_is(
    service: FakeService, message: str
) -> None:
    service.answer = batch(part(409, body=table_error("EntityAlreadyExists", message)))
    with pytest.raises(RefusedError, match=f"^409 EntityAlreadyExists: {message}$"):
        await TableJournal(service.connection).commit("p", Transaction("op", OPERATIONS), 5.0)


@pytest.mark.parametrize("status", [199, 300, 304])
async def test_an_operation_that_neither_succeeded_nor_failed_leaves_the_outcome_unknown(
    service: FakeService, status: int
) -> None:
    service.answer = batch(*[part(status, f"ETag: {ETAG}")] * 4)
    with pytest.raises(UnknownOutcomeError, match=str(status)):
        await TableJournal(service.connection).commit("p", Transaction("op", OPERATIONS), 5.0)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b"\xff", InvalidTransactionError),
        (409, b"\xff", UnknownOutcomeError),
        (202, b"\xff", UnknownOutcomeError),
        (500, b"\xff", UnknownOutcomeError),
    ],
)
async def test_an_answer_that_is_not_text_is_still_an_answer(
    service: FakeService, status: int, body: bytes, error: type[Exception]
) -> None:
    service.answer = Prepared(status, body)
    with pytest.raises(error):
        await TableJournal(service.connection).commit("p", Transaction("op", OPERATIONS), 5.0)


@pytest.mark.parametrize("code", ["TableBeingDeleted", "TableNotFound"])
async def test_a_table_that_is_gone_says_nothing_about_a_row(service: FakeService, code: str) -> None:
    service.answer = batch(part(409, body=table_error(code, "0:no")))
    with pytest.raises(UnknownOutcomeError, match=code):
        await TableJournal(service.connection).commit("p", Transaction("op", OPERATIONS), 5.0)


def rows_of(length: int, service: FakeService) -> list[Operation]:
    """Return rows whose transaction takes exactly so many bytes; what is not ASCII takes six."""
    rows = [Insert(f"row|{n}", {f"t{i}": "ü" * 32_000 for i in range(7)}) for n in range(3)]
    rows[1] = Insert("row|1", {**rows[1].values, "more": "x"})
    filled = {f"t{i}": "x" * 30_000 for i in range(5)}

    def size(last: str) -> int:
        rows[3:] = [Insert("row|3", {**filled, "last": last})]
        return len(encode_batch(service.connection.table_url, "Journal", "p", rows)[1])

    assert size("x" * (length - size(""))) == length
    return list(rows)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_transaction_of_exactly_the_largest_size_is_sent(service: FakeService) -> None:
    service.answer = batch(*[part(204, f"ETag: {ETAG}")] * 4)
    rows = rows_of(MAX_TRANSACTION_BYTES, service)
    assert len(await TableJournal(service.connection).commit("p", Transaction("op", rows), 5.0)) == len(rows)
    assert len(service.bodies[0]) == MAX_TRANSACTION_BYTES


async def test_a_transaction_of_a_byte_more_is_not_sent(service: FakeService) -> None:
    rows = rows_of(MAX_TRANSACTION_BYTES + 1, service)
    with pytest.raises(
        InvalidTransactionError, match=r"^4194305 bytes in total are too many; row row\|1 is the largest"
    ):
        await TableJournal(service.connection).commit("p", Transaction("op", rows), 5.0)
    assert service.requests == []


async def test_a_row_that_could_never_be_stored_is_not_sent(service: FakeService) -> None:
    with pytest.raises(InvalidTransactionError, match="row a/b"):
        await TableJournal(service.connection).commit("p", Transaction("op", [Insert("a/b", {})]), 5.0)
    assert service.requests == []
