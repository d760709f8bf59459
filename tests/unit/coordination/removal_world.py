"""Histories that are in all stores, as real ones are, for removing jobs from them."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tests.unit.verification.authored import BEGINNING, TRACEBACK, Author
from tests.unit.verification.records import Records

from audit_projector.projection import Projection
from contracts.statuses import EventStatus
from coordination.clock import VirtualClock
from coordination.journal import events, rows
from coordination.journal.removal import MARK_KEY, RemovalMark
from coordination.journal.rows import EventRow, JobRow
from coordination.maintenance.due_jobs import RetentionStores, Went
from coordination.maintenance.pruning import Pruned, Pruning
from coordination.maintenance.retention import Retention, RetentionPace
from coordination.ports import Insert, Registration, Transaction
from coordination.retention_times import RetentionTimes
from coordination.testing.memory import InMemoryJournal, InMemoryRegister
from read_models.documents import TrailEntry
from read_models.memory import InMemoryReadModels
from verification import Stored, TrailEvent

#: Later than everything.
LATER = BEGINNING + timedelta(days=100)

#: Looks once, as often as something is left.
QUICK = RetentionPace(pause=1.0, portion=1.0, patience=0.0)


class Installation:
    """The stores of one installation, filled from histories that were written by hand."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.journal = InMemoryJournal()
        self.register = InMemoryRegister()
        self.models = InMemoryReadModels()
        self.verified: list[tuple[Sequence[str], datetime]] = []
        self.refusals: Mapping[str | None, str] = {}
        #: When what may go by itself.
        self.times = RetentionTimes()

    async def write(self, *authors: Author, unprojected: Sequence[str] = ()) -> None:
        """Write histories, and project all jobs but some."""
        projection = self.projection()
        for author in authors:
            kept = [
                Insert(rows.data_prefix(job) + name, rows.split_text("{}"))
                for job in author.jobs
                for name in ("parameters", "state")
            ]
            kept += [
                Insert(rows.traceback_key(job), rows.split_text(text))
                for job, text in author.tracebacks.items()
            ]
            inserts = [*kept, *(Insert(row.key, row.values) for row in author.stored())]
            for start in range(0, len(inserts), 100):
                transaction = Transaction("written", inserts[start : start + 100])
                await self.journal.commit(author.partition, transaction, 1)
            for job, row in author.jobs.items():
                await self.register.add(
                    Registration(job, author.lock, author.partition, "hash", datetime.now(UTC))
                )
                if job not in unprojected:
                    await projection.project(author.lock, job, row.seq)

    def projection(self) -> Projection:
        """Make a projector, which notes when jobs may go."""
        return Projection(self.journal, self.register, self.models, lambda _: None, times=self.times)

    def retention(self, pace: RetentionPace = QUICK) -> Retention:
        """Make what lets jobs go by itself."""
        stores = RetentionStores(
            self.journal, self.register, self.clock, self.models.projected_seqs, self.models
        )
        return Retention(stores, self.times, pace)

    async def let_go(self, at: datetime | None = None) -> Went:
        """Let jobs go until nothing more is due at a moment, or now."""
        if at is not None:
            self.clock.jump((at - self.clock.now()).total_seconds())
        retention, total = self.retention(), Went()
        while (went := await retention.go()) is not None:
            for name in ("archived", "deleted", "forgotten", "put_off", "elsewhere"):
                setattr(total, name, getattr(total, name) + getattr(went, name))
            total.broken += went.broken
        return total

    def pruning(self, journal: InMemoryJournal | None = None) -> Pruning:
        """Make the use case; what its check refuses, a test says."""

        async def verify(locks: Sequence[str], until: datetime) -> Mapping[str | None, str]:
            self.verified.append((locks, until))
            return self.refusals

        return Pruning(
            journal or self.journal,
            self.register,
            self.clock,
            self.models.projected_seqs,
            self.models,
            verify,
            patience=0.0,
        )

    async def prune(self, *locks: str, ended_before: datetime = LATER) -> list[Pruned]:
        """Remove what may be removed, of the ledger if no other lock is named."""
        pruning = self.pruning().prune(locks or ("ledger",), ended_before, "ann")
        return [done async for done in pruning]

    def mark(self, partition: str) -> RemovalMark:
        """Return the mark of a lock."""
        return RemovalMark.from_row(self.journal.partitions[partition][MARK_KEY])

    def left_of(self, job_id: str) -> set[str]:
        """Return the keys and lists that something of a job is in, but for the row that stays."""
        in_journal = {
            key for found in self.journal.partitions.values() for key in found if f"|{job_id}" in key
        } - {rows.job_key(job_id)}
        models = self.models
        listed = {
            "trail": any(entry.event.job_id == job_id for entry in models.trail.values()),
            "recent": any(entry.event.job_id == job_id for entry in models.recent.values()),
            "jobs": job_id in models.summaries,
            "runs": any(run.job_id == job_id for run in models.runs.values()),
        }
        return in_journal | {name for name, is_there in listed.items() if is_there}

    def removed(self) -> set[str]:
        """Return the ids of the removed jobs."""
        return {
            str(row.values["job_id"])
            for found in self.journal.partitions.values()
            for row in found.values()
            if row.values.get("status") == JobRow.REMOVED
        }

    def records(self) -> Records:
        """Return what is in the stores, as the checker reads it; the lists follow from the journal."""
        records = Records()
        for partition, found in self.journal.partitions.items():
            records.partitions[partition] = [
                Stored(partition, key, row.values)
                for key, row in sorted(found.items())
                if not key.startswith("data|")
            ]
            for row in found.values():
                if row.key.startswith(rows.JOBS) and row.values.get("has_traceback"):
                    records.tracebacks[str(row.values["job_id"])] = TRACEBACK
        records.told = [_told(entry) for _, entry in sorted(self.models.trail.items())]
        records.places = {job.job_id: job.partition for job in self.register._registered.values()}
        records.listed = {job.job_id: job.partition for job in self.register._active.values()}
        records.derive_lists()
        return records


