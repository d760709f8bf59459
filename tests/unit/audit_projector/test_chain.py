"""Each way in which an event may not follow from the one before is noticed on its own."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from audit_projector.chain import Chain
from contracts.statuses import EventStatus
from coordination.journal.events import Writer, chain_hash, record
from coordination.journal.rows import EventRow, JobRow
from read_models.documents import LockRun, Watermark

HOLDER, STRANGER, CLIENT = "worker-1", "worker-2", ""


def write(
    job: JobRow, status: EventStatus, worker: str = HOLDER, op_id: str = "op"
) -> tuple[JobRow, EventRow]:
    return record(job, status, "", Writer(worker or "client", op_id, "2026-01-01T00:00:00.000000Z", worker))


def begun() -> tuple[Chain, JobRow]:
    """Return a chain whose run with fence 7 is in progress, and the job's row."""
    job = JobRow("job", "kind", "ledger", seq=2, event_hash="h2", fence=7, attempt=3)
    chain = Chain(Watermark(2, "h2"))
    job, started = write(job, EventStatus.STARTED, op_id="began")
    assert chain.append(started)
    return chain, job


def test_the_last_start_is_the_one_among_the_events_that_follow() -> None:
    assert Chain(Watermark(2, "h2", 7)).last_start == (0, None)
    chain, job = begun()
    assert chain.last_start == (7, datetime(2026, 1, 1, tzinfo=UTC))
    job, ended = write(job, EventStatus.INTERRUPTED)
    chain.append(ended)
    assert chain.last_start == (7, datetime(2026, 1, 1, tzinfo=UTC))
    _, again = write(replace(job, fence=9), EventStatus.STARTED)
    chain.append(again)
    assert chain.last_start == (9, datetime(2026, 1, 1, tzinfo=UTC))


def test_an_event_that_follows_by_number_and_by_hash_fits() -> None:
    chain, job = begun()
    job, step = write(job, EventStatus.STEP)
    assert chain.append(step)
    assert (chain.seq, chain.hash, chain.running_fence) == (4, step.hash, 7)
    assert chain.foreign_events == []


@pytest.mark.parametrize("seq", [3, 5])
def test_a_number_that_is_repeated_or_left_out_does_not_fit_although_its_hash_is_right(seq: int) -> None:
    chain, job = begun()
    _, step = write(job, EventStatus.STEP)
    step = replace(step, seq=seq)
    assert not chain.append(replace(step, hash=chain_hash(step)))


def test_an_event_that_names_another_one_before_it_does_not_fit_although_its_hash_is_right() -> None:
    chain, job = begun()
    _, step = write(replace(job, event_hash="another"), EventStatus.STEP)
    assert not chain.append(step)


def test_an_event_whose_facts_were_altered_does_not_fit_although_it_names_the_one_before() -> None:
    chain, job = begun()
    _, step = write(job, EventStatus.STEP)
    assert not chain.append(replace(step, message="altered"))


def test_after_an_event_that_does_not_fit_the_next_is_compared_with_that_one() -> None:
    chain, job = begun()
    job, step = write(job, EventStatus.STEP)
    assert not chain.append(replace(step, message="altered"))
    _, after = write(job, EventStatus.STEP)
    assert chain.append(after)


@pytest.mark.parametrize(
    "status",
    [
        EventStatus.STEP,
        EventStatus.STATE_SAVED,
        EventStatus.INTERRUPTED,
        EventStatus.COMPLETED,
        EventStatus.FAILED,
        EventStatus.CANCELLED,
        EventStatus.TIMED_OUT,
    ],
)
def test_what_a_holder_writes_for_another_run_is_foreign(status: EventStatus) -> None:
    chain, job = begun()
    job, own = write(job, EventStatus.STEP)
    chain.append(own)
    _, foreign = write(replace(job, fence=6), status, STRANGER, "another")
    chain.append(foreign)
    assert chain.foreign_events == [foreign]


@pytest.mark.parametrize(
    ("status", "worker"),
    [
        (EventStatus.CANCEL_REQUESTED, CLIENT),
        (EventStatus.CANCELLED, CLIENT),
        (EventStatus.LEASE_ACQUIRED, STRANGER),
    ],
)
def test_what_is_no_holders_is_not_foreign(status: EventStatus, worker: str) -> None:
    chain, job = begun()
    _, event = write(replace(job, fence=6), status, worker, "another")
    chain.append(event)
    assert chain.foreign_events == []


def test_a_start_within_a_run_is_foreign_and_a_start_after_its_end_is_not() -> None:
    chain, job = begun()
    job, interrupted = write(job, EventStatus.INTERRUPTED)
    chain.append(interrupted)
    job, again = write(replace(job, fence=8, attempt=4), EventStatus.STARTED)
    chain.append(again)
    assert chain.foreign_events == []
    _, third = write(replace(job, fence=9, attempt=5), EventStatus.STARTED, STRANGER)
    chain.append(third)
    assert (chain.foreign_events, chain.running_fence) == ([third], 9)


def test_only_the_transaction_that_interrupted_a_run_may_fail_the_job() -> None:
    chain, job = begun()
    job, interrupted = write(job, EventStatus.INTERRUPTED, op_id="last")
    job, failed = write(job, EventStatus.FAILED, op_id="last")
    for event in (interrupted, failed):
        chain.append(event)
    assert chain.foreign_events == []
    _, late = write(job, EventStatus.STEP, op_id="late")
    chain.append(late)
    assert chain.foreign_events == [late]


def test_a_run_ends_with_its_first_end() -> None:
    chain, job = begun()
    job, interrupted = write(job, EventStatus.INTERRUPTED, op_id="last")
    _, failed = write(job, EventStatus.FAILED, op_id="last")
    for event in (interrupted, failed):
        chain.append(event)
    (run,) = chain.lock_runs()
    assert (run.fence, run.attempt, run.outcome) == (7, 3, "Interrupted")
    assert (run.begun_in, run.ended_in, chain.running_fence) == ("began", "last", 0)


def test_the_end_of_a_run_that_an_earlier_message_began_is_known_by_the_watermark() -> None:
    job = JobRow("job", "kind", "ledger", seq=3, event_hash="h3", fence=7, attempt=3)
    chain = Chain(Watermark(3, "h3", running_fence=7))
    _, completed = write(job, EventStatus.COMPLETED, op_id="last")
    assert chain.append(completed)
    (run,) = chain.lock_runs()
    end: dict[str, Any] = {
        "ended_at": run.ended_at,
        "outcome": "Completed",
        "ended_in": "last",
        "ended_by": HOLDER,
    }
    assert run == LockRun("ledger", 7, "job", 3, **end)
    assert run.ended_at is not None
    assert chain.foreign_events == []


def test_a_start_that_names_no_fence_begins_no_run_that_could_be_known() -> None:
    job = JobRow("job", "kind", "ledger", fence=0)
    chain = Chain(Watermark())
    _, started = write(job, EventStatus.STARTED)
    assert started.fence is None
    assert chain.append(started)
    assert (chain.lock_runs(), chain.running_fence) == ([], 0)
