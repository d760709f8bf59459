"""The rounds of the scheduler on duty: sweep each time, and now and then survey what there is."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from contracts.jobs import Worker
from coordination.ports import ActiveJob, Clock, UnknownOutcomeError
from coordination.survey import Survey, Surveyor
from coordination.sweeper import Sweeper, Swept

#: Reads the latest heartbeat of every worker. Raises UnknownOutcomeError.
ReadWorkers = Callable[[], Awaitable[Sequence[Worker]]]


class Watch(Protocol):
    """Who is told what the rounds found."""

    def swept(self, swept: Swept, seconds: float) -> None:
        """Tell of a pass of the sweeper, and how long it took."""

    def surveyed(self, survey: Survey, workers: Sequence[Worker]) -> None:
        """Tell of a survey."""

    def gave_up(self, error: UnknownOutcomeError) -> None:
        """Tell that the storage did not answer; the next round goes on."""


class Rounds:
    """Sweeps, and surveys at most once in `survey_seconds`, by the active jobs that the sweep has read."""

    def __init__(
        self,
        sweeper: Sweeper,
        surveyor: Surveyor,
        read_workers: ReadWorkers,
        clock: Clock,
        watch: Watch,
        survey_seconds: float,
    ) -> None:
        self._sweeper = sweeper
        self._surveyor = surveyor
        self._read_workers = read_workers
        self._clock = clock
        self._watch = watch
        self._survey_seconds = survey_seconds
        self._next_survey = float("-inf")

    async def go(self) -> None:
        """Make one round, as far as the storage answers."""
        began = self._clock.boot()
        try:
            swept = await self._sweeper.sweep()
            self._watch.swept(swept, self._clock.boot() - began)
            if began >= self._next_survey:
                await self._survey(swept.jobs)
                self._next_survey = began + self._survey_seconds
        except UnknownOutcomeError as error:
            self._watch.gave_up(error)

    async def _survey(self, active: Sequence[ActiveJob]) -> None:
        survey = await self._surveyor.survey(active)
        self._watch.surveyed(survey, await self._read_workers())
