"""Runner processes: they have effects outside, ask their supervisor to record steps, and can hang or die."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.loop import PROCESS, Process

from coordination.outcomes import (
    Cancelled,
    Completed,
    Failed,
    Interrupted,
    Lost,
    Outcome,
    StopReason,
)
from coordination.ports import CoordinationError
from coordination.runs import Run, StepDone

if TYPE_CHECKING:
    from tests.simulation.world import World

#: Seconds that a handler which was told to stop may take.
_GRACE = 2.0


@dataclass
class Script:
    """What a job does: so many steps of so many seconds, and perhaps an end that is not a success."""

    steps: int = 2
    seconds: float = 1.0
    fails: bool = False
    #: Attempts in which its process dies.
    kills: int = 0
    #: Whether it goes on although it was told to stop.
    is_stubborn: bool = False


class Runner:
    """One run's process, with its guillotine."""

    def __init__(self, world: "World", run: Run, supervisor: Process, heard: Callable[..., None]) -> None:
        self._world = world
        self._run = run
        self._supervisor = supervisor
        self._heard = heard
        self.lock_name = run.job.lock_name
        self.fence = run.fence
        self.job_id = run.job.job_id
        self.began = world.loop.time()
        self.process = Process(world.loop, f"{supervisor.name}/r{run.fence}")
        #: Its deadline passed while its guillotine stood still, too: the one case in which it can be late.
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

    # --- the guillotine -----------------------------------------------------

    def _arm(self) -> None:
        due = max(self._run.hard_deadline(), self._world.loop.time())
        self._world.loop.call_at(due, self._compare, context=self._world.context)

    def _compare(self) -> None:
        """Kill the runner if its deadline has passed: in the guillotine's own process."""
        if self.process.is_dead or self.ended.done():
            return
        if self._supervisor.is_paused and self.process.is_paused:
            # All of the host stands still, this process, too; it is resumed at about the same time.
            self.was_frozen_with_all = True
            delay = self._world.randomness.uniform(0.0, 0.05)
            self._supervisor.post(self._world.loop.call_later, delay, self._compare)
        elif self._world.loop.time() >= self._run.hard_deadline():
            self.was_overdue = True
            self._world.injected["guillotine"] += 1
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
        for number in range(len(run.recorded) + 1, script.steps + 1):
            if not script.is_stubborn and world.loop.time() >= run.soft_deadline():
                return Interrupted("deadline")
            if self.when_in_call is not None:
                world.loop.call_later(0.002, self.when_in_call, context=world.context)
                self.when_in_call = None
            await asyncio.sleep(world.randomness.choice([0.01, 0.05, 0.5]))  # the call under way
            world.effects.apply(self, f"step {number}")
            await asyncio.sleep(script.seconds)
            recorded: asyncio.Future[None] = world.loop.create_future()
            done = StepDone(f"step {number}", str(number), script.seconds, state=str(number))
            self._supervisor.post(self._heard, done, recorded)
            await recorded
        return Failed("ValueError", "scripted") if script.fails else Completed('"done"')


class SimulatedExecutor:
    """Supervises runners as the worker's own executor does, as far as the protocol can tell."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.runners: list[Runner] = []

    async def execute(self, run: Run) -> Outcome:
        supervisor = PROCESS.get()
        assert supervisor is not None
        return await _Supervision(self._world, run, supervisor, self.runners).outcome()


class _Supervision:
    def __init__(self, world: "World", run: Run, supervisor: Process, runners: list[Runner]) -> None:
        self._world, self._run, self._runners = world, run, runners
        self._waiting: asyncio.Queue[tuple[StepDone, asyncio.Future[None]]] = asyncio.Queue()
        self._told: StopReason | None = None
        self._is_lost = False
        self._under_way: StepDone | None = None
        self._runner = Runner(world, run, supervisor, lambda *step: self._waiting.put_nowait(step))
        runners.append(self._runner)

    async def outcome(self) -> Outcome:
        loop = self._world.loop
        watch, write = loop.create_task(self._watch()), loop.create_task(self._write())
        try:
            ended = await self._runner.ended
        finally:
            watch.cancel()
            write.cancel()
            if self._under_way is not None and self._world.randomness.random() < 0.5:
                loop.create_task(self._write_late(self._under_way))
            self._runner.rest()
            self._runners.remove(self._runner)
        if self._is_lost or self._run.stop.reason is StopReason.LOST:
            return Lost()
        if self._told is not None and (ended is None or isinstance(ended, Interrupted)):
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

    async def _write(self) -> None:
        while True:
            done, recorded = await self._waiting.get()
            self._under_way = done
            self._run.report(float(done.name.split()[1]), None, done.name)
            try:
                await self._run.record_step(done)
            except CoordinationError:
                self._lose()
                return
            self._under_way = None
            if not recorded.done():
                recorded.set_result(None)

    async def _write_late(self, done: StepDone) -> None:
        """Try to record a step of a run that is over, as a message would that nobody took back."""
        await asyncio.sleep(self._world.randomness.uniform(0.0, 1.0))
        try:
            await self._run.record_step(done)
        except CoordinationError:
            return
        self._world.history.violate("I10", f"{done.name} of {self._run.job.job_id} written after its run")

    def _lose(self) -> None:
        self._is_lost = True
        self._runner.kill()
