"""Which part of a history is judged."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from coordination.journal.events import timestamp

#: Sorts behind every text that a time may have been changed into.
_NEVER = "\U0010ffff" * 100


@dataclass(frozen=True)
class Scope:
    """A period, and locks by name. What reaches into the period is judged as a whole."""

    #: Normalised names; empty for all locks.
    locks: tuple[str, ...] = ()
    #: In UTC.
    since: datetime | None = None
    #: In UTC; the period ends just before.
    until: datetime | None = None

    def holds(self, began: str, ended: str | None) -> bool:
        """Return whether something with this begin and end reaches into the period; no end: it still lasts.

        Times are text as the journal writes it, which sorts, so that millions need not be parsed.
        """
        # A time may have been changed into any text: without an end, none is behind it.
        return (self.until is None or began < self._behind) and (not ended or ended >= self._first)

    @property
    def has_period(self) -> bool:
        """Whether there is a beginning or an end."""
        return self.since is not None or self.until is not None

    @property
    def bounds(self) -> tuple[str, str]:
        """The period as text: from the first on, and before the second."""
        return self._first, self._behind

    @cached_property
    def _first(self) -> str:
        return timestamp(self.since) if self.since else ""

    @cached_property
    def _behind(self) -> str:
        return timestamp(self.until) if self.until else _NEVER
