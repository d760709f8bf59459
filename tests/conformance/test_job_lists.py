"""What every implementation of the read models does with the list of jobs: order, pages, filters."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conformance.documents import NOON, summary
from tests.conformance.stores import Models

from contracts.identifiers import new_id
from contracts.jobs import JobError, JobSummary
from contracts.statuses import JobStatus
from read_models.documents import Watermark
from read_models.filters import JobFilter

EVERY_JOB = JobFilter()


async def listed(tables: Models, wanted: JobFilter = EVERY_JOB, limit: int = 3) -> list[JobSummary]:
    """Return all jobs that fit, page by page."""
    found: list[JobSummary] = []
    cursor: str | None = None
    while True:
        page = await tables.models.jobs(wanted, limit, cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


async def stored(tables: Models, *jobs: JobSummary) -> list[JobSummary]:
    """Store jobs, and return them with the last submitted first."""
    for job in jobs:
        await tables.writer.record_summary(job, Watermark(1, "h"), None)
    return sorted(jobs, key=lambda job: job.submitted_at, reverse=True)


async def test_jobs_come_last_submitted_first_over_days_and_pages(tables: Models) -> None:
    hours = [summary(NOON + timedelta(hours=7 * number)) for number in range(7)]
    at_once = [summary(NOON + timedelta(microseconds=number)) for number in (1, 2, 3)]
    jobs = await stored(tables, *hours[::2], *at_once, *hours[1::2])
    assert await listed(tables) == jobs
    assert await listed(tables, limit=100) == jobs


async def test_a_list_repeats_nothing_and_lacks_nothing_while_jobs_are_submitted(tables: Models) -> None:
    jobs = await stored(tables, *(summary(NOON + timedelta(hours=number)) for number in range(4)))
    first = await tables.models.jobs(EVERY_JOB, 2)
    await stored(tables, summary(NOON + timedelta(days=1)))
    second = await tables.models.jobs(EVERY_JOB, 2, first.next)
    assert first.items + second.items == jobs


async def test_a_job_is_listed_with_all_that_is_known_of_it(tables: Models) -> None:
    job = summary(
        NOON, name="a \u2603", properties={"team": "a", "ü/#=": ""}, attempt=2, interruptions=1, fence=2**40,
        worker="w", error=JobError(type="ValueError", message=""), trace_id="t", started_at=NOON,
        finished_at=NOON, status=JobStatus.FAILED, queued_at=NOON, cancel_requested=True,
    )  # fmt: skip
    await stored(tables, job)
    assert await listed(tables) == [job]


FIRST, LAST = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))  # noqa: DTZ901
QUOTED = "it's @partition or 1 eq 1"
MANY = frozenset(f"kind-{number}" for number in range(20))


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (JobFilter(statuses={JobStatus.FAILED}), "b d"),
        (JobFilter(statuses={JobStatus.FAILED, JobStatus.RUNNING}), "b c d"),
        (JobFilter(kinds={"checksum-file"}), "a"),
        (JobFilter(kinds={"checksum-file", "ten-steps"}), "a b c"),
        (JobFilter(kinds=MANY), "d e"),
        (JobFilter(kinds=MANY, statuses={JobStatus.FAILED}), "d"),
        (JobFilter(lock=QUOTED), "c"),
        (JobFilter(worker="w-1"), "b"),
        (JobFilter(worker=""), ""),
        (JobFilter(name_prefix="Year"), "d e"),
        (JobFilter(name_prefix="Year 2026"), "d"),
        (JobFilter(name_prefix="year"), "c"),
        (JobFilter(name_prefix="' or '"), ""),
        (JobFilter(name_contains="EAR"), "c d e"),
        (JobFilter(name_contains="r 2026"), "d"),
        (JobFilter(name_contains="' or '"), ""),
        (JobFilter(name_contains="-4E32-"), "a"),
        (JobFilter(name_contains="ear", statuses={JobStatus.FAILED}), "d"),
        (JobFilter(taken_over=True), "c d"),
        (JobFilter(taken_over=True, statuses={JobStatus.FAILED}), "d"),
        (JobFilter(taken_over=True, kinds=MANY), "d"),
        (JobFilter(taken_over=True, submitted_before=NOON + timedelta(hours=3)), "c"),
        (JobFilter(statuses={JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.CANCELLED}), "b d e"),
        (JobFilter(statuses={JobStatus.FAILED, JobStatus.CANCELLED}, name_prefix="Year"), "d e"),
        (JobFilter(statuses={JobStatus.FAILED}, submitted_from=NOON + timedelta(hours=3)), "d"),
        (JobFilter(properties={"team": "a"}), "b c"),
        (JobFilter(properties={"team": "a", "it's": "'"}), "c"),
        (JobFilter(properties={"team": ""}), "e"),
        (JobFilter(properties={"Team": "a"}), ""),
        (JobFilter(submitted_from=NOON + timedelta(hours=2)), "c d e"),
        (JobFilter(submitted_from=NOON + timedelta(hours=2, microseconds=1)), "d e"),
        (JobFilter(submitted_before=NOON + timedelta(hours=2)), "a b"),
        (JobFilter(submitted_before=NOON + timedelta(hours=2, microseconds=1)), "a b c"),
        (
            JobFilter(submitted_from=NOON + timedelta(hours=1), submitted_before=NOON + timedelta(hours=4)),
            "b c d",
        ),
        (JobFilter(submitted_from=NOON + timedelta(days=2)), ""),
        (JobFilter(submitted_from=FIRST, submitted_before=LAST), "a b c d e"),
        (JobFilter(submitted_from=LAST), ""),
        (JobFilter(submitted_before=FIRST), ""),
        (JobFilter(statuses={JobStatus.FAILED}, lock="ledger", name_prefix="Year"), "d"),
    ],
)
async def test_a_list_has_the_jobs_that_fit_the_filter(tables: Models, wanted: JobFilter, fits: str) -> None:
    hour = timedelta(hours=1)
    jobs = {
        "a": summary(NOON, kind="checksum-file", job_id="018f6c3e-7b1a-4e32-9d3a-0123456789ab"),
        "b": summary(NOON + hour, status=JobStatus.FAILED, worker="w-1", properties={"team": "a"}),
        "c": summary(
            NOON + 2 * hour, status=JobStatus.RUNNING, lock=QUOTED, name="year",
            properties={"team": "a", "it's": "'"}, interruptions=2,
        ),
        "d": summary(
            NOON + 3 * hour, status=JobStatus.FAILED, kind="kind-7", name="Year 2026", interruptions=1
        ),
        "e": summary(
            NOON + 4 * hour, kind="kind-19", name="Year 2025", properties={"team": ""},
            status=JobStatus.CANCELLED,
        ),
    }  # fmt: skip
    await stored(tables, *jobs.values())
    found = await listed(tables, wanted)
    assert found == [job for name, job in reversed(jobs.items()) if name in fits.split()]
    assert found == [job for job in reversed(jobs.values()) if wanted.fits(job)]


async def test_a_page_ends_early_when_almost_nothing_fits_and_its_cursor_goes_on(tables: Models) -> None:
    jobs = await stored(tables, *(summary(NOON + timedelta(hours=number)) for number in range(11)))
    rare = summary(NOON - timedelta(days=1), kind="kind-3")
    await stored(tables, rare)
    first = await tables.hasty.jobs(JobFilter(kinds=MANY), 2)
    assert first.items == []
    assert first.next is not None
    second = await tables.hasty.jobs(JobFilter(kinds=MANY), 2, first.next)
    assert (second.items, second.next) == ([rare], None)
    assert len(jobs) == 11


@pytest.mark.parametrize("limit", [1, 4, 5, 6])
async def test_a_page_has_what_the_limit_allows_and_the_last_one_has_no_cursor(
    tables: Models, limit: int
) -> None:
    jobs = await stored(tables, *(summary(NOON + timedelta(hours=number)) for number in range(5)))
    first = await tables.models.jobs(EVERY_JOB, limit)
    assert first.items == jobs[:limit]
    assert (first.next is None) == (limit >= 5)


async def test_a_job_is_listed_as_it_was_written_last_and_keeps_its_place(tables: Models) -> None:
    first, second = summary(NOON, properties={"a": "b", "c": "d"}), summary(NOON + timedelta(seconds=1))
    version = await tables.writer.record_summary(first, Watermark(1, "h"), None)
    await stored(tables, second)
    ended = first.model_copy(update={"status": JobStatus.FAILED, "properties": {"a": "e"}})
    await tables.writer.record_summary(ended, Watermark(2, "h"), version)
    assert await listed(tables) == [second, ended]
    assert await listed(tables, JobFilter(statuses={JobStatus.QUEUED})) == [second]
    assert await listed(tables, JobFilter(properties={"c": "d"})) == []


@pytest.mark.parametrize(
    ("prefix", "fits", "does_not"),
    [
        ("a", "a\U0001f600", "\U0001f600a"),
        ("\ud7ff", "\ud7ff\U0010ffff", "\ue000"),
        ("\U0010ffff", "\U0010ffffa", "\uffff"),
        ("\u00e4", "\u00e4", "a\u0308"),
    ],
)
async def test_a_name_begins_with_the_very_characters_of_the_prefix(
    tables: Models, prefix: str, fits: str, does_not: str
) -> None:
    job = summary(NOON, name=fits)
    await stored(tables, job, summary(NOON, name=does_not))
    assert await listed(tables, JobFilter(name_prefix=prefix)) == [job]


#: Texts that mean something to a query or to its transport.
HOSTILE = [
    "it's",
    "@c1 or 1 eq 1",
    "a  b",
    "\u2603 \U0001f600",
    "%27+&#/?\\",
    "\n\t\x01",
    "\uffff",
    '"',
    "100%",
]


async def test_a_filter_that_looks_like_a_query_is_a_text_and_no_more(tables: Models) -> None:
    jobs = [
        summary(
            NOON + timedelta(seconds=number), kind=text, lock=text, worker=text, name=text,
            properties={text: text},
        )
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    await stored(tables, *jobs)
    for job, text in zip(jobs, HOSTILE, strict=True):
        one_by_one: list[dict[str, Any]] = [
            {"kinds": {text}},
            {"lock": text},
            {"worker": text},
            {"name_prefix": text},
            {"name_contains": text},
            {"properties": {text: text}},
        ]
        for given in one_by_one:
            assert await listed(tables, JobFilter(**given)) == [job]


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\U0001f600", "'", "\x01"])
async def test_filters_may_be_as_long_as_what_they_look_for(tables: Models, letter: str) -> None:
    properties = {f"{number:02d}{62 * letter}": 256 * letter for number in range(32)}
    job = summary(NOON, name=200 * letter, worker=200 * letter, properties=properties)
    another = job.model_copy(update={"job_id": new_id(), "properties": properties | {min(properties): ""}})
    await stored(tables, job, another)
    for prefix in ("", job.name):
        for count in (1, 4, 9, 32):
            some = dict(sorted(properties.items())[:count])
            wanted = JobFilter(name_prefix=prefix, worker=job.worker, properties=some)
            assert await listed(tables, wanted) == [job]


async def test_filters_together_list_the_jobs_that_fit_them_all(tables: Models) -> None:
    chance = random.Random(2026)
    names = ["", "a", "ab", "b"]
    jobs = await stored(
        tables,
        *(
            summary(
                NOON + timedelta(seconds=chance.randrange(600), microseconds=number),
                status=chance.choice(list(JobStatus)),
                kind=chance.choice("kl"),
                lock=chance.choice("mn"),
                worker=chance.choice(["w", "x", None]),
                name=chance.choice(names),
                interruptions=chance.choice([0, 0, 1]),
                properties={name: chance.choice("12") for name in "pqrs" if chance.random() < 0.7},
            )
            for number in range(60)
        ),
    )
    not_empty = 0
    for _ in range(60):
        given: dict[str, Any] = {
            "statuses": set(chance.sample(list(JobStatus), chance.randrange(1, 6))),
            "kinds": {chance.choice("kl")},
            "lock": chance.choice("mn"),
            "worker": chance.choice("wx"),
            "name_prefix": chance.choice(names),
            "name_contains": chance.choice(["", "A", "b"]),
            "taken_over": chance.choice([True, False]),
            "properties": {name: chance.choice("12") for name in chance.sample("pqrs", 2)},
            "submitted_from": NOON + timedelta(seconds=chance.randrange(300)),
            "submitted_before": NOON + timedelta(seconds=chance.randrange(300, 600)),
        }
        chosen = chance.sample(list(given), chance.randrange(len(given) + 1))
        wanted = JobFilter(**{name: given[name] for name in chosen})
        expected = [job for job in jobs if wanted.fits(job)]
        assert await listed(tables, wanted, chance.choice([1, 3, 10, 100])) == expected, wanted
        not_empty += bool(expected)
    assert not_empty > 20
