"""The runs in progress, as far as telemetry remembers them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from opentelemetry.trace import SpanContext

from contracts.telemetry.names import SpanEvent
from coordination.call_tracing import Took
from coordination.journal.rows import JobRow
from service_defaults.storage_telemetry import TimedCall
from worker.telemetry.hand_overs import AwaitedHandler

#: Seconds until the first piece of a run is exported, and the longest until another is thought of.
SHORTEST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0

#: Nanoseconds that a run lasts at least before a piece of it is due. Timers can be early by a little.
_FIRST = int(0.9e9 * SHORTEST_PAUSE)


@dataclass(frozen=True)
class Phase:
    """A stretch of time with the storage calls it took."""

    #: Nanoseconds since the epoch.
    began: int
    ended: int
    calls: Sequence[TimedCall] = ()

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
    #: Until when pieces of it are exported, and the step that the last one named.
    exported_until: int
    exported_step: str = ""
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

    def is_news(self, now: int) -> bool:
        """Return whether a piece is due: another step runs, or the run is twice as long as at the last."""
        told = self.exported_until - self.began
        return self.step != self.exported_step or now - self.exported_until >= max(told, _FIRST)

    def pause(self, now: int) -> float:
        """Return the seconds until it is asked again, an eighth of the run so far."""
        return min(max((now - self.began) / 8e9, SHORTEST_PAUSE), _LONGEST_PAUSE)

    def close(self) -> None:
        """Export no more parts."""
        if self.timer is not None:
            self.timer.cancel()
