"""A message that is not understood is set aside with the reason, and only then taken off its queue."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faststream.rabbit import RabbitBroker, RabbitMessage
from tests.unit.captured import capturing
from tests.unit.service_defaults.scripted_broker import TRACE, ScriptedBroker, raising

from contracts.messages import RunJob
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from contracts.topology import Topology
from service_defaults.broker import MessageReader


@dataclass
class Message:
    """A delivery, and what was done with it."""

    body: bytes
    headers: dict[str, Any] = field(default_factory=dict)
    exchange: str | None = "t.jobs"
    routing_key: str | None = "run"
    message_id: str | None = None
    content_type: str | None = None
    app_id: str | None = None
    settled: list[str] = field(default_factory=list)

    @property
    def raw_message(self) -> SimpleNamespace:
        return SimpleNamespace(
            exchange=self.exchange,
            routing_key=self.routing_key,
            message_id=self.message_id,
            content_type=self.content_type,
            app_id=self.app_id,
        )

    async def ack(self) -> None:
        self.settled.append("ack")

    async def reject(self) -> None:
        self.settled.append("reject")


def intake_over(broker: ScriptedBroker) -> MessageReader:
    return MessageReader(cast("RabbitBroker", broker), Topology("t"), timeout=60)


def delivery(message: Message) -> RabbitMessage:
    return cast("RabbitMessage", message)


async def test_a_message_that_is_understood_is_left_to_its_handler() -> None:
    message, broker = Message(b'{"version":1,"lock":"ledger"}'), ScriptedBroker()
    assert await intake_over(broker).parse(delivery(message), RunJob) == RunJob(lock="ledger")
    assert (message.settled, broker.published) == ([], [])


async def test_a_message_that_is_not_understood_is_set_aside_as_it_came() -> None:
    message = Message(
        b'{"version":9}',
        {"traceparent": TRACE, "tracestate": "a=b", "x-death": [], "other": "x"},
        message_id="m-1",
        content_type="text/plain",
        app_id="legacy",
    )
    broker = ScriptedBroker()
    with capturing() as captured:
        with captured.tracing.get_tracer("test").start_as_current_span("handle"):
            assert await intake_over(broker).parse(delivery(message), RunJob) is None
        assert captured.values(metrics.MESSAGES_QUARANTINED) == {(): 1}
        (happened,) = captured.span("handle").events
    reason = "version: must be 1; lock: is required"
    assert (happened.name, happened.attributes) == (spans.QUARANTINED, {at.REASON: reason})
    (sent,) = broker.published
    assert sent["body"] == {"version": 9}
    assert (sent["exchange"].name, sent["routing_key"]) == ("t.quarantine", "quarantine")
    assert (sent["persist"], sent["mandatory"]) == (True, True)
    moment = datetime.fromisoformat(sent["headers"].pop("x-quarantined-at"))
    assert timedelta(0) <= datetime.now(UTC) - moment < timedelta(seconds=30)
    assert sent["headers"] == {
        "traceparent": TRACE,
        "tracestate": "a=b",
        "x-reason": reason,
        "x-original-exchange": "t.jobs",
        "x-original-routing-key": "run",
        "x-original-message-id": "m-1",
        "x-original-content-type": "text/plain",
        "x-original-app-id": "legacy",
    }
    assert message.settled == ["ack"]


async def test_headers_of_any_kind_are_no_hindrance() -> None:
    message = Message(b"[]", {"traceparent": 7, "tracestate": None}, exchange=None, routing_key=None)
    broker = ScriptedBroker()
    await intake_over(broker).quarantine(delivery(message), "why")
    headers = dict(broker.published[0]["headers"])
    del headers["x-quarantined-at"]
    assert headers == {
        "x-reason": "why",
        "x-original-exchange": "",
        "x-original-routing-key": "",
    }


@pytest.mark.parametrize("length", [500, 501, 100_000])
async def test_a_reason_has_at_most_five_hundred_characters(length: int) -> None:
    broker = ScriptedBroker()
    await intake_over(broker).quarantine(delivery(Message(b"[]")), "x" * length)
    assert broker.published[0]["headers"]["x-reason"] == "x" * 500


async def test_without_a_confirmation_the_message_is_rejected_and_not_taken_off_as_done() -> None:
    message, broker = Message(b"[]"), ScriptedBroker(raising(ConnectionResetError()))
    with capturing() as captured:
        assert await intake_over(broker).parse(delivery(message), RunJob) is None
        assert captured.values(metrics.MESSAGES_QUARANTINED) == {(): 1}
    assert message.settled == ["reject"]
