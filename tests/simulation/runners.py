"""Runner processes: they have effects outside, ask their supervisor to record steps, and can hang or die."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.loop import PROCESS, Process

from contracts.policies import RetryPolicy
from coordination.holder.runs import Run, StepDone
from coordination.outcomes import (
    Cancelled,
    Completed,
    Failed,
    Interrupted,
    Lost,
    Outcome,
    StopReason,
    TimedOut,
)
from coordination.ports import CoordinationError
from coordination.slot import Slot

if TYPE_CHECKING:
    from tests.simulation.world import World

#: Seconds that a handler may take after it is asked to stop.
_GRACE = 2.0

#: Why a handler is asked to stop that runs longer than it may; the others come with the run.
_TIMED_OUT = "timed out"


@dataclass
class Script:
    """What a job does: a number of steps, each of some seconds, and perhaps an end that is not a success."""

    steps: int = 2
    seconds: float = 1.0
    fails: bool = False
    #: JSON that it returns when it does not fail.
    result: str = '"done"'
    #: Attempts in which its process dies.
    kills: int = 0
    #: Whether it continues although it was asked to stop.
    is_stubborn: bool = False
    #: Attempts in which it takes its host down.
    fells: int = 0
    #: Seconds that it may run; it is stopped for good after them.
    limit: float | None = None
    #: Whether it says how far it is within each step, and once more before it ends.
    is_talkative: bool = False
    #: Whether it saves a state between steps.
    saves: bool = False
    #: Its kind's policy for further attempts, what it raises in how many of them, and what it asks for then.
    retry: RetryPolicy | None = None
    failures: int = 0
    raises: str = "OSError"
    retry_after: float | None = None


class Runner:
    """One run's process, with its deadline enforcer."""

    def __init__(
        self,
        world: "World",
        run: Run,
        supervisor: Process,
        heard: Callable[..., None],
        report: Callable[..., None],
    ) -> None:
        self._world = world
        self._run = run
        self._supervisor = supervisor
        self._heard = heard
        self._report = report
        self.lock_name = run.job.lock_name
        self.slot = Slot(run.job.lock_name, run.job.slot)
        self.fence = run.fence
        self.job_id = run.job.job_id
        self.began = world.loop.time()
        where = f"{run.job.slot}." if run.job.slot else ""
        self.process = Process(world.loop, f"{supervisor.name}/r{where}{run.fence}")
        #: Its deadline passed while its deadline enforcer stood still, too: only then it can be late.
        self.was_frozen_with_all = False
        self.was_overdue = False
        #: Called once, as soon as the handler is inside a call that has an effect.
        self.when_in_call: Callable[[], object] | None = None
        #: What the handler came to; None when its process died.
        self.ended: asyncio.Future[Outcome | None] = world.loop.create_future()
        self._work = self.process.spawn(self._do(), name="runner")
        self._arm()

    def tell_to_stop(self) -> None:
        """Ask the handler to stop; one that does not is killed."""
        if not self._world.scripts[self.job_id].is_stubborn:
            self.process.post(self._work.cancel)
        self._world.loop.call_later(_GRACE, self.kill)

    def kill(self) -> None:
        """Kill the process, whether it stands still or not."""
        if not self.process.is_dead:
            self.process.kill()
            self._end(None)

    def rest(self) -> None:
        """End the process after its run."""
        self.process.kill()

    def _end(self, outcome: Outcome | None) -> None:
        if not self.ended.done():
            self.ended.set_result(outcome)

    # --- the deadline enforcer -----------------------------------------------------

    def _arm(self) -> None:
        due = max(self._run.hard_deadline(), self._world.loop.time())
        self._world.loop.call_at(due, self._compare, context=self._world.context)

    def _compare(self) -> None:
        """Kill the runner if its deadline has passed: in the deadline enforcer's own process."""
        if self.process.is_dead or self.ended.done():
            return
        if self._supervisor.is_paused and self.process.is_paused:
            # All of the host stands still, this process, too; it is resumed at about the same time.
            self.was_frozen_with_all = True
            delay = self._world.randomness.uniform(0.0, 0.05)
            self._supervisor.post(self._world.loop.call_later, delay, self._compare)
        elif self._world.loop.time() >= self._run.hard_deadline():
            self.was_overdue = True
            self._world.injected["enforcer"] += 1
            self.kill()
        else:
            self._arm()

    # --- the handler --------------------------------------------------------

    async def _do(self) -> None:
        try:
            outcome = await self._steps()
        except asyncio.CancelledError:
            if self.process.is_dead:
                raise
            outcome = Interrupted("stopped")
        self._supervisor.post(self._end, outcome)

    async def _steps(self) -> Outcome:
        world, run = self._world, self._run
        script = world.scripts[self.job_id]
        if script.kills >= run.job.attempt:
            await asyncio.sleep(world.randomness.uniform(0.0, script.seconds))
            self.kill()
        if script.fells >= run.job.attempt:
            # Mostly before its first step is recorded.
            after = world.randomness.uniform(0.0, 1.2 * script.seconds)
            world.loop.call_later(
                after, world.lose_host, self._supervisor, self.process, context=world.context
            )
        for number in range(len(run.recorded) + 1, script.steps + 1):
            if not script.is_stubborn and world.loop.time() >= run.soft_deadline():
                return Interrupted("deadline")
            if self.when_in_call is not None:
                world.loop.call_later(0.002, self.when_in_call, context=world.context)
                self.when_in_call = None
            self._say(number - 1.0, script.steps, f"step {number}")
            await asyncio.sleep(world.randomness.choice([0.01, 0.05, 0.5]))  # the call under way
            world.effects.apply(self, f"step {number}")
            await asyncio.sleep(script.seconds)
            state = f"{run.fence}: {number}" if number % 2 else None
            await self._record(StepDone(f"step {number}", str(number), script.seconds, state=state))
            if script.saves and number % 3 == 0:
                await self._record(f"{run.fence}: after {number}")
        self._say(None, None, "the end")
        if (run.job.retries or 0) < script.failures:
            classes = (script.raises, "Exception")
            return Failed(script.raises, "not yet", error_classes=classes, retry_after=script.retry_after)
        return Failed("ValueError", "scripted") if script.fails else Completed(script.result)

    def _say(self, value: float | None, limit: float | None, step: str) -> None:
        if self._world.scripts[self.job_id].is_talkative:
            self._supervisor.post(self._report, value, limit, step)

    async def _record(self, done: StepDone | str) -> None:
        """Have a step, or a state, recorded, and wait until it is."""
        recorded: asyncio.Future[None] = self._world.loop.create_future()
        self._supervisor.post(self._heard, done, recorded)
        await recorded


