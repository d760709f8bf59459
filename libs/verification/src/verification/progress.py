"""How far a check is: what it reads at the moment, and how many rows it has read."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from verification.evidence import Evidence, Place, Stored, TrailEvent
from verification.listed import ListedRow

ItemT = TypeVar("ItemT")


class Phase(StrEnum):
    """What a check does, in the order of its work."""

    JOURNAL = "journal"
    #: Locks in use whose rows did not fit together.
    JOURNAL_AGAIN = "journal_again"
    REGISTER = "register"
    TRAIL = "trail"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    LEASES = "leases"
    LISTS = "lists"
    LEDGER = "ledger"
    SUMMARY = "summary"


@dataclass(frozen=True)
class Progress:
    """How far a check is; how many rows there are is not known before they are read."""

    phase: Phase
    rows: int


Report = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Do nothing."""


class CountedEvidence:
    """Evidence that counts its rows, and reports after every page."""

    def __init__(self, evidence: Evidence, report: Report) -> None:
        self._evidence = evidence
        self._report = report
        self._phase = Phase.JOURNAL
        self._rows = 0

    def enter(self, phase: Phase) -> None:
        """Report that another part of the check begins."""
        self._phase = phase
        self._report(Progress(phase, self._rows))

    def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        """Go through the journal."""
        return self._counted(self._evidence.journal(partition))

    async def job(self, partition: str, job_id: str) -> Sequence[Stored]:
        """Read one job."""
        found = await self._evidence.job(partition, job_id)
        self._count(len(found))
        return found

    async def line(self, partition: str) -> Sequence[Stored]:
        """Read the row of a lock and its first tickets."""
        return await self._evidence.line(partition)

    def trail(self, job_id: str | None) -> AsyncIterator[Sequence[TrailEvent]]:
        """Go through the audit trail."""
        return self._counted(self._evidence.trail(job_id))

    def registered(self) -> AsyncIterator[Sequence[Place]]:
        """Go through the register."""
        return self._counted(self._evidence.registered())

    async def find(self, job_id: str) -> Place | None:
        """Look a job up in the register."""
        found = await self._evidence.find(job_id)
        self._count(1)
        return found

    def active(self) -> AsyncIterator[Sequence[Place]]:
        """Go through the active jobs."""
        return self._counted(self._evidence.active())

    async def is_free(self, partition: str) -> bool:
        """Return whether a lease is free."""
        return await self._evidence.is_free(partition)

    def listed_jobs(self) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the lists of jobs."""
        return self._counted(self._evidence.listed_jobs())

    async def listed_job(self, job_id: str, submitted_at: str, place: str) -> ListedRow | None:
        """Look a job up in a list."""
        self._count(1)
        return await self._evidence.listed_job(job_id, submitted_at, place)

    def listed_runs(self, partition: str | None) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the list of runs."""
        return self._counted(self._evidence.listed_runs(partition))

    async def listed_run(self, partition: str, fence: int) -> ListedRow | None:
        """Look a run up."""
        return await self._evidence.listed_run(partition, fence)

    async def listed_lock(self, partition: str) -> ListedRow | None:
        """Look a lock up."""
        self._count(1)
        return await self._evidence.listed_lock(partition)

    def overlaps(self) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the list of overlaps."""
        return self._counted(self._evidence.overlaps())

    async def traceback(self, partition: str, job_id: str) -> str | None:
        """Read the traceback that is kept of an error."""
        self._count(1)
        return await self._evidence.traceback(partition, job_id)

    async def _counted(self, pages: AsyncIterator[Sequence[ItemT]]) -> AsyncIterator[Sequence[ItemT]]:
        async for page in pages:
            self._count(len(page))
            yield page

    def _count(self, rows: int) -> None:
        self._rows += rows
        self._report(Progress(self._phase, self._rows))
