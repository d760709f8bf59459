"""What the checker reads of the lists that follow from the journal, which pages and the API show."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from coordination.ports import Values

#: The list of all jobs; the others are named after their rare states.
ALL_JOBS = ""
TAKEN_OVER = "TakenOver"


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A row of a list, as it is stored: columns by name, moments as text as the journal writes them."""

    #: Of jobs: the list it stands in. Of locks and their runs: the lock's partition.
    place: str
    #: Of runs: the fence, as the key has it.
    key: str
    values: Values
    #: Its keys are not those that belong to what it says: no look-up would find it.
    is_misplaced: bool = False


class Lists(Protocol):
    """The lists. Every call raises UnknownOutcomeError when the storage does not answer."""

    def listed_jobs(self) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the list of all jobs and those of the rare states, in any order."""

    async def listed_job(self, job_id: str, submitted_at: str, place: str) -> ListedRow | None:
        """Look up a job in one of the lists."""

    def listed_runs(self, partition: str | None) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the runs of one lock, or of all."""

    async def listed_run(self, partition: str, fence: int) -> ListedRow | None:
        """Look up a run by its fence."""

    async def listed_lock(self, partition: str) -> ListedRow | None:
        """Look up a lock."""

    def overlaps(self) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the runs that are listed because they overlapped others."""

    async def traceback(self, partition: str, job_id: str) -> str | None:
        """Return the traceback that is kept of a job's error."""
