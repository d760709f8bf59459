"""Every call is bounded by the time that its caller or its adapter gives it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.azure_storage.answers import ETAG, batch, page, part, row, written
from tests.unit.azure_storage.documents import JOB, MOMENT
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.journal import TableJournal
from azure_storage.leases import BlobLeases
from azure_storage.read_models import TableReadModels
from azure_storage.register import TableRegister
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.jobs import Kind
from coordination.ports import Insert, Registration, Transaction

BLOB = Prepared(201, headers={"ETag": "x", "Last-Modified": "Sat, 21 Nov 2026 01:47:05 GMT"})
PLACE = {"lock_name": "l", "partition": "p", "registered_at": MOMENT.isoformat(), "request_hash": "h"}
REGISTRATION = Registration("an-id", "l", "p", "h", datetime(2026, 11, 21, tzinfo=UTC))


async def test_a_transaction_has_its_callers_time_and_all_else_the_journals(
    service: FakeService, limits: list[float]
) -> None:
    journal = TableJournal(service.connection, timeout_seconds=2.5)
    register = TableRegister(service.connection, timeout_seconds=2.5)
    committed = part(204, f"ETag: {ETAG}")
    service.answers = [batch(committed), row("k"), page(), batch(committed, committed), row("k", **PLACE)]
    service.answer = Prepared(204)
    await journal.commit("p", Transaction("op", [Insert("k", {})]), 1.5)
    await journal.read("p", "k")
    await journal.read_range("p", "k")
    await register.add(REGISTRATION)
    await register.find("an-id")
    await register.retire("an-id")
    assert limits == [1.5, 2.5, 2.5, 2.5, 2.5, 2.5]
    limits.clear()
    service.answer = page()
    assert [job async for job in register.active(MOMENT)] == []
    assert limits == [2.5] * 16


@pytest.mark.parametrize("call", ["acquire", "renew", "release", "is_free"])
async def test_a_call_about_a_lease_has_its_callers_time(
    service: FakeService, limits: list[float], call: str
) -> None:
    service.answer = Prepared(200, headers=BLOB.headers | {"x-ms-blob-type": "BlockBlob"})
    arguments: dict[str, tuple[Any, ...]] = {"acquire": (15, "an-id"), "is_free": ()}
    if call == "acquire":
        service.answer = BLOB
    await getattr(BlobLeases(service.connection), call)("a-lock", *arguments.get(call, ("an-id",)), 1.5)
    assert limits == [1.5]


async def test_all_that_an_acquisition_takes_happens_within_one_time(
    service: FakeService, limits: list[float]
) -> None:
    service.answers = [Prepared(404, headers={"x-ms-error-code": "ContainerNotFound"})] * 2
    service.answer = BLOB
    await BlobLeases(service.connection).acquire("a-lock", 15, "an-id", 1.5)
    assert len(service.requests) == 5
    assert limits == [1.5]


async def test_calls_to_the_read_models_have_the_time_of_their_reader_or_writer(
    service: FakeService, limits: list[float]
) -> None:
    service.answer = written()
    await TableWorkerDirectory(service.connection, timeout=3.5).publish_kind(
        Kind(kind="k", parameters={}, published_at=MOMENT)
    )
    service.answer = page()
    await TableReadModels(service.connection, timeout=4.5).audit_trail(JOB)
    assert [job async for job in TableRegister(service.connection, 5.5).all()] == []
    assert limits == [3.5, 4.5, *[5.5] * 16]


async def test_a_call_without_a_limit_of_its_own_has_five_seconds(
    service: FakeService, limits: list[float]
) -> None:
    service.answers = [row("k"), page(), *[page()] * 16]
    await TableJournal(service.connection).read("p", "k")
    await TableReadModels(service.connection).audit_trail(JOB)
    assert [job async for job in TableRegister(service.connection).all()] == []
    service.answer = written()
    await TableWorkerDirectory(service.connection).publish_kind(
        Kind(kind="k", parameters={}, published_at=MOMENT)
    )
    assert set(limits) == {5.0}
    limits.clear()
    service.answer = BLOB
    await service.connection.prepare()
    assert limits == [10.0] * 4
