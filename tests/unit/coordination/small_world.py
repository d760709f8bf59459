"""Workers, submitters and a sweeper over the in-memory ports, in virtual time, with seeded faults."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from contracts import identifiers, lock_names
from contracts.statuses import EventStatus
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.holder.dispatcher import LockDispatcher, NoCapacityError
from coordination.holder.held_rows import FencedError
from coordination.holder.policy import HolderSettings, Ports, WorkerPolicy
from coordination.holder.runs import Run, StepDone
from coordination.journal import events, rows
from coordination.journal.rows import EventRow, JobRow, LockRow
from coordination.observations import Observation
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, StopReason
from coordination.ports import CoordinationError, UnknownOutcomeError, WakeUp
from coordination.testing.memory import (
    ArrivesLateError,
    InMemoryJournal,
    InMemoryLeases,
    InMemoryNotifier,
    InMemoryRegister,
    VirtualClock,
)
from coordination.times import LeaseTimes


class QuickClock(VirtualClock):
    """Lets others run exactly until nobody can, which is many times faster than a fixed number of turns."""

    async def settle(self, turns: int = 0) -> None:
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        while ready:  # noqa: ASYNC110 - there is no event for "nobody can run"
            await asyncio.sleep(0)


@dataclass
class Faults:
    """How likely each call goes wrong, and how."""

    randomness: random.Random
    clock: VirtualClock
    before: float = 0.0
    after: float = 0.0
    late: float = 0.0
    delay: float = 0.0
    longest_delay: float = 3.0
    #: Only these calls go wrong, when given.
    only: frozenset[str] = frozenset()
    enabled: bool = True

    async def __call__(self, when: str, call: str) -> None:
        await asyncio.sleep(0)
        if not self.enabled or (self.only and call not in self.only):
            return
        draw = self.randomness.random
        if draw() < self.delay:
            await self.clock.sleep(self.randomness.uniform(0, self.longest_delay))
        if when == "before" and draw() < self.before:
            raise UnknownOutcomeError("lost on the way there")
        if when == "before" and draw() < self.late:
            raise ArrivesLateError(self.clock.sleep(self.randomness.uniform(0, 40)))
        if when == "after" and draw() < self.after:
            raise UnknownOutcomeError("lost on the way back")


@dataclass
class Script:
    """What a job does: so many steps of so many seconds, and perhaps an end that is not a success."""

    steps: int = 2
    seconds: float = 1.0
    fails: bool = False
    kills: int = 0


@dataclass
class Effects:
    """The outside world: remembers who did what under which fence, and refuses lower fences."""

    highest: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    accepted: list[tuple[str, int, str]] = field(default_factory=list)

    def apply(self, lock: str, fence: int, job_id: str) -> None:
        if fence < self.highest.get(lock, 0):
            self.refused += 1
            return
        self.highest[lock] = fence
        self.accepted.append((lock, fence, job_id))


class ScriptedExecutor:
    """Runs scripts instead of handlers, and obeys `run.stop` like the real one."""

    def __init__(self, world: "World") -> None:
        self.world = world

    async def execute(self, run: Run) -> Outcome:
        work = asyncio.ensure_future(self._work(run))
        stop = asyncio.ensure_future(run.stop.wait())
        try:
            await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            match run.stop.reason:
                case StopReason.CANCELLED:
                    return Cancelled()
                case StopReason.SHUTDOWN:
                    return Interrupted("the worker is stopping")
                case _:
                    return Lost()
        finally:
            stop.cancel()

    async def _work(self, run: Run) -> Outcome:
        script = self.world.scripts[run.job.job_id]
        if run.job.kind == "unknown":
            return Failed("UnknownKind", "no handler for this kind is loaded here")
        if script.kills >= run.job.attempt:
            return Interrupted("the runner died", died=True)
        try:
            for number in range(len(run.recorded) + 1, script.steps + 1):
                if self.world.clock.boot() >= run.hard_deadline():
                    return Lost()
                self.world.effects.apply(run.job.lock_name, run.fence, run.job.job_id)
                await self.world.clock.sleep(script.seconds)
                run.report(number, script.steps, f"step {number}")
                self.world.recorded.append((run.job.job_id, number))
                await run.record_step(
                    StepDone(f"step {number}", str(number), script.seconds, state=str(number))
                )
        except FencedError:
            return Lost()
        return Failed("ValueError", "scripted") if script.fails else Completed('"done"')


class World:
    """Everything in one event loop. `observed` holds what the workers told."""

    def __init__(self, seed: int, workers: int = 3, **faults: float) -> None:
        self.randomness = random.Random(seed)
        random.seed(seed)
        self.clock = QuickClock()
        self.faults = Faults(self.randomness, self.clock, **faults)  # type: ignore[arg-type]
        self.leases = InMemoryLeases(self.clock, self.faults)
        self.journal = InMemoryJournal(self.faults)
        self.register = InMemoryRegister(self.faults)
        self.notifier = InMemoryNotifier(self.faults)
        self.effects = Effects()
        self.scripts: dict[str, Script] = {}
        self.recorded: list[tuple[str, int]] = []
        self.observed: list[Observation] = []
        self.ports = Ports(self.leases, self.journal, self.notifier, self.clock)
        self.workers = [self.make_worker(f"w{number}") for number in range(workers)]
        self._answering: set[asyncio.Task[None]] = set()
        self.accepted: list[str] = []

    def make_worker(self, name: str) -> LockDispatcher:
        return LockDispatcher(
            self.ports,
            HolderSettings(name, LeaseTimes.of(15)),
            WorkerPolicy(capacity=2),
            ScriptedExecutor(self),
            knows=lambda kind: kind != "unknown",
            observe=self.observed.append,
        )

    async def submit(
        self, lock: str = "L", script: Script | None = None, priority: int = 5, **more: str
    ) -> str:
        job_id = more.get("job_id") or identifiers.new_id()
        self.scripts[job_id] = script or Script()
        new = NewJob(
            job_id,
            identifiers.new_id(),
            more.get("kind", "scripted"),
            lock,
            "{}",
            "test",
            priority=priority,
            traceparent=more.get("traceparent"),
        )
        try:
            await Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock)).submit(new)
        except CoordinationError:
            return ""
        self.accepted.append(job_id)
        return job_id

    def deliver(self) -> None:
        """Hand every wake-up to some worker, as the broker would."""
        for wake_up in self.notifier.take_wake_ups():
            self._hand_over(wake_up)

    def deliver_deferred(self) -> None:
        for wake_up in self.notifier.take_deferred():
            self._hand_over(wake_up)

    def _hand_over(self, wake_up: WakeUp) -> None:
        task = asyncio.ensure_future(self._answer(self.randomness.choice(self.workers), wake_up))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, worker: LockDispatcher, wake_up: WakeUp) -> None:
        try:
            await worker.answer(wake_up)
        except NoCapacityError:
            self.notifier.deferred.append(wake_up)
        except UnknownOutcomeError:
            self.notifier.wake_ups.append(wake_up)

    def sweep(self) -> None:
        """Ring for every lock that has work and whose lease is free; the least the sweeper does."""
        for partition in self.journal.partitions:
            line = [
                row for key, row in self.journal.partitions[partition].items() if key.startswith(rows.LINE)
            ]
            lock = next((LockRow.from_row(row) for row in line if row.key == rows.lock_key()), None)
            waits = any(row.key.startswith(rows.TICKETS) for row in line) or (lock and lock.job_id)
            if waits and self.leases.holder(partition) is None:
                name = str(line[0].values["lock_name"])
                self._hand_over(WakeUp(name))

    async def run_until_done(self, longest: float = 3600.0) -> None:
        """Let virtual time pass until every job has ended; the sweeper passes every 15 s."""
        began = self.clock.boot()
        next_deferred, next_sweep = began + 5, began + 15
        while not self.all_done():
            # Liveness is promised once the world behaves again.
            self.faults.enabled = self.clock.boot() - began < longest / 4
            assert self.clock.boot() - began < longest, f"stuck: {self.unfinished()}"
            self.deliver()
            if not await self.clock.advance_to_next():
                await self.clock.advance(1)
            if self.clock.boot() >= next_deferred:
                self.deliver_deferred()
                next_deferred = self.clock.boot() + 5
            if self.clock.boot() >= next_sweep:
                self.sweep()
                next_sweep = self.clock.boot() + 15
                await self.clock.advance(0.5)

    async def close(self) -> None:
        """End every task that is left, as the end of a process would."""
        self.faults.enabled = False
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left:
                task.cancel()
            await self.clock.advance(60)

    def jobs(self) -> list[JobRow]:
        return [
            JobRow.from_row(row)
            for partition in self.journal.partitions.values()
            for key, row in partition.items()
            if key.startswith("job|")
        ]

    def unfinished(self) -> list[JobRow]:
        return [job for job in self.jobs() if not job.is_terminal]

    def all_done(self) -> bool:
        return not self.unfinished()

    def events(self, job_id: str) -> list[EventRow]:
        return [
            EventRow.from_row(row)
            for partition in self.journal.partitions.values()
            for key, row in sorted(partition.items())
            if key.startswith(rows.event_prefix(job_id))
        ]

    def check(self) -> None:
        """Check the invariants that must hold whatever went wrong."""
        for job in self.jobs():
            trail = self.events(job.job_id)
            assert [event.seq for event in trail] == list(range(1, job.seq + 1)), job
            ends = [event for event in trail if EventStatus(event.status).is_terminal]
            assert len(ends) == 1, f"{len(ends)} terminal records of {job}"
            assert trail[-1] is ends[0], f"something after the end of {job}"
            previous = ""
            for event in trail:
                assert event.previous_hash == previous
                previous = event.hash
                assert event.hash == events.chain_hash(event)
            assert job.event_hash == previous
            self._check_counts(job, trail)
            starts = [event.fence or 0 for event in trail if event.status == EventStatus.STARTED]
            assert starts == sorted(set(starts)), f"fences do not rise: {starts}"
        for job_id in self.accepted:
            assert self.events(job_id), f"accepted job {job_id} is lost"
        for name in {job.lock_name for job in self.jobs()}:
            self._check_runs(name)

    def _check_counts(self, job: JobRow, trail: list[EventRow]) -> None:
        """A job's row must say what its events add up to."""
        found = Counter(event.status for event in trail)
        died = sum('"died":true' in event.data for event in trail if event.status == EventStatus.INTERRUPTED)
        counts = (found[EventStatus.STARTED], found[EventStatus.STEP], found[EventStatus.INTERRUPTED], died)
        assert (job.attempt, job.steps, job.interruptions, job.deaths) == counts, job
        assert job.losses <= job.interruptions - job.deaths, job
        assert job.status == trail[-1].status, job

    def _check_runs(self, lock: str) -> None:
        """Runs under one lock, ordered by fence, must not interleave: compared by the versions written."""
        partition = self.journal.partitions[lock_names.partition(lock)]
        written: list[tuple[int, int, str]] = []
        for key, row in partition.items():
            if key.startswith("event|"):
                event = EventRow.from_row(row)
                holders = {EventStatus.SUBMITTED, EventStatus.CANCEL_REQUESTED}
                if EventStatus(event.status) in holders or event.fence is None:
                    continue
                version = int(row.etag.split('"')[1])
                written.append((version, event.fence, event.job_id))
        fences = [fence for _, fence, _ in sorted(written)]
        assert fences == sorted(fences), f"runs of {lock} interleave: {sorted(written)}"
        by_fence: dict[int, str] = {}
        for _, fence, job_id in written:
            assert by_fence.setdefault(fence, job_id) == job_id, f"fence {fence} of {lock} was given twice"
