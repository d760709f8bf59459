"""A tenure: one unbroken holding of a lock, and the only writer of its rows meanwhile."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from uuid import uuid4

from contracts import lock_names
from contracts.statuses import JobStatus
from coordination import events, rows, transactions
from coordination.events import Writer
from coordination.keeper import Keeper
from coordination.line import Line, read_line
from coordination.observations import (
    Fenced,
    Observe,
    ProgressWritten,
    Refusal,
    RunCutOff,
    RunEnded,
    RunStarted,
    StateSaved,
    StepRecorded,
    TablesCutOff,
)
from coordination.operations import operation
from coordination.outcomes import Failed, Outcome, StopReason
from coordination.persistence import commit_until, until_known
from coordination.ports import (
    Bell,
    Clock,
    CoordinationError,
    InvalidTransactionError,
    Journal,
    Leases,
    RefusedError,
    Row,
    UnknownOutcomeError,
)
from coordination.rows import JobRow, LockRow
from coordination.runs import Run, StepDone, StepRecord, Stop
from coordination.times import LeaseTimes
from coordination.transactions import Accepts, Draft, Held, Limits

#: Tickets read at a time: the next one, and some more in case it is cancelled in the same moment.
_TICKETS = 4


class FencedError(CoordinationError):
    """Someone else may have moved the lock on: nothing more may be written, and the handler must stop."""


class CutOffError(FencedError):
    """The journal does not answer although the lease can be renewed."""


@dataclass(frozen=True)
class Ports:
    """The world as the protocol sees it."""

    leases: Leases
    journal: Journal
    bell: Bell
    clock: Clock


@dataclass(frozen=True)
class Rules:
    """What one worker goes by."""

    worker: str
    times: LeaseTimes
    limits: Limits = field(default_factory=Limits)
    #: Seconds for one journal call.
    call_timeout: float = 2.0
    #: Progress is written at most once in so many seconds.
    flush_seconds: float = 1.0


class Tenure:
    """Holds a lock: acquires its lease, takes over, writes for one run after the other, releases.

    All writes go through one mutex and are conditional on the lock row this tenure moved last. A refused
    write is either our own earlier try, or another writer's change to our job, which is taken in before the
    write is repeated, or the end: someone else has taken over.
    """

    def __init__(self, lock_name: str, ports: Ports, rules: Rules, observe: Observe) -> None:
        self.lock_name = lock_name
        self.partition = lock_names.partition(lock_name)
        self._ports = ports
        self._rules = rules
        self._observe = observe
        self._mutex = asyncio.Lock()
        self._held: Held | None = None
        self._line: Line | None = None
        self._stop = Stop()
        self._is_shutting_down = False
        self._reported: Callable[[JobRow], JobRow] | None = None
        self.keeper = Keeper(
            lock_name,
            self.partition,
            ports.leases,
            ports.clock,
            rules.times,
            observe,
            self.request_stop,
        )
        #: Whether the line may have grown since it was read last.
        self.hinted = False

    @property
    def running(self) -> str | None:
        """Id of the job that runs now."""
        return self._held.job.job_id if self._held else None

    def request_stop(self, reason: StopReason) -> None:
        """Ask the run in progress to stop; a shutdown also stops a run that is only just being started."""
        self._is_shutting_down |= reason is StopReason.SHUTDOWN
        self._stop.request(reason)

    @operation
    async def take_over(self, accepts: Accepts) -> Run | None:
        """End what was cut off and start the job whose turn it is, in one transaction.

        Gives None when nothing waits, or nothing for this worker. A refusal that is not
        our own earlier try raises RefusedError, and then this tenure must not try again. Raises
        UnknownOutcomeError when the journal stays silent, FencedError when the time to write is over.
        """
        until = self._write_until()
        self.hinted = False
        line = await until_known(self._ports.clock, self._read_line, until)
        orphan = None
        if line.lock.job_id:
            orphan = await self._read(rows.job_key(line.lock.job_id), until)
        draft = transactions.take_over(
            line, orphan, self._writer(), self.keeper.lease_id, self._rules.limits, accepts
        )
        self._line = line
        if draft is None:
            return None
        versions = await self._commit(draft)
        if versions is None:
            raise RefusedError
        if draft.interrupted is not None:
            self._observe(RunCutOff(draft.interrupted, line.lock.worker))
        return await self._adopt_start(draft, versions)

    @operation
    async def finish(self, outcome: Outcome, accepts: Accepts | None) -> Run | None:
        """Record how the run ended and, unless `accepts` is None, start the next job with it.

        Raises FencedError when someone else has taken over.
        """
        async with self._mutex:
            while True:
                held = self._require_held()
                ticket = await self._next_ticket(accepts) if accepts else None
                now = self._reported(held.job) if self._reported else held.job
                draft, ended = transactions.end(
                    held, now, self._writer(), outcome, self._rules.limits, ticket
                )
                try:
                    versions = await self._commit(draft)
                except InvalidTransactionError as error:
                    if isinstance(outcome, Failed):
                        raise
                    outcome = Failed(type(error).__name__, f"the result cannot be stored: {error}")
                    continue
                if versions is not None:
                    break
                self.hinted = True
                await self._reload()
            self._observe(RunEnded(ended, outcome))
            return await self._adopt_start(draft, versions, after=ended)

    @operation
    async def look(self) -> None:
        """Take in what others wrote to the running job, such as a request to cancel it."""
        async with self._mutex:
            if self._held is None or not self.keeper.may_write:
                return
            # Rule R10 (spec/turnstile.pml).
            key = rows.job_key(self._held.job.job_id)
            row = await self._read(key, self._write_until())
            if row is None or row.etag != self._held.job_etag:
                await self._reload()

    @operation
    async def flush(self) -> None:
        """Write the progress reported since the last write, if there is any."""
        async with self._mutex:
            held, reported = self._held, self._reported
            if held is None or reported is None:
                return
            self._reported = None
            if reported(held.job) != held.job:
                await self._write(lambda held, now: transactions.flush(held, now, self._writer()), reported)
                self._observe(ProgressWritten(self._require_held().job))

    # --- writing for the run ------------------------------------------------

    @operation
    async def _record_step(self, job_id: str, done: StepDone) -> None:
        job = await self._write_for(
            job_id, lambda held, now: transactions.step(held, now, self._writer(), done)
        )
        self._observe(StepRecorded(job, done.name, done.seconds))

    @operation
    async def _save_state(self, job_id: str, text: str) -> None:
        job = await self._write_for(
            job_id, lambda held, now: transactions.state(held, now, self._writer(), text)
        )
        self._observe(StateSaved(job, len(text)))

    async def _write_for(self, job_id: str, build: Callable[[Held, JobRow], Draft]) -> JobRow:
        async with self._mutex:
            # Rule R23 (spec/turnstile.pml).
            # A late write of one run must find nobody to write for, even in the same tenure.
            if self._held is None or self._held.job.job_id != job_id:
                raise FencedError
            reported, self._reported = self._reported, None
            await self._write(build, reported)
            return self._require_held().job

    async def _write(
        self, build: Callable[[Held, JobRow], Draft], reported: Callable[[JobRow], JobRow] | None
    ) -> None:
        while True:
            held = self._require_held()
            draft = build(held, reported(held.job) if reported else held.job)
            versions = await self._commit(draft)
            if versions is not None:
                self._adopt(draft, versions)
                return
            await self._reload()

    async def _commit(self, draft: Draft) -> Mapping[str, str] | None:
        """Send a transaction until its outcome is known; gives the new versions, or None if refused."""
        if not self.keeper.may_write:
            raise self._fenced(Refusal.TOO_LATE, "the time to write is over")
        until = self._write_until()
        try:
            versions = await commit_until(
                self._ports.journal,
                self._ports.clock,
                self.partition,
                draft.transaction,
                self._rules.call_timeout,
                until,
            )
        except RefusedError:
            # Rule R6 (spec/turnstile.pml).
            lock = await self._read(rows.LOCK_KEY, until)
            if lock is None or lock.values.get("op_id") != draft.writer.op_id:
                return None
            versions = await self._own_versions(draft, lock, until)
        except UnknownOutcomeError as error:
            self._observe(TablesCutOff(self.lock_name))
            self._fenced(Refusal.UNKNOWN, str(error))
            raise CutOffError from error
        self._ports.bell.announce([events.announced(event) for event in draft.events])
        return versions

    async def _own_versions(self, draft: Draft, lock: Row, until: float) -> Mapping[str, str]:
        """Find out the versions of an own write whose answer was lost, and what others wrote since then."""
        versions = {rows.LOCK_KEY: lock.etag}
        if draft.job is None:
            return versions
        key = rows.job_key(draft.job.job_id)
        row = await self._read(key, until)
        if row is not None:
            versions[key] = row.etag
            job = JobRow.from_row(row)
            # To know a version is to know what stands there; if it is another run, the lock row refuses us.
            if job.fence == draft.job.fence:
                draft.job = job
        state_key = rows.state_key(draft.job.job_id)
        state = await self._read(state_key, until)
        if state is not None:
            versions[state_key] = state.etag
        return versions

    async def _reload(self) -> None:
        """After a refusal: take in what another writer changed, or stop for good.

        Ours is a lock row with our tenure, fence, job and attempt, and the job running under that fence.
        The tenure alone would let a late write of one job through after the next was started.
        """
        # Rule R7 (spec/turnstile.pml).
        held, until = self._require_held(), self._write_until()
        lock_row = await self._read(rows.LOCK_KEY, until)
        job_row = await self._read(rows.job_key(held.job.job_id), until)
        if lock_row is None or job_row is None:
            raise self._fenced(Refusal.TAKEN_OVER, "a row is gone")
        lock, job = LockRow.from_row(lock_row), JobRow.from_row(job_row)
        same_run = (lock.tenure, lock.fence, lock.job_id, lock.attempt) == (
            held.lock.tenure,
            held.lock.fence,
            held.lock.job_id,
            held.lock.attempt,
        )
        if not same_run or job.status != JobStatus.RUNNING or job.fence != lock.fence:
            reason = f"worker {lock.worker} has taken over with fence {lock.fence}"
            raise self._fenced(Refusal.TAKEN_OVER, reason)
        self._held = replace(held, lock=lock, lock_etag=lock_row.etag, job=job, job_etag=job_row.etag)
        if job.cancel_requested:
            self._stop.request(StopReason.CANCELLED)

    # --- what is known ------------------------------------------------------

    def _adopt(self, draft: Draft, versions: Mapping[str, str]) -> None:
        if draft.job is None:
            self._held = None
            return
        key, state = rows.job_key(draft.job.job_id), rows.state_key(draft.job.job_id)
        earlier = self._held.state_etag if self._held else None
        self._held = Held(
            draft.lock, versions[rows.LOCK_KEY], draft.job, versions[key], versions.get(state, earlier)
        )
        if draft.job.cancel_requested:
            self._stop.request(StopReason.CANCELLED)

    async def _adopt_start(
        self, draft: Draft, versions: Mapping[str, str], after: JobRow | None = None
    ) -> Run | None:
        self._held = None
        self._reported = None
        self._stop = Stop()
        self._adopt(draft, versions)
        if draft.job is None:
            return None
        if self._line is not None:
            left = (row for row in self._line.tickets if row.key != draft.job.ticket_key)
            self._line = replace(self._line, tickets=tuple(left))
        self._observe(RunStarted(draft.job, draft.hand_over, draft.interrupted, after))
        if not self.keeper.may_write:
            self._stop.request(StopReason.DEADLINE)
        elif self._is_shutting_down:
            self._stop.request(StopReason.SHUTDOWN)
        return await self._make_run(draft.job)

    async def _make_run(self, job: JobRow) -> Run:
        """Collect what earlier attempts left; a first attempt with short parameters needs no read."""
        parameters, state, recorded = job.parameters, None, []
        if job.attempt > 1 or not parameters:
            kept = await until_known(
                self._ports.clock,
                lambda: self._ports.journal.read_range(self.partition, rows.data_prefix(job.job_id)),
                self._write_until(),
            )
            for row in kept:
                if row.key == rows.parameters_key(job.job_id):
                    parameters = rows.join_text(row.values)
                elif row.key == rows.state_key(job.job_id):
                    state = rows.join_text(row.values)
                    self._held = replace(self._require_held(), state_etag=row.etag)
                elif row.key.startswith(rows.step_prefix(job.job_id)):
                    recorded.append(StepRecord(str(row.values["name"]), rows.join_text(row.values)))
        return Run(
            job=job,
            fence=job.fence,
            parameters=parameters,
            recorded=recorded,
            state=state,
            stop=self._stop,
            hard_deadline=lambda: self.keeper.hard_deadline,
            soft_deadline=lambda: self.keeper.soft_deadline,
            record_step=lambda done: self._record_step(job.job_id, done),
            save_state=lambda text: self._save_state(job.job_id, text),
            report=self._report,
        )

    def _report(self, value: float | None, limit: float | None, step: str) -> None:
        self._reported = lambda job: replace(
            job,
            progress_value=job.progress_value if value is None else value,
            progress_limit=job.progress_limit if limit is None else limit,
            step=step,
        )

    async def _next_ticket(self, accepts: Accepts) -> Row | None:
        """Find the job to start in the ending transaction.

        An empty line is believed until something hints at work: looking once more after the release finds
        whatever came meanwhile, and saves a lone job a query.
        """
        if self._line is not None and not self._line.tickets and not self.hinted:
            return None
        self.hinted = False
        self._line = await until_known(self._ports.clock, self._read_line, self._write_until())
        first = self._line.first
        return self._line.tickets[0] if first is not None and accepts(first) else None

    async def _read_line(self) -> Line:
        return await read_line(self._ports.journal, self.lock_name, self.partition, _TICKETS)

    async def _read(self, key: str, until: float) -> Row | None:
        return await until_known(
            self._ports.clock, lambda: self._ports.journal.read(self.partition, key), until
        )

    def _write_until(self) -> float:
        return min(self._ports.clock.boot() + self._rules.times.journal_deadline, self.keeper.soft_deadline)

    def _writer(self) -> Writer:
        return Writer(
            actor=self._rules.worker,
            op_id=uuid4().hex,
            at=events.timestamp(self._ports.clock.now()),
            worker=self._rules.worker,
        )

    def _require_held(self) -> Held:
        if self._held is None:
            raise FencedError
        return self._held

    def _fenced(self, refusal: Refusal, reason: str) -> FencedError:
        """Stop for good: the handler is killed and this tenure writes nothing more."""
        # Rule R16 (spec/turnstile.pml).
        self._observe(Fenced(self.lock_name, self.running or "", refusal, reason))
        self.keeper.end()
        self._held = None
        self._stop.request(StopReason.LOST)
        return FencedError(reason)
