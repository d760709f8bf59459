"""Looking for events that no message told of, while RabbitMQ takes none.

The audit trail goes on without RabbitMQ, and nothing is left to catch up with when it is back.
"""

from collections.abc import Awaitable, Callable, Sequence

from coordination.maintenance.comparison import Comparison, ProjectedSeqs
from coordination.maintenance.pauses import Pace, Stillness
from coordination.maintenance.register_search import RegisterSearch
from coordination.ports import ActiveJob, Announcement, Clock, JobRegister, Journal
from coordination.retention_times import RetentionTimes

#: No message is waited for. A job that nothing happens to is looked at every ten seconds at last.
_PACE = Pace(patience=0.0, first_pause=5.0, longest_pause=30.0, first_look=1.0, longest_look=10.0)

_FOR_GOOD = RetentionTimes()


class EventSearch:
    """Compares active jobs with the read models, and has those projected that have new events.

    `is_needed` returns whether messages may not arrive now.
    """

    def __init__(
        self,
        journal: Journal,
        register: JobRegister,
        projected_seqs: ProjectedSeqs,
        clock: Clock,
        project: Callable[[Sequence[Announcement]], Awaitable[None]],
        is_needed: Callable[[], bool],
        times: RetentionTimes = _FOR_GOOD,
    ) -> None:
        self._project = project
        self._found: list[Announcement] = []
        self._jobs = Stillness(clock)
        self._comparison = Comparison(
            journal, register, self._found.extend, clock, projected_seqs, self._jobs, _PACE, times
        )
        self._search = RegisterSearch(register, clock, is_needed, self._look_at)

    async def keep_searching(self) -> None:
        """Search again and again while it is needed, until cancelled. Silent storage ends one search."""
        await self._search.keep_searching()

    async def _look_at(self, active: Sequence[ActiveJob]) -> None:
        jobs = {job.job_id for job in active}
        self._jobs.forget_all_but(jobs)
        self._comparison.forget_all_but(jobs)
        self._found.clear()
        await self._comparison.compare_some(active)
        await self._project(self._found)
