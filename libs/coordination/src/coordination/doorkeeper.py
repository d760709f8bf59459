"""The doorkeeper: answers doorbells, decides which locks this worker serves, and never leaves work behind."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts import lock_names
from coordination.line import Line, WrongLockError, read_line
from coordination.observations import (
    BellDeferred,
    LeaseDenied,
    LockLeft,
    NotForThisWorker,
    Observe,
)
from coordination.operations import operation
from coordination.outcomes import Interrupted, Lost, StopReason
from coordination.persistence import until_known
from coordination.ports import CoordinationError, LeaseHeldError, RefusedError, Ring, UnknownOutcomeError
from coordination.rows import JobRow
from coordination.runs import Executor, Run
from coordination.tenure import FencedError, Ports, Rules, Tenure

#: Longest pause between two tries of a watch, in seconds: part of how soon a lost host is noticed.
_LONGEST_WATCH_PAUSE = 3.0


@dataclass(frozen=True)
class House:
    """How one worker treats its locks. Times are in seconds."""

    #: Runs at the same time, each of another lock.
    capacity: int
    #: How long a deferred bell stays away.
    deferral: float = 5.0
    #: How long an empty line is polled before its lock is given back.
    linger: float = 0.0
    #: After this a lock with a long line is passed on when other work waits for a free place.
    longest_tenure: float = 60.0
    #: Locks held by others that are watched at a time.
    watches: int = 64
    #: How long a job of a kind nobody here knows may wait for a worker that does, before it fails.
    patience_for_kinds: float = 60.0


class NoRoomError(CoordinationError):
    """This worker serves as many locks as it can."""


class Answer(StrEnum):
    """What came of a doorbell."""

    TAKEN = "taken"
    EMPTY = "empty"
    HELD = "held"
    #: The store does not answer.
    UNKNOWN = "unknown"
    #: The lock is served or watched here already.
    KNOWN = "known"
    #: This worker is being stopped; others were told.
    PASSED_ON = "passed_on"


class _Service:
    """This worker's serving of one lock, from the first try to the last release."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.tenure: Tenure | None = None
        self.task: asyncio.Task[None] | None = None
        #: Whether the bell rang since the last look at the line began.
        self.is_rung = False

    def answer(self, answer: Answer) -> None:
        if not self.answered.done():
            self.answered.set_result(answer)

    def hint(self) -> None:
        self.is_rung = True
        if self.tenure is not None:
            self.tenure.hinted = True


class _Watch:
    """Tries again and again to get a lock that someone else holds, so that a lost host is noticed."""

    def __init__(self) -> None:
        self.nudged = asyncio.Event()
        #: Whether the bell rang since the last look at the line began.
        self.is_rung = False
        self.task: asyncio.Task[None] | None = None


