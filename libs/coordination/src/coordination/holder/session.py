"""Serving a lock: hold it, run one job after another, and leave no work behind."""

import asyncio

from coordination.call_tracing import Took, action
from coordination.holder.held_rows import FencedError
from coordination.holder.lock_server import LockServer, WakeUpOutcome
from coordination.holder.policy import HolderSettings, Ports, WorkerPolicy
from coordination.holder.runs import Executor, Run
from coordination.holder.tenure import Tenure
from coordination.holder.watches import Watches
from coordination.journal.line import WrongLockError
from coordination.journal.line_reading import read_line_until
from coordination.observations import LeaseDenied, LockLeft, NotForThisWorker, Observe
from coordination.outcomes import Interrupted, Lost
from coordination.ports import LeaseHeldError, RefusedError, UnknownOutcomeError, WakeUp
from coordination.slot import Slot


class LockSession:
    """This worker's serving of one lock, from the first try to the last release.

    To leave a lock, for any reason, means: release it, look once more, and take what waits or notify the
    workers of it.
    """

    def __init__(
        self,
        slot: Slot,
        ports: Ports,
        settings: HolderSettings,
        policy: WorkerPolicy,
        executor: Executor,
        observe: Observe,
        server: LockServer,
        watches: Watches,
    ) -> None:
        self._slot = slot
        self._name = slot.lock_name
        self._ports = ports
        self._trace_calls = ports.trace_calls
        self._settings = settings
        self._policy = policy
        self._executor = executor
        self._observe = observe
        self._server = server
        self._watches = watches
        #: What came of the first try.
        self.answered: asyncio.Future[WakeUpOutcome] = asyncio.get_running_loop().create_future()
        #: The holding in progress.
        self.tenure: Tenure | None = None
        self.task: asyncio.Task[None] | None = None
        #: Whether a wake-up came since the last look at the line began.
        self._is_notified = False

    async def run(self) -> None:
        """Serve the lock until nothing is left to do here."""
        try:
            while await self._serve_once():
                self._answer(WakeUpOutcome.TAKEN)
        finally:
            self._answer(WakeUpOutcome.EMPTY)

    def hint(self) -> None:
        """Note that a wake-up came."""
        self._is_notified = True
        if self.tenure is not None:
            self.tenure.hint()

    async def look(self, job_id: str) -> None:
        """Look at a running job after a hint that it changed."""
        if self.tenure is not None and self.tenure.running == job_id:
            await self._glance(self.tenure)

    def _answer(self, answer: WakeUpOutcome) -> None:
        if not self.answered.done():
            self.answered.set_result(answer)

    async def _serve_once(self) -> bool:
        """Hold the lock once, and return whether to try for it again at once."""
        tenure = Tenure(self._slot, self._ports, self._settings, self._observe)
        try:
            await tenure.keeper.acquire()
        except LeaseHeldError:
            self._observe(LeaseDenied(self._name))
            self._conflict(WakeUpOutcome.HELD)
            return False
        except UnknownOutcomeError:
            self._conflict(WakeUpOutcome.UNKNOWN)
            return False
        self.tenure = tenure
        try:
            passes_on = await self._hold(tenure)
        finally:
            self.tenure = None
        return await self._leave(passes_on=passes_on, gave_back=tenure.gave_back)

    def _conflict(self, answer: WakeUpOutcome) -> None:
        """Leave a lock to its holder, but watch it, also when no caller waits for our answer."""
        if self.answered.done():
            self._watches.begin(self._name)
        self._answer(answer)

    async def _hold(self, tenure: Tenure) -> bool:
        """Run jobs until the line is empty or the lock is lost; return whether to pass on what waits."""
        keeping = asyncio.create_task(tenure.keeper.keep())
        flushing = asyncio.create_task(self._flush(tenure))
        began = self._ports.clock.boot()
        passes_on = False
        try:
            run = await tenure.take_over(self._server.accepts)
            self._server.learn(self._name, tenure.slots)
            while run is not None:
                self._answer(WakeUpOutcome.TAKEN)
                self._look_for_slots(tenure)
                outcome = await self._executor.execute(run)
                if isinstance(outcome, Lost):
                    break
                held_long = self._ports.clock.boot() - began > self._policy.longest_tenure
                passes_on = held_long and not self._server.has_capacity
                chain = not passes_on and self._server.takes_jobs and not isinstance(outcome, Interrupted)
                run = await tenure.finish(outcome, self._server.accepts if chain else None)
                if run is None and chain:
                    run = await self._linger(tenure)
        except RefusedError:
            await self._ports.clock.sleep(self._ports.clock.jitter(0, 0.1))
        except (FencedError, UnknownOutcomeError, WrongLockError):
            pass  # reported to the observer where it was found; the exit rules follow
        finally:
            keeping.cancel()
            flushing.cancel()
            await tenure.keeper.release()
        return passes_on

    async def _linger(self, tenure: Tenure) -> Run | None:
        until = self._ports.clock.boot() + self._policy.linger
        while self._ports.clock.boot() < until and self._server.takes_jobs:
            await self._ports.clock.sleep(0.1)
            run = await tenure.take_over(self._server.accepts)
            if run is not None:
                return run
        return None

    async def _flush(self, tenure: Tenure) -> None:
        """Write progress as it comes, and look for changes by others as often as the lease is renewed."""
        looked = self._ports.clock.boot()
        while True:
            await self._ports.clock.sleep(self._settings.flush_seconds)
            if self._slot.number == 0 and tenure.running:
                self._look_for_slots(tenure)
            try:
                await tenure.flush()
            except FencedError:
                return  # the run was asked to stop
            except UnknownOutcomeError:
                pass  # a refusal that is not explained yet; the next write or look asks again
            if self._ports.clock.boot() - looked >= self._settings.times.renew_every:
                looked = self._ports.clock.boot()
                await self._glance(tenure)

    def _look_for_slots(self, tenure: Tenure) -> None:
        """Have free slots served, if the lock has several: who meets slot 0 held does not know of them."""
        if tenure.slots > 1:
            self._server.look_for_slots(self._name)

    async def _glance(self, tenure: Tenure) -> None:
        try:
            await tenure.look()
        except (FencedError, UnknownOutcomeError):
            return  # the run was asked to stop, or the next look asks again

    @action
    async def _leave(self, took: Took, *, passes_on: bool, gave_back: bool) -> bool:
        """Follow the exit rules after a release, and return whether to try for the lock again at once."""
        try:
            return await self._look_once_more(passes_on=passes_on, gave_back=gave_back)
        finally:
            self._observe(LockLeft(self._name, took=took))

    async def _look_once_more(self, *, passes_on: bool, gave_back: bool) -> bool:
        # Rules R11 and R12 (spec/turnstile.pml): after a release look at the line, again if a wake-up came.
        while True:
            self._is_notified = False
            until = self._ports.clock.boot() + self._settings.times.journal_deadline
            try:
                line = await read_line_until(self._ports.journal, self._ports.clock, self._slot, until)
            except UnknownOutcomeError:
                self._conflict(WakeUpOutcome.UNKNOWN)
                return False
            except WrongLockError:
                return False
            self._server.learn(self._name, line.slots)
            if line.has_work:
                break
            if line.tickets and (line.lock.is_closed or gave_back):
                # Rule S5 (spec/slots.pml): a job that was cut off here goes on in a slot that may start it.
                await self._notify()
                return False
            # A wake-up that came in the meantime was dropped; its work may be newer than this read.
            if not self._is_notified:
                if line.changes_at is not None:
                    self._server.keep_due_time(self._name, line.changes_at)
                return False
        if not self._server.takes_jobs or self._server.has_too_many or passes_on:
            await self._notify()
            return False
        first = line.first
        if first is not None and not line.lock.job_id and line.startable(self._server.accepts) is None:
            self._observe(NotForThisWorker(self._name, first.kind))
            await self._defer_quietly(WakeUp(self._name, first.job_id, traceparent=first.traceparent))
            return False
        return True

    async def _notify(self) -> None:
        slots = self._server.slots_of(self._name)
        await self._ports.notifier.notify(WakeUp(self._name, released=True, slots=slots))

    async def _defer_quietly(self, wake_up: WakeUp) -> None:
        try:
            await self._ports.notifier.defer(wake_up)
        except UnknownOutcomeError:
            return  # the broker is away; the sweeper notifies of what waits
