"""Read models in memory, and a journal with jobs whose lives a test decides."""

import asyncio
from dataclasses import dataclass, field, replace
from uuid import uuid4

from audit_projector.observations import ExclusionViolated, Observation
from audit_projector.projection import Projection
from contracts.identifiers import TimeOrderedIds
from contracts.lock_names import partition
from contracts.policies import JobPolicy
from coordination.clients.cancellation import Canceller
from coordination.clients.finalizing import Finalizer
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.clock import VirtualClock
from coordination.holder.runs import StepDone
from coordination.journal import transactions
from coordination.journal.events import Writer, announcements, timestamp
from coordination.journal.line_reading import read_line_at
from coordination.journal.rows import JobRow, job_key, state_key
from coordination.outcomes import RunOutcome
from coordination.ports import UnknownOutcomeError
from coordination.slot import Slot
from coordination.testing.memory import InMemoryJournal, InMemoryNotifier, InMemoryRegister
from read_models.memory import InMemoryReadModels

LOCK = "ledger"


def content(models: InMemoryReadModels) -> tuple[object, ...]:
    """Return everything in read models, for comparison; versions of rows left out."""
    summaries = {
        job_id: (summary, replace(mark, etag=None)) for job_id, (summary, mark) in models.summaries.items()
    }
    return models.trail, models.recent, models.runs, models.known_locks, summaries


@dataclass
class World:
    """A journal, read models, and what writes the one and derives the other."""

    journal: InMemoryJournal = field(default_factory=InMemoryJournal)
    register: InMemoryRegister = field(default_factory=InMemoryRegister)
    notifier: InMemoryNotifier = field(default_factory=InMemoryNotifier)
    clock: VirtualClock = field(default_factory=VirtualClock)
    models: InMemoryReadModels = field(default_factory=InMemoryReadModels)
    ids: TimeOrderedIds = field(default_factory=TimeOrderedIds)
    held: transactions.Held | None = None
    observed: list[Observation] = field(default_factory=list)
    _projection: Projection | None = None

    @property
    def projection(self) -> Projection:
        """The projector of these read models."""
        made = self._projection
        if made is None or (made._models, made._journal, made._register) != (
            self.models,
            self.journal,
            self.register,
        ):
            made = self._projection = self.another_projection()
        return made

    def another_projection(self) -> Projection:
        """Return a projector beside the others."""
        return Projection(self.journal, self.register, self.models, self.observed.append)

    @property
    def violations(self) -> list[ExclusionViolated]:
        """What was told of overlaps."""
        return [seen for seen in self.observed if isinstance(seen, ExclusionViolated)]

    async def submit(
        self,
        name: str = "",
        priority: int = 5,
        traceparent: str | None = None,
        policy: JobPolicy | None = None,
    ) -> str:
        """Submit a job; returns its id."""
        new = NewJob(
            job_id=str(self.ids.next()),
            order=str(self.ids.next()),
            kind="ten-steps",
            lock_name=LOCK,
            parameters="{}",
            actor="test",
            name=name,
            priority=priority,
            traceparent=traceparent,
            policy=policy or JobPolicy(),
        )
        await Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock)).submit(new)
        return new.job_id

    async def start(self, worker: str = "worker-1", slot: int = 0) -> None:
        """Take the lock, or another slot of it, over and start what is next."""
        await self.clock.advance(1)
        line = await read_line_at(self.journal, self.clock, Slot(LOCK, slot))
        orphan = None
        if line.lock.job_id:
            orphan = await self.journal.read(partition(LOCK), job_key(line.lock.job_id))
        draft = transactions.take_over(
            line,
            orphan,
            self._writer(worker),
            f"lease-of-{worker}",
            lambda _: True,
        )
        assert draft is not None
        await self._commit(draft)

    async def step(self, name: str) -> None:
        """Record a step of the running job."""
        await self.clock.advance(1)
        held = self._held()
        done = StepDone(name, "null", 0.1)
        await self._commit(transactions.step(held, held.job, self._writer(held.job.worker), done))

    async def save_state(self, text: str) -> None:
        """Save state of the running job."""
        await self.clock.advance(1)
        held = self._held()
        await self._commit(transactions.state(held, held.job, self._writer(held.job.worker), text))

    async def end(self, outcome: RunOutcome) -> None:
        """End the running job."""
        await self.clock.advance(1)
        held = self._held()
        writer = self._writer(held.job.worker)
        draft, _ = transactions.end(held, held.job, writer, outcome)
        await self._commit(draft)

    async def cancel(self, job_id: str) -> None:
        """Cancel a job."""
        registration = await self.register.find(job_id)
        assert registration is not None
        await Canceller(JobWriter(self.journal, self.notifier, self.clock)).cancel(registration, "test")
        if self.held is not None and self.held.job.job_id == job_id:
            row = await self.journal.read(partition(LOCK), job_key(job_id))
            assert row is not None
            self.held = replace(self.held, job=JobRow.from_row(row), job_etag=row.etag)

    async def finalize(self, job_id: str) -> None:
        """Finalize a job that did not complete."""
        registration = await self.register.find(job_id)
        assert registration is not None
        writer = JobWriter(self.journal, self.notifier, self.clock)
        await Finalizer(Submitter(self.register, writer)).finalize(registration, "test")

    async def project(self, job_id: str, up_to: int = 1_000, first: int = 0) -> int:
        """Project a job, as a message asks for that names events from `first` to `up_to`."""
        return await self.projection.project(LOCK, job_id, up_to, first=first)

    async def job(self, job_id: str) -> JobRow:
        """Read a job's row."""
        row = await self.journal.read(partition(LOCK), job_key(job_id))
        assert row is not None
        return JobRow.from_row(row)

    async def active(self) -> set[str]:
        """Return the ids of the active jobs."""
        return {job.job_id async for job in self.register.active(self.clock.now())}

    def trail(self, job_id: str) -> list[str]:
        """Return the statuses in a job's audit trail."""
        events = (entry.event for _, entry in sorted(self.models.trail.items()))
        return [event.status.value for event in events if event.job_id == job_id]

    def _held(self) -> transactions.Held:
        assert self.held is not None
        return self.held

    def _writer(self, worker: str) -> Writer:
        return Writer(worker, uuid4().hex, timestamp(self.clock.now()), worker=worker)

    async def _commit(self, draft: transactions.Draft) -> None:
        etags = await self.journal.commit(partition(LOCK), draft.transaction, 1)
        self.notifier.announce(announcements(draft.events, draft.jobs))
        before, self.held = self.held, None
        if draft.job is not None:
            job_id = draft.job.job_id
            etag = etags[job_key(job_id)]
            state_etag = etags.get(state_key(job_id), before.state_etag if before is not None else None)
            self.held = transactions.Held(
                draft.slot, draft.lock, etags[draft.slot.lock_key], draft.job, etag, state_etag
            )


class FailsNow:
    """A fault that fails the calls whose turn it is."""

    def __init__(self, *turns: int) -> None:
        self._turns = set(turns)
        self._count = 0

    async def __call__(self, moment: str, name: str) -> None:
        await asyncio.sleep(0)  # Let others run, as a real call does.
        self._count += 1
        if self._count in self._turns:
            raise UnknownOutcomeError
