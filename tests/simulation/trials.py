"""Trials: once all trouble is over, one fault hits one run, and the clock is watched.

Nothing else fails in that time, so the times that are promised for 99 cases in 100 hold in each. Times are
virtual, and a call takes some milliseconds.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.broker import BrokerFaults
from tests.simulation.judges.lives import Life
from tests.simulation.loop import Process
from tests.simulation.members import Worker
from tests.simulation.runners import Runner, Script

from contracts import lock_names
from contracts.statuses import EventStatus, JobStatus
from coordination.ports import WakeUp

if TYPE_CHECKING:
    from tests.simulation.world import World

#: For calls and messages, on top of what is promised.
_ON_THE_WAY = 0.5

#: Seconds between the end of a clean stop, or a runner's death, and the next start.
_AFTER_STOP, _AFTER_DEATH = 1.0, 3.0

#: Seconds after a lost holder's lease within which the next run starts.
_AFTER_LEASE = 5.0

#: Seconds between two wake-ups of the scheduler for one lock: ten, and up to a round of it.
_BETWEEN_WAKE_UPS = 15.0

#: Seconds after which a job whose wake-up was lost is started. Clocks differ: the round that sees it first,
#: patience from there on, and a round that ends a little late.
_AFTER_LOST_WAKE_UP = 15.0

#: Seconds after which a job is started whose lock is free, with the broker away.
_WITHOUT_BROKER = 10.0

#: Seconds without a job after which schedulers rest.
_UNTIL_REST = 60.0

#: Seconds that a handler takes at most to end when it is asked to, and between two writes of progress.
_TO_END, _FLUSH = 2.0, 1.0

#: What can happen in a trial, as it is counted.
TRIALS = (
    "trial: worker stopped",
    "trial: runner killed",
    "trial: worker killed",
    "trial: host frozen",
    "trial: worker and scheduler killed",
    "trial: job cancelled",
    "trial: wake-up lost while all rest",
    "trial: broker away for long",
)

#: Longer than anything that is waited for.
_PATIENCE = 400.0


class Trial:
    """One fault, and how long it takes until the lock's next run has started, or the job has ended."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._paused: list[Process] = []
        self._lock, self._job_id = 0, ""
        times = world.times
        lost = times.duration + _AFTER_LEASE
        #: What happens, and the seconds within which its consequence must have come.
        self._kinds: dict[str, tuple[Callable[[], float], float]] = {
            "worker stopped": (self._stop_worker, _AFTER_STOP),
            "runner killed": (self._kill_runner, _AFTER_DEATH),
            "worker killed": (self._kill_worker, lost),
            # The broker may hand it the scheduler's wake-up: then the next one counts.
            "host frozen": (self._pause_host, lost + _BETWEEN_WAKE_UPS),
            # The scheduler on duty dies, too: the next one has to wait for its lease.
            "worker and scheduler killed": (self._kill_both, lost + times.duration),
            "job cancelled": (self._cancel, times.renew_every + _FLUSH + _TO_END),
            "wake-up lost while all rest": (self._lose_wake_up, _AFTER_LOST_WAKE_UP),
            "broker away for long": (self._submit_without_broker, _WITHOUT_BROKER),
        }

    def play(self) -> None:
        """Play a trial that is drawn; what takes too long is a violation."""
        world = self._world
        # What a worker leaves in another slot than slot 0 waits for one that knows it.
        world.limiters.end_update()
        self._wait_until(
            lambda: all(not member.process.is_dead for member in world.members), "all to be back"
        )
        # A late request for a lease takes a lock for as long as the lease lasts.
        over = world.network.detours_until + world.times.duration
        self._wait_until(lambda: world.loop.time() > over, "late requests to arrive and their leases to end")
        kind = world.randomness.choice(list(self._kinds))
        strike, within = self._kinds[kind]
        if kind == "wake-up lost while all rest":
            self._rest()
        elif kind == "broker away for long":
            self._take_broker_away()
        else:
            self._begin(has_waited=world.randomness.random() < 0.15)
        world.advance(world.randomness.uniform(0.0, 2.0 * world.times.renew_every))
        job, began = self._life(), self._last_start()
        world.network.trace.append((world.loop.time(), "trial", kind))
        if self._job_id:
            # This run is long; the next one need not be.
            world.scripts[self._job_id].seconds = 0.1
        since = strike()
        if kind == "job cancelled":
            self._wait_until(lambda: job.is_over, "the cancelled job to end")
            if job.status != JobStatus.CANCELLED:
                world.history.violate("cancel", f"{job.job_id} was to be cancelled and is {job.status}")
            seconds = world.panel.times[job.job_id, job.status] - since
        else:
            self._wait_until(lambda: self._last_start() > began, "the next run to start")
            seconds = self._last_start() - since
        world.injected[f"trial: {kind}"] += 1
        if seconds > within + _ON_THE_WAY:
            took = f"{seconds:.2f} s after {kind}, not {within:g} s"
            world.history.violate("take-over", f"{took}, for lock L{self._lock} and {job.job_id}")
        for process in self._paused:
            process.resume()
        world.network.outages.clear()
        for member in world.members:
            member.start_again()
        world.run_until_done()

    # --- how it begins ------------------------------------------------------

    def _begin(self, *, has_waited: bool) -> None:
        """Have a job run for long; some have waited until the scheduler notifies less and less often."""
        world, draw = self._world, self._world.randomness
        self._lock = draw.randrange(world.setting.locks)
        if has_waited:
            for worker in world.workers:
                worker.kill()
        self._job_id = world.clients.submit_alone(Script(1, 300.0, is_talkative=True), self._lock, 5)
        if draw.random() < 0.3:
            world.clients.submit_alone(Script(1, 0.1), self._lock, 9)
        if has_waited:
            world.advance(draw.uniform(60.0, 180.0))
            world.broker.purge()
            for worker in world.workers:
                worker.start_again()
            world.broker.put(WakeUp(f"L{self._lock}"))
        self._wait_until(lambda: self._life().status == JobStatus.RUNNING, "a job to start")

    def _rest(self) -> None:
        """Leave everything alone until the scheduler on duty does not sweep any more."""
        world = self._world
        self._lock = world.randomness.randrange(world.setting.locks)
        world.advance(_UNTIL_REST)
        rests = world.observed["rested"]
        self._wait_until(lambda: world.observed["rested"] > rests, "a scheduler to rest")

    def _take_broker_away(self) -> None:
        """Take the broker and all schedulers away, to come back when the trial is over."""
        world, draw = self._world, self._world.randomness
        self._lock = draw.randrange(world.setting.locks)
        world.outage("notifier", 2 * _PATIENCE, silent=draw.random() < 0.5)
        world.broker.purge()
        for scheduler in world.schedulers:
            scheduler.kill()
        world.advance(draw.choice([0.0, 0.0, 1.0, 60.0, 300.0]))

    # --- what happens; each gives the time from which on its consequence is awaited -----------------

    def _stop_worker(self) -> float:
        self._holder().stop(0.0, ended=40.0)
        interrupted = self._job_id, EventStatus.INTERRUPTED.value
        self._wait_until(lambda: interrupted in self._world.panel.times, "its run to end")
        return self._world.panel.times[interrupted]

    def _kill_runner(self) -> float:
        [runner] = self._runners()
        runner.kill()
        return self._world.loop.time()

    def _pause_host(self) -> float:
        self._paused = [
            self._holder().process,
            *(runner.process for runner in self._holder().executor.runners),
        ]
        for process in self._paused:
            process.pause()
        return self._world.loop.time()

    def _kill_worker(self) -> float:
        self._holder().kill()
        return self._world.loop.time()

    def _kill_both(self) -> float:
        for scheduler in self._world.schedulers:
            if self._world.leases.owner("scheduler")[0] is scheduler.process:
                scheduler.kill()
        return self._kill_worker()

    def _cancel(self) -> float:
        self._world.clients.cancel(self._job_id)
        life = self._life()
        self._wait_until(lambda: life.is_cancel_requested, "the request to be recorded")
        return self._world.panel.times[self._job_id, EventStatus.CANCEL_REQUESTED.value]

    def _lose_wake_up(self) -> float:
        world = self._world
        world.broker.faults = BrokerFaults(lose=1.0)
        job_id = world.clients.submit_alone(Script(1, 0.1), self._lock, 5)
        submitted = job_id, EventStatus.SUBMITTED.value
        self._wait_until(lambda: submitted in world.panel.times, "the job to be accepted")
        world.advance(0.5)
        world.broker.faults = BrokerFaults()
        return world.panel.times[submitted]

    def _submit_without_broker(self) -> float:
        world = self._world
        job_id = world.clients.submit_alone(Script(1, 0.1), self._lock, 5)
        submitted = job_id, EventStatus.SUBMITTED.value
        self._wait_until(lambda: submitted in world.panel.times, "the job to be accepted")
        return world.panel.times[submitted]

    # --- what is there ------------------------------------------------------

    def _life(self) -> Life:
        return self._world.panel.lives.jobs.get(self._job_id) or Life(self._job_id)

    def _last_start(self) -> float:
        started = lock_names.partition(f"L{self._lock}"), EventStatus.STARTED.value
        return self._world.panel.times.get(started, 0.0)

    def _holder(self) -> Worker:
        return next(
            worker
            for worker in self._world.workers
            if any(runner.job_id == self._job_id for runner in worker.executor.runners)
        )

    def _runners(self) -> list[Runner]:
        return [runner for runner in self._holder().executor.runners if runner.job_id == self._job_id]

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        world = self._world
        until = world.loop.time() + _PATIENCE
        while not condition():
            world.advance(0.5)
            if world.loop.time() > until:
                world.history.violate("take-over", f"waited in vain for {what}")
                world.check()
