"""The connection to a real store: calls are counted, faults bounded, tables made by whoever is first."""

import asyncio
import socket
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from deploy.servers.private import Azurite
from tests.integration.azure_storage.conftest import Account

from azure_storage.calls import CallOutcome, MissingTableError
from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.leases import BlobLeases
from azure_storage.names import StorageNames
from azure_storage.register import TableRegister
from coordination.ports import (
    AccessDeniedError,
    Delete,
    Insert,
    RefusedError,
    Registration,
    Transaction,
    UnknownOutcomeError,
    Update,
)

pytestmark = pytest.mark.integration

LEASE_ID = str(uuid.uuid4())
NOW = datetime(2026, 11, 21, tzinfo=UTC)
Call = Callable[[StorageConnection, float], Awaitable[object]]

CALLS: dict[str, Call] = {
    "commit": lambda place, seconds: TableJournal(place, seconds).commit(
        "p", Transaction("op", [Insert("row", {"a": 1})]), 0.5
    ),
    "read": lambda place, seconds: TableJournal(place, seconds).read("p", "row"),
    "read_range": lambda place, seconds: TableJournal(place, seconds).read_range("p", "row"),
    "add": lambda place, seconds: TableRegister(place, seconds).add(_registration()),
    "find": lambda place, seconds: TableRegister(place, seconds).find("an-id"),
    "active": lambda place, seconds: anext(TableRegister(place, seconds).active(NOW)),
    "retire": lambda place, seconds: TableRegister(place, seconds).retire("an-id"),
    "acquire": lambda place, _: BlobLeases(place).acquire("lock", 15, LEASE_ID, 0.5),
    "renew": lambda place, _: BlobLeases(place).renew("lock", LEASE_ID, 0.5),
    "release": lambda place, _: BlobLeases(place).release("lock", LEASE_ID, 0.5),
    "is_free": lambda place, _: BlobLeases(place).is_free("lock", 0.5),
    "free": lambda place, _: BlobLeases(place).free(["lock"], 0.5),
}


