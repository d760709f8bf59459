"""The runs in progress, as far as telemetry remembers them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from opentelemetry.trace import SpanContext

from contracts.telemetry.names import SpanEvent
from coordination.call_tracing import Took
from coordination.journal.rows import JobRow
from worker.telemetry.hand_overs import AwaitedHandler


@dataclass(frozen=True)
class Phase:
    """A stretch of time with the storage calls it took."""

    #: Nanoseconds since the epoch.
    began: int
    ended: int
    calls: Sequence[Any] = ()

    @classmethod
    def of(cls, took: Took) -> Self:
        """Return the time of an action that is over now; its calls are reported once only."""
        calls, took.calls = took.calls, []
        return cls(took.began, time.time_ns(), calls)


@dataclass(frozen=True)
class Moment:
    """Something that happened to a run, exported as an event of its next span."""

    name: SpanEvent
    attributes: Mapping[str, str | int | float]
    at: int = field(default_factory=time.time_ns)


@dataclass
class OpenRun:
    """A run in progress."""

    job: JobRow
    anchor: SpanContext | None
    #: Nanoseconds since the epoch.
    began: int
    #: Until when spans of it are exported.
    exported_until: int
    #: Seconds until the next part is exported.
    pause: float
    timer: asyncio.TimerHandle | None = None
    step: str = ""
    progress: tuple[float | None, float | None] = (None, None)
    moments: list[Moment] = field(default_factory=list)
    #: When the handler last showed that it gets on; monotonic seconds.
    sign: float = field(default_factory=time.monotonic)
    #: Storage calls so far.
    calls: int = 0
    #: How the latest step was recorded, until its span is exported.
    recording: Phase | None = None
    #: The hand-over that led here, until the handler has said when it was called.
    awaited: AwaitedHandler | None = None

    def close(self) -> None:
        """Export no more parts."""
        if self.timer is not None:
            self.timer.cancel()
