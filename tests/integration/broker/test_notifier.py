"""What the wake-up promises, on a real broker."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable

import pytest
from aio_pika import DeliveryMode
from deploy.servers import private
from deploy.servers.private import RabbitMQ
from faststream.rabbit import Channel
from faststream.rabbit.annotations import RabbitMessage
from tests.integration.broker.rig import Rig, connected, settings_for
from tests.waiting import until

from contracts.messages import EventGroup, Hint, RunJob
from coordination.ports import Announcement, UnknownOutcomeError, WakeUp
from service_defaults.broker import control_exchange, control_queue
from service_defaults.broker.seal import HEADER

pytestmark = pytest.mark.integration

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def events(seq: int) -> list[Announcement]:
    """Return the announcement of one event."""
    return [Announcement("ledger", "j", seq, seq, TRACE)]


async def test_a_wake_up_is_a_persistent_message_in_the_jobs_queue(rig: Rig) -> None:
    await rig.notifier.notify(WakeUp("ledger", "j", traceparent=TRACE))
    message = await rig.take(rig.topology.jobs_queue)
    assert RunJob.model_validate_json(message.body) == RunJob(lock="ledger", job_id="j")
    assert message.delivery_mode is DeliveryMode.PERSISTENT
    assert str(message.headers["traceparent"]).split("-")[1] == TRACE.split("-")[1]


async def test_a_deferred_wake_up_comes_after_its_time_and_not_before(rig: Rig) -> None:
    started = asyncio.get_running_loop().time()
    await rig.notifier.defer(WakeUp("ledger", is_deferred_copy=True, traceparent=TRACE))
    message = await rig.take(rig.topology.jobs_queue)
    assert asyncio.get_running_loop().time() - started >= rig.settings.deferral_seconds
    assert RunJob.model_validate_json(message.body).is_deferred_copy
    assert "traceparent" in message.headers


async def test_announced_events_arrive(rig: Rig) -> None:
    for seq in range(1, 41):
        rig.notifier.announce(events(seq))
    await rig.notifier.aclose()
    assert rig.notifier.waiting == 0
    seen: list[int] = []
    messages = 0
    while len(seen) < 40:
        message = await rig.take(rig.topology.projector_queue)
        assert rig.seal.fits(message.body, message.headers[HEADER])
        seen += _numbers(message.body)
        messages += 1
    assert seen == list(range(1, 41))
    assert messages <= 2


async def test_a_hint_reaches_every_process_that_listens(rig: Rig) -> None:
    heard: list[tuple[str, Hint | None]] = []

    def listener(instance: str) -> Callable[[RabbitMessage], Awaitable[None]]:
        async def on_hint(message: RabbitMessage) -> None:
            heard.append((instance, await rig.reader.parse(message, Hint)))

        return on_hint

    for instance in ("one", "two"):
        subscriber = rig.broker.subscriber(
            control_queue(rig.topology, instance),
            control_exchange(rig.topology),
            channel=Channel(prefetch_count=10),
        )
        subscriber(listener(instance))
        await subscriber.start()
    hint = Hint(what="cancel_requested", lock="ledger", job_id="j")
    await rig.notifier.hint(hint)

    await until(lambda: len(heard) == 2)
    assert sorted(heard, key=lambda pair: pair[0]) == [("one", hint), ("two", hint)]


async def test_a_hint_nobody_listens_to_is_no_error(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    await rig.notifier.hint(Hint(what="cancel_requested", lock="ledger", job_id="j"))
    assert not caplog.records


async def test_a_message_no_queue_takes_does_not_count_as_published(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    delayed = rig.topology.delay_queue(rig.settings.deferral_milliseconds)
    for queue in (rig.topology.jobs_queue, delayed):
        await rig.channel.queue_delete(queue)
    with pytest.raises(UnknownOutcomeError):
        await rig.notifier.defer(WakeUp("ledger"))
    await rig.notifier.notify(WakeUp("ledger"))
    assert [record.message for record in caplog.records] == ["wake-up not confirmed"]


async def test_a_broker_that_is_frozen_holds_nobody_up_and_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with private.rabbitmq(tmp_path_factory.mktemp("frozen")) as broker:
        async with connected(settings_for(broker.url), timeout=0.5) as rig:
            await rig.broker.start()
            await rig.notifier.notify(WakeUp("before"))
            broker.pause()
            async with asyncio.timeout(3):
                await rig.notifier.notify(WakeUp("ledger"))
                with pytest.raises(UnknownOutcomeError):
                    await rig.notifier.defer(WakeUp("ledger"))
                rig.notifier.announce(events(1))
            broker.resume()
            await _drained(rig)
            await _announced(rig, {1})


async def test_announcements_outlive_the_death_of_the_broker(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with private.rabbitmq(tmp_path_factory.mktemp("killed")) as broker:
        async with connected(settings_for(broker.url), timeout=2.0) as rig:
            await rig.broker.start()
            rig.notifier.announce(events(1))
            await _drained(rig)
            broker.kill()
            rig.notifier.announce(events(2))
            await rig.notifier.notify(WakeUp("ledger"))
            with pytest.raises(UnknownOutcomeError):
                await rig.notifier.defer(WakeUp("ledger"))
            broker.start()
            rig.notifier.announce(events(3))
            await _drained(rig)
            await _announced(rig, {1, 2, 3})
            await rig.notifier.notify(WakeUp("after"))
            message = await rig.take(rig.topology.jobs_queue)
            assert json.loads(message.body)["lock"] == "after"


async def test_a_broker_that_lost_its_data_gets_its_topology_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with private.rabbitmq(tmp_path_factory.mktemp("emptied")) as broker:
        async with connected(settings_for(broker.url), timeout=2.0) as rig:
            await rig.broker.start()
            _empty(broker)
            rig.notifier.announce(events(1))
            await _drained(rig)
            await _announced(rig, {1})
            await until(lambda: _is_deferred(rig))
            await rig.take(rig.topology.jobs_queue)


def _empty(broker: RabbitMQ) -> None:
    """Kill the broker and start it without what it knew."""
    broker.kill()
    shutil.rmtree(broker._broker.folder / "data")
    broker.start()


async def _is_deferred(rig: Rig) -> bool:
    try:
        await rig.notifier.defer(WakeUp("ledger"))
    except UnknownOutcomeError:
        return False
    return True


async def _drained(rig: Rig) -> None:
    await until(lambda: rig.notifier.waiting == 0)


async def _announced(rig: Rig, wanted: set[int]) -> None:
    """Take announced events off their queue until these have been seen."""
    await rig.channel.ready()
    seen: set[int] = set()
    while seen < wanted:
        message = await rig.take(rig.topology.projector_queue)
        seen |= {*_numbers(message.body)}
    assert seen == wanted


def _numbers(body: bytes) -> list[int]:
    return [item.first for item in EventGroup.model_validate_json(body, strict=True).items]
