"""A tenure: one unbroken holding of a lock, and the only writer of its rows during it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from contracts.jobs import HeldLease
from coordination.call_tracing import Took, action
from coordination.holder.held_rows import FencedError, HeldRows
from coordination.holder.kept_rows import read_kept_data
from coordination.holder.lease_keeper import LeaseKeeper
from coordination.holder.policy import HolderSettings, Ports
from coordination.holder.runs import Progress, Run, StepDone
from coordination.holder.upcoming import Upcoming
from coordination.journal import rows, transactions
from coordination.journal.line import Line, MayStart, Outside
from coordination.journal.line_reading import read_line_at
from coordination.journal.persistence import until_known
from coordination.journal.rows import JobRow
from coordination.journal.transactions import Draft, Held
from coordination.observations import (
    Observe,
    ProgressWritten,
    RunCutOff,
    RunEnded,
    RunStarted,
    StateSaved,
    StepRecorded,
)
from coordination.outcomes import Failed, RunOutcome, StopReason, TimedOut
from coordination.ports import InvalidTransactionError, RefusedError, Row
from coordination.slot import Slot


class Tenure:
    """Holds a lock: acquires its lease, takes over, writes for one run after the other, releases.

    All writes go through one mutex and are conditional on the lock row this tenure moved last.
    """

    def __init__(self, slot: Slot, ports: Ports, settings: HolderSettings, observe: Observe) -> None:
        self._slot = slot
        self._ports = ports
        self._trace_calls = ports.trace_calls
        self._settings = settings
        self._observe = observe
        self._mutex = asyncio.Lock()
        self._is_shutting_down = False
        self._reported: Progress | None = None
        #: How many slots the lock has, as the line said when it was read last.
        self.slots = 1
        #: What the line said then of the tickets outside of it.
        self._outside = Outside()
        #: Whether its take-over put a job back into the line.
        self.gave_back = False
        self.keeper = LeaseKeeper(
            slot.lock_name,
            slot.lease_name,
            ports.leases,
            ports.clock,
            settings.times,
            observe,
            self.request_stop,
            ports.new_id,
            ports.trace_calls,
        )
        self._rows = HeldRows(slot, self.keeper, ports, settings, observe)
        self._upcoming = Upcoming(self._read_line, ports.clock)

    @property
    def running(self) -> str | None:
        """Id of the job that runs now."""
        return self._rows.running

    @property
    def lease(self) -> HeldLease | None:
        """The lease while a job runs."""
        return self._rows.lease

    def hint(self) -> None:
        """Note that the line may have grown."""
        self._upcoming.hinted = True

    def request_stop(self, reason: StopReason) -> None:
        """Ask the run in progress to stop; a shutdown also stops a run that is only just being started."""
        self._is_shutting_down |= reason is StopReason.SHUTDOWN
        self._rows.stop.request(reason)

    @action
    async def take_over(self, took: Took, accepts: MayStart) -> Run | None:
        """End what was cut off and start the job whose turn it is, in one transaction.

        Returns None when nothing waits, or nothing for this worker. A refusal that is not our own earlier try
        raises RefusedError, and then this tenure must not try again. Raises
        UnknownOutcomeError when the journal stays silent, FencedError when the time to write is over.
        """
        until = self._rows.write_until()
        line = await self._upcoming.look()
        orphan = None
        if line.lock.job_id:
            orphan = await self._rows.read(rows.job_key(line.lock.job_id), until)
        draft = transactions.take_over(line, orphan, self._rows.writer(), self.keeper.lease_id, accepts)
        if draft is None:
            return None
        versions = await self._rows.commit(draft)
        if versions is None:
            raise RefusedError
        if draft.interrupted is not None:
            self._observe(RunCutOff(draft.interrupted, line.lock.worker))
            # It may be back in line, and was not there when the line was read.
            self._upcoming.doubt()
            self.gave_back = not draft.interrupted.is_terminal
        return await self._adopt_next_run(draft, versions, took)

    @action
    async def finish(self, took: Took, outcome: RunOutcome, accepts: MayStart | None) -> Run | None:
        """Record how the run ended and, unless `accepts` is None, start the next job with it.

        Raises FencedError when another worker has taken over.
        """
        async with self._mutex:
            while True:
                held = self._rows.require()
                now = self._reported.applied_to(held.job) if self._reported else held.job
                # Before the line, which may not be old when a job is started from it.
                first = await self._first_row(now, outcome)
                # Rule S3 (spec/slots.pml): a slot that is closed starts nothing.
                chains = accepts is not None and not held.lock.is_closed
                ticket = await self._upcoming.next(accepts) if accepts and chains else None
                draft, ended = transactions.end(
                    held, now, self._rows.writer(), outcome, ticket, self._upcoming.next_due(held.lock), first
                )
                try:
                    versions = await self._rows.commit(draft)
                except InvalidTransactionError as error:
                    if isinstance(outcome, Failed):
                        raise
                    outcome = Failed(type(error).__name__, f"the result cannot be stored: {error}")
                    continue
                if versions is not None:
                    break
                self._upcoming.doubt()
                await self._rows.reload()
            if not ended.is_terminal:
                # It is back in line, and was not there when the line was read.
                self._upcoming.doubt()
            self._observe(RunEnded(ended, outcome, took=took))
            return await self._adopt_next_run(draft, versions, took, after=ended)

    async def _first_row(self, job: JobRow, outcome: RunOutcome) -> Row | None:
        """Return the row of slot 0 for the end of a run in another slot that may be followed by another."""
        if not self._slot.number or not job.retry or not isinstance(outcome, Failed | TimedOut):
            return None
        return await self._rows.read(rows.lock_key(), self._rows.write_until())

    async def look(self) -> None:
        """Take in what others wrote to the running job, such as a request to cancel it."""
        async with self._mutex:
            if self._rows.held is None or not self.keeper.may_write:
                return
            # Rule R10 (spec/turnstile.pml): a holder reads what others wrote to its job.
            key = rows.job_key(self._rows.held.job.job_id)
            row = await self._rows.read(key, self._rows.write_until())
            if row is None or row.etag != self._rows.held.job_etag:
                await self._rows.reload()

    @action
    async def flush(self, took: Took) -> None:
        """Write the progress reported since the last write, if there is any."""
        async with self._mutex:
            held, reported = self._rows.held, self._reported
            if held is None or reported is None:
                return
            if reported.applied_to(held.job) != held.job:
                await self._rows.write(
                    lambda held, now: transactions.flush(held, now, self._rows.writer()), reported
                )
                self._observe(ProgressWritten(self._rows.require().job, took=took))
            # Other progress may have been reported in the meantime.
            if self._reported is reported:
                self._reported = None

    # --- writing for the run ------------------------------------------------

    @action
    async def _record_step(self, took: Took, job_id: str, done: StepDone) -> None:
        job = await self._write_for(
            job_id, lambda held, now: transactions.step(held, now, self._rows.writer(), done)
        )
        self._observe(StepRecorded(job, done.name, done.seconds, took=took))

    @action
    async def _save_state(self, took: Took, job_id: str, text: str) -> None:
        job = await self._write_for(
            job_id, lambda held, now: transactions.state(held, now, self._rows.writer(), text)
        )
        self._observe(StateSaved(job, len(text), took=took))

    async def _write_for(self, job_id: str, build: Callable[[Held, JobRow], Draft]) -> JobRow:
        async with self._mutex:
            # Rule R23 (spec/turnstile.pml): a late write of one run is refused once the next has started.
            if self._rows.held is None or self._rows.held.job.job_id != job_id:
                raise FencedError
            reported, self._reported = self._reported, None
            await self._rows.write(build, reported)
            return self._rows.require().job

    # --- from run to run ------------------------------------------------------

    async def _adopt_next_run(
        self, draft: Draft, versions: Mapping[str, str], took: Took, after: JobRow | None = None
    ) -> Run | None:
        self._reported = None
        self._rows.begin(draft, versions)
        if draft.job is None:
            return None
        self._upcoming.started(draft.job.ticket_key)
        self._observe(RunStarted(draft.job, draft.hand_over, draft.interrupted, after, took=took))
        if not self.keeper.may_write:
            self._rows.stop.request(StopReason.DEADLINE)
        elif self._is_shutting_down:
            self._rows.stop.request(StopReason.SHUTDOWN)
        return await self._make_run(draft.job)

    async def _make_run(self, job: JobRow) -> Run:
        kept = await read_kept_data(
            self._ports.journal, self._ports.clock, self._slot.partition, job, self._rows.write_until()
        )
        if kept.state_etag is not None:
            self._rows.held = replace(self._rows.require(), state_etag=kept.state_etag)
        return Run(
            job=job,
            fence=job.fence,
            parameters=kept.parameters,
            recorded=kept.recorded,
            state=kept.state,
            stop=self._rows.stop,
            hard_deadline=lambda: self.keeper.hard_deadline,
            soft_deadline=lambda: self.keeper.soft_deadline,
            record_step=lambda done: self._record_step(job.job_id, done),
            save_state=lambda text: self._save_state(job.job_id, text),
            report=lambda value, limit, step: self._report(job.job_id, value, limit, step),
        )

    def _report(self, job_id: str, value: float | None, limit: float | None, step: str) -> None:
        if self.running != job_id:
            return  # late, and not about the run in progress
        self._reported = Progress(step, value, limit)

    async def _read_line(self, tickets: int) -> Line:
        clock = self._ports.clock
        line = await until_known(
            clock,
            lambda: read_line_at(self._ports.journal, clock, self._slot, tickets, self._outside),
            self._rows.write_until(),
        )
        self.slots, self._outside = line.slots, line.outside
        return line
