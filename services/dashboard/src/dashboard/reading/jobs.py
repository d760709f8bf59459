"""What the list of jobs reads: one request for a page, however far back; a few for a search."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.jobs import JobSummary
from coordination.ports import Clock
from dashboard.jobs_question import JobsQuestion
from read_models import ReadModels

#: Jobs on a page.
PAGE = 25

#: Pages of the read models that one search reads; each looks through some thousand jobs.
_MOST_READS = 2

#: Jobs that are taken at most where all that match are wanted.
MOST_CHOSEN, MOST_DOWNLOADED = 500, 5_000

#: Jobs read at a time for these, and how often at most.
_LARGE_PAGE, _MOST_LARGE_READS = 1_000, 20

_FRESH_SECONDS = 1.0
_MOST_REMEMBERED = 100


@dataclass(frozen=True)
class JobList:
    """A page of jobs, and how far the search for them went."""

    jobs: Sequence[JobSummary]
    #: Cursor of what follows; None at the end of the history.
    next: str | None
    #: 0 where only jobs that fit were read.
    looked_through: int = 0
    back_to: datetime | None = None

    @property
    def is_partial(self) -> bool:
        """Whether the search stopped before it had found a whole page; it can be continued."""
        return self.next is not None and len(self.jobs) < PAGE

    @property
    def is_dear(self) -> bool:
        """Whether jobs that do not fit had to be read, so that it costs more than a page."""
        return self.is_partial or self.looked_through > 2 * len(self.jobs) + PAGE

    def followed_by(self, more: "JobList") -> "JobList":
        """Return this list with what a further search found behind it."""
        return JobList(
            [*self.jobs, *more.jobs],
            more.next,
            self.looked_through + more.looked_through,
            more.back_to or self.back_to,
        )


class JobsReader:
    """Reads lists of jobs for all viewers of a process, on one event loop.

    Calls raise UnknownOutcomeError.
    """

    def __init__(self, models: ReadModels, clock: Clock) -> None:
        self._models = models
        self._clock = clock
        self._known: OrderedDict[JobsQuestion, tuple[float, JobList]] = OrderedDict()
        self._reading = asyncio.Lock()

    async def page(self, question: JobsQuestion) -> JobList:
        """Return the page that a question asks for. Raises CursorError, too."""
        async with self._reading:
            until, known = self._known.get(question, (0.0, None))
            if known is None or self._clock.boot() >= until:
                known = await self._search(question)
                self._remember(question, known)
            return known

    async def all(self, question: JobsQuestion, most: int) -> JobList:
        """Return the newest jobs that fit, at most this number, and whether there are more (`next`)."""
        found = JobList([], None)
        for _ in range(_MOST_LARGE_READS):
            limit = min(_LARGE_PAGE, most - len(found.jobs))
            found = found.followed_by(await self._read(replace(question, cursor=found.next), limit))
            if found.next is None or len(found.jobs) >= most:
                break
        return found

    async def _search(self, question: JobsQuestion) -> JobList:
        found = await self._read(question, PAGE)
        for _ in range(1, _MOST_READS):
            if not found.is_partial:
                break
            rest = replace(question, cursor=found.next)
            found = found.followed_by(await self._read(rest, PAGE - len(found.jobs)))
        return found

    async def _read(self, question: JobsQuestion, limit: int) -> JobList:
        wanted = question.filter(self._clock.now())
        page = await self._models.jobs(wanted, limit, question.cursor)
        return JobList(page.items, page.next, page.looked_through, page.looked_back_to)

    def _remember(self, question: JobsQuestion, known: JobList) -> None:
        self._known[question] = self._clock.boot() + _FRESH_SECONDS, known
        self._known.move_to_end(question)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
