"""What every implementation of the worker directory does."""

from datetime import UTC, datetime

from contracts.jobs import Kind, Worker
from coordination.worker_directory import WorkerDirectory

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
NAMES = ("100%", "host#1", "host/1", "host_1", "it's", "\u0394")


async def test_a_directory_that_is_empty_has_neither_kinds_nor_workers(directory: WorkerDirectory) -> None:
    assert [*await directory.kinds(), *await directory.workers()] == []


async def test_the_latest_heartbeat_of_each_worker_is_there_by_name(directory: WorkerDirectory) -> None:
    for name in reversed(NAMES):
        await directory.record_heartbeat(Worker(worker=name, seen_at=NOON, running=["j"]))
        await directory.record_heartbeat(Worker(worker=name, seen_at=NOON, kinds=["k"]))
    assert await directory.workers() == [Worker(worker=name, seen_at=NOON, kinds=["k"]) for name in NAMES]


async def test_what_was_published_of_a_kind_last_counts_however_long_it_is(
    directory: WorkerDirectory,
) -> None:
    long = Kind(kind="a", description="\u2603", parameters={"text": "y" * 70_000}, published_at=NOON)
    short = Kind(kind="b", parameters={}, published_at=NOON)
    await directory.publish_kind(Kind(kind="b", parameters=long.parameters, published_at=NOON))
    for kind in (short, long):
        await directory.publish_kind(kind)
    assert await directory.kinds() == [long, short]
