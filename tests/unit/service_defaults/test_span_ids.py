"""Span ids chosen ahead."""

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from service_defaults.span_ids import SpanIds, next_span_id

CHOSEN = 0x1234


@pytest.fixture
def tracer() -> Tracer:
    return TracerProvider(shutdown_on_exit=False, id_generator=SpanIds()).get_tracer("test")


def span_id(tracer: Tracer) -> int:
    return tracer.start_span("work").get_span_context().span_id


def test_the_next_span_gets_the_chosen_id_and_no_other_does(tracer: Tracer) -> None:
    with next_span_id(CHOSEN):
        ids = [span_id(tracer), span_id(tracer)]
    assert ids[0] == CHOSEN != ids[1]


def test_an_id_that_was_not_used_is_forgotten(tracer: Tracer) -> None:
    with next_span_id(CHOSEN):
        pass
    assert span_id(tracer) != CHOSEN


async def test_another_task_does_not_take_it(tracer: Tracer) -> None:
    async def elsewhere() -> int:
        return span_id(tracer)

    other = asyncio.create_task(elsewhere())
    with next_span_id(CHOSEN):
        await other
        assert span_id(tracer) == CHOSEN
    assert other.result() != CHOSEN


@pytest.mark.parametrize("unusable", [0, -1, 1 << 64])
def test_an_id_that_no_span_can_have_is_refused(unusable: int) -> None:
    with pytest.raises(ValueError, match="no span id"), next_span_id(unusable):
        pass
