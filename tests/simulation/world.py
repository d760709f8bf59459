"""All of the protocol's code in one deterministic world: workers, publishers, schedulers, projector.

A world is made from a seed, which decides everything: its setting, when what goes wrong, and the identifiers.
"""

import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from tests.simulation.broker import Broker
from tests.simulation.clients import Clients
from tests.simulation.history import History, Violation
from tests.simulation.judges.panel import Panel
from tests.simulation.judges.read_models import check_read_models, check_summary
from tests.simulation.limiters import Limiters
from tests.simulation.loop import Process, ProcessClock, SimulationLoop
from tests.simulation.members import Member, Publisher, Scheduler, Worker
from tests.simulation.network import CallFaults, Network, Outage
from tests.simulation.projectors import EventQueue, Projector
from tests.simulation.read_models import SimulatedModels
from tests.simulation.runners import Runner, Script
from tests.simulation.setting import Setting
from tests.simulation.stores import WatchedJournal, WatchedLeases

from audit_projector import exclusion
from contracts.jobs import JobSummary
from coordination.holder.policy import Ports
from coordination.observations import Observation
from coordination.ports import Announcement
from coordination.times import LeaseTimes
from read_models.documents import Watermark

#: Seconds after the end of all trouble within which every job must have ended.
PATIENCE = 3000.0


class Effects:
    """The outside world: remembers who did what under which fence, and refuses lower fences."""

    def __init__(self, world: "World") -> None:
        self._world = world
        #: By the name of the slot's lease: fences of two slots say nothing about each other.
        self._highest: dict[str, int] = {}
        self.accepted = 0
        self.refused = 0

    def apply(self, runner: Runner, step: str) -> None:
        """Take an effect, or refuse it; a late one must have an excuse."""
        world, slot = self._world, runner.slot.lease_name
        current = world.history.fence_of(slot)
        forced = world.leases.forced.get(slot, float("-inf"))
        is_excused = runner.was_frozen_with_all or world.loop.time() - forced <= world.times.duration
        if runner.fence < current and not is_excused:
            world.history.violate(
                "I5", f"{step} of {runner.job_id} under {runner.fence} while {current} runs"
            )
        if runner.fence < self._highest.get(slot, 0):
            self.refused += 1
            return
        self._highest[slot] = runner.fence
        self.accepted += 1


