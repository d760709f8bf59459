"""The lease keeper acquires a lock's lease, renews it, and reports when it can no longer be trusted."""

from collections.abc import Callable

from coordination.call_tracing import Took, TraceCalls, action, untraced
from coordination.journal.persistence import until_known
from coordination.observations import (
    LeaseAcquired,
    LeaseEnded,
    LeaseReleased,
    LeaseRenewed,
    Observe,
    RenewalFailed,
)
from coordination.outcomes import StopReason
from coordination.ports import Clock, LeaseLostError, Leases, NewId, UnknownOutcomeError, random_id
from coordination.times import LeaseTimes


class LeaseKeeper:
    """One tenure of one lease.

    Every deadline is counted from before the request was sent that granted the time: the store began to count
    later, so ours ends earlier. A late success never moves a deadline that has passed.
    """

    def __init__(
        self,
        lock_name: str,
        lease_name: str,
        leases: Leases,
        clock: Clock,
        times: LeaseTimes,
        observe: Observe,
        on_end: Callable[[StopReason], None],
        new_id: NewId = random_id,
        trace_calls: TraceCalls = untraced,
    ) -> None:
        self._lock_name = lock_name
        self._lease_name = lease_name
        self._leases = leases
        self._clock = clock
        self._times = times
        self._observe = observe
        self._on_end = on_end
        self._trace_calls = trace_calls
        self._granted = float("-inf")
        self._ended = False
        #: Fresh for every tenure, as an acquire repeated with the same id succeeds.
        self.lease_id = str(new_id())

    @property
    def renewed(self) -> float:
        """Boot time before the request was sent that last granted the lease."""
        return self._granted

    @property
    def soft_deadline(self) -> float:
        """Boot time after which the job is cancelled and nothing more is written."""
        return self._granted + self._times.soft

    @property
    def hard_deadline(self) -> float:
        """Boot time at which the runner is killed."""
        # Rule T2 (spec/lease.pml): counted from before the request.
        return self._granted + self._times.hard

    @property
    def may_write(self) -> bool:
        """Whether transactions may still be sent."""
        return not self._ended and self._clock.boot() < self.soft_deadline

    @action
    async def acquire(self, took: Took) -> None:
        """Take the lease. Raises LeaseHeldError, or UnknownOutcomeError when the store stays silent."""
        # Rule R1 (spec/turnstile.pml): only one holder has the lease, and it may expire under it.
        began = self._clock.boot()

        async def attempt() -> float:
            # Rule T1 (spec/lease.pml): read the clock before the request is sent.
            sent = self._clock.boot()
            await self._leases.acquire(
                self._lease_name, self._times.duration, self.lease_id, self._times.call_timeout
            )
            return sent

        try:
            self._granted = await until_known(self._clock, attempt, until=began + self._times.soft)
        except UnknownOutcomeError:
            # The last try may have been granted: no other worker would get the lock for that long.
            await self.release()
            raise
        self._observe(LeaseAcquired(self._lock_name, self._clock.boot() - began, took=took))

    async def keep(self) -> None:
        """Renew until the lease is lost or could not be renewed in time; then report that, once."""
        due = self._granted + self._times.renew_every
        while True:
            await self._clock.sleep(max(0.0, min(due, self.soft_deadline) - self._clock.boot()))
            sent = self._clock.boot()
            if sent >= self.soft_deadline:
                self._end(StopReason.DEADLINE, "not renewed in time")
                return
            try:
                await self._renew(min(self._times.call_timeout, self.soft_deadline - sent))
            except LeaseLostError as error:
                self._end(StopReason.LOST, str(error))
                return
            except UnknownOutcomeError as error:
                self._observe(RenewalFailed(self._lock_name, str(error)))
                due = self._clock.boot() + self._clock.jitter(0.2, 1.0)
                continue
            margin = self.soft_deadline - self._clock.boot()
            if margin > 0:
                self._granted = sent
                due = sent + self._times.renew_every
                self._observe(LeaseRenewed(self._lock_name, margin))

    async def _renew(self, timeout: float) -> None:
        await self._leases.renew(self._lease_name, self.lease_id, timeout)

    def end(self) -> None:
        """Stop writing for good; the lease itself is given back by `release`."""
        self._ended = True

    def _end(self, reason: StopReason, message: str) -> None:
        self._ended = True
        self._observe(LeaseEnded(self._lock_name, message, reason is StopReason.LOST))
        self._on_end(reason)

    @action
    async def release(self, took: Took) -> None:
        """Release the lease, repeatedly until the answer is definite or the lease has run out."""
        self._ended = True

        async def attempt() -> None:
            await self._leases.release(self._lease_name, self.lease_id, self._times.call_timeout)

        try:
            await until_known(self._clock, attempt, until=self._clock.boot() + self._times.duration)
        except UnknownOutcomeError:
            return  # it has run out by now
        self._observe(LeaseReleased(self._lock_name, took=took))
