"""A worker that meets what it did not expect goes on listening."""

import pytest
from deploy.servers import RabbitMQ
from tests.integration.broker.rig import Rig, connected, settings_for
from tests.waiting import until

from coordination.door import Answer
from coordination.doorkeeper import NoRoomError
from coordination.ports import Ring, UnknownOutcomeError
from service_defaults.broker import jobs_exchange
from worker.bells import Bells

pytestmark = pytest.mark.integration


class Doorkeeper:
    """Answers as the lock's name says."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def answer(self, ring: Ring) -> Answer:
        self.asked.append(ring.lock_name)
        if ring.lock_name == "bug":
            raise RuntimeError("a bug")
        if ring.lock_name == "full" and self.asked.count("full") < 3:
            raise NoRoomError
        if ring.lock_name == "full for long" and self.asked.count("full for long") < 13:
            raise NoRoomError
        return Answer.EMPTY


class DeafBell:
    """A bell of which nothing is confirmed."""

    def __init__(self) -> None:
        self.deferred = 0

    async def defer(self, ring: Ring) -> None:
        self.deferred += 1
        raise UnknownOutcomeError("not confirmed")


async def listening(rig: Rig, bell: object = None) -> Doorkeeper:
    doorkeeper, answers = Doorkeeper(), list[str]()
    Bells(rig.broker, rig.topology, rig.intake, doorkeeper, bell or rig.bell, answers.append)  # type: ignore[arg-type]
    await rig.broker.start()
    return doorkeeper


async def test_a_bell_that_meets_a_bug_is_set_aside_and_keeps_no_other_away(rabbitmq: RabbitMQ) -> None:
    async with connected(settings_for(rabbitmq.url)) as rig:
        doorkeeper = await listening(rig)
        await rig.bell.ring(Ring("bug"))
        await rig.bell.ring(Ring("ledger"))
        await rig.take(rig.topology.quarantine_queue)

        await until(lambda: doorkeeper.asked == ["bug", "ledger"])
        assert await rig.count(rig.topology.jobs_queue) == 0


async def test_a_bell_that_cannot_be_put_off_comes_again(rabbitmq: RabbitMQ) -> None:
    async with connected(settings_for(rabbitmq.url)) as rig:
        bell = DeafBell()
        doorkeeper = await listening(rig, bell)
        await rig.bell.ring(Ring("full for long"))

        async def it_is_answered() -> bool:
            return len(doorkeeper.asked) == 13

        await until(it_is_answered)
        assert bell.deferred == 2
        assert await rig.count(rig.topology.quarantine_queue) == 0


async def test_a_forged_delivery_count_counts_for_nothing(rabbitmq: RabbitMQ) -> None:
    async with connected(settings_for(rabbitmq.url)) as rig:
        doorkeeper = await listening(rig)
        await rig.broker.publish(
            b'{"lock": "full"}',
            exchange=jobs_exchange(rig.topology),
            routing_key="run",
            headers={"x-delivery-count": "many"},
        )

        async def it_is_answered() -> bool:
            return doorkeeper.asked == ["full"] * 3

        await until(it_is_answered)
        assert await rig.count(rig.topology.quarantine_queue) == 0
