"""Jobs that wait for the ends of others, which may be under other locks: no transaction spans two of them.

First the follower is written, under its own lock and without a ticket, so that no worker sees it. Then each
job that it waits for gets a note, a row in that job's partition. Each step is written before the job's end is
looked for again, so one of two sees the other: either the note is there when the job ends, and the process
that takes the job off the active ones settles its followers first; or the job has ended when the note is
there, and is taken for over at once. What a crash leaves undone, the sweeper does: a follower is active until
it has ended, and a job whose followers are not settled is active, too.

A follower is settled by transactions under its own lock, at the version of its row that was read. One takes
jobs that have completed off those that it waits for and, when none is left, inserts its ticket; the other
ends it. So it is released once, and a cancellation in between is seen.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from contracts import lock_names
from contracts.statuses import JobStatus
from coordination.clients.job_writer import Change, FoundJob, JobWriter, NoSuchJobError
from coordination.clients.settling import build_settling
from coordination.journal import rows
from coordination.journal.events import Writer
from coordination.journal.persistence import commit_until, until_known
from coordination.journal.removal import RemovedJob
from coordination.journal.rows import JobRow
from coordination.maintenance.side_by_side import for_each
from coordination.ports import (
    ActiveJob,
    CoordinationError,
    Insert,
    JobRegister,
    Operation,
    RefusedError,
    Registration,
    Row,
    Transaction,
    UnknownOutcomeError,
    Update,
    WakeUp,
)

#: Notes read at a time.
_PAGE = 500

#: How a job has ended of which nothing is left, or whose submission never arrived.
_GONE = "gone"


class UnknownPredecessorError(CoordinationError):
    """A job that is to be waited for is not known."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id} that could be waited for")
        self.job_id = job_id


