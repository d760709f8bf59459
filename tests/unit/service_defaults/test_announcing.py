"""Recorded events are announced until the broker confirms them, by a task of its own."""

import asyncio

import pytest
from tests.unit.captured import capturing
from tests.unit.service_defaults.scripted_broker import TRACE, ScriptedBroker, events, make_notifier, raising

from contracts.messages import JobEvents
from contracts.telemetry import metrics
from coordination.ports import Announcement


def seqs(broker: ScriptedBroker) -> list[list[int]]:
    """Return the numbers of the events in every message."""
    return [[sent["body"]["first"]] for sent in broker.published]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long the wake-up pauses, without pausing."""
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return pauses


async def test_each_announcement_is_a_message_of_its_own_under_the_trace_of_its_job() -> None:
    broker, other = ScriptedBroker(), TRACE.replace("4bf9", "ffff")
    notifier = make_notifier(broker)
    notifier.announce([Announcement("ledger", "a", 5, 5, TRACE), Announcement("ledger", "b", 2, 3, other)])
    await notifier.aclose()
    seen = [
        (sent["headers"]["traceparent"], JobEvents.model_validate(sent["body"])) for sent in broker.published
    ]
    assert seen == [
        (TRACE, JobEvents(lock="ledger", job_id="a", first=5, last=5)),
        (other, JobEvents(lock="ledger", job_id="b", first=2, last=3)),
    ]


async def test_an_announcement_is_published_until_it_is_confirmed() -> None:
    broker = ScriptedBroker(raising(ConnectionResetError()), raising(asyncio.CancelledError()))
    notifier = make_notifier(broker)
    notifier.announce(events())
    await notifier.aclose()
    assert len(broker.published) == 1
    assert notifier.waiting == 0


async def test_too_many_announcements_cost_the_oldest_ones() -> None:
    broker = ScriptedBroker()
    with capturing() as captured:
        notifier = make_notifier(broker, capacity=3)
        for seq in range(1, 6):
            notifier.announce(events(seq=seq))
        assert notifier.waiting == 3
        await notifier.aclose()
        assert captured.values(metrics.ANNOUNCEMENTS_DROPPED) == {(): 2}
    assert seqs(broker) == [[3], [4], [5]]


async def test_closing_waits_only_so_long_for_a_broker_that_is_silent() -> None:
    with capturing() as captured:
        notifier = make_notifier(ScriptedBroker(*[lambda: asyncio.Event().wait()] * 2))
        notifier.announce(events("a"))
        notifier.announce(events("b"))
        await notifier.aclose(timeout=0.05)
        assert captured.values(metrics.ANNOUNCEMENTS_DROPPED) == {(): 2}


async def test_what_is_announced_after_closing_is_left_to_the_sweeper_and_counted() -> None:
    broker = ScriptedBroker()
    with capturing() as captured:
        notifier = make_notifier(broker)
        await notifier.aclose()
        await notifier.aclose()
        notifier.announce(events("a") + events("b"))
        assert captured.values(metrics.ANNOUNCEMENTS_DROPPED) == {(): 2}
    assert notifier.waiting == 0
    assert broker.published == []


async def test_events_go_to_the_projectors_and_are_kept_until_one_has_them() -> None:
    broker = ScriptedBroker()
    notifier = make_notifier(broker)
    notifier.announce(events())
    await notifier.aclose()
    (sent,) = broker.published
    assert (sent["exchange"].name, sent["routing_key"]) == ("t.events", "job")
    assert (sent["persist"], sent["mandatory"]) == (True, True)
    assert sent["body"]["lock"] == "ledger"


async def test_only_what_was_not_confirmed_is_published_again(pauses: list[float]) -> None:
    broker = ScriptedBroker(lambda: None, raising(ConnectionResetError()), lambda: None)
    with capturing() as captured:
        notifier = make_notifier(broker)
        # The first and the last are equal, as when the sweeper announces what was announced already.
        for seq in (1, 2, 1):
            notifier.announce(events(seq=seq))
        await notifier.aclose()
        assert captured.values(metrics.MESSAGES_UNCONFIRMED) == {("events",): 1}
    assert seqs(broker) == [[1], [1], [2]]
    assert pauses == [0.2]


async def test_pauses_between_tries_grow_up_to_five_seconds_and_begin_again(pauses: list[float]) -> None:
    lost = raising(ConnectionResetError())
    broker = ScriptedBroker(*[lost] * 7, lambda: None, lost)
    notifier = make_notifier(broker)
    notifier.announce(events())
    await asyncio.wait_for(notifier._drained.wait(), 5)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    notifier.announce(events(seq=2))
    await notifier.aclose()
    assert pauses[7:] == [0.2]
    assert seqs(broker) == [[1], [2]]


async def test_at_most_sixteen_announcements_are_on_their_way_at_once() -> None:
    at_once, most = 0, 0
    go_on = asyncio.Event()

    async def publish() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await go_on.wait()
        at_once -= 1

    broker = ScriptedBroker(*[publish] * 40)
    notifier = make_notifier(broker)
    for seq in range(1, 41):
        notifier.announce(events(seq=seq))
    await broker.happened.wait()
    go_on.set()
    await notifier.aclose()
    assert most == 16
    assert seqs(broker) == [[seq] for seq in range(1, 41)]


async def test_closing_waits_for_what_was_announced_last() -> None:
    go_on = asyncio.Event()
    broker = ScriptedBroker(go_on.wait)
    notifier = make_notifier(broker)
    notifier.announce(events())
    await broker.happened.wait()
    notifier.announce(events(seq=2))
    closing = asyncio.create_task(notifier.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    assert notifier.waiting == 2
    go_on.set()
    await closing
    assert notifier.waiting == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert seqs(broker) == [[1], [2]]
