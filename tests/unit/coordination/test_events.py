"""The trail of a job: numbered, chained by hashes over every fact, published as it was written."""

import hashlib
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime

import pytest

from contracts.statuses import EventStatus
from coordination.journal import events
from coordination.journal.events import Writer, chain_hash
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Announcement, Insert, RecordedRows

JOB = JobRow("job", "kind", "L", seq=4, event_hash="before", attempt=2, fence=7, traceparent="00-trace")
WRITER = Writer("ann", "op", "2026-01-01T00:00:00.000000Z", "w1")
EVENT = EventRow(
    job_id="job",
    lock_name="L",
    seq=5,
    status="Step",
    message="one",
    timestamp="2026-01-01T00:00:00.000000Z",
    attempt=2,
    actor="ann",
    op_id="op",
    hash="",
    fence=7,
    worker="w1",
    traceparent="00-trace",
    data='{"number":1}',
    previous_hash="before",
)
#: One other value for each field that the hash covers.
ALTERED = {
    "job_id": "other",
    "lock_name": "M",
    "seq": 6,
    "status": "Started",
    "message": "two",
    "timestamp": "2026-01-01T00:00:00.000001Z",
    "attempt": 3,
    "actor": "eve",
    "fence": 8,
    "worker": "w2",
    "data": '{"number":2}',
    "previous_hash": "another",
}
#: How it was written and traced, which is no fact about the job; and the hash itself.
NOT_COVERED = {"op_id", "traceparent", "hash"}


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_event_does_not_have_its_hash_any_more(name: str) -> None:
    assert chain_hash(replace(EVENT, **{name: ALTERED[name]})) != chain_hash(EVENT)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["fence", "worker"])
def test_an_event_without_a_holder_has_another_hash_than_one_with_an_empty_name(name: str) -> None:
    without = replace(EVENT, **{name: None})  # type: ignore[arg-type]
    empty = replace(EVENT, **{name: 0 if name == "fence" else ""})  # type: ignore[arg-type]
    assert len({chain_hash(EVENT), chain_hash(without), chain_hash(empty)}) == 3


def test_every_fact_of_an_event_is_covered_by_its_hash() -> None:
    assert {one.name for one in fields(EventRow)} == ALTERED.keys() | NOT_COVERED
    assert chain_hash(replace(EVENT, op_id="x", traceparent=None, hash="y")) == chain_hash(EVENT)


def test_the_hash_is_the_one_that_stands_in_the_journals_of_today() -> None:
    """A checker compares hashes that were written years ago: how they are computed must not change."""
    text = (
        '["before","job","L",5,"Step","one","2026-01-01T00:00:00.000000Z",2,7,"w1","ann","{\\"number\\":1}"]'
    )
    assert chain_hash(EVENT) == hashlib.sha256(text.encode()).hexdigest()
    assert (
        chain_hash(replace(EVENT, message="Köln"))
        == hashlib.sha256(text.replace('"one"', '"K\\u00f6ln"').encode()).hexdigest()
    )


def test_a_recorded_event_is_the_next_of_its_job() -> None:
    job, event = events.record(JOB, EventStatus.STEP, "one", WRITER, {"number": 1})
    assert event == replace(EVENT, hash=chain_hash(EVENT))
    assert job == replace(JOB, seq=5, event_hash=event.hash)


def test_a_job_without_a_run_has_events_without_fence_and_worker() -> None:
    _, event = events.record(
        JobRow("job", "kind", "L"), EventStatus.SUBMITTED, "new", Writer("ann", "op", "now")
    )
    assert (event.seq, event.previous_hash, event.data) == (1, "", "{}")
    assert (event.fence, event.worker, event.attempt, event.traceparent) == (None, None, 0, None)


def test_text_of_an_event_is_kept_readable_and_short() -> None:
    _, event = events.record(JOB, EventStatus.STEP, "one", WRITER, {"city": "Köln", "tons": 3})
    assert event.data == '{"city":"Köln","tons":3}'


def test_an_event_is_written_under_its_number_with_all_its_values() -> None:
    insert = events.insert(EVENT)
    assert insert == Insert("event|job|000005", asdict(EVENT))
    assert EventRow.from_values(insert.values) == EVENT


def test_events_are_announced_by_their_numbers_once_for_each_job() -> None:
    ended = [replace(EVENT, seq=seq) for seq in (8, 9)]
    begun = replace(EVENT, job_id="next", seq=2, traceparent=None)
    assert events.announcements([*ended, begun]) == [
        Announcement("L", "job", 8, 9, "00-trace"),
        Announcement("L", "next", 2, 2),
    ]


def test_moments_are_written_so_that_text_sorts_as_time_does() -> None:
    moments = [
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC),
        datetime(2026, 10, 1, tzinfo=UTC),
    ]
    texts = [events.timestamp(moment) for moment in moments]
    assert texts[:2] == ["2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05.000001Z"]
    assert texts == sorted(texts)
    assert [datetime.fromisoformat(text) for text in texts] == moments


def test_what_is_announced_carries_the_rows_of_jobs_that_its_writer_names() -> None:
    first, second = (replace(EVENT, seq=seq, hash=f"hash {seq}") for seq in (8, 9))
    job = replace(JOB, job_id="job", seq=9, event_hash="hash 9")
    (announcement,) = events.announcements([first, second], {"job": job})
    assert announcement.recorded == RecordedRows([first.values(), second.values()], job.values())
    for other in ({}, {"other": job}, {"job": replace(job, seq=10)}, {"job": replace(job, event_hash="x")}):
        # A job that is not as of the last event belongs to another moment.
        (announcement,) = events.announcements([first, second], other)
        assert announcement.recorded is None
