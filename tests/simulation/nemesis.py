"""What strikes from outside: kills, pauses, outages, leases that end early, lost queues."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.simulation.loop import Process
from tests.simulation.members import Member, Worker
from tests.simulation.network import Outage
from tests.simulation.runners import Script

from contracts import lock_names
from coordination.ports import Registration

if TYPE_CHECKING:
    from tests.simulation.world import World


class Nemesis:
    """Strikes a world now and then, and in the end sets everything right again."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._is_over = False
        self._paused: list[Process] = []
        self._strikes: dict[str, Callable[[], bool]] = {
            "worker killed": self.kill_worker,
            "killed while taking over": lambda: self._ambush(self._kill_process, is_detour=True),
            "paused while repeating": lambda: self._ambush(self._pause_process, is_detour=False),
            "worker stopped": self.stop_worker,
            "runner killed": self.kill_runner,
            "supervisor paused": self.pause_supervisor,
            "runner paused": self.pause_runner,
            "host paused": self.pause_host,
            "lease ended early": self.end_lease,
            "tables away": lambda: self.outage("journal"),
            "blobs away": lambda: self.outage("leases"),
            "blobs slow, then away": self.slow_outage,
            "broker away": lambda: self.outage("notifier"),
            "wake-ups purged": lambda: bool(world.broker.purge()),
            "scheduler killed": lambda: self._kill(self._any(world.schedulers)),
            "scheduler paused": lambda: self._pause(self._any(world.schedulers)),
            "publisher killed": lambda: self._kill(self._any(world.publishers)),
            "publisher killed while submitting": self.kill_submitting,
            "projector killed": lambda: self._kill(self._any(world.projectors)),
            "projector paused": lambda: self._pause(self._any(world.projectors)),
        }

    def plan(self) -> None:
        """Strike from now on."""
        if self._world.setting.strikes:
            self._again()

    def end(self) -> None:
        """Stop striking; resume what stands still, start what is dead, mend what is cut."""
        self._is_over = True
        world = self._world
        world.end_trouble()
        self.resume()
        for member in world.members:
            member.start_again()

    def resume(self) -> None:
        """Resume everything that is paused."""
        for process in self._paused:
            process.resume()
        self._paused.clear()

    def _resume(self, process: Process) -> None:
        """Resume a process, unless all have been resumed since it was paused."""
        if process in self._paused:
            self._paused.remove(process)
            process.resume()

    def _again(self) -> None:
        world = self._world
        pause = world.randomness.expovariate(1 / world.setting.pause)
        world.loop.call_later(pause, self._strike, context=world.context)

    def _strike(self) -> None:
        if self._is_over:
            return
        chances = self._world.setting.strikes
        [name] = self._world.randomness.choices(list(chances), list(chances.values()))
        self.strike(name)
        self._again()

    def strike(self, name: str) -> bool:
        """Strike once; returns whether there was something to strike."""
        has_struck = self._strikes[name]()
        if has_struck:
            self._world.injected[name] += 1
            self._world.network.trace.append((self._world.loop.time(), "nemesis", name))
        return has_struck

    # --- workers and their runners ------------------------------------------

    def kill_worker(self) -> bool:
        """Kill a worker with its runners, rather one that runs something."""
        return self._kill(self._busy_worker())

    def _ambush(self, strike: Callable[[Process, str], object], *, is_detour: bool) -> bool:
        """Strike the next worker that takes a lock over, with its transaction on the way."""
        self._world.network.ambush, self._world.network.is_detour = strike, is_detour
        return False  # it is counted when it happens

    def _kill_process(self, process: Process, partition: str) -> None:
        for worker in self._world.workers:
            if worker.process is process:
                self._world.injected["killed while taking over"] += self._kill(worker)
        self._be_urgent(partition)

    def _be_urgent(self, partition: str) -> None:
        """Submit a job that runs before the one that was to be started."""
        for number in range(self._world.setting.locks):
            if lock_names.partition(f"L{number}") == partition:
                self._world.clients.submit(Script(steps=6, seconds=3.0), number, priority=0)

    def _pause_process(self, process: Process, partition: str) -> None:
        """Pause a worker that is about to send its transaction again, for longer than its lease may last."""
        if not process.is_paused and not process.is_dead:
            process.pause()
            self._paused.append(process)
            self._world.injected["paused while repeating"] += 1
            seconds = self._world.times.duration * self._world.randomness.uniform(0.7, 2.0)
            self._world.loop.call_later(seconds, self._resume, process, context=self._world.context)
            self._be_urgent(partition)

    def kill_submitting(self) -> bool:
        """Kill the next publisher that has registered an id, before it writes the job."""
        self._world.register.when_registered = self._kill_registrar
        return False  # it is counted when it happens

    def _kill_registrar(self, process: Process, registration: Registration) -> None:
        for publisher in self._world.publishers:
            if publisher.process is process:
                self._world.injected["publisher killed while submitting"] += self._kill(publisher)
        if self._world.randomness.random() < 0.5:
            self._world.clients.rival(registration.job_id)

    def stop_worker(self) -> bool:
        """Send a worker the stop signal; it is started again once it has ended."""
        worker = self._busy_worker()
        if worker is None or worker.is_stopping or worker.process.is_paused:
            return False
        worker.stop(self._world.randomness.choice([0.0, 1.0, 10.0]), ended=40.0)
        self._world.loop.call_later(
            self._world.randomness.uniform(41.0, 60.0), worker.start_again, context=self._world.context
        )
        return True

    def kill_runner(self) -> bool:
        """Kill a runner process alone."""
        running = [runner for worker in self._world.workers for runner in worker.executor.runners]
        if not running:
            return False
        self._world.randomness.choice(running).kill()
        return True

    def pause_supervisor(self) -> bool:
        """Let a worker stand still, but not its runners."""
        return self._pause(self._busy_worker())

    def pause_runner(self) -> bool:
        """Let a runner stand still, inside whatever call it is in."""
        running = [runner for worker in self._world.workers for runner in worker.executor.runners]
        if not running:
            return False
        return self._stand_still([self._world.randomness.choice(running).process])

    def pause_host(self) -> bool:
        """Let a worker and all its runners stand still, sometimes with a call of a handler under way."""
        worker = self._busy_worker()
        if worker is None or worker.process.is_paused:
            return False
        if worker.executor.runners and self._world.randomness.random() < 0.7:
            worker.executor.runners[0].when_in_call = lambda: self._pause_host(worker)
            return True
        return self._pause_host(worker)

    def _pause_host(self, worker: Worker) -> bool:
        return self._stand_still([worker.process, *(runner.process for runner in worker.executor.runners)])

    def end_lease(self) -> bool:
        """Let a lease run out early, as if the store's clock had jumped."""
        held = [name for name in self._world.leases.held() if name != "scheduler"]
        if not held:
            return False
        self._world.leases.force_end(self._world.randomness.choice(held))
        return True

    def outage(self, service: str) -> bool:
        """Cut off a service for a while."""
        draw = self._world.randomness
        self._world.outage(service, _log_uniform(draw.random(), 1.0, 50.0), silent=draw.random() < 0.5)
        return True

    def slow_outage(self) -> bool:
        """Let the lease store answer later and later, then not at all."""
        world, draw = self._world, self._world.randomness.uniform
        world.network.outages["leases"] = Outage(silent=False, is_slow=True)
        world.loop.call_later(draw(4.0, 10.0), self._cut_off_leases, context=world.context)
        return True

    def _cut_off_leases(self) -> None:
        if not self._is_over:
            self._world.outage("leases", self._world.randomness.uniform(8.0, 25.0), silent=True)

    # --- how ----------------------------------------------------------------

    def _busy_worker(self) -> Worker | None:
        alive = [worker for worker in self._world.workers if not worker.process.is_dead]
        busy = [worker for worker in alive if worker.executor.runners]
        chosen = busy if busy and self._world.randomness.random() < 0.8 else alive
        return self._world.randomness.choice(chosen) if chosen else None

    def _any(self, members: Sequence[Member]) -> Member | None:
        alive = [member for member in members if not member.process.is_dead]
        return self._world.randomness.choice(alive) if alive else None

    def _kill(self, member: Member | None) -> bool:
        if member is None:
            return False
        member.kill()
        self._world.loop.call_later(
            self._world.randomness.uniform(0.1, 30.0), member.start_again, context=self._world.context
        )
        return True

    def _pause(self, member: Member | None) -> bool:
        return member is not None and self._stand_still([member.process])

    def _stand_still(self, processes: list[Process]) -> bool:
        """Pause for a tenth of a lease's length up to three of them."""
        if any(process.is_paused or process.is_dead for process in processes):
            return False
        lease = self._world.times.duration
        seconds = _log_uniform(self._world.randomness.random(), 0.1 * lease, 3 * lease)
        for process in processes:
            process.pause()
            self._paused.append(process)
            # It is open which of them gets the processor first.
            soon = self._world.randomness.uniform(0.0, 0.05)
            self._world.loop.call_later(seconds + soon, self._resume, process, context=self._world.context)
        return True


def _log_uniform(drawn: float, low: float, high: float) -> float:
    return low * math.exp(drawn * math.log(high / low))
