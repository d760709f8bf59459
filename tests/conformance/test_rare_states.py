"""What every implementation does with rare states: lists of their own; and how far a page of jobs looked."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.conformance.documents import NOON, summary
from tests.conformance.stores import Models
from tests.conformance.test_job_lists import listed, stored

from contracts.jobs import JobSummary
from contracts.statuses import JobStatus
from coordination.ports import UnknownOutcomeError
from read_models import ReadModelWriter
from read_models.cursors import CursorError, write_cursor
from read_models.documents import StaleError, Watermark
from read_models.filters import JobFilter
from read_models.lists import jobs_list

FAILED = JobFilter(statuses={JobStatus.FAILED})
BADLY_ENDED = JobFilter(statuses={JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.CANCELLED})
TAKEN_OVER = JobFilter(taken_over=True)


def history(count: int) -> list[JobSummary]:
    """Return jobs that completed, a hundred in each minute."""
    return [
        summary(
            NOON + timedelta(minutes=number // 100, microseconds=number % 100), status=JobStatus.COMPLETED
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [100, 5_000])
async def test_a_page_of_jobs_in_a_rare_state_costs_one_request_whatever_the_history(
    tables: Models, count: int
) -> None:
    await tables.fill(history(count))
    minutes = [timedelta(minutes=number * count // 900, seconds=1) for number in range(9)]
    rare = await stored(
        tables,
        *(summary(NOON + minute, status=JobStatus.FAILED, interruptions=1) for minute in minutes),
    )
    for wanted in (FAILED, TAKEN_OVER, JobFilter(taken_over=True, statuses={JobStatus.FAILED})):
        tables.requests.clear()
        first = await tables.models.jobs(wanted, 6)
        second = await tables.models.jobs(wanted, 6, first.next)
        assert first.items + second.items == rare
        assert second.next is None
        assert tables.requests == {"read_models.page": 2}
        # It is found by one who looks at ten jobs.
        found = await tables.hasty.jobs(wanted, 9)
        assert (found.items, found.looked_through, found.next) == (rare, 9, None)


async def test_finalized_jobs_are_left_out_unless_they_are_asked_for(tables: Models) -> None:
    done, left = await stored(
        tables,
        summary(NOON, status=JobStatus.FAILED, interruptions=1, finalized=True),
        summary(NOON - timedelta(minutes=5), status=JobStatus.FAILED, interruptions=1),
    )
    for wanted in (JobFilter(), FAILED, BADLY_ENDED, TAKEN_OVER):
        assert (await tables.models.jobs(wanted, 6)).items == [left]
        both = replace(wanted, with_finalized=True)
        assert (await tables.models.jobs(both, 6)).items == [done, left]


async def test_a_page_of_several_rare_states_costs_a_request_each_and_has_one_order(tables: Models) -> None:
    await tables.fill(history(300))
    chance = random.Random(7)
    jobs = await stored(
        tables,
        *(
            summary(
                NOON + timedelta(seconds=17 * number),
                status=chance.choice([JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.CANCELLED]),
            )
            for number in range(20)
        ),
    )
    tables.requests.clear()
    first = await tables.models.jobs(BADLY_ENDED, 12)
    assert tables.requests["read_models.page"] in {1, 3}
    second = await tables.models.jobs(BADLY_ENDED, 12, first.next)
    assert first.items + second.items == jobs
    assert second.next is None
    assert [each.looked_through for each in (first, second)] == [12, 8]
    assert first.looked_back_to == jobs[11].submitted_at


@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_few_jobs_at_a_time_are_all_of_them_in_order(tables: Models, limit: int) -> None:
    jobs = await stored(
        tables,
        *(
            summary(NOON + timedelta(seconds=17 * number), status=status, interruptions=number % 2)
            for number, status in enumerate([JobStatus.FAILED] * 9 + [JobStatus.CANCELLED] * 3)
        ),
    )
    assert await listed(tables, BADLY_ENDED, limit) == jobs
    assert await listed(tables, TAKEN_OVER, limit) == [job for job in jobs if job.interruptions]
    seen: list[JobSummary] = []
    cursor = None
    for _ in range(20):
        page = await tables.hasty.jobs(
            JobFilter(statuses=BADLY_ENDED.statuses, taken_over=False), limit, cursor
        )
        seen, cursor = seen + page.items, page.next
        if cursor is None:
            break
    assert seen == jobs


async def test_a_job_that_was_taken_over_and_then_fails_is_in_both_lists_as_it_is_now(tables: Models) -> None:
    job = summary(NOON, status=JobStatus.RUNNING, attempt=2, interruptions=1)
    version = await tables.writer.record_summary(job, Watermark(5, "h"), None)
    assert await listed(tables, TAKEN_OVER) == [job]
    assert await listed(tables, FAILED) == []
    ended = job.model_copy(update={"status": JobStatus.FAILED})
    await tables.another_writer().record_summary(ended, Watermark(6, "h"), version)
    for wanted in (TAKEN_OVER, FAILED, BADLY_ENDED, JobFilter()):
        assert await listed(tables, wanted) == [ended]


async def test_what_an_older_projection_writes_late_does_not_stay(tables: Models) -> None:
    running = summary(NOON, status=JobStatus.RUNNING, attempt=2, interruptions=1)
    ended = running.model_copy(update={"status": JobStatus.COMPLETED})
    slow = tables.another_writer()
    version = await tables.writer.record_summary(running, Watermark(4, "h"), None)
    await tables.writer.record_summary(ended, Watermark(7, "h"), version)
    for etag in (version, None):
        with pytest.raises(StaleError):
            await slow.record_summary(running, Watermark(5, "h"), etag)
    assert await listed(tables, TAKEN_OVER) == [ended]


async def test_of_two_who_have_read_as_many_events_the_one_who_knows_more_of_the_job_counts(
    tables: Models,
) -> None:
    running = summary(NOON, status=JobStatus.RUNNING, attempt=2, interruptions=1)
    asked = running.model_copy(update={"cancel_requested": True})
    await tables.writer.record_summary(asked, Watermark(5, "h", as_of=6), None)
    with pytest.raises(StaleError):
        await tables.another_writer().record_summary(running, Watermark(5, "h", as_of=5), None)
    assert await listed(tables, TAKEN_OVER) == [asked]


async def test_projectors_at_once_leave_the_newest_in_every_list(tables: Models) -> None:
    job = summary(NOON, status=JobStatus.RUNNING, interruptions=1)
    states = {
        seq: job.model_copy(
            update={
                "attempt": seq,
                "interruptions": seq,
                "status": JobStatus.RUNNING if seq < 12 else JobStatus.FAILED,
            }
        )
        for seq in range(1, 13)
    }

    async def project(writer: ReadModelWriter, seq: int) -> None:
        while True:
            mark = await writer.watermark(job.job_id, NOON)
            if mark.seq >= seq:
                return
            try:
                await writer.record_summary(states[seq], Watermark(seq, "h"), mark.etag)
            except StaleError:
                continue
            return

    chance = random.Random(3)
    writers = [tables.writer, tables.another_writer(), tables.another_writer()]
    order = chance.sample(sorted(states), len(states))
    await asyncio.gather(*(project(chance.choice(writers), seq) for seq in order))
    for wanted in (TAKEN_OVER, FAILED, JobFilter()):
        assert await listed(tables, wanted) == [states[12]]


async def test_a_projector_that_died_in_between_leaves_nothing_wrong(tables: Models) -> None:
    running = summary(NOON, status=JobStatus.RUNNING, interruptions=1)
    tables.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await tables.writer.record_summary(running, Watermark(5, "h"), None)
    tables.lose_answers(False)
    ended = running.model_copy(update={"status": JobStatus.CANCELLED})
    writer = tables.another_writer()
    mark = await writer.watermark(running.job_id, NOON)
    await writer.record_summary(ended, Watermark(6, "h"), mark.etag)
    for wanted in (TAKEN_OVER, JobFilter(statuses={JobStatus.CANCELLED}), JobFilter()):
        assert await listed(tables, wanted) == [ended]


async def test_rare_states_are_wiped_and_written_again(tables: Models) -> None:
    job = summary(NOON, status=JobStatus.RUNNING, interruptions=1)
    version = await tables.writer.record_summary(job, Watermark(5, "h"), None)
    await tables.another_writer().wipe()
    assert await listed(tables, TAKEN_OVER) == []
    failed = job.model_copy(update={"status": JobStatus.FAILED})
    with pytest.raises(StaleError):
        await tables.writer.record_summary(failed, Watermark(6, "h"), version)
    await tables.writer.record_summary(failed, Watermark(6, "h"), None)
    for wanted in (TAKEN_OVER, FAILED):
        assert await listed(tables, wanted) == [failed]


async def test_a_page_says_how_far_it_looked(tables: Models) -> None:
    jobs = await stored(tables, *(summary(NOON + timedelta(hours=number)) for number in range(12)))
    rare = summary(NOON - timedelta(days=1), name="Reconcile Acme")
    await stored(tables, rare)
    wanted = JobFilter(name_contains="acme")
    first = await tables.hasty.jobs(wanted, 2)
    assert (first.items, first.looked_through, first.looked_back_to) == ([], 10, jobs[9].submitted_at)
    second = await tables.hasty.jobs(wanted, 2, first.next)
    assert (second.items, second.looked_through, second.next) == ([rare], 3, None)
    assert second.looked_back_to == rare.submitted_at
    nothing = await tables.models.jobs(JobFilter(submitted_from=NOON + timedelta(days=9)), 2)
    assert (nothing.looked_through, nothing.looked_back_to) == (0, None)


async def test_a_full_page_looked_as_far_as_its_last_job(tables: Models) -> None:
    names = ["Acme", "b", "c", "ACME 2", "d", "acme 3"]
    jobs = await stored(
        tables, *(summary(NOON - timedelta(hours=number), name=name) for number, name in enumerate(names))
    )
    page = await tables.models.jobs(JobFilter(name_contains="acme"), 2)
    assert [job.name for job in page.items] == ["Acme", "ACME 2"]
    assert (page.looked_through, page.looked_back_to) == (4, jobs[3].submitted_at)
    rest = await tables.models.jobs(JobFilter(name_contains="acme"), 2, page.next)
    assert ([job.name for job in rest.items], rest.looked_through, rest.next) == (["acme 3"], 2, None)


@pytest.mark.parametrize("wanted", [JobFilter(), FAILED, BADLY_ENDED])
@pytest.mark.parametrize(
    "parts",
    [
        ("a",),
        ("token", "-zz", "-61"),
        ("other", "-61", "-62"),
        ("a", "b", "c", "d"),
        ("token", "-", "-", *["-zz"] * 6),
        ("token", "-", "-", *["-61"] * 5),
        ("a",) * 9,
    ],
)
async def test_a_cursor_that_no_page_gave_is_refused(
    tables: Models, wanted: JobFilter, parts: tuple[str, ...]
) -> None:
    with pytest.raises(CursorError):
        await tables.models.jobs(wanted, 5, write_cursor(jobs_list(wanted), *parts))