class World:
    """Everything in one event loop."""

    def __init__(self, seed: int, setting: Setting | None = None) -> None:
        self.seed = seed
        self.randomness = random.Random(seed)
        self.setting = setting or Setting.drawn(self.randomness)
        self.loop = SimulationLoop()  # type: ignore[abstract]
        self.clock = ProcessClock(self.loop, self.randomness.uniform)
        self.injected: Counter[str] = Counter()
        self.history = History(self.loop)
        self.panel = Panel(self.history.violate)
        self.observed: Counter[str] = Counter()
        self.effects = Effects(self)
        self.scripts: dict[str, Script] = {}
        self.times = LeaseTimes.of(self.setting.lease)
        self.network = Network(self.loop, self.randomness, self.injected, self.setting.calls)
        self.context = self.network.context
        self.leases = WatchedLeases(
            self.clock, self.network, renews_after_expiry=self.setting.renews_after_expiry
        )
        self.journal = WatchedJournal(
            self.loop, self.network, self.leases, self.history, self.panel, self.times, self.clock
        )
        self.register = self.journal.register
        self.broker = Broker(
            self.network, self.loop, self.randomness, self.injected, lambda: self.workers, self._project
        )
        self.broker.faults = self.setting.messages
        self.broker.announced = self.panel.announcements.announces
        self.ports = Ports(self.leases, self.journal, self.broker, self.clock, self.new_id)
        #: Number of the last event that the read models have, by job.
        self.projected: dict[str, int] = {}
        self.models = SimulatedModels(self.network, self._check_summary)
        self.projectors: list[Projector] = []
        self._event_queue = EventQueue(self)
        #: What projectors noticed that must not be.
        self.alarms: list[object] = []
        self.register.projected = self.projected_now
        self.workers: list[Worker] = []
        self.publishers: list[Publisher] = []
        self.schedulers: list[Scheduler] = []
        self.clients = Clients(self)
        self.limiters = Limiters(self)
        self.workers.extend(Worker(self, f"w{number}") for number in range(self.setting.workers))
        self.publishers.extend(Publisher(self, f"p{number}") for number in range(2))
        self.schedulers.extend(Scheduler(self, f"s{number}") for number in range(2))
        self.projectors.extend(Projector(self, f"j{number}") for number in range(self.setting.projectors))

    def new_id(self) -> uuid.UUID:
        """Return an id drawn from the seed."""
        return uuid.UUID(int=self.randomness.getrandbits(128), version=4)

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises Violation when an invariant was broken in that time."""
        self.loop.run_for(seconds)
        self.check()

    def check(self) -> None:
        """Raise Violation when an invariant was broken, or a task of a worker failed unexpectedly."""
        for error in self.loop.errors:
            self.history.violate("I0", error)
        if self.history.violations:
            raise Violation("; ".join(self.history.violations[:5]))

    def observe(self, observation: Observation) -> None:
        """Count what workers export."""
        name = type(observation).__name__
        reason = getattr(observation, "refusal", "")
        self.observed[f"{name} {reason}" if reason else name] += 1
        self.network.trace.append((self.loop.time(), "observed", observation))

    # --- running a seed -----------------------------------------------------

    def run_until_done(self) -> None:
        """Let time pass, without trouble, until every job has ended. Raises Violation."""
        began = self.loop.time()
        while not self.is_done():
            self.advance(5.0)
            if self.loop.time() - began > PATIENCE:
                self.history.violate("I3", f"stuck: {self.history.unfinished()}, {self._left_over()}")
                self.check()
        done = {job_id: script.steps for job_id, script in self.scripts.items()}
        self.history.check_end(self.journal.partitions, done)
        if self.setting.projectors:
            self._check_read_models()
        self.panel.check_end(
            self.journal.partitions,
            self.register.jobs,
            self.register.active_ids,
            self.projected_now,
        )
        self.check()

    @property
    def members(self) -> list[Member]:
        """Everybody who takes part."""
        return [*self.workers, *self.publishers, *self.schedulers, *self.projectors]

    def lose_host(self, process: Process, runner: Process) -> None:
        """Let a worker die, as its runner takes the host down; it comes back after a while."""
        for worker in self.workers:
            if worker.process is process and not (process.is_dead or runner.is_dead):
                self.injected["host lost to its job"] += 1
                worker.kill()
                self.loop.call_later(
                    self.randomness.uniform(0.1, 10.0), worker.start_again, context=self.context
                )

    def close(self) -> None:
        """End every process, so that nothing is left to be cleared away."""
        for member in self.members:
            member.kill()
        self.loop.run_for(0.0)

    def end_trouble(self) -> None:
        """Let everything behave from now on."""
        self.network.set_faults(CallFaults())
        self.broker.faults = type(self.broker.faults)()
        self.network.outages.clear()
        self.network.ambush = None
        self.register.when_registered = None

    def is_done(self) -> bool:
        """Return whether nothing is left to do."""
        return self.clients.are_done and self.history.is_settled() and not self._left_over()

    def _left_over(self) -> str:
        """Say what is still about: active jobs, held leases, wake-ups."""
        held = [name for name in self.leases.held() if name != "scheduler"]
        active = self.register.active_ids
        return f"active {active}, held {held}" if active or held or not self.broker.is_empty else ""

    def outage(self, service: str, seconds: float, *, silent: bool) -> None:
        """Cut off leases, journal or wake-up for some time."""
        outage = Outage(silent)
        self.network.outages[service] = outage
        self.loop.call_later(seconds, self._end_outage, service, outage, context=self.context)

    def _end_outage(self, service: str, outage: Outage) -> None:
        if self.network.outages.get(service) is outage:
            del self.network.outages[service]
            self.broker.pump()

    # --- the projector ------------------------------------------------------

    def _project(self, announcements: Sequence[Announcement]) -> None:
        if self.setting.projectors:
            self._event_queue.put(announcements)
            return
        for each in announcements:
            if each.first <= self.projected.get(each.job_id, 0) + 1 <= each.last:
                self.projected[each.job_id] = each.last

    async def projected_seqs(self, jobs: Mapping[str, datetime]) -> dict[str, int]:
        """Return the number of the last event that the read models have, of each job."""
        return await self.network.carry_out(
            "journal.projected", lambda: {job_id: self.projected_now(job_id) for job_id in jobs}
        )

    def projected_now(self, job_id: str) -> int:
        """Return the number of the last event that the read models have."""
        return self.models.projected(job_id) if self.setting.projectors else self.projected.get(job_id, 0)

    def _check_summary(self, summary: JobSummary, mark: Watermark) -> None:
        check_summary(summary, mark, self.panel.lives.states[summary.job_id], self.history.violate)

    def _check_read_models(self) -> None:
        check_read_models(self.journal.partitions, self.models, self.history.violate)
        # Clocks that differ by more may look like runs that overlap.
        if 2 * self.setting.skew < exclusion.CLOCK_TOLERANCE.total_seconds():
            for alarm in [*self.alarms, *(run for run in self.models.runs.values() if run.overlap)]:
                self.history.violate("read-models", f"a false alarm: {alarm}")
