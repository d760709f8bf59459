"""What the watch knows of a real broker: one that confirms, is frozen, is dead, or has a full disk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from deploy.servers import private
from deploy.servers.private import RabbitMQ
from tests.integration.broker.rig import Rig, connected, settings_for
from tests.waiting import until

from coordination.broker_watch import BrokerWatch
from coordination.clock import SystemClock
from coordination.ports import WakeUp
from service_defaults.broker.connection import probe_publishing
from service_defaults.broker.topology import jobs_exchange

pytestmark = pytest.mark.integration


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[RabbitMQ]:
    """Run a broker that the test may treat badly."""
    server = await asyncio.to_thread(RabbitMQ, tmp_path / "rabbitmq")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.close)


def watch_of(rig: Rig) -> BrokerWatch:
    """Return the watch of a worker that publishes nothing, with a probe that takes 2 s at most."""

    async def probe() -> None:
        await probe_publishing(rig.broker, jobs_exchange(rig.topology), 2.0)

    return BrokerWatch(probe, SystemClock())


async def test_probes_are_confirmed_and_leave_nothing_behind(rig: Rig) -> None:
    for _ in range(3):
        await probe_publishing(rig.broker, jobs_exchange(rig.topology), 5.0)
    names = rig.topology
    for queue in (names.jobs_queue, names.submissions_queue, names.quarantine_queue):
        assert await rig.count(queue) == 0
    assert await rig.notifier.notify(WakeUp("ledger"))


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        pytest.param(RabbitMQ.pause, RabbitMQ.resume, id="frozen"),
        pytest.param(RabbitMQ.kill, RabbitMQ.start, id="dead"),
        pytest.param(
            lambda server: server.limit_disk("900GB"), lambda server: server.limit_disk("200MB"), id="full"
        ),
    ],
)
@pytest.mark.timeout(180)
async def test_a_process_that_publishes_nothing_knows_when_its_broker_is_away(
    own: RabbitMQ, begin: Callable[[RabbitMQ], None], end: Callable[[RabbitMQ], None]
) -> None:
    private.ensure_installed()
    async with connected(settings_for(own.url)) as rig:
        await rig.broker.start()
        watch = watch_of(rig)
        probing = asyncio.create_task(watch.keep_probing())
        await asyncio.to_thread(begin, own)
        try:
            await until(lambda: not watch.is_answering, 60)
        finally:
            await asyncio.to_thread(end, own)
        await until(lambda: watch.is_answering, 60)
        assert await rig.notifier.notify(WakeUp("ledger"))
        probing.cancel()
        await watch.aclose()
