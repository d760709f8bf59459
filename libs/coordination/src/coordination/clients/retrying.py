"""Retrying by hand a job that did not complete: a new job, which continues where the old one ended.

The new job reads the recorded steps and the saved state of the old one in the old one's rows, which are in
the same partition as the lock is the same. So a retry is one transaction, however much the old job recorded:
the new job's rows are inserted, and the rows of the old job, and of those that it continued itself, name the
new one. `coordination.maintenance.removable` keeps them until the new job has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.statuses import JobStatus
from coordination.clients.job_writer import Change, NoSuchJobError, Recorded, existing_job
from coordination.clients.submission import JobExistsError, NewJob, RetryOf, Submitter, build_submission
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.persistence import until_known
from coordination.journal.rows import JobRow
from coordination.journal.storage_limits import check_limits
from coordination.ports import (
    CoordinationError,
    InvalidTransactionError,
    Registration,
    Row,
    Transaction,
    UnknownOutcomeError,
    Update,
    Value,
)

#: How a job has ended that may be retried.
RETRYABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMED_OUT, JobStatus.EXPIRED})

#: Jobs with whose records a retry continues. Each has a row in the transaction, which has room for 100.
MOST_CONTINUED = 80


class RetryRefusedError(CoordinationError):
    """The job cannot be retried as was asked."""

    def __init__(self, message: str, job: JobRow) -> None:
        super().__init__(message)
        self.job = job


class CannotRetryError(RetryRefusedError):
    """The job waits, runs or has completed."""


class RetriedAlreadyError(RetryRefusedError):
    """The job was retried already, and not with the same request."""


class HistoryRemovedError(RetryRefusedError):
    """Recorded steps that the retry would continue with were removed."""


@dataclass(frozen=True)
class OldJob:
    """A job that may be retried, as it was read."""

    job: JobRow
    etag: str
    #: JSON object.
    parameters: str


@dataclass(frozen=True)
class Retrier:
    """Retries jobs."""

    submitter: Submitter

    async def look(self, registration: Registration) -> OldJob:
        """Read a job that is to be retried.

        Raises CannotRetryError, NoSuchJobError, JobRemovedError or UnknownOutcomeError.
        """
        return await self._look(registration, self._until())

    async def retry(self, old: Registration, new: NewJob, retry: RetryOf) -> Recorded:
        """Submit `new`, which has the lock of the old job, as its retry; return the new job as it is now.

        What it continues with is found here, unless `retry` is fresh. It waits behind the other jobs of its
        lock for as long as that takes: whoever retries a job wants it to run.

        A job is retried once: the same request again, under any id, returns the same job. Raises what `look`
        raises, RetriedAlreadyError, HistoryRemovedError, JobExistsError when the id is in use, and
        InvalidTransactionError for what could never be stored.
        """
        writer = self.submitter.writer
        until = self._until()
        new = replace(new, retry=retry, expires_in=None, on_conflict="queue")
        is_claimed = False
        while writer.clock.boot() < until:
            found = await self._look(old, until)
            if found.job.retried_by:
                return Recorded(await self._earlier(found.job, old.partition, new, until), is_new=False)
            continued = [] if retry.is_fresh else await self._continued(found, old.partition, until)
            if new.job_id in {old.job_id, *(row.values["job_id"] for row in continued)}:
                # No transaction can have a row twice; this says whose id it is.
                await self.submitter.claim(new)
            change = self._build(found, continued, new, retry)
            check_limits(change.transaction)
            is_claimed = is_claimed or await self._claim(new)
            if is_claimed and await writer.commit(old.partition, change, until):
                await self.submitter.notify(new)
                return Recorded(change.job, is_new=True)
        raise UnknownOutcomeError

    def _build(self, found: OldJob, continued: Sequence[Row], new: NewJob, retry: RetryOf) -> Change:
        """Build the transaction that accepts a retry and names it in each job that it continues.

        All at the versions read: so a job has one retry, and none is removed while its retry needs it.
        """
        job_ids = [str(row.values["job_id"]) for row in continued]
        if len(job_ids) > MOST_CONTINUED:
            raise InvalidTransactionError(
                f"the retry would continue with the steps of {len(job_ids)} jobs, and at most "
                f"{MOST_CONTINUED} fit; retry it fresh"
            )
        writer = self.submitter.writer
        at = events.timestamp(writer.clock.now())
        new = replace(new, retry=replace(retry, history=job_ids))
        accepted = build_submission(new, Writer(new.actor, writer.new_id().hex, at))
        marks: dict[str, dict[str, Value | None]] = {row.key: {"read_by": new.job_id} for row in continued}
        versions = {row.key: row.etag for row in continued}
        key = rows.job_key(found.job.job_id)
        marks[key] = marks.get(key, {}) | {"retried_by": new.job_id}
        versions[key] = found.etag
        updates = [Update(key, values, versions[key]) for key, values in marks.items()]
        transaction = accepted.transaction
        return replace(
            accepted, transaction=Transaction(transaction.op_id, [*transaction.operations, *updates])
        )

    async def _claim(self, new: NewJob) -> bool:
        """Register the new job's id; return False when the same request has been written in the meantime."""
        try:
            await self.submitter.claim(new)
        except JobExistsError as error:
            if not error.same_request:
                raise
            return False
        return True

    async def _look(self, registration: Registration, until: float) -> OldJob:
        row = await self._read(registration.partition, rows.job_key(registration.job_id), until)
        job = existing_job(row)
        if row is None:
            raise NoSuchJobError
        if job.status not in RETRYABLE:
            raise CannotRetryError(f"a job that is {job.status} cannot be retried", job)
        parameters = job.parameters
        if not parameters:
            kept = await self._read(registration.partition, rows.parameters_key(job.job_id), until)
            if kept is None:
                # It is gone with its job, which left in between.
                existing_job(await self._read(registration.partition, row.key, until))
            parameters = _text(kept)
        return OldJob(job, row.etag, parameters)

    async def _earlier(self, job: JobRow, partition: str, new: NewJob, until: float) -> JobRow:
        """Return the job that retries this one, if the same was asked for it."""
        row = await self._read(partition, rows.job_key(job.retried_by or ""), until)
        earlier = JobRow.existing(row)
        if earlier is None or earlier.request_hash != new.request_hash:
            raise RetriedAlreadyError(f"the job was already retried by {job.retried_by}", job)
        return earlier

    async def _continued(self, found: OldJob, partition: str, until: float) -> list[Row]:
        """Return the rows of the jobs with whose recorded steps and state a retry continues, oldest first."""
        job = found.job
        earlier = await self._read(partition, rows.history_key(job.job_id), until) if job.retry_of else None
        job_ids = _text(earlier).split() if earlier is not None else []
        if job.steps or await self._read(partition, rows.state_key(job.job_id), until) is not None:
            job_ids.append(job.job_id)
        continued = []
        for job_id in job_ids:
            row = await self._read(partition, rows.job_key(job_id), until)
            if row is None or JobRow.existing(row) is None:
                if job_id == job.job_id:
                    # The job itself left in between.
                    existing_job(row)
                raise HistoryRemovedError(f"the recorded steps of job {job_id} were removed", job)
            continued.append(row)
        return continued

    async def _read(self, partition: str, key: str, until: float) -> Row | None:
        writer = self.submitter.writer
        return await until_known(writer.clock, lambda: writer.journal.read(partition, key), until)

    def _until(self) -> float:
        return self.submitter.writer.clock.boot() + self.submitter.writer.patience


def _text(row: Row | None) -> str:
    if row is None:
        # It is written with its job: a read that does not find it is wrong.
        raise UnknownOutcomeError
    return rows.join_text(row.values)
