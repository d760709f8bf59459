"""What the list of jobs reads, and what it costs."""

import asyncio
from datetime import timedelta
from typing import Literal

import pytest
from tests.conformance.documents import NOON, summary
from tests.unit.dashboard.shown import joined

from contracts.statuses import JobStatus
from coordination.clock import VirtualClock
from dashboard.jobs_page.parts import cursor_problem, empty
from dashboard.jobs_question import JobsQuestion
from dashboard.reading.jobs import PAGE, JobsReader
from read_models import CursorError, Watermark
from read_models.memory import InMemoryReadModels


class History:
    """A history of jobs in the double, and its reader."""

    def __init__(self) -> None:
        self.models, self.clock = InMemoryReadModels(), VirtualClock()
        self.reader = JobsReader(self.models, self.clock)
        self.requests = 0
        self.models.calls.fault = self._count

    async def _count(self, when: Literal["before", "after"], call: str) -> None:
        self.requests += when == "before"

    async def fill(self, count: int, **values: object) -> None:
        for number in range(count):
            job = summary(NOON - timedelta(minutes=number), **{"name": f"job {number}", **values})
            await self.models.record_summary(job, Watermark(1, "h"), None)
        self.requests = 0


@pytest.mark.parametrize("count", [100, 5_000])
async def test_a_page_is_one_request_however_long_the_history_and_however_far_back(count: int) -> None:
    history = History()
    await history.fill(count)
    cursor = None
    for number in range(3):
        found = await history.reader.page(JobsQuestion(cursor=cursor))
        assert found.jobs[0].name == f"job {number * PAGE}"
        assert not found.is_dear
        cursor = found.next
    assert history.requests == 3


async def test_many_viewers_of_one_list_cost_what_one_costs() -> None:
    history = History()
    await history.fill(10)
    await asyncio.gather(*(history.reader.page(JobsQuestion()) for _ in range(20)))
    assert history.requests == 1
    await history.reader.page(JobsQuestion(text="job 3"))
    assert history.requests == 2
    await history.clock.advance(2)
    await history.reader.page(JobsQuestion())
    assert history.requests == 3


async def test_a_search_says_that_it_stopped_and_can_be_continued() -> None:
    history = History()
    history.models.most_looked_through = 100
    await history.fill(1000)
    found = await history.reader.page(JobsQuestion(text="job 9"))
    # Job 9 and jobs 90 to 99, then 190 to 199 have "job 1..." for a name.
    assert [job.name for job in found.jobs] == ["job 9", *(f"job {number}" for number in range(90, 100))]
    assert (found.is_partial, found.is_dear) == (True, True)
    assert history.requests == 2
    more = await history.reader.page(JobsQuestion(text="job 9", cursor=found.next))
    both = found.followed_by(more)
    assert len(both.jobs) == len(found.jobs) + len(more.jobs)
    assert both.looked_through == found.looked_through + more.looked_through
    assert both.next == more.next


async def test_all_that_match_are_bounded() -> None:
    history = History()
    await history.fill(50, status=JobStatus.RUNNING)
    found = await history.reader.all(JobsQuestion(), 20)
    assert (len(found.jobs), found.next is None) == (20, False)
    whole = await history.reader.all(JobsQuestion(statuses=frozenset({JobStatus.RUNNING})), 1000)
    assert (len(whole.jobs), whole.next) == (50, None)
    history.models.most_looked_through = 1
    history.requests = 0
    await history.reader.all(JobsQuestion(text="no such job"), 1000)
    assert history.requests == 20


async def test_a_cursor_that_nobody_gave_is_refused() -> None:
    with pytest.raises(CursorError):
        await History().reader.page(JobsQuestion(cursor="WyJhIl0"))


@pytest.mark.parametrize(
    ("cursor", "said"),
    [("WyJh", "does not exist"), ("WyIxIiwgImIiXQ", "of another list"), (None, "of another list")],
)
async def test_an_address_of_another_list_or_an_earlier_version_is_explained(
    cursor: str | None, said: str
) -> None:
    history = History()
    await history.fill(30, lock="ledger")
    first = await history.reader.page(JobsQuestion(lock="ledger"))
    cursor = cursor or first.next
    with pytest.raises(CursorError) as refused:
        await history.reader.page(JobsQuestion(cursor=cursor))
    assert said in cursor_problem(refused.value)
    shown = joined(empty(JobsQuestion(cursor=cursor), cursor_problem(refused.value)))
    assert shown.endswith("Show the newest jobs")


async def test_a_cursor_is_one_in_every_period() -> None:
    history = History()
    await history.fill(30)
    first = await history.reader.page(JobsQuestion(submitted="30d"))
    assert first.next is not None
    history.clock.jump(60)
    assert (await history.reader.page(JobsQuestion(submitted="30d", cursor=first.next))).jobs


async def test_only_the_latest_lists_are_remembered() -> None:
    history = History()
    for number in range(150):
        await history.reader.page(JobsQuestion(text=str(number)))
    history.requests = 0
    await history.reader.page(JobsQuestion(text="0"))
    await history.reader.page(JobsQuestion(text="149"))
    assert history.requests == 1
