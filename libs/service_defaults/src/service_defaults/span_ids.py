"""Ids of spans: random, or chosen ahead, so that others can name a span that they do not have."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import INVALID_SPAN_ID

_chosen: ContextVar[list[int] | None] = ContextVar("chosen_span_id", default=None)


@contextmanager
def next_span_id(span_id: int) -> Generator[None]:
    """Return this id, of 1 to 64 bits, to the next span that this task starts within the context; only to it.

    Raises ValueError for an id that no span can have.
    """
    if not INVALID_SPAN_ID < span_id < 1 << 64:
        raise ValueError(f"no span id: {span_id}")
    token = _chosen.set([span_id])
    try:
        yield
    finally:
        _chosen.reset(token)


class SpanIds(IdGenerator):
    """Gives out the id chosen ahead, once, and random ones otherwise."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_span_id(self) -> int:
        """Return the id of a new span."""
        chosen = _chosen.get()
        return chosen.pop() if chosen else self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        """Return the id of a new trace."""
        return self._random.generate_trace_id()