def _told(entry: TrailEntry) -> TrailEvent:
    event = entry.event
    kept = EventRow(
        job_id=event.job_id,
        lock_name=event.lock,
        seq=event.seq,
        status=event.status.value,
        message=event.message,
        timestamp=events.timestamp(event.timestamp_utc),
        attempt=event.attempt,
        actor=event.actor,
        op_id="",
        hash=entry.hash,
        fence=event.fence,
        worker=event.worker,
        data=_text(event.data),
        previous_hash=entry.previous_hash,
    )
    return TrailEvent(event.job_id, event.event_id, kept, event.trace_id, entry.is_broken)


def _text(data: object) -> str:

    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def any_history(seed: int, lock: str = "ledger", moves: int = 40) -> Author:
    """Return a history in which anything happens that the protocol allows, with jobs between each other."""
    chance = random.Random(seed)
    author = Author(lock, first_number=1 + 1000 * (seed % 7))
    waiting: list[str] = []
    running = ""
    for _ in range(moves):
        author.pause(chance.choice([0, 1, 3600]))
        move = chance.choice(["submit", "submit", "start", "go on", "go on", "cancel"])
        if move == "submit":
            waiting.append(author.submit())
        elif move == "cancel" and waiting:
            author.cancel(waiting.pop(chance.randrange(len(waiting))))
        elif move == "start" and waiting and not running:
            running = waiting.pop(chance.randrange(len(waiting)))
            author.start(running, chance.choice(["w1", "w2"]))
        elif move == "go on" and running:
            running = _go_on(chance, author, running, waiting)
    return author


def _go_on(chance: random.Random, author: Author, job: str, waiting: list[str]) -> str:
    """Let something happen to the running job; return the job that runs then."""
    what = chance.choice(
        ["step", "end", "end", "fail", "chain", "interrupt", "take over", "cut off", "other"]
    )
    if what == "step":
        author.step(job, f"step {author.jobs[job].steps}")
        return job
    if what in {"chain", "other"} and waiting:
        following = waiting.pop(chance.randrange(len(waiting)))
        if what == "chain":
            author.end(job, chain=following)
        else:
            waiting.append(job)
            author.take_over(job, "w3", start=following)
        return following
    if what == "take over":
        author.take_over(job, "w4")
        return job
    if what in {"interrupt", "cut off"}:
        waiting.append(job)
        if what == "interrupt":
            author.interrupt(job, died=chance.random() < 0.5)
        else:
            author.find_cut_off(job, "w5")
        return ""
    author.end(job, EventStatus.FAILED if what == "fail" else EventStatus.COMPLETED)
    return ""
