"""Consumers that went missing are noticed, by the health check and by the watchdog."""

import pytest
from deploy.servers import private
from faststream.rabbit import Channel
from faststream.rabbit.annotations import RabbitMessage
from faststream.rabbit.subscriber.usecase import RabbitSubscriber
from tests.integration.broker.rig import Rig, connected, settings_for
from tests.waiting import until

from contracts.messages import RunJob
from coordination.ports import WakeUp
from service_defaults.broker import ConsumerWatchdog, jobs_exchange, jobs_queue
from service_defaults.health import Health, rabbitmq_check

pytestmark = pytest.mark.integration


async def subscribe(rig: Rig, heard: list[str]) -> RabbitSubscriber:
    subscriber = rig.broker.subscriber(
        jobs_queue(rig.topology), jobs_exchange(rig.topology), channel=Channel(prefetch_count=1)
    )

    async def on_wake_up(message: RabbitMessage) -> None:
        body = await rig.reader.parse(message, RunJob)
        assert body is not None
        heard.append(body.lock)

    subscriber(on_wake_up)
    await subscriber.start()
    return subscriber


async def lose_the_consumer(subscriber: RabbitSubscriber) -> None:
    """Have the broker forget the consumer although the service believes in it."""
    queue, tag = subscriber._queue_obj, subscriber._consumer_tag
    assert queue is not None
    assert tag is not None
    await (await queue.channel.get_underlay_channel()).basic_cancel(tag)


async def test_the_watchdog_gets_a_lost_consumer_back(rig: Rig) -> None:
    heard: list[str] = []
    gave_up: list[bool] = []
    subscriber = await subscribe(rig, heard)
    watchdog = ConsumerWatchdog(rig.broker, lambda: gave_up.append(True))
    health = Health({"rabbitmq": rabbitmq_check(rig.broker, consumes=True)})
    assert await health.problems() == {}
    await lose_the_consumer(subscriber)
    assert "no consumer is active" in (await health.problems())["rabbitmq"]
    await watchdog.check()
    await watchdog.check()

    async def consumes() -> bool:
        return not await health.problems()

    await until(consumes)
    await rig.notifier.notify(WakeUp("ledger"))

    async def is_heard() -> bool:
        return heard == ["ledger"]

    await until(is_heard)
    assert not gave_up


async def test_one_deaf_process_is_noticed_although_another_listens(rig: Rig) -> None:
    subscriber = await subscribe(rig, [])
    async with connected(rig.settings) as other:
        await subscribe(other, [])
        await lose_the_consumer(subscriber)
        health = Health({"rabbitmq": rabbitmq_check(rig.broker, consumes=True)})
        assert "no consumer is active" in (await health.problems())["rabbitmq"]
        assert not await Health({"rabbitmq": rabbitmq_check(other.broker, consumes=True)}).problems()


async def test_the_watchdog_gives_up_when_connecting_again_does_not_help(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    gave_up: list[bool] = []
    subscriber = await subscribe(rig, [])
    watchdog = ConsumerWatchdog(rig.broker, lambda: gave_up.append(True))

    async def no_better() -> None:
        return

    monkeypatch.setattr(rig.broker._connection, "reconnect", no_better)
    await lose_the_consumer(subscriber)
    for _ in range(3):
        await watchdog.check()
    assert not gave_up
    await watchdog.check()
    assert gave_up


async def test_a_subscriber_that_was_stopped_on_purpose_is_no_problem(rig: Rig) -> None:
    subscriber = await subscribe(rig, [])
    await subscriber.stop()
    assert await Health({"rabbitmq": rabbitmq_check(rig.broker, consumes=True)}).problems() == {}


async def test_readiness_follows_the_broker(tmp_path_factory: pytest.TempPathFactory) -> None:
    with private.rabbitmq(tmp_path_factory.mktemp("broker")) as broker:
        async with connected(settings_for(broker.url)) as rig:
            health = Health({"rabbitmq": rabbitmq_check(rig.broker, consumes=True)}, timeout=1.0)
            heard: list[str] = []
            await rig.broker.start()
            await subscribe(rig, heard)

            async def is_ready() -> bool:
                return not await health.problems()

            await until(is_ready)
            broker.pause()

            async def is_silent() -> bool:
                # One answer may be under way while the processes of the broker stop.
                return await health.problems() == {"rabbitmq": "no answer within 1 s"}

            await until(is_silent)
            broker.resume()
            await until(is_ready)
            broker.kill()

            async def is_not_connected() -> bool:
                return (await health.problems()).get("rabbitmq") == "not connected to RabbitMQ"

            await until(is_not_connected)
            broker.start()
            await until(is_ready)

            async def is_heard() -> bool:
                # As the sweeper does: a wake-up is lost where the publishing channel is not open again yet,
                # and comes twice where the connection breaks before the acknowledgement.
                await rig.notifier.notify(WakeUp("ledger"))
                return set(heard) == {"ledger"}

            await until(is_heard)