@dataclass(frozen=True)
class Followers:
    """Lets jobs wait for others, and settles them when those have ended.

    Args:
        register: Where jobs are registered.
        writer: Writes to the jobs.
        actor: Who settles them, for the audit trail.
    """

    register: JobRegister
    writer: JobWriter
    actor: str = "publisher"

    async def awaited(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Return the locks of those jobs that have not completed, by their ids.

        Raises UnknownPredecessorError for one that is not there, and UnknownOutcomeError.
        """
        found = await asyncio.gather(*map(self._look_up, job_ids))
        return {job_id: lock for job_id, lock in zip(job_ids, found, strict=True) if lock}

    async def _look_up(self, job_id: str) -> str:
        """Return the lock of a job that has not completed; nothing for one that has."""
        place = await self.register.find(job_id)
        row = None if place is None else await self._read(place.partition, rows.job_key(job_id))
        if place is None or row is None or row.values.get("status") == JobRow.TOMBSTONE:
            raise UnknownPredecessorError(job_id)
        return "" if _end_of(row) == JobStatus.COMPLETED else place.lock_name

    async def begin(self, follower: JobRow) -> JobRow:
        """Note a job that was just written with those that it waits for; return it as it is then.

        Raises nothing when the storage does not answer: the sweeper settles the job then.
        """
        # Rule C1 (spec/chains.pml): notes come after the follower, so that an end finds it.
        with suppress(UnknownOutcomeError, NoSuchJobError):
            awaited = follower.awaited
            found = await asyncio.gather(*(self._note(follower, *place) for place in awaited.items()))
            ended = {job_id: end for job_id, end in zip(awaited, found, strict=True) if end}
            if ended:
                return await self.settle(_place(follower.job_id, follower.lock_name), ended)
        return follower

    async def settle(
        self, follower: Registration | ActiveJob, ended: Mapping[str, str] | None = None
    ) -> JobRow:
        """Release a job that waits for no other any more, or end it when one has not completed.

        `ended` says how jobs have ended; without it, all that it waits for are looked at. Harmless when
        repeated. Returns the job as it is then. Raises NoSuchJobError or UnknownOutcomeError.
        """
        if ended is None:
            ended = await self._ends(follower)
        changed: Change | None = None

        def build(found: FoundJob, writer: Writer) -> Change | None:
            nonlocal changed
            changed = build_settling(found, writer, ended or {})
            return changed

        job = await self.writer.change(follower, self.actor, build)
        if changed is not None and job.status == JobStatus.QUEUED and not job.waits_for_jobs:
            await self.let_expire(job)
            wake_up = WakeUp(job.lock_name, job.job_id, traceparent=job.traceparent, reason="due")
            await self.writer.notifier.notify(wake_up)
        return job

    async def let_expire(self, job: JobRow) -> None:
        """Have the register say when a job that was released expires. Raises UnknownOutcomeError."""
        if job.expires_at is None:
            return
        found = await self.register.find(job.job_id)
        if found is not None:
            expires_at = datetime.fromisoformat(job.expires_at)
            await self.register.activate(replace(found, expires_at=expires_at, is_marked=True))

    async def settle_all(self, job_id: str, lock_name: str, status: str) -> None:
        """Settle all jobs that wait for a job that has ended so. Raises UnknownOutcomeError."""
        partition, after = lock_names.partition(lock_name), ""

        async def settle(note: Row) -> None:
            follower = note.key.removeprefix(rows.followers_prefix(job_id))
            with suppress(NoSuchJobError):
                await self.settle(_place(follower, str(note.values["lock_name"])), {job_id: status})

        while True:
            page = await self.writer.journal.read_range(
                partition, rows.followers_prefix(job_id), _PAGE, after
            )
            await for_each(settle, page)
            if len(page) < _PAGE:
                return
            after = page[-1].key

    async def _ends(self, follower: Registration | ActiveJob) -> dict[str, str]:
        """Return how those jobs have ended that a job waits for."""
        row = await self._read(follower.partition, rows.job_key(follower.job_id))
        job = JobRow.existing(row)
        if job is None:
            raise NoSuchJobError
        awaited = job.awaited if job.waits_for_jobs else {}
        found = await asyncio.gather(
            *(
                self._read(lock_names.partition(lock), rows.job_key(job_id))
                for job_id, lock in awaited.items()
            )
        )
        ends = {job_id: _end_of(row) for job_id, row in zip(awaited, found, strict=True)}
        return {job_id: end for job_id, end in ends.items() if end}

    # --- notes ------------------------------------------------------------------------

    async def _note(self, follower: JobRow, job_id: str, lock_name: str) -> str:
        """Note a follower with a job; return how that job has ended if it did before, else nothing."""
        writer, partition = self.writer, lock_names.partition(lock_name)
        until = writer.clock.boot() + writer.patience
        op_id = writer.new_id().hex
        values = {"lock_name": follower.lock_name, "op_id": op_id}
        noted: Operation = Insert(rows.follower_key(job_id, follower.job_id), values)
        while writer.clock.boot() < until:
            try:
                found = await writer.find(_place(job_id, lock_name), until)
            except NoSuchJobError:
                return _end_of(await self._read(partition, rows.job_key(job_id)))
            if found is None:
                continue
            if found.job.is_terminal:
                return found.job.status
            # Rule C2 (spec/chains.pml): a note is refused by an end, or the end is looked for after it.
            # The row says once that there are notes; its holder takes that in as it does a cancellation.
            # After that, the note alone is written, and the end looked for again.
            marks = [] if found.job.has_followers else _marks(found)
            with suppress(RefusedError):
                await self._commit(partition, Transaction(op_id, [noted, *marks]), until)
                if marks:
                    return ""
            if await self._read(partition, noted.key) is not None:
                return _end_of(await self._read(partition, rows.job_key(job_id)))
        raise UnknownOutcomeError

    async def _commit(self, partition: str, transaction: Transaction, until: float) -> None:
        writer = self.writer
        await commit_until(writer.journal, writer.clock, partition, transaction, writer.call_timeout, until)

    async def _read(self, partition: str, key: str) -> Row | None:
        clock = self.writer.clock
        until = clock.boot() + self.writer.patience
        return await until_known(clock, lambda: self.writer.journal.read(partition, key), until)


def _marks(found: FoundJob) -> list[Operation]:
    """Return the writes that let the row of a job, and its ticket, say that it has followers.

    Both at the versions read: a start copies the ticket, and is refused by another version of it.
    """
    marks: list[Operation] = [Update(rows.job_key(found.job.job_id), {"has_followers": True}, found.etag)]
    if found.ticket is not None:
        marks.append(Update(found.ticket.key, {"has_followers": True}, found.ticket.etag))
    return marks


def _end_of(row: Row | None) -> str:
    """Return how the job of a row has ended; nothing while it has not."""
    if row is None:
        return _GONE
    job = JobRow.from_row(row)
    if job.is_removed:
        return RemovedJob.from_values(row.values).outcome
    if job.is_tombstone:
        return _GONE
    return job.status if job.is_terminal else ""


def _place(job_id: str, lock_name: str) -> Registration:
    """Return where a job is, of which no more is needed."""
    partition = lock_names.partition(lock_name)
    return Registration(job_id, lock_name, partition, "", datetime.min.replace(tzinfo=UTC))
