"""Evidence in memory, made of histories that were written by hand."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.unit.verification.authored import Author
from tests.unit.verification.lists import ListsInMemory

from contracts.traceparent import trace_id_of
from coordination.journal import rows
from coordination.journal.rows import EventRow
from verification import Place, Stored, TrailEvent

ItemT = TypeVar("ItemT")


class Records(ListsInMemory):
    """Evidence in memory: what authors wrote, and what follows from it unless a test changes that."""

    def __init__(self, *authors: Author) -> None:
        self.partitions = {author.partition: author.stored() for author in authors}
        self.told = [told for author in authors for told in told_of(author.stored())]
        self.places = {job: author.partition for author in authors for job in author.jobs}
        self.listed = {
            row.job_id: author.partition
            for author in authors
            for row in author.jobs.values()
            if not row.is_terminal
        }
        self.tracebacks = {job: text for author in authors for job, text in author.tracebacks.items()}
        self.derive_lists()
        #: Partitions whose leases somebody holds.
        self.leased: set[str] = set()

    async def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        for name in sorted(self.partitions):
            if partition in {None, name}:
                for page in _pages(self.partitions[name]):
                    yield page

    async def job(self, partition: str, job_id: str) -> Sequence[Stored]:
        found = self.partitions.get(partition, [])
        wanted = (rows.event_prefix(job_id), rows.job_key(job_id))
        return [row for row in found if row.key.startswith(wanted)]

    async def line(self, partition: str) -> Sequence[Stored]:
        return [row for row in self.partitions.get(partition, []) if row.key.startswith(rows.LINE)]

    async def trail(self, job_id: str | None) -> AsyncIterator[Sequence[TrailEvent]]:
        for page in _pages([told for told in self.told if job_id in {None, told.partition}]):
            yield page

    async def registered(self) -> AsyncIterator[Sequence[Place]]:
        for page in _pages([Place(job, partition) for job, partition in self.places.items()]):
            yield page

    async def find(self, job_id: str) -> Place | None:
        return Place(job_id, self.places[job_id]) if job_id in self.places else None

    async def active(self) -> AsyncIterator[Sequence[Place]]:
        for page in _pages([Place(job, partition) for job, partition in self.listed.items()]):
            yield page

    async def is_free(self, partition: str) -> bool:
        return partition not in self.leased


def _pages(items: Sequence[ItemT]) -> Iterable[Sequence[ItemT]]:
    """Return pages of a few items, and an empty one, as storage has them, too."""
    return [items[start : start + 7] for start in range(0, len(items) + 1, 7)]


def told_of(stored: Iterable[Stored]) -> list[TrailEvent]:
    """Return the trail that follows from a partition."""
    told = []
    for row in stored:
        if row.key.startswith("event|"):
            event = EventRow.from_values(row.values)
            kept = replace(event, op_id="", traceparent=None)
            key = f"{event.job_id}-{event.seq:06d}"
            told.append(TrailEvent(event.job_id, key, kept, trace_id_of(event.traceparent)))
    return told
