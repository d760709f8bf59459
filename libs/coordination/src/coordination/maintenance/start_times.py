"""Putting jobs into the line of their lock whose start times have come.

Such a job has its ticket outside the line, where nothing is started from. One transaction puts the tickets
of a lock into its line that are due, so that from then on they are like all others. It names each job's row
and ticket at the versions read: whoever cancels a job at the same time, or puts it into the line, too, is
refused, or this is. Nothing is lost with the process that does it: the next one finds what is due.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from coordination.journal import events, rows
from coordination.journal.many_jobs import read_jobs
from coordination.journal.persistence import commit_until
from coordination.journal.rows import JobRow
from coordination.maintenance.pauses import Pace, Pauses
from coordination.maintenance.side_by_side import for_each
from coordination.ports import (
    ActiveJob,
    Clock,
    Delete,
    GuardedUpdate,
    Insert,
    JobRegister,
    Journal,
    NewId,
    Notifier,
    Operation,
    RefusedError,
    Row,
    Transaction,
    UnknownOutcomeError,
    WakeUp,
    random_id,
)

#: Tickets that one transaction puts into the line: three rows each, of 100.
MOST_AT_ONCE = 33

#: Times that a transaction is built again after a refusal, until the next pass.
_TRIES = 5

#: Seconds for which an unknown outcome is asked for again in one pass.
_PATIENCE = 8.0


def build_start(tickets: Sequence[Row], op_id: str) -> Transaction:
    """Build the transaction that puts tickets of one lock into its line, at most MOST_AT_ONCE."""
    # Rule R29 (spec/turnstile.pml): the ticket and the row of a job change together, at the versions read.
    operations: list[Operation] = []
    for ticket in tickets:
        waits = JobRow.from_row(ticket)
        # It keeps the time: a worker whose clock is behind does not start it early.
        in_line = replace(waits, holds_place=True)
        operations += [
            GuardedUpdate(rows.job_key(waits.job_id), in_line.changes(waits), ticket.key),
            Delete(ticket.key, ticket.etag),
            Insert(in_line.waits_at, in_line.values()),
        ]
    return Transaction(op_id, operations)


@dataclass
class StartTimes:
    """Puts jobs into line. Two processes that do it at once do no harm."""

    journal: Journal
    register: JobRegister
    notifier: Notifier
    clock: Clock
    pace: Pace
    new_id: NewId = random_id
    #: Jobs that are in line, or were, and are active still.
    _settled: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._missing = Pauses(self.clock)

    async def put_in_line(self, due: Sequence[ActiveJob], *, is_heard: bool = True) -> Counter[str]:
        """Put those of these jobs into line that are not, and return how many, by lock.

        Their start times must have come. Unless `is_heard`, nobody is notified. Raises UnknownOutcomeError;
        then the same call may be repeated.
        """
        of_locks: dict[str, list[ActiveJob]] = {}
        for job in due:
            if job.job_id not in self._settled and self._missing.is_over(job.job_id):
                of_locks.setdefault(job.lock_name, []).append(job)
        count: Counter[str] = Counter()

        async def put(jobs: Sequence[ActiveJob]) -> None:
            put = await self.put_lock_in_line(jobs[0].partition)
            if put:
                count[jobs[0].lock_name] += len(put)
            if put and is_heard:
                first = JobRow.from_row(put[0])
                wake_up = WakeUp(first.lock_name, first.job_id, traceparent=first.traceparent, reason="due")
                await self.notifier.notify(wake_up)
            await self._settle(jobs, {str(ticket.values["job_id"]) for ticket in put})

        await for_each(put, of_locks.values())
        return count

    def forget_all_but(self, jobs: set[str]) -> None:
        """Drop what is remembered of jobs that are not active any more."""
        self._settled &= jobs
        self._missing.forget_all_but(jobs)

    async def put_lock_in_line(self, partition: str) -> list[Row]:
        """Put all tickets of a lock into its line that are due; return them, first due first.

        Raises UnknownOutcomeError, also when others keep changing them.
        """
        put: list[Row] = []
        refusals = 0
        while True:
            found = await self.journal.read_range(partition, rows.LATER, MOST_AT_ONCE)
            at = events.timestamp(self.clock.now())
            tickets = [row for row in found if rows.start_of(row) <= at]
            if not tickets:
                return put
            starting = build_start(tickets, self.new_id().hex)
            until = self.clock.boot() + _PATIENCE
            try:
                await commit_until(
                    self.journal, self.clock, partition, starting, self.pace.call_timeout, until
                )
            except RefusedError as refused:
                # One was cancelled, or put there by another process, or by an earlier try of this one.
                refusals += 1
                if refusals == _TRIES:
                    raise UnknownOutcomeError(f"others keep changing the jobs of {partition}") from refused
                continue
            put += tickets
            if len(tickets) < MOST_AT_ONCE:
                return put

    async def _settle(self, jobs: Sequence[ActiveJob], put: set[str]) -> None:
        """Note which jobs need not be looked at again, and let those count as active for as long as they are.

        A job that has no row yet is still being submitted, or never will be.
        """
        unknown = [job.job_id for job in jobs if job.job_id not in put]
        found = await read_jobs(self.journal, jobs[0].partition, unknown) if unknown else {}

        async def settle(job: ActiveJob) -> None:
            row = found.get(job.job_id)
            if job.job_id not in put and (row is None or row.is_delayed):
                self._missing.begin(job.job_id, 0, self.pace.first_look, self.pace.longest_look)
                return
            if job.is_postponed:
                await self.register.resume(job)
            self._settled.add(job.job_id)

        await for_each(settle, jobs)
