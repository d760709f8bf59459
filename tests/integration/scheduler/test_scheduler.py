"""The scheduler as it runs: what was lost between two writes is told again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from deploy.servers.private import Azurite, RabbitMQ
from tests.integration.audit_projector.running import Installation, installation, projector
from tests.unit.captured import capturing
from tests.waiting import until

from azure_storage.worker_directory import TableWorkerDirectory
from contracts.messages import RunJob
from contracts.telemetry import metrics
from scheduler.main import create_app
from scheduler.settings import SchedulerSettings

pytestmark = pytest.mark.integration


@pytest.fixture
async def place(rabbitmq: RabbitMQ, azurite: Azurite) -> AsyncIterator[Installation]:
    async with installation(rabbitmq.url, azurite.connection_string) as place:
        yield place


@asynccontextmanager
async def scheduler(place: Installation) -> AsyncIterator[None]:
    """Run a scheduler for as long as the context lasts."""
    shared = place.settings
    settings = SchedulerSettings(
        rabbitmq_url=shared.rabbitmq_url,
        rabbitmq_namespace=shared.rabbitmq_namespace,
        storage_connection_string=shared.storage_connection_string,
        storage_namespace=shared.storage_namespace,
        sweep_seconds=0.5,
    )
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None, lifespan="on"))
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def empty(place: Installation, queue: str) -> list[bytes]:
    """Take everything off a queue."""
    connection = await place.broker.connect()
    found = []
    async with connection.channel() as channel:
        declared = await channel.get_queue(queue)
        while (message := await declared.get(fail=False, no_ack=True)) is not None:
            found.append(message.body)
    return found


async def test_a_lost_wake_up_notifies_again(place: Installation) -> None:
    await place.submit("ledger")
    assert len(await empty(place, place.settings.topology.jobs_queue)) == 1
    async with scheduler(place), scheduler(place):
        notified: list[bytes] = []

        async def has_notified() -> bool:
            notified.extend(await empty(place, place.settings.topology.jobs_queue))
            return bool(notified)

        await until(has_notified)
        assert {RunJob.model_validate_json(body).lock for body in notified} == {"ledger"}


async def test_a_lost_last_event_is_told_again_until_the_trail_is_whole(place: Installation) -> None:
    job_id = await place.submit("ledger")
    await place.run("ledger")  # tells nobody
    await until(lambda: _all_is_told(place))
    assert len(await empty(place, place.settings.topology.projector_queue)) == 1
    async with scheduler(place), projector(place.settings):

        async def is_whole() -> bool:
            return (await place.statuses(job_id))[-1:] == ["Completed"] and not await place.active()

        await until(is_whole)


async def test_every_service_says_that_it_is_there_and_how_it_is(place: Installation) -> None:
    directory = TableWorkerDirectory(place.storage)
    async with projector(place.settings), scheduler(place):

        async def both_are_there() -> bool:
            return len(await directory.instances()) == 2

        await until(both_are_there)
    projecting, sweeping = await directory.instances()
    assert (projecting.service, sweeping.service) == ("audit-projector", "scheduler")
    assert projecting.details.keys() == {"behind_seconds", "projected_at"}
    assert sweeping.details.keys() == {"leads", "swept_at", "repairs"}


async def test_what_waits_is_shown(place: Installation) -> None:
    with capturing() as captured:
        for lock in ("ledger", "ledger", "it's another: \u2603"):
            await place.submit(lock)
        async with scheduler(place):
            await until(lambda: bool(captured.points(metrics.JOBS)))
            assert captured.values(metrics.JOBS) == {("queued",): 3, ("running",): 0}
            lengths = {("ledger",): 2, ("it's another: \u2603",): 1}
            assert captured.values(metrics.LINE_LENGTH) == lengths
            assert captured.values(metrics.LINE_AGE).keys() == lengths.keys()
            assert captured.values(metrics.ON_DUTY) == {(): 1}
        assert captured.points(metrics.JOBS) == []


async def _all_is_told(place: Installation) -> bool:
    return place.notifier.waiting == 0
