"""Kinds and workers have rows of their own, and all of them are found."""

import pytest
from tests.unit.azure_storage.answers import inserted, page, row, sent, stored, table_refusal, written
from tests.unit.azure_storage.documents import MOMENT
from tests.unit.azure_storage.fake_service import FakeService, asked_for

from azure_storage.names import StorageNames
from azure_storage.read_models.keys import name_key
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.jobs import Drain, Kind, Worker
from coordination.ports import UnknownOutcomeError


async def test_kinds_and_workers_have_rows_of_their_own(service: FakeService) -> None:
    service.connection.names = StorageNames(prefix="Blue")
    service.answers = [written(), table_refusal(404, "ResourceNotFound"), inserted()]
    directory = TableWorkerDirectory(service.connection)
    kind = Kind(kind="ten-steps", parameters={}, published_at=MOMENT)
    worker = Worker(worker="host/1", seen_at=MOMENT)
    await directory.publish_kind(kind)
    await directory.record_heartbeat(worker)
    assert service.asked[0] == ("PUT", "/BlueKinds(PartitionKey='kinds',RowKey='ten-steps')")
    assert service.asked[1] == ("GET", f"/BlueWorkers(PartitionKey='workers',RowKey='{name_key('host/1')}')")
    assert service.asked[2] == ("POST", "/BlueWorkers")
    documents = [kind.model_dump_json(), worker.model_dump_json()]
    assert [sent(body)["Json0"] for body in service.bodies if body] == documents


async def test_all_kinds_and_workers_are_found_over_all_pages(service: FakeService) -> None:
    directory = TableWorkerDirectory(service.connection)
    kinds = [Kind(kind=name, parameters={}, published_at=MOMENT) for name in "ab"]
    workers = [Worker(worker=name, seen_at=MOMENT) for name in "ab"]
    for documents in (kinds, workers):
        text = [document.model_dump_json() for document in documents]
        service.answers += [
            page(stored("b", Chunks=1, Json0=text[1]), following="a"),
            page(stored("a", Chunks=2, Json0=text[0][:9], Json1=text[0][9:], Json2="rest")),
        ]
    assert await directory.kinds() == kinds
    assert await directory.workers() == workers
    assert asked_for(service)[::2] == [
        ("/Kinds()", "PartitionKey eq 'kinds'", "1000"),
        ("/Workers()", "PartitionKey eq 'workers'", "1000"),
    ]


async def test_a_heartbeat_is_one_request_that_reads_nothing_until_an_order_has_changed_the_row(
    service: FakeService,
) -> None:
    directory = TableWorkerDirectory(service.connection)
    worker = Worker(worker="w", seen_at=MOMENT)
    drain = Drain(since=MOMENT, actor="maria")
    service.answers = [table_refusal(404, "ResourceNotFound"), inserted("1"), written("2"), written("3")]
    assert [await directory.record_heartbeat(worker) for _ in range(3)] == [None, None, None]
    assert [method for method, _ in service.asked] == ["GET", "POST", "PATCH", "PATCH"]
    assert [request.headers.get("If-Match") for request in service.requests[2:]] == ["1", "2"]

    text = worker.model_dump_json()
    service.answers = [
        table_refusal(412, "UpdateConditionNotSatisfied"),
        row("w", Chunks=1, Json0=text, Drain=drain.model_dump_json()),
        written("5"),
        written("6"),
    ]
    assert [await directory.record_heartbeat(worker) for _ in range(2)] == [drain, drain]
    assert [method for method, _ in service.asked[4:]] == ["PATCH", "GET", "PATCH", "PATCH"]


async def test_a_row_that_others_keep_changing_is_given_up_for_now(service: FakeService) -> None:
    directory = TableWorkerDirectory(service.connection)
    worker = Worker(worker="w", seen_at=MOMENT)
    known = row("w", Chunks=1, Json0=worker.model_dump_json())
    for call in (lambda: directory.record_heartbeat(worker), lambda: directory.order("w", None)):
        service.answers = [known, table_refusal(412, "UpdateConditionNotSatisfied")] * 5
        with pytest.raises(UnknownOutcomeError, match="worker w"):
            await call()
        assert not service.answers
