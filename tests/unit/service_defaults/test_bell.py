"""The bell over a broker that confirms, refuses, stays silent or goes away."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from aio_pika.exceptions import ChannelInvalidStateError, DeliveryError
from faststream.rabbit import RabbitBroker
from opentelemetry import metrics as otel
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from pamqp.commands import Basic

from contracts.messages import Hint, JobEvents
from contracts.telemetry import metrics
from contracts.topology import Topology
from contracts.traceparent import trace_id_of
from coordination.ports import RecordedEvent, Ring, UnknownOutcomeError
from service_defaults.broker import NotConfirmedError, RabbitBell

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Answer = Callable[[], Any]


class ScriptedBroker:
    """Keeps what is published, after giving the next scripted answer, if any is left."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.published: list[dict[str, Any]] = []
        self.happened = asyncio.Event()

    async def publish(self, body: bytes, **options: Any) -> None:
        self.happened.set()
        if self.answers:
            answer = self.answers.pop(0)()
            if asyncio.iscoroutine(answer):
                await answer
        self.published.append({"body": json.loads(body), **options})


def make_bell(broker: ScriptedBroker, **options: Any) -> RabbitBell:
    return RabbitBell(cast("RabbitBroker", broker), Topology("t"), 5000, **options)


def raising(error: BaseException) -> Answer:
    def answer() -> None:
        raise error

    return answer


def event(
    job_id: str = "j", seq: int = 1, data: str = "{}", traceparent: str | None = TRACE
) -> RecordedEvent:
    return RecordedEvent(
        "ledger", job_id, seq, "Step", "m", "2026-01-01T00:00:00.000001Z", 1, 7, "w", "w", traceparent, data,
        "op", "", "h",
    )  # fmt: skip


FAILURES = [
    pytest.param(raising(ChannelInvalidStateError("gone")), id="channel gone"),
    pytest.param(raising(DeliveryError(None, Basic.Nack())), id="refused by the queue"),
    pytest.param(raising(ConnectionResetError()), id="connection reset"),
    # What aio-pika does to everybody who waits for a confirmation when the heartbeat gives up.
    pytest.param(raising(asyncio.CancelledError()), id="cancelled by the library"),
    pytest.param(lambda: asyncio.sleep(60), id="silence"),
]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_ring_that_fails_is_no_error(failure: Answer) -> None:
    broker = ScriptedBroker(failure)
    await make_bell(broker, timeout=0.05).ring(Ring("ledger"))
    assert broker.published == []


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_deferral_that_fails_is_an_unknown_outcome(failure: Answer) -> None:
    with pytest.raises(UnknownOutcomeError):
        await make_bell(ScriptedBroker(failure), timeout=0.05).defer(Ring("ledger"))


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_hint_that_fails_is_no_error(failure: Answer) -> None:
    hint = Hint(what="cancel_requested", lock="ledger", job_id="j")
    await make_bell(ScriptedBroker(failure), timeout=0.05).hint(hint)


async def test_a_caller_that_is_cancelled_stays_cancelled() -> None:
    broker = ScriptedBroker(lambda: asyncio.sleep(60))
    ringing = asyncio.create_task(make_bell(broker).ring(Ring("ledger")))
    await broker.happened.wait()
    ringing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ringing


async def test_a_ring_says_what_it_is_about_and_carries_the_jobs_trace() -> None:
    broker = ScriptedBroker()
    await make_bell(broker).ring(Ring("ledger", "j", released=True, traceparent=TRACE))
    (sent,) = broker.published
    assert sent["body"] == {"version": 1, "lock": "ledger", "job_id": "j", "marked": False, "released": True}
    assert (sent["exchange"].name, sent["routing_key"]) == ("t.jobs", "run")
    assert sent["headers"]["traceparent"] == TRACE
    assert sent["persist"]
    assert sent["mandatory"]


async def test_events_are_announced_in_one_message_per_job_under_its_trace() -> None:
    broker, other = ScriptedBroker(), TRACE.replace("4bf9", "ffff")
    bell = make_bell(broker)
    bell.announce([event("a", 5), event("b", 2, traceparent=other), event("b", 3, traceparent=other)])
    await bell.aclose()
    seen = [(sent["headers"]["traceparent"], sent["body"]["events"]) for sent in broker.published]
    assert [(trace, [(e["job_id"], e["seq"]) for e in events]) for trace, events in seen] == [
        (TRACE, [("a", 5)]),
        (other, [("b", 2), ("b", 3)]),
    ]
    told = JobEvents.model_validate(broker.published[0]["body"]).events[0]
    assert (told.event_id, told.trace_id) == ("a-000005", trace_id_of(TRACE))


