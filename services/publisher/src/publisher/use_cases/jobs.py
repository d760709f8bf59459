"""Use case: return jobs, with what they wait for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from contracts.identifiers import JobIdError, normalise_job_id
from contracts.jobs import MOST_COUNTED, Job, JobPage, WaitingFor
from contracts.statuses import JobStatus
from coordination.clients.job_writer import JobRemovedError, NoSuchJobError, existing_job
from coordination.journal import rows
from coordination.journal.line import walk_line
from coordination.journal.rows import JobRow, LockRow
from coordination.ports import Clock, JobRegister, Journal, Registration, UnknownOutcomeError
from coordination.slot import Slot
from publisher.use_cases.documents import job_document
from read_models import JobFilter, ReadModels
from read_models.archived import read_archived
from read_models.run_durations import DurationsReader
from read_models.start_estimates import Holder, estimate

#: Most ids of jobs ahead that are named.
_MOST_AHEAD = 10

#: Times a job is looked at again when it moves while it is looked at.
_LOOKS = 5


@dataclass(frozen=True)
class Place:
    """A job's place in its lock's line."""

    position: int | None
    waiting_for: WaitingFor
    #: The lock's row; None before its first run.
    lock: LockRow | None = None
    #: The kinds of the jobs ahead; None when there are more than are counted.
    kinds_ahead: Sequence[str] | None = ()


@dataclass(frozen=True)
class Jobs:
    """Returns jobs."""

    journal: Journal
    register: JobRegister
    read_models: ReadModels
    durations: DurationsReader
    clock: Clock

    async def find(self, wanted: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """Return jobs, the last submitted first. Raises UnknownOutcomeError or CursorError."""
        return await self.read_models.jobs(wanted, limit, cursor)

    async def get(self, job_id: str) -> Job:
        """Return a job as it is now, or as its audit trail tells once it has left the journal.

        Raises NoSuchJobError, JobRemovedError or UnknownOutcomeError.
        """
        registration = await find_job(self.register, job_id)
        try:
            return await self._present(registration)
        except JobRemovedError as error:
            archived = error.has_trail and await read_archived(self.journal, self.read_models, registration)
            if not archived:
                raise
            return job_document(archived.job, archived_at=archived.archived_at)

    async def _present(self, registration: Registration) -> Job:
        for _ in range(_LOOKS):
            job = await read_job(self.journal, registration)
            if job.status != JobStatus.QUEUED:
                return await self._with_result(registration, job)
            place = await place_in_line(self.journal, job)
            if place is not None:
                expected = await self._expected_start(registration.partition, place)
                if expected is not None and job.due_at:
                    expected = max(expected, datetime.fromisoformat(job.due_at))
                waiting_for = place.waiting_for.model_copy(update={"expected_start": expected})
                return job_document(job, position=place.position, waiting_for=waiting_for)
            # It left the line between the two reads.
        return job_document(job)

    async def _with_result(self, registration: Registration, job: JobRow) -> Job:
        try:
            result = await read_result(self.journal, registration.partition, job)
            traceback = await _traceback(self.journal, registration.partition, job)
        except UnknownOutcomeError:
            # It is gone with its job, if that left in between.
            await read_job(self.journal, registration)
            raise
        return job_document(job, result=result, traceback=traceback)

    async def _expected_start(self, partition: str, place: Place) -> datetime | None:
        """Estimate when a job starts; None when that is not known, or it could start now."""
        running = place.waiting_for.running
        if place.kinds_ahead is None or not (running or place.kinds_ahead):
            return None
        holder = None
        try:
            if place.lock is not None and running is not None:
                since = datetime.fromisoformat(place.lock.started_at) if place.lock.started_at else None
                job = JobRow.existing(await self.journal.read(partition, rows.job_key(running)))
                holder = Holder(running, place.lock.worker, place.lock.fence, since, job)
            durations = await self.durations.of_lock(place.waiting_for.lock)
        except UnknownOutcomeError:
            return None
        now = self.clock.now()
        seconds = estimate(holder, place.kinds_ahead, durations, now).seconds
        return None if seconds is None else now + timedelta(seconds=round(seconds))


async def find_job(register: JobRegister, job_id: str) -> Registration:
    """Look up where a job lives. Raises NoSuchJobError or UnknownOutcomeError."""
    try:
        found = await register.find(normalise_job_id(job_id))
    except JobIdError:
        found = None
    if found is None:
        raise NoSuchJobError
    return found


async def read_job(journal: Journal, registration: Registration) -> JobRow:
    """Read a job's row. Raises NoSuchJobError when its submission never arrived, or UnknownOutcomeError."""
    row = await journal.read(registration.partition, rows.job_key(registration.job_id))
    return existing_job(row)


async def place_in_line(journal: Journal, job: JobRow) -> Place | None:
    """Find a queued job's place; None when it has just left the line. Raises UnknownOutcomeError.

    Reads at most the first MOST_COUNTED tickets: all positions behind them are MOST_COUNTED + 1.
    """
    if job.waits_at != job.ticket_key:
        # Others may pass it, so it has no place until its next attempt is due.
        return Place(None, _waiting_for(job, None, []))
    ahead: list[str] = []
    kinds: list[str] = []
    passed = 0
    lock: LockRow | None = None
    async for row in walk_line(journal, Slot(job.lock_name)):
        if row.key.startswith(rows.LOCKS):
            lock = LockRow.from_row(row)
        elif row.key == job.ticket_key:
            return Place(passed + 1, _waiting_for(job, lock, ahead), lock, kinds)
        elif row.key > job.ticket_key:
            return None
        elif passed == MOST_COUNTED:
            return Place(passed + 1, _waiting_for(job, lock, ahead), lock, None)
        else:
            passed += 1
            kinds.append(str(row.values["kind"]))
            ahead += [str(row.values["job_id"])] if len(ahead) < _MOST_AHEAD else []
    return None


def _waiting_for(job: JobRow, lock: LockRow | None, ahead: list[str]) -> WaitingFor:
    running = lock.job_id if lock is not None else ""
    return WaitingFor(
        lock=job.lock_name,
        holder=lock.worker if lock is not None and running else None,
        running=running or None,
        ahead=ahead,
    )


async def read_result(journal: Journal, partition: str, job: JobRow) -> JsonValue:
    """Read what a job's handler returned; None before. Raises UnknownOutcomeError."""
    text = job.result or "null"
    if job.has_long_result:
        text = await _text(journal, partition, rows.result_key(job.job_id))
    result: JsonValue = json.loads(text)
    return result


async def _traceback(journal: Journal, partition: str, job: JobRow) -> str | None:
    if not job.has_traceback:
        return None
    return await _text(journal, partition, rows.traceback_key(job.job_id))


async def _text(journal: Journal, partition: str, key: str) -> str:
    row = await journal.read(partition, key)
    if row is None:
        # It is written in the transaction that ends the job: a read that does not find it is wrong.
        raise UnknownOutcomeError
    return rows.join_text(row.values)
