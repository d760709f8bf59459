"""Kinds and workers have rows of their own, and all of them are found."""

from tests.unit.azure_storage.answers import page, sent, stored, written
from tests.unit.azure_storage.documents import MOMENT
from tests.unit.azure_storage.fake_service import FakeService, asked_for

from azure_storage.names import StorageNames
from azure_storage.read_models.keys import name_key
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.jobs import Kind, Worker


async def test_kinds_and_workers_have_rows_of_their_own(service: FakeService) -> None:
    service.connection.names = StorageNames(prefix="Blue")
    service.answer = written()
    directory = TableWorkerDirectory(service.connection)
    kind = Kind(kind="ten-steps", parameters={}, published_at=MOMENT)
    worker = Worker(worker="host/1", seen_at=MOMENT)
    await directory.publish_kind(kind)
    await directory.record_heartbeat(worker)
    assert service.asked[0] == ("PUT", "/BlueKinds(PartitionKey='kinds',RowKey='ten-steps')")
    assert service.asked[1] == ("PUT", f"/BlueWorkers(PartitionKey='workers',RowKey='{name_key('host/1')}')")
    documents = [kind.model_dump_json(), worker.model_dump_json()]
    assert [sent(body)["Json0"] for body in service.bodies] == documents


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
