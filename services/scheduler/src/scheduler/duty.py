"""Being on duty: one scheduler sweeps, the others stand by. Two at once would do no harm."""

import asyncio
import logging
from dataclasses import asdict

from coordination.keeper import Keeper
from coordination.observations import LeaseEnded, Observation
from coordination.outcomes import StopReason
from coordination.ports import Clock, LeaseHeldError, Leases, UnknownOutcomeError
from coordination.sweeper import Sweeper
from coordination.times import LeaseTimes

#: Name of the lease, and of its blob; no lock's partition can have it, as those end in a hash.
DUTY = "scheduler"

#: Seconds between two tries of a standby.
_STANDBY_SECONDS = 5.0

logger = logging.getLogger("turnstile.scheduler")


class Duty:
    """Sweeps while it holds the scheduler's lease."""

    def __init__(
        self, leases: Leases, clock: Clock, sweeper: Sweeper, times: LeaseTimes, sweep_seconds: float
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._sweeper = sweeper
        self._times = times
        self._sweep_seconds = sweep_seconds
        self.is_on_duty = False

    async def keep_up(self) -> None:
        """Serve, or stand by, until cancelled."""
        while True:
            await self.serve()
            await self._clock.sleep(_STANDBY_SECONDS)

    async def serve(self) -> None:
        """Be on duty once, if nobody else is, until the lease is lost."""
        keeper = Keeper(DUTY, DUTY, self._leases, self._clock, self._times, _observe, _ignore)
        try:
            await keeper.acquire()
        except (LeaseHeldError, UnknownOutcomeError):
            return
        logger.info("on duty")
        keeping = asyncio.create_task(keeper.keep())
        self.is_on_duty = True
        try:
            while keeper.may_write:
                await self._sweep()
                await self._clock.sleep(self._sweep_seconds)
        finally:
            self.is_on_duty = False
            keeping.cancel()
            await keeper.release()

    async def _sweep(self) -> None:
        try:
            swept = await self._sweeper.sweep()
        except UnknownOutcomeError as error:
            logger.warning("sweep not finished", extra={"error": str(error)})
            return
        level = logging.INFO if swept.rung or swept.announced or swept.abandoned else logging.DEBUG
        logger.log(level, "swept", extra={f"sweep.{name}": count for name, count in asdict(swept).items()})


def _observe(observation: Observation) -> None:
    if isinstance(observation, LeaseEnded):
        logger.warning("off duty", extra={"reason": observation.reason})


def _ignore(reason: StopReason) -> None:
    """A sweep under way may go on: all it does is harmless twice."""
