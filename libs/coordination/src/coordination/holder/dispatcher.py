"""The dispatcher: answers wake-ups, decides which locks this worker serves, and never leaves work behind."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from contracts.jobs import HeldLease
from coordination.holder.due_times import DueTimes
from coordination.holder.lock_server import WakeUpOutcome
from coordination.holder.policy import HolderSettings, Ports, WorkerPolicy
from coordination.holder.runs import Executor
from coordination.holder.session import LockSession
from coordination.holder.slot_search import SlotSearch
from coordination.holder.unknown_kinds import UnknownKinds
from coordination.holder.watches import Watches
from coordination.journal.rows import JobRow
from coordination.known_slots import KnownSlots
from coordination.observations import Observe, WakeUpDeferred
from coordination.outcomes import StopReason
from coordination.ports import CoordinationError, UnknownOutcomeError, WakeUp
from coordination.slot import Slot


class NoCapacityError(CoordinationError):
    """This worker serves as many locks as it can."""


class LockDispatcher:
    """Serves locks when a wake-up comes for them.

    The rules on a held lock are: the first wake-up starts a watch and sends one deferred copy of itself
    through the delay queue; further wake-ups are dropped while the watch lives; a deferred copy is deferred
    again.

    `places` returns how many jobs can be run at the same time now, which may be fewer than the policy's
    `capacity`; the code that changes it calls `capacity_changed`.
    """

    def __init__(
        self,
        ports: Ports,
        settings: HolderSettings,
        policy: WorkerPolicy,
        executor: Executor,
        knows: Callable[[str], bool],
        observe: Observe,
        places: Callable[[], int] | None = None,
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._policy = policy
        self._executor = executor
        self._knows = knows
        self._observe = observe
        self._places = places or (lambda: policy.capacity)
        self._unknown_kinds = UnknownKinds(ports.clock, policy.patience_for_kinds)
        self._known_slots = KnownSlots()
        self._sessions: dict[Slot, LockSession] = {}
        self._watches = Watches(ports, settings, policy.watches, self)
        self._slots = SlotSearch(ports, settings, self)
        self._due_times = DueTimes(ports, self)
        self._copies: dict[str, float] = {}
        self._is_stopping = self._is_draining = False
        self._capacity_changed = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether this worker is being stopped."""
        return self._is_stopping

    @property
    def takes_jobs(self) -> bool:
        """Whether this worker takes new jobs: not while it drains or stops."""
        return not self._is_stopping and not self._is_draining

    @property
    def has_capacity(self) -> bool:
        """Whether another lock can be served."""
        places = min(self._policy.capacity, self._places())
        return self.takes_jobs and len(self._sessions) < places

    @property
    def has_too_many(self) -> bool:
        """Whether more locks are served than jobs can be run: then what waits is left to others."""
        return len(self._sessions) > self._places()

    def capacity_changed(self) -> None:
        """Have `until_capacity` look again."""
        self._capacity_changed.set()

    async def until_capacity(self, *, is_free: bool) -> None:
        """Wait until another lock can be served, or until none can."""
        while self.has_capacity is not is_free:
            self._capacity_changed.clear()
            await self._capacity_changed.wait()

    @property
    def running(self) -> dict[str, str]:
        """The slots held here, by name, each with the id of the job that runs."""
        tenures = {str(slot): session.tenure for slot, session in self._sessions.items()}
        return {name: tenure.running for name, tenure in tenures.items() if tenure and tenure.running}

    @property
    def leases(self) -> list[HeldLease]:
        """The leases of the slots in which a job runs here, by lock and number."""
        tenures = [self._sessions[slot].tenure for slot in sorted(self._sessions)]
        return [tenure.lease for tenure in tenures if tenure and tenure.lease]

    async def answer(self, wake_up: WakeUp) -> WakeUpOutcome:
        """Deal with a wake-up; when this returns, it may be settled.

        Raises NoCapacityError when another worker is to handle it, and UnknownOutcomeError when it could
        neither be acted on nor passed on: then let it come again.
        """
        name = wake_up.lock_name
        has_learned = self._known_slots.of(name) < wake_up.slots
        if has_learned:
            self.learn(name, wake_up.slots)
        if not self.takes_jobs:
            await self._ports.notifier.notify(wake_up)
            return WakeUpOutcome.PASSED_ON
        # Rule R12 (spec/turnstile.pml): a lock that is served here needs no wake-up, only a look at its line.
        if self.is_serving(name):
            for session in self._sessions_of(name):
                session.hint()
            self.look_for_slots(name, wake_up.job_id)
            if wake_up.is_deferred_copy:
                await self._send_copy(name)
            return WakeUpOutcome.KNOWN
        if name in self._watches and not wake_up.is_deferred_copy:
            # Slots that were not known of are worth a try at once.
            self._watches.hear(replace(wake_up, released=wake_up.released or has_learned))
            return WakeUpOutcome.KNOWN
        if not self.has_capacity:
            raise NoCapacityError
        answer = await self.try_for(name, wake_up.job_id)
        # Rules R13 and R15 (spec/turnstile.pml): the first wake-up of a held lock starts a watch and sends a
        # deferred copy; a copy that meets a held lock is deferred again.
        if answer in {WakeUpOutcome.HELD, WakeUpOutcome.UNKNOWN}:
            if name not in self._watches or wake_up.is_deferred_copy:
                await self._send_copy(name)
            self._watches.begin(name)
        return answer

    async def take_up(self, lock_name: str) -> bool:
        """Try for a lock of which no wake-up came; return whether it is served or tried for then."""
        if self.is_serving(lock_name):
            self.look_for_slots(lock_name)
            return True
        if lock_name in self._watches or not self.has_capacity:
            return True
        return await self.try_for(lock_name) != WakeUpOutcome.EMPTY

    async def look(self, lock_name: str, job_id: str) -> None:
        """Look at a running job after a hint that it changed."""
        for session in self._sessions_of(lock_name):
            await session.look(job_id)

    async def stop(self, grace: float) -> None:
        """Accept no more work, give runs `grace` seconds, interrupt the rest, notify for watched locks."""
        # Rule R17 (spec/turnstile.pml): a worker that stops interrupts its runs and notifies the others.
        self._is_stopping = True
        self._capacity_changed.set()
        self._slots.end()
        watched = self._watches.end()
        self._due_times.end()
        tasks = {session.task for session in self._sessions.values() if session.task is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(grace, 0.001))
            for session in self._sessions.values():
                if session.tenure is not None:
                    session.tenure.request_stop(StopReason.SHUTDOWN)
            if late:
                await asyncio.wait(late)
        await self._pass_on(watched)

    async def drain(self, *, is_draining: bool) -> None:
        """Take no new jobs, or take them again. Runs continue; what waits is left to other workers."""
        self._is_draining = is_draining
        self._capacity_changed.set()
        if is_draining:
            await self._pass_on(self._watches.end())

    async def _pass_on(self, watched: Iterable[str]) -> None:
        # At once: each may take as long as a wake-up may wait for a broker that does not answer.
        await asyncio.gather(
            *(self._ports.notifier.notify(WakeUp(name, slots=self.slots_of(name))) for name in watched)
        )

    async def _send_copy(self, name: str) -> None:
        """Send a deferred copy round, unless one of ours is on its way already."""
        now = self._ports.clock.boot()
        if now - self._copies.get(name, float("-inf")) < self._policy.deferral * 0.8:
            return
        self._copies = {
            lock: sent for lock, sent in self._copies.items() if now - sent < self._policy.deferral
        }
        self._copies[name] = now
        self._observe(WakeUpDeferred(name))
        try:
            copy = WakeUp(name, is_deferred_copy=True, slots=self.slots_of(name))
            await self._ports.notifier.defer(copy)
        except UnknownOutcomeError:
            self._copies.pop(name, None)
            raise

    # --- for sessions and watches --------------------------------------------

    def accepts(self, job: JobRow) -> bool:
        """Return whether to run a job here: its kind is known, or has waited long enough to fail for it."""
        if not self.takes_jobs or self.has_too_many:
            return False
        if self._knows(job.kind):
            return True
        return self._unknown_kinds.waited_enough(job)

    def is_serving(self, lock_name: str) -> bool:
        """Return whether a lock is served here, or tried for, in any of its slots."""
        return any(slot.lock_name == lock_name for slot in self._sessions)

    def is_serving_slot(self, slot: Slot) -> bool:
        """Return whether a slot is served here, or tried for."""
        return slot in self._sessions

    def _sessions_of(self, lock_name: str) -> list[LockSession]:
        return [session for slot, session in self._sessions.items() if slot.lock_name == lock_name]

    def is_watching(self, lock_name: str) -> bool:
        """Return whether this worker keeps trying for a lock that another worker holds."""
        return lock_name in self._watches

    def keep_due_time(self, lock_name: str, due_at: str) -> None:
        """Try for a lock at a time, as the journal writes it, unless this worker is being stopped."""
        if not self.is_stopping:
            self._due_times.keep(lock_name, due_at)

    def learn(self, lock_name: str, slots: int) -> None:
        """Take in how many slots a lock has."""
        self._known_slots.learn(lock_name, slots)

    def slots_of(self, lock_name: str) -> int:
        """Return how many slots a lock is known to have."""
        return self._known_slots.of(lock_name)

    def look_for_slots(self, lock_name: str, job_id: str | None = None) -> None:
        """Have free slots of a lock served that has several, and of which one is served here.

        `job_id` is the job that a wake-up named: its slot may have lost its holder.
        """
        if self._known_slots.of(lock_name) > 1 and not self.is_stopping:
            self._slots.look_soon(lock_name, job_id)

    async def try_for(self, lock_name: str, job_id: str | None = None) -> WakeUpOutcome:
        """Try to serve a lock that is not served yet, and return what came of it.

        `job_id` is the job that a wake-up named, if it did.
        """
        if self._known_slots.of(lock_name) > 1:
            return await self._slots.try_all(lock_name, job_id)
        answer = await self.try_slot(Slot(lock_name))
        # It may have turned out to have a limit; a lock without one has no other slot.
        if answer is WakeUpOutcome.EMPTY and self._known_slots.of(lock_name) > 1 and self.has_capacity:
            return await self._slots.try_all(lock_name, job_id)
        return answer

    async def try_slot(self, slot: Slot) -> WakeUpOutcome:
        """Try to serve a slot that is not served yet, and return what came of it."""
        session = LockSession(
            slot,
            self._ports,
            self._settings,
            self._policy,
            self._executor,
            self._observe,
            self,
            self._watches,
        )
        self._sessions[slot] = session
        self._capacity_changed.set()
        session.task = asyncio.create_task(self._serve(slot, session), name=f"serve {slot}")
        return await asyncio.shield(session.answered)

    async def _serve(self, slot: Slot, session: LockSession) -> None:
        try:
            await session.run()
        finally:
            del self._sessions[slot]
            self._capacity_changed.set()
