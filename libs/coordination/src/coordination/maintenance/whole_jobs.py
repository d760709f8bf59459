"""Jobs with all that the journal has of them, as they are before they are removed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow
from coordination.maintenance.removable import EndedJob
from coordination.ports import CoordinationError, Delete, Journal, Operation, Row


class BrokenHistoryError(CoordinationError):
    """A job's events do not add up, so that its removal would hide that."""

    def __init__(self, job_id: str, message: str) -> None:
        super().__init__(message)
        self.job_id = job_id


@dataclass(frozen=True)
class WholeJob:
    """A job with all that the journal has of it."""

    ended: EndedJob
    events: Sequence[EventRow]
    #: Its rows besides the job's own.
    rows: Sequence[Row]

    @classmethod
    def of(cls, ended: EndedJob, found: Sequence[Row]) -> "WholeJob":
        """Build it from what `read_rows` returned."""
        prefix = rows.event_prefix(ended.row.job_id)
        return cls(ended, [EventRow.from_row(row) for row in found if row.key.startswith(prefix)], found)

    @property
    def adds_up(self) -> bool:
        """Whether its events are whole, chained, and end as its row says."""
        previous = ""
        for number, event in enumerate(self.events, 1):
            if event.seq != number or event.previous_hash != previous or event.hash != chain_hash(event):
                return False
            previous = event.hash
        row = self.ended.row
        ends = [event for event in self.events if not EventStatus(event.status).follows_end]
        has_end = bool(ends) and EventStatus(ends[-1].status) == row.status
        return has_end and len(self.events) == row.seq and previous == row.event_hash


async def read_rows(journal: Journal, partition: str, job_id: str) -> list[Row]:
    """Read the rows that a job has besides its own, events last. Raises UnknownOutcomeError."""
    kept = await journal.read_range(partition, rows.data_prefix(job_id))
    return kept + await journal.read_range(partition, rows.event_prefix(job_id))


def deletions(found: Sequence[Row]) -> list[Operation]:
    """Return the operations that delete rows at the versions that were read."""
    return [Delete(row.key, row.etag) for row in found]


def groups(jobs: Sequence[WholeJob], most_rows: int) -> Iterator[list[WholeJob]]:
    """Part jobs into groups whose rows fit into one transaction; one that is larger is alone."""
    group: list[WholeJob] = []
    size = 0
    for one in jobs:
        if group and size + 1 + len(one.rows) > most_rows:
            yield group
            group, size = [], 0
        group.append(one)
        size += 1 + len(one.rows)
    if group:
        yield group
