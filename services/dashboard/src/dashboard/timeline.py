"""What a job's timeline consists of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RowKind(StrEnum):
    """What a row of the timeline shows."""

    LINE = "line"
    ATTEMPT = "attempt"
    STEP = "step"
    #: Work after the last recorded step of an attempt that did not complete, or the step that runs now.
    OPEN_STEP = "open-step"
    #: Steps of earlier attempts that this attempt does not run again.
    KEPT = "kept"
    NO_HOLDER = "no-holder"
    #: Something that a caller did, at one moment.
    MOMENT = "moment"
    #: Rows that are left out.
    FOLD = "fold"


class Ending(StrEnum):
    """How what a row shows came to its end."""

    DONE = "done"
    GOES_ON = "goes-on"
    CUT_OFF = "cut-off"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Row:
    """One row of the timeline."""

    kind: RowKind
    label: str
    start: datetime
    #: The moment of reading when it continues; never before `start`.
    end: datetime
    ending: Ending = Ending.DONE
    #: What is to be said in addition to the length: a reason, who did it.
    note: str = ""
    attempt: int = 0
    worker: str = ""
    fence: int | None = None
    #: Number of steps that a row of kept steps or a fold stands for.
    count: int = 1
    #: Work in what is left out, added up; only a fold has it.
    busy_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class Timeline:
    """The rows of a job from its submission to its end, or to now."""

    rows: tuple[Row, ...] = ()
    #: How many seconds the clock of one machine was behind that of the machine before, at most.
    clocks_differ_by: float = 0.0

    @property
    def start(self) -> datetime | None:
        """The earliest moment shown."""
        return min((row.start for row in self.rows), default=None)

    @property
    def end(self) -> datetime | None:
        """The latest moment shown."""
        return max((row.end for row in self.rows), default=None)
