"""The duty: one scheduler makes its rounds, the others stand by. Two at once would do no harm."""

import asyncio
from dataclasses import replace

from coordination.holder.lease_keeper import LeaseKeeper
from coordination.observations import LeaseEnded, Observation
from coordination.outcomes import StopReason
from coordination.ports import Clock, LeaseHeldError, Leases, NewId, UnknownOutcomeError, random_id
from coordination.times import LeaseTimes
from scheduler.observer import Observer
from scheduler.periodic import Rounds

#: Name of the lease, and of its blob; no lock's partition can have it, as those end in a hash.
DUTY = "scheduler"

#: Seconds between two tries of a standby.
_STANDBY_SECONDS = 5.0

#: Part of the time between two rounds that is left between them, however long a round takes.
_SHORTEST_PAUSE = 0.2


def duty_times(seconds: float) -> LeaseTimes:
    """Return the times of a duty whose lease lasts so long: at most one renewal may fail.

    It is renewed less often than a lock's lease, as nothing is lost with it: all a scheduler does is harmless
    twice, and the next one waits as long as for one that died.
    """
    times = LeaseTimes.of(seconds)
    return replace(times, renew_every=times.soft * 2 / 3)


class Leadership:
    """Makes rounds while it holds the scheduler's lease."""

    def __init__(
        self,
        leases: Leases,
        clock: Clock,
        rounds: Rounds,
        times: LeaseTimes,
        observer: Observer,
        new_id: NewId = random_id,
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._rounds = rounds
        self._times = times
        self._observer = observer
        self._new_id = new_id

    async def keep_up(self) -> None:
        """Serve, or stand by, until cancelled."""
        while True:
            await self.serve()
            await self._clock.sleep(_STANDBY_SECONDS)

    async def serve(self) -> None:
        """Be on duty once, if no other scheduler is, until the lease is lost."""
        keeper = LeaseKeeper(
            DUTY, DUTY, self._leases, self._clock, self._times, self._observe, _ignore, self._new_id
        )
        try:
            await keeper.acquire()
        except (LeaseHeldError, UnknownOutcomeError):
            return
        keeping = asyncio.create_task(keeper.keep())
        self._observer.on_duty()
        try:
            while keeper.may_write:
                began = self._clock.boot()
                await self._rounds.go()
                left = began + self._rounds.seconds - self._clock.boot()
                await self._rounds.pause(max(left, self._rounds.seconds * _SHORTEST_PAUSE))
        finally:
            self._observer.off_duty()
            keeping.cancel()
            await keeper.release()

    def _observe(self, observation: Observation) -> None:
        if isinstance(observation, LeaseEnded):
            self._observer.lost(observation.reason)


def _ignore(reason: StopReason) -> None:
    """Let the round continue: all it does is harmless twice."""
