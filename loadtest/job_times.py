"""The times of jobs among Locust's own statistics."""

import itertools
import time
from collections.abc import Iterable
from typing import Any

from locust.env import Environment

from loadtest import histories
from loadtest.figures import Figures
from loadtest.histories import History


class JobTimes:
    """Adds the times of jobs to the statistics, as if each were a request."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def add(self, history: History) -> None:
        """Add how long a job waited in line."""
        for run in history.runs:
            self._fire("time in line", (run.start - run.waiting_since).total_seconds())

    def add_distances(self, figures: Figures, ended: Iterable[History]) -> None:
        """Add what is known only when all jobs have ended."""
        for seconds in figures.take_over_seconds:
            self._fire("take-over", seconds)
        for seconds in figures.start_late_seconds:
            self._fire("from due time to start", seconds)
        busiest = max(histories.runs_by_lock(ended).values(), key=len, default=[])
        for earlier, later in itertools.pairwise(busiest):
            self._fire("job through the busiest lock", (later.end - earlier.end).total_seconds())

    def _fire(self, name: str, seconds: float) -> None:
        fire: Any = self._environment.events.request.fire
        fire(
            request_type="JOB",
            name=name,
            response_time=1000 * seconds,
            response_length=0,
            exception=None,
            context={},
            response=None,
            url=None,
            start_time=time.time(),
        )
