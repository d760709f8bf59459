"""Hostile messages through the real message reader: each is understood, or set aside once with a reason.

FUZZ_BODIES is how many, FUZZ_SEED what they are drawn from.
"""

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from faststream.rabbit import RabbitBroker, RabbitMessage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.integration.fuzz.hostile_messages import MODELS, fuzzed, good, monsters

from audit_projector.announcement_reader import announced
from contracts import lock_names
from contracts.messages import EventGroup, SubmitJob
from contracts.strict_json import canonical
from contracts.topology import Topology
from coordination.clients.submission import NewJob, build_submission
from coordination.journal.events import Writer
from coordination.journal.storage_limits import check_limits
from coordination.ports import InvalidTransactionError
from service_defaults.broker import MessageReader

_BODIES = int(os.environ.get("FUZZ_BODIES", "100000"))
_SEED = int(os.environ.get("FUZZ_SEED", "1"))


@dataclass
class FakeBroker:
    """Keeps what is published; it is its own and only channel, which is always open."""

    published: list[tuple[bytes, Mapping[str, str]]] = field(default_factory=list)

    @property
    def channel(self) -> "FakeBroker":
        return self

    async def declare_exchange(self, exchange: object) -> "FakeBroker":
        return self

    async def ready(self) -> None:
        return

    async def publish(self, body: bytes, *, headers: Mapping[str, str], **_: Any) -> None:
        self.published.append((body, headers))


@dataclass
class FakeMessage:
    """A message as a handler sees it, and how often it was settled."""

    body: bytes
    headers: dict[str, Any] = field(default_factory=dict)
    exchange: str = "jobs"
    routing_key: str = "run"
    message_id: str | None = None
    content_type: str | None = None
    app_id: str | None = None
    acknowledged: int = 0

    @property
    def raw_message(self) -> "FakeMessage":
        return self

    async def ack(self) -> None:
        self.acknowledged += 1


@dataclass
class Desk:
    """An message reader, and what came of every message."""

    broker: FakeBroker = field(default_factory=FakeBroker)
    understood: int = 0
    set_aside: int = 0

    def __post_init__(self) -> None:
        self.reader = MessageReader(cast("RabbitBroker", self.broker), Topology())

    async def take(self, model: type[BaseModel], body: bytes, headers: dict[str, Any] | None = None) -> None:
        message = FakeMessage(body, headers or {})
        parsed = await self.reader.parse(cast("RabbitMessage", message), model)
        if parsed is not None:
            self.understood += 1
            assert message.acknowledged == 0
            assert not self.broker.published
            look_at(parsed)
            return
        self.set_aside += 1
        assert message.acknowledged == 1
        ((told, about),) = self.broker.published
        self.broker.published.clear()
        assert told == body
        assert 0 < len(about["x-reason"]) <= 500
        about["x-reason"].encode()


def look_at(parsed: BaseModel) -> None:
    """Do what handlers do next, as far as it depends on the message alone."""
    parsed.model_dump_json()
    if isinstance(parsed, SubmitJob):
        job = parsed.job
        assert lock_names.normalise(job.lock) == job.lock
        new = NewJob(
            *(job.job_id or "", "order", job.kind, job.lock, canonical(job.parameters), "fuzz"),
            *(job.name, job.description, job.priority, canonical(job.properties)),
        )
        try:
            check_limits(
                build_submission(new, Writer("fuzz", "op", "2026-01-01T00:00:00.000000Z")).transaction
            )
        except InvalidTransactionError as error:
            assert str(error)  # noqa: PT017 - both outcomes are right
        return
    if isinstance(parsed, EventGroup):
        for item in parsed.items:
            try:
                announced(item, is_sealed=True)
            except ValueError as error:
                assert str(error)  # noqa: PT017
        return
    try:
        lock_names.normalise(str(getattr(parsed, "lock")))  # noqa: B009
    except lock_names.LockNameError as error:
        assert str(error)  # noqa: PT017


async def test_every_fuzzed_body_is_understood_or_set_aside_with_a_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "service_defaults")
    desk = Desk()
    for model, body in fuzzed(_SEED, _BODIES):
        await desk.take(model, body)
    assert desk.understood + desk.set_aside == _BODIES
    # A fuzzer whose bodies all look alike finds nothing.
    assert desk.understood > _BODIES / 50
    assert desk.set_aside > _BODIES / 2


@pytest.mark.parametrize("model", MODELS)
async def test_every_monster_is_set_aside(model: type[BaseModel]) -> None:
    desk = Desk()
    await desk.take(model, json.dumps(good(model)).encode())
    assert desk.understood == 1
    for name, body in monsters(model).items():
        desk.set_aside = 0
        await desk.take(model, body)
        assert desk.set_aside == 1, f"{name} was understood"


headers = st.dictionaries(
    st.sampled_from(["traceparent", "tracestate", "baggage", "x-delivery-count", "x-reason"]) | st.text(),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()) | st.binary(),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[type[BaseModel], bytes]:
    model = draw(st.sampled_from(MODELS))
    body = good(model) | draw(
        st.dictionaries(st.sampled_from(sorted(model.model_fields)), values, max_size=2)
    )
    return model, json.dumps(body).encode(errors="surrogatepass")


@settings(max_examples=max(_BODIES // 200, 100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents() | st.tuples(st.sampled_from(MODELS), st.binary(max_size=300)), headers)
def test_whatever_hypothesis_makes_up_is_understood_or_set_aside(
    drawn: tuple[type[BaseModel], bytes], headers: dict[str, Any]
) -> None:
    asyncio.run(Desk().take(*drawn, headers=headers))
