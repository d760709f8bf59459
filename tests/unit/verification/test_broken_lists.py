"""I12: lists that do not say the same as the journal are found, in every column that pages show."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.data.tables import EntityProperty
from tests.unit.verification.asking import Scope, broken
from tests.unit.verification.authored import TRACEBACK, Author, eventful, job_id
from tests.unit.verification.breaking import FIRST, SECOND, THIRD, Breaks
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows
from verification import ALL_JOBS, ListedRow

FOURTH = job_id(4)
LISTED = {
    ALL_JOBS: FIRST,
    "Failed": THIRD,
    "Cancelled": FOURTH,
    "TakenOver": SECOND,
}

#: What the projector keeps for itself.
OWN = {"PartitionKey", "RowKey", "WaitsSince", "WroteAt", "AsOf"}


def altered(value: Any) -> Any:
    """Return another value of the same type."""
    match value:
        case EntityProperty():
            return EntityProperty(value.value + 1, value.edm_type)
        case bool():
            return not value
        case int():
            return value + 1
        case datetime():
            return value + timedelta(seconds=1)
    return f"{value}x"


def all_columns() -> list[tuple[str, str]]:
    records = Records(eventful())
    return [
        (place, name)
        for place, job in LISTED.items()
        for name in records.job_row(job, place)
        if name not in OWN
    ]


def run_columns() -> list[tuple[int, str]]:
    records = Records(eventful())
    # The first run ended by itself, the second's runner died, the third's worker was lost.
    return [(fence, name) for fence in (1, 2, 3) for name in records.run_row(fence) if name not in OWN]


@pytest.mark.parametrize(("place", "name"), all_columns())
@pytest.mark.parametrize("locks", [(), ("ledger",)], ids=["whole", "lock"])
async def test_a_column_of_a_list_of_jobs_that_says_otherwise_is_found(
    place: str, name: str, locks: tuple[str, ...]
) -> None:
    records = Records(eventful())
    row = records.job_row(LISTED[place], place)
    row[name] = altered(row[name])
    found = await broken(records, scope=Scope(locks))
    assert set(found) == {"I12"}
    if name not in {"JobId", "SubmittedAt", "Lock"}:
        (message,) = found["I12"]
        assert f" says {name} " in message
        assert ("the list of jobs" if place == ALL_JOBS else f"the list {place}") in message


@pytest.mark.parametrize(("fence", "name"), run_columns())
@pytest.mark.parametrize("locks", [(), ("ledger",)], ids=["whole", "lock"])
async def test_a_column_of_the_list_of_runs_that_says_otherwise_is_found(
    fence: int, name: str, locks: tuple[str, ...]
) -> None:
    records = Records(eventful())
    row = records.run_row(fence)
    row[name] = altered(row[name])
    (message,) = (await broken(records, scope=Scope(locks)))["I12"]
    assert message.startswith(f"the list of runs says {name} ")


@pytest.mark.parametrize("name", ["Kind", "QueuedAt", "EndedBy", "RunnerDied", "Until", "LastEventAt"])
async def test_a_column_that_is_missing_is_found(name: str) -> None:
    records = Records(eventful())
    del records.run_row(2)[name]
    assert len((await broken(records))["I12"]) == 1


async def test_a_column_that_no_run_of_this_kind_has_is_found() -> None:
    records = Records(eventful())
    records.run_row(1)["RunnerDied"] = False
    assert await broken(records) == {"I12": ["the list of runs says RunnerDied False, the journal None"]}


def a_job_is_not_listed() -> Records:
    records = Records(eventful())
    del records.jobs[records.place_of(FIRST)]
    return records


def a_failed_job_is_not_among_the_failed() -> Records:
    records = Records(eventful())
    del records.jobs[records.place_of(THIRD, "Failed")]
    return records


def a_completed_job_is_among_the_failed() -> Records:
    records = Records(eventful())
    (_, key), row = records.place_of(FIRST), dict(records.job_row(FIRST))
    partition = row["PartitionKey"] = f"state|Failed|{row['PartitionKey']}"
    records.jobs[partition, key] = row
    return records


def a_job_is_listed_twice() -> Records:
    records = Records(eventful())
    row = {**records.job_row(FIRST), "PartitionKey": "0000000001"}
    records.jobs["0000000001", row["RowKey"]] = row
    return records


def a_job_that_never_was_is_listed() -> Records:
    records = Records(eventful())
    records.jobs |= Records(eventful("other", first_number=50)).jobs
    return records


def a_run_is_not_listed() -> Records:
    records = Records(eventful())
    del records.runs[next(key for key in records.runs if key[1].endswith("3"))]
    return records


def a_run_that_never_was_is_listed() -> Records:
    records = Records(eventful())
    (partition, _), row = next(iter(records.runs.items()))
    records.runs[partition, f"{99:018d}"] = {**row, "RowKey": f"{99:018d}"}
    return records


def a_lock_is_not_listed() -> Records:
    records = Records(eventful())
    records.locks.clear()
    return records


def of_lock(**values: Any) -> Callable[[], Records]:
    def make() -> Records:
        records = Records(eventful())
        (row,) = records.locks.values()
        row.update(values)
        return records

    make.__name__ = "a_lock_says_otherwise_" + "_".join(values)
    return make


def an_overlap_is_listed_that_never_was() -> Records:
    author = eventful()
    records = Records(author)
    records.overlap(author.partition, 2)
    return records


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (a_job_is_not_listed, "it is Completed, but is not in the list of jobs"),
        (a_failed_job_is_not_among_the_failed, "it is Failed, but is not in the list Failed"),
        (a_completed_job_is_among_the_failed, "it is in the list Failed, but is Completed"),
        (a_job_is_listed_twice, "it is in the list of jobs, under the keys of another job or time"),
        (a_run_is_not_listed, "it is not in the list of runs"),
        (a_run_that_never_was_is_listed, "the list of runs has this fence, but the journal has no such run"),
        (a_lock_is_not_listed, "the list of locks does not have it"),
        (of_lock(Lock="other"), "the list of locks names it 'other'"),
        (of_lock(LastFence=6), "the list of locks has fence 6 as its last, the journal 7"),
        (of_lock(LastFence=8), "the list of locks has fence 8 as its last, the journal 7"),
        (of_lock(UsedAt=None), "the list of locks says that it was used last at 'None', the journal '2026-"),
        (an_overlap_is_listed_that_never_was, "it is shown as overlapping, but the journal shows no overlap"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_row_that_is_missing_or_too_many_is_found(make: Breaks, message: str) -> None:
    found = await broken(make())
    assert set(found) == {"I12"}
    assert [text[: len(message)] for text in found["I12"]] == [message]


async def test_jobs_that_never_were_are_found_in_each_list() -> None:
    found = await broken(a_job_that_never_was_is_listed())
    assert set(found["I12"]) == {
        f"it is in {name}, but not in the journal"
        for name in ("the list of jobs", "the list Failed", "the list Cancelled", "the list TakenOver")
    }


@pytest.mark.parametrize("is_listed", [True, False])
async def test_the_list_of_overlaps_and_the_marks_of_runs_agree(is_listed: bool) -> None:
    author = eventful()
    records = Records(author)
    records.overlap(author.partition, 2)
    if is_listed:
        del records.run_row(2)["Overlap"]
    else:
        records.overlapping.clear()
    where, not_where = "in the list of overlaps", "marked as overlapping"
    if not is_listed:
        where, not_where = not_where, where
    assert (await broken(records))["I12"][0] == f"it is {where}, but is not {not_where}"


async def test_an_overlap_that_happened_is_listed_with_good_reason() -> None:
    author = Author()
    first, second = author.submit(), author.submit()
    author.start(first)
    author.start(second, "w2")
    author.step(first, "late")
    author.end(second)
    author.end(first)
    records = Records(author)
    records.overlap(author.partition, 2)
    assert "I12" not in await broken(records)


async def test_lists_have_time_to_catch_up_and_what_is_live_is_left_out() -> None:
    author = eventful()
    records = Records(author)
    live = author.submit()
    author.start(live)
    records.partitions[author.partition] = author.stored()
    records.places[live] = records.listed[live] = author.partition
    records.told = Records(author).told
    assert await broken(records) == {"I12": ["the list of locks has fence 7 as its last, the journal 8"]}

    class Late(Records):
        looks = 0

        async def listed_lock(self, partition: str) -> ListedRow | None:
            self.looks += 1
            if self.looks == 3:
                self.locks = Records(author).locks
            return await super().listed_lock(partition)

    late = Late(author)
    late.locks = records.locks
    assert await broken(late, patience_seconds=30.0) == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda records: records.tracebacks.clear(), "the traceback of its error is missing"),
        (
            lambda records: records.tracebacks.update({THIRD: "short"}),
            f"the traceback of its error has 5 characters, the journal says {len(TRACEBACK)}",
        ),
    ],
    ids=["missing", "another"],
)
async def test_a_traceback_that_is_not_the_one_kept_is_found(
    make: Callable[[Records], None], message: str
) -> None:
    records = Records(eventful())
    make(records)
    assert await broken(records) == {"I12": [message]}


# --- the job's row, which the job's page shows ------------------------------------------------


def cancelled_while_running() -> Author:
    author = Author()
    job = author.submit()
    author.start(job)
    author.ask_to_cancel(job, "wrong month")
    author.end(job, EventStatus.CANCELLED)
    return author


@pytest.mark.parametrize(
    ("make", "job", "name"),
    [
        *((eventful, SECOND, name) for name in ("name", "actor", "queued_at", "started_at")),
        *((eventful, THIRD, name) for name in ("error_type", "error_message", "has_traceback")),
        *((cancelled_while_running, FIRST, name) for name in ("cancel_actor", "cancel_reason")),
        (eventful, FIRST, "cancel_reason"),
    ],
)
async def test_what_the_page_of_a_job_shows_must_be_what_its_events_say(
    make: Callable[[], Author], job: str, name: str
) -> None:
    author = make()
    assert await broken(Records(author)) == {}
    row = author.rows[rows.job_key(job)][0]
    row[name] = altered(row.get(name, ""))
    found = await broken(Records(author))
    assert set(found) == {"I1"}
    assert all(f"its row says {name} " in message for message in found["I1"])
