"""A worker that meets what it did not expect goes on listening."""

import pytest
from deploy.servers.private import RabbitMQ
from tests.integration.broker.rig import Rig, connected, settings_for
from tests.waiting import until

from coordination.holder.dispatcher import NoCapacityError
from coordination.holder.lock_server import WakeUpOutcome
from coordination.ports import UnknownOutcomeError, WakeUp
from service_defaults.broker import jobs_exchange
from worker.wake_ups import WakeUps

pytestmark = pytest.mark.integration


class LockDispatcher:
    """Answers as the lock's name says."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def answer(self, wake_up: WakeUp) -> WakeUpOutcome:
        self.asked.append(wake_up.lock_name)
        if wake_up.lock_name == "bug":
            raise RuntimeError("a bug")
        if wake_up.lock_name == "full" and self.asked.count("full") < 3:
            raise NoCapacityError
        if wake_up.lock_name == "full for long" and self.asked.count("full for long") < 13:
            raise NoCapacityError
        return WakeUpOutcome.EMPTY

    def is_serving(self, lock_name: str) -> bool:
        """Serve nothing for longer than an answer takes."""
        return False

    def is_watching(self, lock_name: str) -> bool:
        """Watch nothing."""
        return False


class SilentWakeUps:
    """A wake-up of which nothing is confirmed."""

    def __init__(self) -> None:
        self.deferred = 0

    async def defer(self, wake_up: WakeUp) -> None:
        self.deferred += 1
        raise UnknownOutcomeError("not confirmed")


async def listening(rig: Rig, notifier: object = None) -> LockDispatcher:
    dispatcher, answers = LockDispatcher(), list[str]()
    WakeUps(rig.broker, rig.topology, rig.reader, dispatcher, notifier or rig.notifier, answers.append)  # type: ignore[arg-type]
    await rig.broker.start()
    return dispatcher


async def test_a_wake_up_that_meets_a_bug_is_set_aside_and_keeps_no_other_away(rabbitmq: RabbitMQ) -> None:
    async with connected(settings_for(rabbitmq.url)) as rig:
        dispatcher = await listening(rig)
        await rig.notifier.notify(WakeUp("bug"))
        await rig.notifier.notify(WakeUp("ledger"))
        await rig.take(rig.topology.quarantine_queue)

        await until(lambda: dispatcher.asked == ["bug", "ledger"])
        assert await rig.count(rig.topology.jobs_queue) == 0


async def test_a_wake_up_that_cannot_be_put_off_comes_again(rabbitmq: RabbitMQ) -> None:
    async with connected(settings_for(rabbitmq.url)) as rig:
        notifier = SilentWakeUps()
        dispatcher = await listening(rig, notifier)
        await rig.notifier.notify(WakeUp("full for long"))

        async def it_is_answered() -> bool:
            return len(dispatcher.asked) == 13

        await until(it_is_answered)
        assert notifier.deferred == 2
        assert await rig.count(rig.topology.quarantine_queue) == 0


async def test_a_forged_delivery_count_counts_for_nothing(rabbitmq: RabbitMQ) -> None:
    async with connected(settings_for(rabbitmq.url)) as rig:
        dispatcher = await listening(rig)
        await rig.broker.publish(
            b'{"lock": "full"}',
            exchange=jobs_exchange(rig.topology),
            routing_key="run",
            headers={"x-delivery-count": "many"},
        )

        async def it_is_answered() -> bool:
            return dispatcher.asked == ["full"] * 3

        await until(it_is_answered)
        assert await rig.count(rig.topology.quarantine_queue) == 0
