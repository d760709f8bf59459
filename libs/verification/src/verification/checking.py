"""The checker itself: reads all evidence once, what looks wrong twice, and returns the verdict."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts import lock_names
from coordination.ports import Clock
from verification import leftovers, register, retries
from verification.evidence import Evidence
from verification.exclusion import RunCheck
from verification.findings import Findings, Invariant, Violation
from verification.job_lists import JobListCheck
from verification.ledger import LedgerCheck
from verification.lock_reading import LockReading
from verification.numbers import OF_PERIOD, counted
from verification.picture import runs_to_draw
from verification.progress import CountedEvidence, Phase, Report, ignore_progress
from verification.removals import Removal
from verification.run_lists import RunListCheck
from verification.scope import Scope
from verification.scratch_database import ScratchDatabase
from verification.steps import Steps
from verification.trail import TrailCheck
from verification.verdict import PARTLY, Verdict, measured
from verification.waiting import Patience

#: Jobs of chosen locks that are looked up one by one; for more, whole tables are read.
_FEW_JOBS = 500

#: Pause before a lock is read again, in seconds.
_PAUSE = 0.2


@dataclass(frozen=True)
class Question:
    """What is to be verified, and against what."""

    scope: Scope = field(default_factory=Scope)
    #: The effect sink's ledger.
    sink: Path | None = None
    #: Ids of accepted jobs, one a line.
    accepted: Path | None = None
    #: Seconds by which clocks of workers may differ, where times are all there is.
    tolerance_seconds: float = 5.0
    #: Seconds that everything together is given to catch up: trail, active jobs, leases.
    patience_seconds: float = 30.0
    #: Effects that a run may have after the next has begun: one, if it was cut off within a call.
    late_effects: int = 1
    #: Most seconds that a take-over may take, by its cause.
    take_over_limits: Mapping[str, float] = field(default_factory=dict)


class NothingToCheckError(ValueError):
    """There is nothing of what was asked for, so that no verdict can be given."""


async def verify(
    evidence: Evidence, clock: Clock, question: Question, report: Report = ignore_progress
) -> Verdict:
    """Check the invariants of a history, and report after each page of rows how far it is.

    It may be cancelled at any time, and leaves nothing behind.

    Raises UnknownOutcomeError when the storage does not answer; OSError and LedgerError for the files;
    NothingToCheckError when a lock has no history, or no job is within the scope, and yet nothing is wrong.
    """
    scratch = ScratchDatabase()
    try:
        return await _Verification(CountedEvidence(evidence, report), clock, question, scratch).verdict()
    finally:
        scratch.close()


class _Verification:
    def __init__(
        self, evidence: CountedEvidence, clock: Clock, question: Question, scratch: ScratchDatabase
    ) -> None:
        self._evidence = evidence
        self._clock = clock
        self._question = question
        self._scope = question.scope
        self._scratch = scratch
        self._steps = Steps(scratch, keeps_all=question.sink is not None)
        self._runs = RunCheck(scratch, question.scope, question.tolerance_seconds, question.take_over_limits)
        self._findings = Findings()
        self._idle: list[tuple[str, str]] = []
        self._again: list[tuple[str, list[Violation]]] = []
        #: Chosen locks that have any rows, by partition.
        self._seen: set[str] = set()
        #: What was removed, by partition.
        self._removals: dict[str, Removal] = {}

    async def verdict(self) -> Verdict:
        partitions: list[str | None] = [lock_names.partition(name) for name in self._scope.locks]
        self._evidence.enter(Phase.JOURNAL)
        for partition in partitions or [None]:
            await self._read(partition)
        self._evidence.enter(Phase.JOURNAL_AGAIN)
        for partition, violations in self._again:
            self._findings.add(await self._read_again(partition, violations))
        await self._check_surroundings()
        effects = await self._check_ledger()
        self._evidence.enter(Phase.SUMMARY)
        verdict = self._sum_up(effects)
        if verdict.holds:
            self._refuse_nothing(verdict)
        return verdict

    def _refuse_nothing(self, verdict: Verdict) -> None:
        """Keep what was not there from counting as what holds."""
        for name in self._scope.locks:
            if lock_names.partition(name) not in self._seen:
                raise NothingToCheckError(f"the lock {name} has no history")
        if not verdict.counts["jobs"] and not verdict.removals:
            raise NothingToCheckError("there is no job")

    # --- the journal --------------------------------------------------------------

    async def _read(self, partition: str | None) -> None:
        """Read and judge one lock, or all. A lock is judged when the rows of the next one come."""
        reading: LockReading | None = None
        async for page in self._evidence.journal(partition):
            for stored in page:
                if reading is None or reading.partition != stored.partition:
                    self._close(reading)
                    reading = self._reading(stored.partition)
                reading.feed(stored)
        self._close(reading)

    def _reading(self, partition: str) -> LockReading:
        return LockReading(partition, self._scratch, self._steps, self._scope, self._runs)

    def _close(self, reading: LockReading | None) -> None:
        if reading is None:
            return
        if self._scope.locks:
            self._seen.add(reading.partition)
        violations = reading.finish()
        self._note_removal(reading)
        if reading.is_idle:
            self._idle.append((reading.partition, reading.lock))
        if violations and reading.is_live:
            self._again.append((reading.partition, violations))
        else:
            self._findings.add(violations)

    async def _read_again(self, partition: str, violations: list[Violation]) -> list[Violation]:
        """Read a lock in use again: what was read in the middle of a change is gone then.

        Events in the journal stay there, so every real violation is found again, in the same words.
        """
        for _ in range(2):
            await self._clock.sleep(_PAUSE)
            self._scratch.forget(partition)
            reading = self._reading(partition)
            async for page in self._evidence.journal(partition):
                for stored in page:
                    reading.feed(stored)
            found = set(reading.finish())
            self._note_removal(reading)
            violations = [violation for violation in violations if violation in found]
            if not violations:
                break
        return violations

    def _note_removal(self, reading: LockReading) -> None:
        if reading.removal is not None:
            self._removals[reading.partition] = reading.removal

    # --- everything else ----------------------------------------------------------

    async def _check_surroundings(self) -> None:
        patience = Patience(self._clock, self._question.patience_seconds)
        job_ids = self._few_jobs()
        trail = TrailCheck(self._evidence, self._scratch, self._scope)
        await self._take_in(retries.check_steps(self._evidence, self._scratch))
        self._evidence.enter(Phase.REGISTER)
        await self._take_in(register.check_register(self._evidence, self._scratch, job_ids))
        self._evidence.enter(Phase.TRAIL)
        await self._take_in(trail.check(patience, job_ids))
        if self._question.accepted is not None:
            self._evidence.enter(Phase.ACCEPTED)
            with self._question.accepted.open(errors="replace") as lines:
                await self._take_in(register.check_accepted(self._evidence, self._scratch, lines))
        self._evidence.enter(Phase.ACTIVE)
        await self._take_in(leftovers.check_active(self._evidence, self._scratch, patience))
        if job_ids is None and not self._scope.has_period:
            await self._take_in(register.check_missing(self._evidence, self._scratch, self._scope))
        self._evidence.enter(Phase.LEASES)
        await self._take_in(leftovers.check_leases(self._evidence, self._idle, patience))
        self._evidence.enter(Phase.LISTS)
        await self._check_lists(patience, job_ids)

    async def _check_lists(self, patience: Patience, job_ids: Sequence[str] | None) -> None:
        """Compare the lists with what is in order in the journal."""
        broken = self._findings.kept
        for violation in broken:
            if violation.job_id is not None and violation.invariant is not Invariant.TRAIL:
                self._scratch.add("blamed", (violation.job_id,))
        locks = {found.lock for found in broken if found.invariant is Invariant.EXCLUSION and found.lock}
        jobs = JobListCheck(self._evidence, self._scratch, self._scope)
        await self._take_in(jobs.check(patience, job_ids))
        runs = RunListCheck(self._evidence, self._scratch, self._scope, locks)
        await self._take_in(
            runs.check(patience, [lock_names.partition(lock) for lock in self._scope.locks] or None)
        )

    def _few_jobs(self) -> Sequence[str] | None:
        """Return the jobs if they are few and of chosen locks; None to look at all."""
        known = "SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM removed_jobs WHERE has_trail)"
        if not self._scope.locks or self._scratch.count(known) > _FEW_JOBS:
            return None
        return [job_id for (job_id,) in self._scratch.query("SELECT job_id FROM jobs WHERE in_scope")]

    async def _check_ledger(self) -> tuple[int, int]:
        question = self._question
        if question.sink is None:
            return 0, 0
        self._evidence.enter(Phase.LEDGER)
        ledger = LedgerCheck(
            question.sink, self._scratch, self._scope, question.tolerance_seconds, question.late_effects
        )
        await self._take_in(ledger.check(self._evidence))
        return ledger.accepted, ledger.refused

    async def _take_in(self, violations: AsyncIterator[Violation]) -> None:
        async for violation in violations:
            self._findings.add([violation])

    # --- the verdict --------------------------------------------------------------

    def _sum_up(self, effects: tuple[int, int]) -> Verdict:
        scratch, scope = self._scratch, self._scope
        runs, interruptions = self._count_runs()
        statuses = Counter(
            dict(scratch.query("SELECT status, count(*) FROM jobs WHERE in_scope GROUP BY status"))
        )
        over = dict(
            scratch.query(
                "SELECT status, count(*) FROM jobs WHERE in_scope AND ended_at != '' GROUP BY status"
            )
        )
        counts = {
            "locks": scratch.count("SELECT count(DISTINCT partition) FROM jobs WHERE in_scope"),
            "jobs": statuses.total(),
            "unfinished": statuses.total() - sum(over.values()),
            "events": scratch.count("SELECT sum(events) FROM jobs WHERE in_scope"),
            "runs": runs,
            "interruptions": interruptions,
            "effects_accepted": effects[0],
            "effects_refused": effects[1],
            "accepted": scratch.count("SELECT count(*) FROM accepted"),
        }
        return Verdict(
            since=scope.since,
            until=scope.until,
            counts=counts,
            outcomes=over,
            violations=self._findings.kept,
            found=dict(self._findings.counts),
            unchecked=self._unchecked(counts),
            **measured(scratch),
            clocks_apart=self._runs.worst_clocks,
            numbers=counted(scratch, scope),
            runs=runs_to_draw(scratch, scope, self._findings.kept),
            removals=sorted(self._removals.values(), key=lambda removal: removal.lock),
        )

    def _count_runs(self) -> tuple[int, int]:
        first, behind = self._scope.bounds
        found = self._scratch.one(
            f"SELECT count(*), sum(outcome = 'Interrupted') FROM runs WHERE {OF_PERIOD}",  # noqa: S608
            behind,
            first,
        )
        return found[0], found[1] or 0

    def _unchecked(self, counts: Mapping[str, int]) -> dict[Invariant, str]:
        unchecked = {Invariant.QUEUES: "not checked: turnstile verify does not read RabbitMQ"}
        if not counts["accepted"]:
            unchecked[Invariant.ONE_END] = f"{PARTLY}only jobs that were found, as no accepted ids were given"
        if not counts["effects_accepted"] + counts["effects_refused"]:
            without = "no ledger of an effect sink was given"
            if self._question.sink is not None:
                without = "the effect sink's ledger has no effect of these jobs"
            unchecked |= {Invariant.SINK_FENCES: without, Invariant.SINK_OVERLAP: without}
            unchecked[Invariant.STEPS_ONCE] = f"{PARTLY}only what was recorded, as {without}"
        if not self._question.take_over_limits:
            unchecked[Invariant.TAKE_OVER_TIMES] = "no limit was given; the times are below"
        return unchecked