def _registration() -> Registration:
    return Registration("an-id", "lock", "p", "hash", NOW)


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_is_down_leaves_the_outcome_unknown_before_the_time_is_over(call: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # Bound but not listening: nobody else can listen there either.
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/account"
        connection = StorageConnection(url, url, AzureNamedKeyCredential("account", "a2V5"))
        with pytest.raises(UnknownOutcomeError, match=r"^no answer: "):
            await CALLS[call](connection, 0.5)
        await connection.aclose()


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_is_silent_leaves_the_outcome_unknown_in_time(call: str) -> None:
    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    done = asyncio.Event()
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/account"
    connection = StorageConnection(url, url, AzureNamedKeyCredential("account", "a2V5"))
    started = time.monotonic()
    with pytest.raises(UnknownOutcomeError, match="in time"):
        await CALLS[call](connection, 0.5)
    assert time.monotonic() - started > 0.4
    await connection.aclose()
    done.set()
    server.close()


@pytest.mark.parametrize("call", CALLS)
async def test_wrong_credentials_are_told_from_an_outage(account: Account, call: str) -> None:
    wrong = AzureNamedKeyCredential("devstoreaccount1", "d3Jvbmc=")
    connection = StorageConnection(
        account.direct.blob_url, account.direct.table_url, wrong, account.direct.names
    )
    with pytest.raises(AccessDeniedError):
        await CALLS[call](connection, 5.0)
    await connection.aclose()


@pytest.mark.parametrize("call", ["commit", "read", "read_range", "add", "find", "active"])
async def test_tables_that_are_missing_leave_the_outcome_unknown(
    azurite: Azurite, storage_namespace: str, call: str
) -> None:
    names = StorageNames(prefix=storage_namespace)
    connection = StorageConnection.from_connection_string(azurite.connection_string, names)
    with pytest.raises(MissingTableError):
        await CALLS[call](connection, 5.0)
    await connection.aclose()


async def test_a_missing_container_is_created_by_whoever_takes_the_first_lease(
    azurite: Azurite, storage_namespace: str
) -> None:
    names = StorageNames(prefix=storage_namespace)
    connection = StorageConnection.from_connection_string(azurite.connection_string, names)
    leases = BlobLeases(connection)
    ids = [str(uuid.uuid4()) for _ in range(5)]
    results = await asyncio.gather(
        *(leases.acquire("lock", 15, lease_id, 10.0) for lease_id in ids), return_exceptions=True
    )
    assert results.count(None) == 1
    assert not await leases.is_free("lock", 5.0)
    await connection.aclose()


async def test_any_number_of_processes_may_prepare_at_once(azurite: Azurite, storage_namespace: str) -> None:
    names = StorageNames(prefix=storage_namespace)
    connections = [
        StorageConnection.from_connection_string(azurite.connection_string, names) for _ in range(5)
    ]
    more = [names.table("Workers")]
    await asyncio.gather(*(connection.prepare(more) for connection in connections))
    await connections[0].prepare(more)
    assert await TableJournal(connections[0]).read("p", "row") is None
    tables = {table.name async for table in connections[0].tables.list_tables()}
    assert {names.journal_table, names.index_table, *more} <= tables
    await asyncio.gather(*(connection.aclose() for connection in connections))


async def test_round_trips_are_counted_one_by_one(account: Account) -> None:
    leases, journal = BlobLeases(account.relayed), TableJournal(account.relayed)
    register = TableRegister(account.relayed)
    etags = await journal.commit("p", Transaction("op", [Insert("lock", {}), Insert("event|1", {})]), 5.0)
    await journal.commit("p", Transaction("op", [Update("lock", {"a": 1}, etags["lock"])]), 5.0)
    await journal.read_range("p", "")
    await journal.read("p", "missing")
    await register.add(_registration())
    await register.find("an-id")
    await register.retire("an-id")
    for _ in range(2):
        await leases.acquire("lock", 15, LEASE_ID, 5.0)
        await leases.renew("lock", LEASE_ID, 5.0)
        await leases.release("lock", LEASE_ID, 5.0)
    assert Counter(call.operation for call in account.calls if not call.is_shared) == {
        "journal.commit": 2,
        "journal.read_range": 1,
        "journal.read": 1,
        "journal.register": 1,
        "journal.find": 1,
        "journal.retire": 1,
        "leases.acquire": 3,  # The first finds no blob.
        "leases.create": 1,
        "leases.renew": 2,
        "leases.release": 2,
    }


async def test_connections_are_used_again(account: Account) -> None:
    journal = TableJournal(account.relayed)
    etag = (await journal.commit("p", Transaction("op", [Insert("lock", {})]), 5.0))["lock"]
    for number in range(20):
        update = Transaction("op", [Update("lock", {"n": number}, etag)])
        etag = (await journal.commit("p", update, 5.0))["lock"]
        await journal.read("p", "lock")
    assert account.tables.connections == 1


async def test_a_transaction_that_arrives_late_is_refused_once_another_has_moved_the_row(
    account: Account,
) -> None:
    slow, journal = TableJournal(account.relayed), TableJournal(account.direct)
    etags = await journal.commit("p", Transaction("op-1", [Insert("lock", {"op_id": "op-1"})]), 5.0)
    late = Transaction("op-2", [Update("lock", {"op_id": "op-2"}, etags["lock"]), Insert("event|1", {})])
    account.tables.hold_requests()
    with pytest.raises(UnknownOutcomeError):
        await slow.commit("p", late, 0.2)
    taken_over = Transaction("op-3", [Update("lock", {"op_id": "op-3"}, etags["lock"])])
    await journal.commit("p", taken_over, 5.0)
    account.tables.let_requests_through()
    with pytest.raises(RefusedError):
        await slow.commit("p", late, 5.0)
    row = await journal.read("p", "lock")
    assert row is not None
    assert row.values == {"op_id": "op-3"}
    assert await journal.read("p", "event|1") is None


async def test_a_transaction_that_was_given_up_may_still_be_carried_out(account: Account) -> None:
    slow, journal = TableJournal(account.relayed), TableJournal(account.direct)
    account.tables.hold_requests()
    task = asyncio.ensure_future(slow.commit("p", Transaction("op", [Insert("lock", {"op_id": "op"})]), 60.0))
    await asyncio.wait_for(account.tables.holds_request.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(call.operation, call.outcome) for call in account.calls] == [
        ("journal.commit", CallOutcome.UNKNOWN)
    ]
    assert await journal.read("p", "lock") is None
    account.tables.let_requests_through()
    await asyncio.wait_for(account.tables.has_answer.wait(), 10)
    row = await journal.read("p", "lock")
    assert row is not None
    await slow.commit("p", Transaction("op", [Delete("lock", row.etag)]), 5.0)
