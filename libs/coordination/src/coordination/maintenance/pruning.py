"""Use case: remove old jobs that are over, so that a store does not grow for ever.

Jobs of a lock go from the beginning of its history, as far as all of them are old enough, after a check of
that history. How they go is said in `coordination.maintenance.removing`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from coordination.journal import events
from coordination.maintenance.removable import Found, ProjectedSeqs, Removable, find_removable
from coordination.maintenance.removing import LockRemoval, ProjectedRows, RemovedElsewhereError, Removing
from coordination.maintenance.whole_jobs import BrokenHistoryError
from coordination.ports import Clock, JobRegister, Journal, NewId, random_id

#: Verifies the history of locks up to a moment. Returns why jobs of a lock must not be removed, by its name;
#: under None, why none must be. Raises UnknownOutcomeError.
Verify = Callable[[Sequence[str], datetime], Awaitable[Mapping[str | None, str]]]


@dataclass(frozen=True)
class Pruned:
    """What came of a lock."""

    found: Found
    #: Jobs removed, and rows deleted in all tables.
    jobs: int = 0
    deleted: int = 0
    #: Why not all of it was removed; empty when it was.
    refusal: str = ""


@dataclass(frozen=True)
class Pruning:
    """Removes jobs that ended before a moment."""

    journal: Journal
    register: JobRegister
    clock: Clock
    projected_seqs: ProjectedSeqs
    projected_rows: ProjectedRows
    verify: Verify
    call_timeout: float = 10.0
    #: Seconds for which an unknown outcome is asked for again.
    patience: float = 60.0
    new_id: NewId = random_id

    async def look(self, locks: Sequence[str], ended_before: datetime) -> AsyncIterator[Found]:
        """Find what may be removed of each lock. Raises UnknownOutcomeError."""
        async for removable in self._find(locks, ended_before):
            yield removable.found

    async def _find(self, locks: Sequence[str], ended_before: datetime) -> AsyncIterator[Removable]:
        active = {job.job_id async for job in self.register.active(self.clock.now())}
        for lock in locks:
            before = events.timestamp(ended_before)
            yield await find_removable(self.journal, lock, before, active, self.projected_seqs)

    async def prune(self, locks: Sequence[str], ended_before: datetime, actor: str) -> AsyncIterator[Pruned]:
        """Remove what may be removed of locks whose history verifies. Raises UnknownOutcomeError."""
        refusals = await self.verify(locks, ended_before)
        removing = Removing(
            self.journal,
            self.clock,
            self.projected_rows,
            actor,
            self.call_timeout,
            self.patience,
            self.new_id,
        )
        async for removable in self._find(locks, ended_before):
            refusal = refusals.get(None) or refusals.get(removable.lock_name)
            if refusal:
                yield Pruned(removable.found, refusal=refusal)
                continue
            removal = LockRemoval(
                removing, removable.partition, removable.mark, removable.mark_etag, removable.removed_fences
            )
            try:
                await removal.finish_earlier()
                await removal.remove(removable.jobs)
                await removal.end()
            except (RemovedElsewhereError, BrokenHistoryError) as error:
                yield Pruned(removable.found, len(removal.removed), removal.deleted, str(error))
            else:
                yield Pruned(removable.found, len(removal.removed), removal.deleted)