async def test_an_announcement_is_published_until_it_is_confirmed() -> None:
    broker = ScriptedBroker(raising(ConnectionResetError()), raising(asyncio.CancelledError()))
    bell = make_bell(broker)
    bell.announce([event()])
    await bell.aclose()
    assert len(broker.published) == 1
    assert bell.waiting == 0


async def test_too_many_announcements_cost_the_oldest_ones() -> None:
    broker = ScriptedBroker()
    bell = make_bell(broker, capacity=3)
    for seq in range(1, 6):
        bell.announce([event(seq=seq)])
    assert bell.waiting == 3
    await bell.aclose()
    assert [sent["body"]["events"][0]["seq"] for sent in broker.published] == [3, 4, 5]


async def test_closing_waits_only_so_long_for_a_broker_that_is_silent() -> None:
    broker = ScriptedBroker(lambda: asyncio.sleep(60))
    bell = make_bell(broker)
    bell.announce([event()])
    async with asyncio.timeout(5):
        await bell.aclose(timeout=0.05)
    bell.announce([event(seq=2)])
    assert bell.waiting == 1


async def test_an_event_nobody_could_read_does_not_hold_up_the_others() -> None:
    broker = ScriptedBroker()
    bell = make_bell(broker)
    bell.announce([event(data="not json")])
    bell.announce([event(seq=2)])
    await bell.aclose()
    assert [sent["body"]["events"][0]["seq"] for sent in broker.published] == [2]


async def test_many_large_events_are_spread_over_messages_a_consumer_accepts() -> None:
    broker = ScriptedBroker()
    bell = make_bell(broker)
    large = json.dumps({"text": "x" * 30_000})
    bell.announce([event(seq=seq, data=large) for seq in range(1, 21)])
    await bell.aclose()
    assert [e["seq"] for sent in broker.published for e in sent["body"]["events"]] == list(range(1, 21))
    assert all(len(json.dumps(sent["body"])) < 200_000 for sent in broker.published)


async def test_not_confirmed_is_an_unknown_outcome() -> None:
    assert issubclass(NotConfirmedError, UnknownOutcomeError)


@pytest.mark.parametrize("text", [None, "", "00-short-b-01", "nonsense"])
def test_a_traceparent_that_is_none_has_no_trace_id(text: str | None) -> None:
    assert trace_id_of(text) is None


async def test_the_bell_counts_why_it_rings_and_what_was_not_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = InMemoryMetricReader()
    monkeypatch.setattr(otel, "get_meter", MeterProvider([reader], shutdown_on_exit=False).get_meter)
    lost = raising(ConnectionResetError())
    bell = make_bell(ScriptedBroker(lambda: None, lambda: None, lambda: None, lost, lost, lost), capacity=1)
    await bell.ring(Ring("ledger", reason="submitted"))
    await bell.ring(Ring("ledger", released=True))
    await bell.defer(Ring("ledger", reason="submitted"))
    await bell.ring(Ring("ledger"))
    with pytest.raises(NotConfirmedError):
        await bell.defer(Ring("ledger"))
    await bell.hint(Hint(what="cancel_requested", lock="ledger", job_id="j"))
    for seq in (1, 2):
        bell.announce([event(seq=seq)])
    await bell.aclose()
    data: Any = reader.get_metrics_data()
    counted = {
        (metric.name, *point.attributes.values()): point.value
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.data.data_points
    }
    assert counted == {
        (metrics.DOORBELLS_RUNG, "submitted"): 1,
        (metrics.DOORBELLS_RUNG, "released"): 1,
        (metrics.DOORBELLS_RUNG, "deferred"): 1,
        (metrics.MESSAGES_UNCONFIRMED, "doorbell"): 1,
        (metrics.MESSAGES_UNCONFIRMED, "deferred_doorbell"): 1,
        (metrics.MESSAGES_UNCONFIRMED, "hint"): 1,
        (metrics.ANNOUNCEMENTS_DROPPED,): 1,
    }


async def test_a_copy_that_goes_round_leaves_no_spans_behind() -> None:
    broker = ScriptedBroker()
    await make_bell(broker).defer(Ring("ledger", marked=True, traceparent=TRACE))
    (sent,) = broker.published
    assert sent["headers"]["traceparent"].endswith("-00")