class Doorkeeper:
    """Serves locks when their bell rings.

    The rules on a held lock are: the first bell starts a watch and sends one marked copy of itself round by
    the delay queue; further bells are dropped while the watch lives; a marked copy goes round again. Leaving
    a lock, for whatever reason, means: release, look once more, and take what waits or ring for it.
    """

    def __init__(
        self,
        ports: Ports,
        rules: Rules,
        house: House,
        executor: Executor,
        knows: Callable[[str], bool],
        observe: Observe,
    ) -> None:
        self._ports = ports
        self._rules = rules
        self._house = house
        self._executor = executor
        self._knows = knows
        self._observe = observe
        self._services: dict[str, _Service] = {}
        self._watches: dict[str, _Watch] = {}
        self._copies: dict[str, float] = {}
        self._stopping = False
        self._room_changed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        """Whether another lock can be served."""
        return not self._stopping and len(self._services) < self._house.capacity

    async def until_room(self, *, is_free: bool) -> None:
        """Wait until another lock can be served, or until none can."""
        while self.has_room is not is_free:
            self._room_changed.clear()
            await self._room_changed.wait()

    @property
    def running(self) -> dict[str, str]:
        """The locks held here, each with the id of the job that runs."""
        tenures = {name: service.tenure for name, service in self._services.items()}
        return {name: tenure.running for name, tenure in tenures.items() if tenure and tenure.running}

    async def answer(self, ring: Ring) -> Answer:
        """Deal with a doorbell; when this returns, it may be settled.

        Raises NoRoomError when it is for somebody else to answer, and UnknownOutcomeError when it could
        neither be acted on nor passed on: then let it come again.
        """
        name = ring.lock_name
        if self._stopping:
            await self._ports.bell.ring(ring)
            return Answer.PASSED_ON
        # Rule R12 (spec/turnstile.pml).
        if name in self._services:
            self._services[name].hint()
            if ring.marked:
                await self._send_copy(name)
            return Answer.KNOWN
        watch = self._watches.get(name)
        if watch is not None and not ring.marked:
            watch.is_rung = True
            if ring.released:
                watch.nudged.set()
            return Answer.KNOWN
        if not self.has_room:
            raise NoRoomError
        answer = await asyncio.shield(self._open(name).answered)
        # Rules R13 and R15 (spec/turnstile.pml).
        if answer in {Answer.HELD, Answer.UNKNOWN}:
            if name not in self._watches or ring.marked:
                await self._send_copy(name)
            self._watch(name)
        return answer

    async def look(self, lock_name: str, job_id: str) -> None:
        """Look at a running job because someone hinted that it changed."""
        service = self._services.get(lock_name)
        if service is not None and service.tenure is not None and service.tenure.running == job_id:
            await self._glance(service.tenure)

    async def stop(self, grace: float) -> None:
        """Take nothing new, let runs finish for `grace` seconds, then interrupt them, and pass all on."""
        # Rule R17 (spec/turnstile.pml).
        self._stopping = True
        self._room_changed.set()
        watched, self._watches = self._watches, {}
        for watch in watched.values():
            if watch.task is not None:
                watch.task.cancel()
        tasks = {service.task for service in self._services.values() if service.task is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(grace, 0.001))
            for service in self._services.values():
                if service.tenure is not None:
                    service.tenure.request_stop(StopReason.SHUTDOWN)
            if late:
                await asyncio.wait(late)
        for name in watched:
            await self._ports.bell.ring(Ring(name))

    # --- serving ------------------------------------------------------------

    def _open(self, name: str) -> _Service:
        service = _Service()
        self._services[name] = service
        self._room_changed.set()
        service.task = asyncio.create_task(self._serve(name, service), name=f"serve {name}")
        return service

    async def _serve(self, name: str, service: _Service) -> None:
        try:
            while await self._serve_once(name, service):
                service.answer(Answer.TAKEN)
        finally:
            service.answer(Answer.EMPTY)
            del self._services[name]
            self._room_changed.set()

    async def _serve_once(self, name: str, service: _Service) -> bool:
        """Hold the lock once; tells whether to try for it again at once."""
        tenure = Tenure(name, self._ports, self._rules, self._observe)
        try:
            await tenure.keeper.acquire()
        except LeaseHeldError:
            self._observe(LeaseDenied(name))
            self._conflict(name, service, Answer.HELD)
            return False
        except UnknownOutcomeError:
            self._conflict(name, service, Answer.UNKNOWN)
            return False
        service.tenure = tenure
        try:
            passes_on = await self._hold(tenure, service)
        finally:
            service.tenure = None
        return await self._leave(name, service, passes_on=passes_on)

    def _conflict(self, name: str, service: _Service, answer: Answer) -> None:
        """Leave a lock to its holder, but keep an eye on it, also when nobody waits for our answer."""
        if service.answered.done():
            self._watch(name)
        service.answer(answer)

    async def _hold(self, tenure: Tenure, service: _Service) -> bool:
        """Run jobs until the line is empty or the lock is lost; tells whether to pass on what still waits."""
        keeping = asyncio.create_task(tenure.keeper.keep())
        flushing = asyncio.create_task(self._flush(tenure))
        began = self._ports.clock.boot()
        passes_on = False
        try:
            run = await tenure.take_over(self._accepts)
            while run is not None:
                service.answer(Answer.TAKEN)
                outcome = await self._executor.execute(run)
                if isinstance(outcome, Lost):
                    break
                held_long = self._ports.clock.boot() - began > self._house.longest_tenure
                passes_on = held_long and not self.has_room
                chain = not passes_on and not self._stopping and not isinstance(outcome, Interrupted)
                run = await tenure.finish(outcome, self._accepts if chain else None)
                if run is None and chain:
                    run = await self._linger(tenure)
        except RefusedError:
            await self._ports.clock.sleep(random.uniform(0, 0.1))
        except (FencedError, UnknownOutcomeError, WrongLockError):
            pass  # told to the observer where it was found; the exit rules follow
        finally:
            keeping.cancel()
            flushing.cancel()
            await tenure.keeper.release()
        return passes_on

    async def _linger(self, tenure: Tenure) -> Run | None:
        until = self._ports.clock.boot() + self._house.linger
        while self._ports.clock.boot() < until and not self._stopping:
            await self._ports.clock.sleep(0.1)
            run = await tenure.take_over(self._accepts)
            if run is not None:
                return run
        return None

    async def _flush(self, tenure: Tenure) -> None:
        """Write progress as it comes, and look for changes by others as often as the lease is renewed."""
        looked = self._ports.clock.boot()
        while True:
            await self._ports.clock.sleep(self._rules.flush_seconds)
            try:
                await tenure.flush()
            except (FencedError, UnknownOutcomeError):
                return  # the run has been told to stop
            if self._ports.clock.boot() - looked >= self._rules.times.renew_every:
                looked = self._ports.clock.boot()
                await self._glance(tenure)

    async def _glance(self, tenure: Tenure) -> None:
        try:
            await tenure.look()
        except (FencedError, UnknownOutcomeError):
            return  # told to the run, or asked again later

    @operation
    async def _leave(self, name: str, service: _Service, *, passes_on: bool) -> bool:
        """Follow the exit rules after a release; tells whether to try for the lock again at once."""
        try:
            return await self._look_once_more(name, service, passes_on=passes_on)
        finally:
            self._observe(LockLeft(name))

    async def _look_once_more(self, name: str, service: _Service, *, passes_on: bool) -> bool:
        # Rule R11 (spec/turnstile.pml), and R12.
        while True:
            service.is_rung = False
            try:
                line = await self._read_line(name)
            except UnknownOutcomeError:
                self._conflict(name, service, Answer.UNKNOWN)
                return False
            except WrongLockError:
                return False
            if line.has_work:
                break
            # A bell that rang meanwhile was dropped, and what it rang for may have come after this look.
            if not service.is_rung:
                return False
        if self._stopping or passes_on:
            await self._ports.bell.ring(Ring(name, released=True))
            return False
        first = line.first
        if first is not None and not line.lock.job_id and not self._accepts(first):
            self._observe(NotForThisWorker(name, first.kind))
            await self._defer_quietly(Ring(name, first.job_id, traceparent=first.traceparent))
            return False
        return True

    def _accepts(self, job: JobRow) -> bool:
        """Tell whether to run a job here: its kind is known, or has waited long enough to fail for it."""
        if self._stopping:
            return False
        if self._knows(job.kind):
            return True
        waited = self._ports.clock.now() - datetime.fromisoformat(job.submitted_at)
        return waited.total_seconds() > self._house.patience_for_kinds

    async def _read_line(self, name: str) -> Line:
        until = self._ports.clock.boot() + self._rules.times.journal_deadline
        return await until_known(
            self._ports.clock,
            lambda: read_line(self._ports.journal, name, lock_names.partition(name)),
            until,
        )

    # --- bells and watches --------------------------------------------------

    async def _send_copy(self, name: str) -> None:
        """Send a marked copy round, unless one of ours is on its way already."""
        now = self._ports.clock.boot()
        if now - self._copies.get(name, float("-inf")) < self._house.deferral * 0.8:
            return
        self._copies = {
            lock: sent for lock, sent in self._copies.items() if now - sent < self._house.deferral
        }
        self._copies[name] = now
        self._observe(BellDeferred(name))
        try:
            await self._ports.bell.defer(Ring(name, marked=True))
        except UnknownOutcomeError:
            self._copies.pop(name, None)
            raise

    def _watch(self, name: str) -> None:
        if self._stopping or name in self._watches or len(self._watches) >= self._house.watches:
            return
        watch = _Watch()
        self._watches[name] = watch
        watch.task = asyncio.create_task(self._keep_watch(name, watch), name=f"watch {name}")

    async def _keep_watch(self, name: str, watch: _Watch) -> None:
        # Rule R14 (spec/turnstile.pml).
        tries, pause = 0, 1.0
        try:
            while name not in self._services:
                await self._pause(watch, random.uniform(pause / 2, pause))
                pause = min(pause * 1.5, _LONGEST_WATCH_PAUSE)
                if not self.has_room or name in self._services:
                    continue
                if await asyncio.shield(self._open(name).answered) in {Answer.TAKEN, Answer.EMPTY}:
                    return
                tries += 1
                watch.is_rung = False
                if tries % 10 == 0 and not await self._may_have_work(name) and not watch.is_rung:
                    return
        finally:
            if self._watches.get(name) is watch:
                del self._watches[name]

    async def _may_have_work(self, name: str) -> bool:
        try:
            return (await self._read_line(name)).has_work
        except UnknownOutcomeError:
            return True
        except WrongLockError:
            return False

    async def _pause(self, watch: _Watch, seconds: float) -> None:
        """Wait, or less when the lock is said to have been released."""
        watch.nudged.clear()
        waits = [
            asyncio.ensure_future(self._ports.clock.sleep(seconds)),
            asyncio.ensure_future(watch.nudged.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _defer_quietly(self, ring: Ring) -> None:
        try:
            await self._ports.bell.defer(ring)
        except UnknownOutcomeError:
            return  # the broker is away; the sweeper rings for what waits
