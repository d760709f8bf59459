"""Who takes part: workers, publishers, schedulers, each a process that can be killed and started again."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.loop import Process, ProcessClock
from tests.simulation.runners import SimulatedExecutor

from contracts import jobs
from coordination.broker_watch import BrokerWatch
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.clients.limits import LimitSetter
from coordination.clients.submission import Submitter
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.policy import HolderSettings, WorkerPolicy
from coordination.holder.work_search import WorkSearch
from coordination.maintenance.due_jobs import Went
from coordination.maintenance.pauses import Pace
from coordination.maintenance.queue_snapshot import QueueSnapshot, SnapshotReader
from coordination.maintenance.resting import Rest, RestingSweeper
from coordination.maintenance.sweeper import Sweeper, Swept
from coordination.ports import UnknownOutcomeError, WakeUp
from scheduler.leadership import Leadership
from scheduler.periodic import Periodic, Rounds

if TYPE_CHECKING:
    from tests.simulation.world import World

#: Seconds until a probe of a broker that is away has failed.
_PROBE_SECONDS = 2.0
#: Seconds between two rounds of the scheduler on duty.
_SWEEP_SECONDS = 2.0
#: Seconds between two snapshots of the lines.
_SNAPSHOT_SECONDS = 15.0
#: Seconds without a sweep while nothing happens: longer than any trial waits.
_LONGEST_REST = 1000.0
#: Seconds after which an id without a job is closed; a day in earnest.
_ABANDONED_AFTER = 90.0


class Member:
    """A process that is started again after its end."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Start, as a new process."""
        self.starts += 1
        skew = self.world.randomness.uniform(-self.world.setting.skew, self.world.setting.skew)
        self.process = Process(self.world.loop, f"{self.name}.{self.starts}", skew)
        self.begin()

    def begin(self) -> None:
        """Do what the process does when it is started."""

    def start_again(self) -> None:
        """Start, unless it has been started since its end."""
        if self.process.is_dead:
            self.start()

    def kill(self) -> None:
        """End at once."""
        self.process.kill()

    def own_clock(self) -> ProcessClock:
        """Return a clock of its own: probes and searches draw nothing from what decides the rest."""
        return ProcessClock(self.world.loop, random.Random(self.process.name).uniform)

    def watch_broker(self, clock: ProcessClock) -> BrokerWatch:
        """Return a watch that probes the broker for as long as the process lives."""
        watch = BrokerWatch(self._probe, clock)
        self.process.spawn(watch.keep_probing(), name="probe")
        return watch

    async def _probe(self) -> None:
        """Notice an outage as late as a silent broker is noticed."""
        if "notifier" in self.world.network.outages:
            await self.world.clock.sleep(_PROBE_SECONDS)
            raise UnknownOutcomeError


class Worker(Member):
    """A worker with its dispatcher and its runners."""

    def begin(self) -> None:
        world, setting = self.world, self.world.setting
        self.process.is_holder = True
        self.is_stopping = False
        self.executor = SimulatedExecutor(world)
        is_old = world.limiters.is_old(self.name)
        self.dispatcher = LockDispatcher(
            world.ports,
            HolderSettings(self.process.name, world.times),
            WorkerPolicy(capacity=setting.capacity),
            self.executor,
            knows=self._knows,
            observe=world.observe,
        )
        if is_old:
            # It never hears of other slots than slot 0.
            self.dispatcher.learn = _learn_nothing  # type: ignore[method-assign]
        clock = self.own_clock()
        self.watch = self.watch_broker(clock)
        search = WorkSearch(
            world.register,
            replace(world.ports, clock=clock),
            self.dispatcher,
            lambda: not self.watch.is_answering,
        )
        self.process.spawn(search.keep_searching(), name="search")

    def _knows(self, kind: str) -> bool:
        return kind == "known" or (kind == "rare" and self.name == "w0")

    @property
    def is_listening(self) -> bool:
        """Whether the broker hands it wake-ups; a process that stands still has not said that it does not."""
        return not self.process.is_dead and not self.is_stopping and self.dispatcher.has_capacity

    async def answer(self, wake_up: WakeUp) -> object:
        """Deal with a wake-up."""
        return await self.dispatcher.answer(wake_up)

    def kill(self) -> None:
        super().kill()
        for runner in list(self.executor.runners):
            runner.rest()
        self.world.broker.lose_consumer(self)

    def stop(self, grace: float, ended: float) -> None:
        """Stop as after a signal, and end for good after this many seconds at the latest."""
        self.is_stopping = True
        process = self.process
        process.spawn(self._stop(process, grace), name="stop")
        self.world.loop.call_later(ended, self._end, process, context=self.world.context)

    async def _stop(self, process: Process, grace: float) -> None:
        await self.dispatcher.stop(grace)
        self.world.injected["stopped in good order"] += 1
        self.world.loop.call_soon(self._end, process, context=self.world.context)

    def _end(self, process: Process) -> None:
        if process is self.process:
            self.kill()


