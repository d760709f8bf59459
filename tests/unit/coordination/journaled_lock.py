"""One lock's rows in the in-memory journal, moved by the transactions alone: no lease, no deadline."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import lock_names
from contracts.policies import JobPolicy
from coordination.clients.submission import NewJob, build_submission
from coordination.holder.runs import StepDone
from coordination.journal import events, rows, transactions
from coordination.journal.events import Writer
from coordination.journal.line import MayStart
from coordination.journal.line_reading import read_line_at
from coordination.journal.rows import EventRow, JobRow, LockRow
from coordination.journal.transactions import Draft, Held
from coordination.outcomes import RunOutcome
from coordination.ports import Row
from coordination.slot import Slot
from coordination.testing.memory import InMemoryJournal, VirtualClock

LOCK = "L"
PARTITION = lock_names.partition(LOCK)

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def accept_all(_: JobRow) -> bool:
    return True


class JournaledLock:
    """A lock in the journal. Each write has a moment and an op id of its own, which rise by one."""

    def __init__(self, policy: JobPolicy | None = None) -> None:
        self.journal = InMemoryJournal()
        self.policy = policy or JobPolicy()
        self.held: Held | None = None
        self._numbers = itertools.count(1)
        self._last = 0

    def writer(self, worker: str) -> Writer:
        self._last = next(self._numbers)
        return Writer(worker, f"op-{self._last}", events.timestamp(self.journal_clock.now()), worker)

    @property
    def journal_clock(self) -> VirtualClock:
        """A clock that stands at the latest write: a line is read before the transaction that follows."""
        return VirtualClock(_BEGAN + timedelta(seconds=self._last))

    def wait(self, seconds: int) -> None:
        """Let time pass until the next write."""
        for _ in range(seconds):
            self._last = next(self._numbers)

    async def submit(self, job_id: str, order: str = "", **more: Any) -> JobRow:
        """Write a job whose order is its id, unless another one is asked for."""
        writer = replace(self.writer("ann"), worker="")
        new = NewJob(
            **{
                "job_id": job_id,
                "order": order or job_id,
                "kind": "kind",
                "lock_name": LOCK,
                "parameters": "{}",
                "actor": "ann",
                "policy": self.policy,
                **more,
            }
        )
        change = build_submission(new, writer)
        await self.journal.commit(PARTITION, change.transaction, 1)
        return change.job

    async def build_take_over(self, worker: str = "w1", accepts: MayStart = accept_all) -> Draft | None:
        line = await read_line_at(self.journal, self.journal_clock, Slot(LOCK), tickets=4)
        key = rows.job_key(line.lock.job_id)
        orphan = await self.journal.read(PARTITION, key) if line.lock.job_id else None
        writer = self.writer(worker)
        return transactions.take_over(line, orphan, writer, f"lease-of-{worker}", accepts)

    async def take_over(self, worker: str = "w1", accepts: MayStart = accept_all) -> Draft:
        draft = await self.build_take_over(worker, accepts)
        assert draft is not None
        await self._commit(draft)
        return draft

    async def build_and_commit(self) -> Draft | None:
        """Take over, if there is anything to take over."""
        draft = await self.build_take_over()
        if draft is not None:
            await self._commit(draft)
        return draft

    async def step(self, name: str = "one", **more: Any) -> Draft:
        """Record a step; `more` is what the job's row is to say besides."""
        held = self.require()
        now = replace(held.job, **more)
        draft = transactions.step(held, now, self.writer(held.job.worker), StepDone(name, "1", 0.1234567))
        await self._commit(draft)
        return draft

    async def save(self, text: str) -> Draft:
        held = self.require()
        draft = transactions.state(held, held.job, self.writer(held.job.worker), text)
        await self._commit(draft)
        return draft

    async def flush(self, **more: Any) -> Draft:
        held = self.require()
        now = replace(held.job, **more)
        draft = transactions.flush(held, now, self.writer(held.job.worker))
        await self._commit(draft)
        return draft

    async def end(self, outcome: RunOutcome, *, chain: bool = False) -> tuple[Draft, JobRow]:
        """End the run and, when asked, start the first of the line with it."""
        held = self.require()
        line = await read_line_at(self.journal, self.journal_clock, Slot(LOCK), tickets=4)
        ticket = next(iter(line.tickets), None) if chain else None
        writer = self.writer(held.job.worker)
        draft, ended = transactions.end(held, held.job, writer, outcome, ticket, line.next_due)
        await self._commit(draft)
        return draft, ended

    def look(self) -> None:
        """Take in what others wrote to the running job."""
        held = self.require()
        row = self.row(rows.job_key(held.job.job_id))
        assert row is not None
        self.held = replace(held, job=JobRow.from_row(row), job_etag=row.etag)

    async def _commit(self, draft: Draft) -> None:
        versions = await self.journal.commit(PARTITION, draft.transaction, 1)
        state = self.held.state_etag if self.held else None
        self.held = None
        if draft.job is not None:
            key, state_key = rows.job_key(draft.job.job_id), rows.state_key(draft.job.job_id)
            self.held = Held(
                draft.slot,
                draft.lock,
                versions[rows.lock_key()],
                draft.job,
                versions[key],
                versions.get(state_key, state),
            )
            # What a draft says will be true is true.
            assert draft.job == self.job(draft.job.job_id)
        assert draft.lock == self.lock

    def take_in(self, job_id: str) -> None:
        """Read the running job's row again, as its holder does when another writer has changed it."""
        row = self.row(rows.job_key(job_id))
        assert row is not None
        self.held = replace(self.require(), job=JobRow.from_row(row), job_etag=row.etag)

    def require(self) -> Held:
        assert self.held is not None
        return self.held

    def row(self, key: str) -> Row | None:
        return self.journal.partitions[PARTITION].get(key)

    @property
    def lock(self) -> LockRow:
        row = self.row(rows.lock_key())
        assert row is not None
        return LockRow.from_row(row)

    def job(self, job_id: str) -> JobRow:
        row = self.row(rows.job_key(job_id))
        assert row is not None
        return JobRow.from_row(row)

    def tickets(self) -> list[str]:
        """Return the ids of the waiting jobs in the order of the line; each ticket must copy its job."""
        return self._tickets(rows.TICKETS)

    def passed(self) -> list[str]:
        """Return the ids of the jobs that others pass until their next attempts are due, first due first."""
        return self._tickets(rows.DUE)

    def _tickets(self, prefix: str) -> list[str]:
        waiting = []
        for key, row in sorted(self.journal.partitions[PARTITION].items()):
            if key.startswith(prefix):
                job = JobRow.from_row(row)
                assert job == self.job(job.job_id)
                assert key == job.waits_at
                waiting.append(job.job_id)
        return waiting

    def events(self, job_id: str) -> list[EventRow]:
        prefix = rows.event_prefix(job_id)
        found = sorted(self.journal.partitions[PARTITION].items())
        return [EventRow.from_row(row) for key, row in found if key.startswith(prefix)]

    def statuses(self, job_id: str) -> list[str]:
        return [event.status for event in self.events(job_id)]
