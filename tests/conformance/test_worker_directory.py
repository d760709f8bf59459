"""What every implementation of the worker directory does."""

from datetime import UTC, datetime

from pydantic import JsonValue

from contracts.jobs import Drain, HeldLease, Instance, Kind, Worker
from coordination.worker_directory import WorkerDirectory

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
NAMES = ("100%", "host#1", "host/1", "host_1", "it's", "\u0394")


async def test_a_directory_that_is_empty_has_no_kinds_workers_or_instances(
    directory: WorkerDirectory,
) -> None:
    assert [*await directory.kinds(), *await directory.workers(), *await directory.instances()] == []


async def test_the_latest_heartbeat_of_each_worker_is_there_by_name(directory: WorkerDirectory) -> None:
    for name in reversed(NAMES):
        await directory.record_heartbeat(Worker(worker=name, seen_at=NOON, running=["j"]))
        await directory.record_heartbeat(Worker(worker=name, seen_at=NOON, kinds=["k"]))
    assert await directory.workers() == [Worker(worker=name, seen_at=NOON, kinds=["k"]) for name in NAMES]


async def test_a_process_that_begins_again_is_not_stopped_any_more(directory: WorkerDirectory) -> None:
    stopped = Worker(worker="w", seen_at=NOON, started_at=NOON, stopped_at=NOON)
    instance = Instance(
        service="s", instance="i", seen_at=NOON, started_at=NOON, version="1", stopped_at=NOON
    )
    await directory.record_heartbeat(stopped)
    await directory.record_instance(instance)
    assert (await directory.workers(), await directory.instances()) == ([stopped], [instance])
    again = stopped.model_copy(update={"stopped_at": None})
    alive = instance.model_copy(update={"stopped_at": None})
    await directory.record_heartbeat(again)
    await directory.record_instance(alive)
    assert (await directory.workers(), await directory.instances()) == ([again], [alive])


async def test_what_was_published_of_a_kind_last_counts_however_long_it_is(
    directory: WorkerDirectory,
) -> None:
    long = Kind(kind="a", description="\u2603", parameters={"text": "y" * 70_000}, published_at=NOON)
    short = Kind(kind="b", parameters={}, published_at=NOON)
    await directory.publish_kind(Kind(kind="b", parameters=long.parameters, published_at=NOON))
    for kind in (short, long):
        await directory.publish_kind(kind)
    assert await directory.kinds() == [long, short]


async def test_a_heartbeat_keeps_the_leases_that_the_worker_holds(directory: WorkerDirectory) -> None:
    lease = HeldLease(lock="it's /#?", fence=2**40, renewed_at=NOON, seconds=30)
    worker = Worker(worker="w", seen_at=NOON, leases=[lease])
    await directory.record_heartbeat(worker)
    assert await directory.workers() == [worker]


async def test_the_latest_heartbeat_of_each_instance_is_there_by_service_and_name(
    directory: WorkerDirectory,
) -> None:
    def instance(service: str, name: str, **details: JsonValue) -> Instance:
        return Instance(
            service=service, instance=name, seen_at=NOON, started_at=NOON, version="1", details=details
        )

    for name in reversed(NAMES):
        for service in ("scheduler", "audit-projector"):
            await directory.record_instance(instance(service, name, leads=False))
            await directory.record_instance(instance(service, name, leads=True, swept_at=None))
    services = ("audit-projector", "scheduler")
    expected = [instance(of, name, leads=True, swept_at=None) for of in services for name in NAMES]
    assert await directory.instances() == expected
    assert [*await directory.workers()] == []


async def test_what_is_listed_is_removed_in_the_version_that_was_read_and_in_no_other(
    directory: WorkerDirectory,
) -> None:
    kind = Kind(kind="it's /#?", parameters={}, published_at=NOON)
    worker = Worker(worker="host/1", seen_at=NOON)
    instance = Instance(service="s", instance="i/1", seen_at=NOON, started_at=NOON, version="1")
    await directory.publish_kind(kind)
    await directory.record_heartbeat(worker)
    await directory.record_instance(instance)
    [old_kind] = await directory.listed_kinds()
    [old_worker] = await directory.listed_workers()
    [old_instance] = await directory.listed_instances()
    assert (old_kind.document, old_worker.document, old_instance.document) == (kind, worker, instance)

    await directory.publish_kind(kind.model_copy(update={"description": "again"}))
    await directory.record_heartbeat(worker.model_copy(update={"kinds": ["k"]}))
    await directory.record_instance(instance.model_copy(update={"version": "2"}))
    await directory.forget_kind(kind, old_kind.version)
    await directory.forget_worker(worker, old_worker.version)
    await directory.forget_instance(instance, old_instance.version)
    [new_kind] = await directory.listed_kinds()
    [new_worker] = await directory.listed_workers()
    [new_instance] = await directory.listed_instances()
    assert new_kind.document.description == "again"

    for _ in range(2):
        await directory.forget_kind(kind, new_kind.version)
        await directory.forget_worker(worker, new_worker.version)
        await directory.forget_instance(instance, new_instance.version)
        assert [*await directory.kinds(), *await directory.workers(), *await directory.instances()] == []


async def test_an_order_stands_until_the_next_whatever_heartbeats_say(directory: WorkerDirectory) -> None:
    drain = Drain(since=NOON, actor="it's me", reason="\u2603")
    for name in NAMES:
        worker = Worker(worker=name, seen_at=NOON)
        assert await directory.record_heartbeat(worker) is None
        drained = worker.model_copy(update={"drain": drain})
        assert await directory.order(name, drain) == drained
        later = drain.model_copy(update={"actor": "another"})
        assert await directory.order(name, later) == drained
        busy = worker.model_copy(update={"running": ["j"]})
        assert [await directory.record_heartbeat(each) for each in (busy, worker)] == [drain, drain]
        [listed] = [each for each in await directory.listed_workers() if each.document.worker == name]
        assert listed.document == drained
        assert await directory.order(name, None) == worker
        assert await directory.record_heartbeat(drained) is None
    assert await directory.workers() == [Worker(worker=name, seen_at=NOON) for name in NAMES]


async def test_no_order_is_given_to_a_worker_that_was_never_heard(directory: WorkerDirectory) -> None:
    assert await directory.order("nobody", Drain(since=NOON, actor="me")) is None
    assert [*await directory.workers()] == []


async def test_a_worker_that_was_forgotten_has_no_order_when_it_comes_again(
    directory: WorkerDirectory,
) -> None:
    worker = Worker(worker="w", seen_at=NOON)
    await directory.record_heartbeat(worker)
    await directory.order("w", Drain(since=NOON, actor="me"))
    [listed] = await directory.listed_workers()
    await directory.forget_worker(worker, listed.version)
    assert await directory.record_heartbeat(worker) is None
    assert await directory.workers() == [worker]