def _learn_nothing(lock_name: str, slots: int) -> None:
    """Take in nothing."""


class Publisher(Member):
    """A publisher: submits and cancels for its clients."""

    def begin(self) -> None:
        ports = self.world.ports
        self.submitter = Submitter(self.world.register, JobWriter(ports.journal, ports.notifier, ports.clock))
        self.canceller = Canceller(JobWriter(ports.journal, ports.notifier, ports.clock, new_id=ports.new_id))
        self.limiter = LimitSetter(ports.journal, ports.notifier, ports.clock, new_id=ports.new_id)


class Scheduler(Member):
    """A scheduler: sweeps while it is on duty."""

    def begin(self) -> None:
        ports = self.world.ports
        sweeper = Sweeper(
            ports.leases,
            ports.journal,
            self.world.register,
            ports.notifier,
            ports.clock,
            self.world.projected_seqs,
            Pace(abandoned_after=_ABANDONED_AFTER),
        )
        self._reader = SnapshotReader(ports.journal, ports.clock, _SNAPSHOT_SECONDS, sweeper.known_slots)
        self._read_at = 0.0
        self._sweeper = RestingSweeper(
            sweeper, self.world.register, ports.clock, Rest(_SWEEP_SECONDS, longest=_LONGEST_REST)
        )
        duty = Leadership(
            ports.leases,
            ports.clock,
            Rounds([Periodic("sweep", _SWEEP_SECONDS, self.go)], ports.clock, self),
            self.world.times,
            self,
            ports.new_id,
        )
        self.process.spawn(duty.keep_up(), name="scheduler")

    async def go(self) -> None:
        """Sweep once, as far as the storage answers."""
        try:
            swept = await self._sweeper.go()
            if swept is not None and self.world.limiters.is_there:
                await self._take_snapshot(swept)
        except UnknownOutcomeError:
            return
        if swept is None:
            self.world.observed["rested"] += 1
            return
        self.world.observed["swept: notified"] += swept.notified
        self.world.observed["swept: announced"] += swept.announced
        self.world.observed["swept: abandoned"] += swept.abandoned

    async def _take_snapshot(self, swept: Swept) -> None:
        """Read all lines now and then: so the sweeper learns of slots."""
        now = self.world.ports.clock.boot()
        if now - self._read_at >= _SNAPSHOT_SECONDS:
            self._read_at = now
            await self._reader.snapshot(swept.jobs)

    def on_duty(self) -> None:
        """Do nothing."""

    def off_duty(self) -> None:
        """Do nothing."""

    def lost(self, reason: str) -> None:
        """Do nothing."""

    def failed(self, task: str, error: UnknownOutcomeError) -> None:
        """Do nothing."""

    def rested(self) -> None:
        """Do nothing: `go` counts."""

    def swept(self, swept: Swept, seconds: float) -> None:
        """Do nothing: `go` counts."""

    def retained(self, went: Went) -> None:
        """Do nothing: no job leaves."""

    def snapshot_taken(self, snapshot: QueueSnapshot, workers: Sequence[jobs.Worker]) -> None:
        """Do nothing: no snapshots are taken."""
