"""Recorded events are announced until the broker confirms them: many in one message, by a task of its own."""

import asyncio
from dataclasses import replace

import pytest
from tests.unit.captured import capturing
from tests.unit.service_defaults.scripted_broker import TRACE, ScriptedBroker, events, make_notifier, raising

from contracts.messages import AnnouncedEvents, EventGroup
from contracts.statuses import EventStatus
from contracts.telemetry import metrics
from coordination.journal.events import Writer, announcements, record
from coordination.journal.rows import JobRow
from coordination.ports import Announcement
from service_defaults.broker import Seal, announcing
from service_defaults.broker.seal import HEADER


def seqs(broker: ScriptedBroker) -> list[list[int]]:
    """Return the numbers of the events in every message."""
    return [[item["first"] for item in sent["body"]["items"]] for sent in broker.published]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses after failures, without pausing."""
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds > announcing._INTERVAL:
            pauses.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return pauses


async def test_announcements_of_many_jobs_travel_in_one_message_each_with_the_trace_of_its_job() -> None:
    broker, other = ScriptedBroker(), TRACE.replace("4bf9", "ffff")
    notifier = make_notifier(broker)
    notifier.announce([Announcement("ledger", "a", 5, 5, TRACE), Announcement("ledger", "b", 2, 3, other)])
    await notifier.aclose()
    (sent,) = broker.published
    assert "traceparent" not in sent["headers"]
    assert EventGroup.model_validate(sent["body"]).items == [
        AnnouncedEvents(lock="ledger", job_id="a", first=5, last=5, traceparent=TRACE),
        AnnouncedEvents(lock="ledger", job_id="b", first=2, last=3, traceparent=other),
    ]


async def test_what_is_announced_while_a_message_is_on_its_way_travels_together() -> None:
    go_on = asyncio.Event()
    broker = ScriptedBroker(go_on.wait)
    notifier = make_notifier(broker)
    notifier.announce(events())
    await broker.happened.wait()
    for seq in range(2, 40):
        notifier.announce(events(seq=seq))
    go_on.set()
    await notifier.aclose()
    assert seqs(broker) == [[1], list(range(2, 40))]


async def test_what_is_announced_soon_after_a_message_waits_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    resting, go_on = asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        assert 0 < seconds <= announcing._INTERVAL
        resting.set()
        await go_on.wait()

    broker = ScriptedBroker()
    notifier = make_notifier(broker)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    notifier.announce(events())
    await resting.wait()
    for seq in (2, 3):
        notifier.announce(events(seq=seq))
    assert seqs(broker) == [[1]]
    go_on.set()
    await notifier.aclose()
    assert seqs(broker) == [[1], [2, 3]]


async def test_a_message_has_at_most_so_many_announcements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "MOST_ANNOUNCED", 3)
    broker = ScriptedBroker()
    notifier = make_notifier(broker)
    notifier.announce([announcement for seq in range(1, 8) for announcement in events(seq=seq)])
    await notifier.aclose()
    assert seqs(broker) == [[1, 2, 3], [4, 5, 6], [7]]


def recorded(seq: int, text: str = "one", **about: str) -> Announcement:
    """Return the announcement of a step, with its rows."""
    job = JobRow("j", "kind", "ledger", priority=0, parameters="secret", **about)  # type: ignore[arg-type]
    writer = Writer("w", "op", "2026-01-01T00:00:00.000000Z")
    job, event = record(replace(job, seq=seq - 1), EventStatus.STEP, text, writer)
    (announcement,) = announcements([event], {"j": job})
    return announcement


async def test_an_announcement_carries_the_rows_that_its_writer_vouches_for() -> None:
    broker = ScriptedBroker()
    notifier = make_notifier(broker)
    notifier.announce([recorded(4, name="sums")])
    await notifier.aclose()
    (item,) = EventGroup.model_validate(broker.published[0]["body"]).items
    assert item.events is not None
    assert item.job is not None
    assert item.events[0]["message"] == "one"
    # A priority of 0 is not the default, and parameters are not shown in any list.
    assert item.job == {
        "kind": "kind", "status": "Queued", "priority": 0, "name": "sums", "properties": "{}", "fence": 0,
        "attempt": 0, "interruptions": 0, "cancel_requested": False,
    }  # fmt: skip


async def test_a_message_stays_below_the_limit_and_what_is_too_large_is_announced_by_its_numbers() -> None:
    broker = ScriptedBroker()
    notifier = make_notifier(broker)
    notifier.announce([recorded(1, "x" * 60_000), recorded(2, "x" * 60_000), recorded(3, "x" * 60_000)])
    notifier.announce([recorded(4, "x" * 70_000)])
    await notifier.aclose()
    assert seqs(broker) == [[1, 2], [3, 4]]
    sizes = [[bool(item.get("events")) for item in sent["body"]["items"]] for sent in broker.published]
    assert sizes == [[True, True], [True, False]]


async def test_a_message_is_sealed_as_soon_as_the_key_is_known() -> None:
    broker, seal = ScriptedBroker(), Seal()
    notifier = make_notifier(broker, seal=seal)
    notifier.announce(events())
    await asyncio.wait_for(notifier._announcer._drained.wait(), 5)
    seal.use("a-key", b"secret")
    notifier.announce(events(seq=2))
    await notifier.aclose()
    before, after = broker.published
    assert HEADER not in before["headers"]
    assert seal.fits(broker.bodies[1], after["headers"][HEADER])


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
    assert seqs(broker) == [[3, 4, 5]]


async def test_what_is_dropped_while_it_is_on_its_way_costs_nothing_that_came_later() -> None:
    go_on = asyncio.Event()
    broker = ScriptedBroker(go_on.wait)
    notifier = make_notifier(broker, capacity=2)
    notifier.announce([*events(seq=1), *events(seq=2)])
    await broker.happened.wait()
    for seq in (3, 4, 5):
        notifier.announce(events(seq=seq))
    go_on.set()
    await notifier.aclose()
    assert seqs(broker) == [[1, 2], [4, 5]]


async def test_closing_waits_only_so_long_for_a_broker_that_is_silent() -> None:
    with capturing() as captured:
        notifier = make_notifier(ScriptedBroker(lambda: asyncio.Event().wait()))
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
    assert sent["body"]["items"][0]["lock"] == "ledger"


async def test_a_message_that_was_not_confirmed_is_published_again_with_what_came_since(
    pauses: list[float],
) -> None:
    broker = ScriptedBroker(lambda: None, raising(ConnectionResetError()), lambda: None)
    with capturing() as captured:
        notifier = make_notifier(broker)
        notifier.announce(events())
        await asyncio.wait_for(notifier._announcer._drained.wait(), 5)
        # Equal to the first, as when the sweeper announces what was announced already.
        for seq in (1, 2):
            notifier.announce(events(seq=seq))
        await notifier.aclose()
        assert captured.values(metrics.MESSAGES_UNCONFIRMED) == {("events",): 1}
    assert seqs(broker) == [[1], [1, 2]]
    assert pauses == [0.2]


async def test_pauses_between_tries_grow_up_to_five_seconds_and_begin_again(pauses: list[float]) -> None:
    lost = raising(ConnectionResetError())
    broker = ScriptedBroker(*[lost] * 7, lambda: None, lost)
    notifier = make_notifier(broker)
    notifier.announce(events())
    await asyncio.wait_for(notifier._announcer._drained.wait(), 5)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    notifier.announce(events(seq=2))
    await notifier.aclose()
    assert pauses[7:] == [0.2]
    assert seqs(broker) == [[1], [2]]


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
