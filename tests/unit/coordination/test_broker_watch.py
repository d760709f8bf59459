"""The watch on the broker: what is known after which answer, and how often it is probed."""

import random
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import Setting

from coordination.broker_watch import BrokerWatch
from coordination.ports import UnknownOutcomeError

#: The longest time until a broker that went silent is known to be: a pause, and the probe's own time-out.
LONGEST_PAUSE = 3.0


class ProbedBroker:
    """A broker that answers or not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.is_there = True
        self.probes = 0

    async def probe(self) -> None:
        self.probes += 1
        if not self.is_there:
            raise UnknownOutcomeError


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    made = Setting()
    yield made
    await made.close()


async def test_a_process_that_publishes_nothing_notices_within_three_seconds_that_the_broker_is_silent(
    world: Setting,
) -> None:
    broker = ProbedBroker()
    watch = BrokerWatch(broker.probe, world.clock)
    world.spawn(watch.keep_probing())
    await world.clock.advance(60)
    assert watch.is_answering
    assert broker.probes == 20
    broker.is_there = False
    await world.clock.advance(LONGEST_PAUSE)
    assert not watch.is_answering


async def test_after_a_message_that_was_not_confirmed_probes_go_on_until_one_is(world: Setting) -> None:
    broker = ProbedBroker()
    broker.is_there = False
    watch = BrokerWatch(broker.probe, world.clock)
    watch.failed()
    assert not watch.is_answering
    await world.clock.advance(10.5)
    assert broker.probes == 11
    broker.is_there = True
    await world.clock.advance(1)
    assert watch.is_answering
    probes = broker.probes
    await world.clock.advance(60)
    assert broker.probes == probes, "a process that publishes notices the next failure by itself"


async def test_many_messages_that_are_not_confirmed_begin_one_probing(world: Setting) -> None:
    broker = ProbedBroker()
    broker.is_there = False
    watch = BrokerWatch(broker.probe, world.clock)
    for _ in range(5):
        watch.failed()
    await world.clock.advance(0.5)
    assert broker.probes == 1


async def test_a_message_that_is_confirmed_ends_the_probing(world: Setting) -> None:
    broker = ProbedBroker()
    broker.is_there = False
    watch = BrokerWatch(broker.probe, world.clock)
    watch.failed()
    await world.clock.advance(2.5)
    watch.confirmed()
    assert watch.is_answering
    await world.clock.advance(60)
    assert (broker.probes, watch.is_answering) == (3, True)


async def test_each_change_is_reported_once(world: Setting) -> None:
    broker, changes = ProbedBroker(), list[bool]()
    watch = BrokerWatch(broker.probe, world.clock, changes.append)
    for _ in range(2):
        broker.is_there = False
        watch.failed()
        watch.failed()
        await world.clock.advance(5)
        broker.is_there = True
        await world.clock.advance(5)
    assert changes == [False, True, False, True]


async def test_a_watch_that_is_closed_probes_no_more(world: Setting) -> None:
    broker = ProbedBroker()
    broker.is_there = False
    watch = BrokerWatch(broker.probe, world.clock)
    watch.failed()
    await world.clock.advance(2)
    probes = broker.probes
    await watch.aclose()
    await watch.aclose()
    await world.clock.advance(60)
    assert broker.probes == probes
