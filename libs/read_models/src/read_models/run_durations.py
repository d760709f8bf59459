"""How long ended jobs ran under a lock, by their kinds."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from contracts.statuses import EventStatus
from coordination.ports import Clock
from read_models.ports import ReadModels

#: The latest runs that are looked at, and seconds for which the answer is good enough.
_RUNS, _FRESH_SECONDS = 200, 60.0

_MOST_REMEMBERED = 200

Durations = Mapping[str, Sequence[float]]


class DurationsReader:
    """Reads durations for all viewers of a process, on one event loop; two requests a minute per lock."""

    def __init__(self, models: ReadModels, clock: Clock) -> None:
        self._models = models
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Durations]] = OrderedDict()
        self._reading = asyncio.Lock()

    async def of_lock(self, lock: str) -> Durations:
        """Return the seconds that the latest completed runs took, by kind. Raises UnknownOutcomeError.

        A run that continued an earlier one that was cut off is left out: it took less than a whole one.
        """
        async with self._reading:
            until, known = self._known.get(lock, (0.0, {}))
            if self._clock.boot() >= until:
                known = await self._read(lock)
                self._known[lock] = self._clock.boot() + _FRESH_SECONDS, known
                self._known.move_to_end(lock)
                while len(self._known) > _MOST_REMEMBERED:
                    self._known.popitem(last=False)
            return known

    async def _read(self, lock: str) -> Durations:
        found: dict[str, list[float]] = {}
        for run in (await self._models.lock_runs(lock, _RUNS)).items:
            is_whole = run.attempt == 1 and run.outcome == EventStatus.COMPLETED
            if is_whole and run.kind and run.began_at is not None and run.ended_at is not None:
                seconds = (run.ended_at - run.began_at).total_seconds()
                found.setdefault(run.kind, []).append(max(0.0, seconds))
        return found
