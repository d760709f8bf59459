"""All that a verdict rests on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from loadtest.book import Book
from loadtest.due_times import Record
from loadtest.effects import Effects
from loadtest.histories import History
from loadtest.limits import Limit
from loadtest.proof import Proof
from loadtest.viewers import Watched


@dataclass(frozen=True)
class Evidence:
    """All that a verdict rests on."""

    book: Book
    ended: Mapping[str, History]
    effects: Effects
    proof: Proof
    #: Whether runs were cut off on purpose, so that a step may have had its effect twice.
    interrupts: bool = False
    #: What harm was done; None for a scenario without harm.
    harm: Sequence[str] | None = None
    patience_seconds: float = 0.0
    #: What open pages of the dashboard showed; None without any.
    watched: Watched | None = None
    #: Which of the submissions that were turned away are jobs, by the API.
    known: Collection[str] = ()
    #: The limits that locks were given, by the API, and in the order in which they were asked for.
    limits: Mapping[str, Sequence[Limit]] = field(default_factory=dict)
    set_limits: Mapping[str, Sequence[int]] = field(default_factory=dict)
    #: The schedules that there were.
    schedules: Sequence[Record] = ()
