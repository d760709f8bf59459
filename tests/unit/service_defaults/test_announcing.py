"""Recorded events are announced until the broker confirms them, by a task of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.captured import capturing
from tests.unit.service_defaults.scripted_broker import TRACE, ScriptedBroker, event, make_notifier, raising

from contracts.jobs import MAX_BODY_BYTES
from contracts.messages import JobEvents
from contracts.telemetry import metrics
from contracts.traceparent import trace_id_of
from service_defaults.broker import to_event


def seqs(broker: ScriptedBroker) -> list[list[int]]:
    """Return the numbers of the events in every message."""
    return [[event["seq"] for event in sent["body"]["events"]] for sent in broker.published]


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


async def test_events_are_announced_in_one_message_per_job_under_its_trace() -> None:
    broker, other = ScriptedBroker(), TRACE.replace("4bf9", "ffff")
    notifier = make_notifier(broker)
    notifier.announce([event("a", 5), event("b", 2, traceparent=other), event("b", 3, traceparent=other)])
    await notifier.aclose()
    seen = [(sent["headers"]["traceparent"], sent["body"]["events"]) for sent in broker.published]
    assert [(trace, [(e["job_id"], e["seq"]) for e in events]) for trace, events in seen] == [
        (TRACE, [("a", 5)]),
        (other, [("b", 2), ("b", 3)]),
    ]
    sent_event = JobEvents.model_validate(broker.published[0]["body"]).events[0]
    assert (sent_event.event_id, sent_event.trace_id) == ("a-000005", trace_id_of(TRACE))


async def test_an_announcement_is_published_until_it_is_confirmed() -> None:
    broker = ScriptedBroker(raising(ConnectionResetError()), raising(asyncio.CancelledError()))
    notifier = make_notifier(broker)
    notifier.announce([event()])
    await notifier.aclose()
    assert len(broker.published) == 1
    assert notifier.waiting == 0


async def test_too_many_announcements_cost_the_oldest_ones() -> None:
    broker = ScriptedBroker()
    with capturing() as captured:
        notifier = make_notifier(broker, capacity=3)
        for seq in range(1, 6):
            notifier.announce([event(seq=seq)])
        assert notifier.waiting == 3
        await notifier.aclose()
        assert captured.values(metrics.ANNOUNCEMENTS_DROPPED) == {(): 2}
    assert seqs(broker) == [[3], [4], [5]]


async def test_closing_waits_only_so_long_for_a_broker_that_is_silent() -> None:
    with capturing() as captured:
        notifier = make_notifier(ScriptedBroker(*[lambda: asyncio.Event().wait()] * 2))
        notifier.announce([event("a")])
        notifier.announce([event("b")])
        await notifier.aclose(timeout=0.05)
        assert captured.values(metrics.ANNOUNCEMENTS_DROPPED) == {(): 2}


async def test_what_is_announced_after_closing_is_left_to_the_sweeper_and_counted() -> None:
    broker = ScriptedBroker()
    with capturing() as captured:
        notifier = make_notifier(broker)
        await notifier.aclose()
        await notifier.aclose()
        notifier.announce([event("a"), event("b")])
        assert captured.values(metrics.ANNOUNCEMENTS_DROPPED) == {(): 1}
    assert notifier.waiting == 0
    assert broker.published == []


@pytest.mark.parametrize(
    "wrong", [{"data": "not json"}, {"data": "[]"}, {"status": "Odd"}, {"timestamp": "yesterday"}]
)
async def test_an_event_that_cannot_be_read_does_not_hold_up_the_others(wrong: dict[str, Any]) -> None:
    broker = ScriptedBroker()
    with capturing() as captured:
        notifier = make_notifier(broker)
        notifier.announce([replace(event(), **wrong)])
        notifier.announce([event(seq=2)])
        await notifier.aclose()
        assert captured.values(metrics.ANNOUNCEMENTS_DROPPED) == {(): 1}
    assert seqs(broker) == [[2]]


async def test_events_go_to_the_projectors_and_are_kept_until_one_has_them() -> None:
    broker = ScriptedBroker()
    notifier = make_notifier(broker)
    notifier.announce([event()])
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
            notifier.announce([event(seq=seq)])
        await notifier.aclose()
        assert captured.values(metrics.MESSAGES_UNCONFIRMED) == {("events",): 1}
    assert seqs(broker) == [[1], [1], [2]]
    assert pauses == [0.2]


async def test_pauses_between_tries_grow_up_to_five_seconds_and_begin_again(pauses: list[float]) -> None:
    lost = raising(ConnectionResetError())
    broker = ScriptedBroker(*[lost] * 7, lambda: None, lost)
    notifier = make_notifier(broker)
    notifier.announce([event()])
    await asyncio.wait_for(notifier._drained.wait(), 5)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    notifier.announce([event(seq=2)])
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
        notifier.announce([event(seq=seq)])
    await broker.happened.wait()
    go_on.set()
    await notifier.aclose()
    assert most == 16
    assert seqs(broker) == [[seq] for seq in range(1, 41)]


async def test_closing_waits_for_what_was_announced_last() -> None:
    go_on = asyncio.Event()
    broker = ScriptedBroker(go_on.wait)
    notifier = make_notifier(broker)
    notifier.announce([event()])
    await broker.happened.wait()
    notifier.announce([event(seq=2)])
    closing = asyncio.create_task(notifier.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    assert notifier.waiting == 2
    go_on.set()
    await closing
    assert notifier.waiting == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert seqs(broker) == [[1], [2]]


@asynccontextmanager
async def announcing(broker: ScriptedBroker, *texts: str) -> AsyncIterator[list[bytes]]:
    """Announce events with these texts; return the messages that were sent."""
    notifier = make_notifier(broker)
    notifier.announce([event(seq=n, data=json.dumps({"t": text})) for n, text in enumerate(texts, 1)])
    await notifier.aclose()
    yield [JobEvents.model_validate(sent["body"]).model_dump_json().encode() for sent in broker.published]


ENVELOPE = len(JobEvents(lock="ledger", events=[]).model_dump_json())
EMPTY = len(to_event(event(data=json.dumps({"t": ""}))).model_dump_json())
LARGEST = 128 * 1024


@pytest.mark.parametrize(
    ("lengths", "messages"),
    [
        # Exactly as much as fits, and one more.
        ([LARGEST - 2 * EMPTY, 0], [[1, 2]]),
        ([LARGEST - 2 * EMPTY + 1, 0], [[1], [2]]),
        ([LARGEST - 3 * EMPTY, 0, 0, 0], [[1, 2, 3], [4]]),
        ([LARGEST - EMPTY, LARGEST - 2 * EMPTY, 0], [[1], [2, 3]]),
        ([LARGEST - EMPTY, LARGEST - 2 * EMPTY + 1, 0], [[1], [2], [3]]),
        # A single one is sent with any size.
        ([150_000, 0, 150_000], [[1], [2], [3]]),
        ([30_000] * 20, [[n, n + 1, n + 2, n + 3] for n in range(1, 20, 4)]),
    ],
)
async def test_many_large_events_are_spread_over_messages_a_consumer_accepts(
    lengths: list[int], messages: list[list[int]]
) -> None:
    broker = ScriptedBroker()
    async with announcing(broker, *("x" * length for length in lengths)) as bodies:
        assert seqs(broker) == messages
        assert all(len(body) <= MAX_BODY_BYTES for body in bodies)
        assert {sent["headers"]["traceparent"] for sent in broker.published} == {TRACE}


async def test_events_in_any_script_are_spread_over_messages_a_consumer_accepts() -> None:
    broker = ScriptedBroker()
    async with announcing(broker, *["\u6f22" * 20_000] * 6) as bodies:
        assert [seq for message in seqs(broker) for seq in message] == [1, 2, 3, 4, 5, 6]
        assert all(len(body) <= LARGEST + ENVELOPE + 6 for body in bodies)


async def test_messages_of_one_announcement_are_all_confirmed_or_all_published_again(
    pauses: list[float],
) -> None:
    broker = ScriptedBroker(lambda: None, raising(ConnectionResetError()))
    async with announcing(broker, "x" * 100_000, "x" * 100_000) as _:
        assert seqs(broker) == [[1], [1], [2]]
        assert pauses == [0.2]
