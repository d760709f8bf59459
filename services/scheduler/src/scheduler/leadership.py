"""Being on duty: one scheduler makes its rounds, the others stand by. Two at once would do no harm."""

import asyncio
from typing import Protocol

from coordination.holder.lease_keeper import LeaseKeeper
from coordination.observations import LeaseEnded, Observation
from coordination.outcomes import StopReason
from coordination.ports import Clock, LeaseHeldError, Leases, NewId, UnknownOutcomeError, random_id
from coordination.times import LeaseTimes
from scheduler.rounds import Rounds

#: Name of the lease, and of its blob; no lock's partition can have it, as those end in a hash.
DUTY = "scheduler"

#: Seconds between two tries of a standby.
_STANDBY_SECONDS = 5.0

#: Of the time between two rounds, what a long round leaves at least.
_SHORTEST_PAUSE = 0.2


class Watch(Protocol):
    """Who is told about the duty."""

    def on_duty(self) -> None:
        """Tell that this scheduler is on duty now."""

    def lost(self, reason: str) -> None:
        """Tell that the duty was lost, and why."""

    def off_duty(self) -> None:
        """Tell that this scheduler is on duty no more, for whatever reason."""


class Leadership:
    """Makes rounds while it holds the scheduler's lease, `pause_seconds` from start to start."""

    def __init__(
        self,
        leases: Leases,
        clock: Clock,
        rounds: Rounds,
        times: LeaseTimes,
        pause_seconds: float,
        watch: Watch,
        new_id: NewId = random_id,
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._rounds = rounds
        self._times = times
        self._pause_seconds = pause_seconds
        self._watch = watch
        self._new_id = new_id

    async def keep_up(self) -> None:
        """Serve, or stand by, until cancelled."""
        while True:
            await self.serve()
            await self._clock.sleep(_STANDBY_SECONDS)

    async def serve(self) -> None:
        """Be on duty once, if nobody else is, until the lease is lost."""
        keeper = LeaseKeeper(
            DUTY, DUTY, self._leases, self._clock, self._times, self._observe, _ignore, self._new_id
        )
        try:
            await keeper.acquire()
        except (LeaseHeldError, UnknownOutcomeError):
            return
        keeping = asyncio.create_task(keeper.keep())
        self._watch.on_duty()
        try:
            while keeper.may_write:
                began = self._clock.boot()
                await self._rounds.go()
                # Whoever waits for the next round does not care how long this one took.
                left = began + self._pause_seconds - self._clock.boot()
                await self._clock.sleep(max(left, self._pause_seconds * _SHORTEST_PAUSE))
        finally:
            self._watch.off_duty()
            keeping.cancel()
            await keeper.release()

    def _observe(self, observation: Observation) -> None:
        if isinstance(observation, LeaseEnded):
            self._watch.lost(observation.reason)


def _ignore(reason: StopReason) -> None:
    """A sweep under way may go on: all it does is harmless twice."""
