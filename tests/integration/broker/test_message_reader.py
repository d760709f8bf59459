"""Messages that cannot be understood are set aside, once, with the reason."""

import json

import pytest
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker
from faststream.rabbit.annotations import RabbitMessage
from tests.integration.broker.rig import Rig
from tests.waiting import until

from contracts.messages import RunJob
from contracts.topology import DELIVERY_LIMIT
from coordination.ports import WakeUp
from service_defaults.broker import MessageReader, jobs_exchange, jobs_queue

pytestmark = pytest.mark.integration

POISON = [
    b"",
    b"hello",
    b"[" * 20_000,
    b'{"version":1,"lock":NaN}',
    b'{"version":9,"lock":"ledger"}',
    b'{"version":1,"lock":"ledger","__proto__":{}}',
    b"\x00\xff" * 150_000,
]


async def listen(rig: Rig, policy: AckPolicy = AckPolicy.REJECT_ON_ERROR) -> list[RunJob]:
    """Consume wake-ups as a worker does."""
    heard: list[RunJob] = []
    subscriber = rig.broker.subscriber(
        jobs_queue(rig.topology),
        jobs_exchange(rig.topology),
        channel=Channel(prefetch_count=2),
        ack_policy=policy,
    )

    async def on_wake_up(message: RabbitMessage) -> None:
        body = await rig.reader.parse(message, RunJob)
        if body is None:
            return
        heard.append(body)
        if body.lock == "bug":
            raise ValueError("a bug")
        if body.lock == "never now":
            # From 4.3 on RabbitMQ does not count a nack.
            await message.reject(requeue=True)
        else:
            await message.ack()

    subscriber(on_wake_up)
    await subscriber.start()
    return heard


@pytest.mark.parametrize("policy", [AckPolicy.REJECT_ON_ERROR, AckPolicy.MANUAL])
async def test_poison_goes_to_quarantine_once_and_holds_up_nobody(rig: Rig, policy: AckPolicy) -> None:
    heard = await listen(rig, policy)
    for body in POISON:
        await rig.broker.publish(body, exchange=jobs_exchange(rig.topology), routing_key="run")
    await rig.notifier.notify(WakeUp("ledger"))

    async def all_is_settled() -> bool:
        return len(heard) == 1 and await rig.count(rig.topology.quarantine_queue) == len(POISON)

    await until(all_is_settled)
    seen = {}
    for _ in POISON:
        message = await rig.take(rig.topology.quarantine_queue)
        seen[message.body] = str(message.headers["x-reason"])
        assert message.headers["x-original-routing-key"] == "run"
    assert set(seen) == set(POISON)
    assert all(seen.values())
    assert await rig.count(rig.topology.jobs_queue) == 0


async def test_a_message_that_meets_a_bug_goes_to_quarantine(rig: Rig) -> None:
    heard = await listen(rig)
    await rig.notifier.notify(WakeUp("bug"))
    message = await rig.take(rig.topology.quarantine_queue)
    assert json.loads(message.body)["lock"] == "bug"
    assert len(heard) == 1


async def test_a_message_that_comes_back_too_often_goes_to_quarantine(rig: Rig) -> None:
    heard = await listen(rig)
    await rig.notifier.notify(WakeUp("never now"))
    await rig.take(rig.topology.quarantine_queue)
    assert len(heard) == DELIVERY_LIMIT + 1


async def test_without_a_confirmation_the_broker_itself_sets_the_message_aside(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An message reader whose publishing broker was never connected.
    rig.reader = MessageReader(
        RabbitBroker(rig.settings.rabbitmq_url.get_secret_value()), rig.topology, timeout=0.5
    )
    await listen(rig)
    await rig.broker.publish(b"hello", exchange=jobs_exchange(rig.topology), routing_key="run")
    message = await rig.take(rig.topology.quarantine_queue)
    assert message.body == b"hello"
    assert "x-reason" not in message.headers
