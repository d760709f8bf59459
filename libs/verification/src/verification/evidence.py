"""What the checker reads: journal, audit trail, register, leases and lists, as ports for any store."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from coordination.journal.rows import EventRow
from coordination.ports import Values
from verification.listed import Lists


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the journal, and when the storage committed it, in seconds of the storage's own clock.

    Rows of events are never changed, so their time shows in which order transactions of one partition were
    carried out, however wrong the clocks of their writers are. None where the store does not record it.
    """

    partition: str
    key: str
    values: Values
    committed: float | None = None


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """An event as the audit trail has it; `event` lacks what the trail does not keep."""

    #: Keys of the row.
    partition: str
    key: str
    event: EventRow
    trace_id: str | None
    #: The projector found that it does not follow from the one before.
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job is, by the register."""

    job_id: str
    partition: str


class Evidence(Lists, Protocol):
    """Everything comes in pages, so that nothing has to fit into memory.

    Every call raises UnknownOutcomeError when the storage does not answer.
    """

    def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        """Go through the rows that are judged, of one partition or of all, by their keys."""

    async def job(self, partition: str, job_id: str) -> Sequence[Stored]:
        """Read the events of one job, in order, and then its row if there is one."""

    async def line(self, partition: str) -> Sequence[Stored]:
        """Read the row of a lock and its first tickets."""

    def trail(self, job_id: str | None) -> AsyncIterator[Sequence[TrailEvent]]:
        """Go through the audit trail of one job, or of all, by its keys."""

    def registered(self) -> AsyncIterator[Sequence[Place]]:
        """Go through all ids ever registered, in any order."""

    async def find(self, job_id: str) -> Place | None:
        """Look up where a job lives."""

    def active(self) -> AsyncIterator[Sequence[Place]]:
        """Go through the jobs that are listed as active, in any order."""

    async def is_free(self, partition: str) -> bool:
        """Return whether the lease of a lock is free now."""