class SimulatedExecutor:
    """Supervises runners as the worker's own executor does, as far as the protocol can see."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.runners: list[Runner] = []

    async def execute(self, run: Run) -> Outcome:
        supervisor = PROCESS.get()
        assert supervisor is not None
        runs = self._world.panel.runs
        runs.given(run, self._world.clients.parameters_of(run.job.job_id))
        outcome = await _Supervision(self._world, run, supervisor, self.runners).outcome()
        runs.returns(run, outcome)
        return outcome


class _Supervision:
    def __init__(self, world: "World", run: Run, supervisor: Process, runners: list[Runner]) -> None:
        self._world, self._run, self._runners = world, run, runners
        self._waiting: asyncio.Queue[tuple[StepDone | str, asyncio.Future[None]]] = asyncio.Queue()
        #: The first reason for which the handler was asked to stop.
        self._told: StopReason | str | None = None
        self._is_lost = False
        self._under_way: StepDone | str | None = None
        self._runner = Runner(
            world, run, supervisor, lambda *step: self._waiting.put_nowait(step), self._report
        )
        runners.append(self._runner)

    async def outcome(self) -> Outcome:
        loop, limit = self._world.loop, self._world.scripts[self._run.job.job_id].limit
        watch, write = loop.create_task(self._watch()), loop.create_task(self._write())
        timer = loop.call_later(limit, self._time_out) if limit is not None else None
        try:
            ended = await self._runner.ended
        finally:
            watch.cancel()
            write.cancel()
            if timer is not None:
                timer.cancel()
            if self._under_way is not None:
                self._world.panel.announcements.cut_short(self._run.job.job_id, self._run.job.attempt)
                if self._world.randomness.random() < 0.5:
                    loop.create_task(self._write_late(self._under_way))
            self._runner.rest()
            self._runners.remove(self._runner)
        if self._is_lost or self._run.stop.reason is StopReason.LOST:
            return Lost()
        if self._told is not None and (ended is None or isinstance(ended, Interrupted)):
            if self._told == _TIMED_OUT:
                return TimedOut("ran too long")
            if self._run.stop.reason is StopReason.CANCELLED:
                return Cancelled()
            return Interrupted(str(self._told))
        if ended is None and self._runner.was_overdue:
            if loop.time() >= self._run.hard_deadline():
                return Lost()
            return Interrupted("deadline")
        return Interrupted("the runner died", died=True) if ended is None else ended

    async def _watch(self) -> None:
        reason: StopReason | None = None
        while True:
            reason = await self._run.stop.wait(reason)
            if reason is StopReason.LOST:
                self._lose()
            elif self._told is None:
                self._told = reason
                self._runner.tell_to_stop()

    def _time_out(self) -> None:
        if self._told is None:
            self._told = _TIMED_OUT
            self._runner.tell_to_stop()

    def _report(self, value: float | None, limit: float | None, step: str) -> None:
        self._world.panel.runs.reports(self._run, (value, limit, step))
        self._run.report(value, limit, step)

    async def _record(self, done: StepDone | str) -> None:
        state = done if isinstance(done, str) else done.state
        self._world.panel.runs.saves(self._run, state)
        if isinstance(done, str):
            await self._run.save_state(done)
        else:
            await self._run.record_step(done)

    async def _write(self) -> None:
        while True:
            done, recorded = await self._waiting.get()
            self._under_way = done
            if isinstance(done, StepDone):
                self._report(float(done.name.split()[1]), None, done.name)
            try:
                await self._record(done)
            except CoordinationError:
                self._lose()
                return
            self._under_way = None
            if not recorded.done():
                recorded.set_result(None)

    async def _write_late(self, done: StepDone | str) -> None:
        """Try to record a step of a run that is over, as a message would that is still on its way."""
        await asyncio.sleep(self._world.randomness.uniform(0.0, 1.0))
        try:
            await self._record(done)
        except CoordinationError:
            return
        self._world.history.violate("I10", f"{done} of {self._run.job.job_id} written after its run")

    def _lose(self) -> None:
        self._is_lost = True
        self._runner.kill()
