"""What a holder's transactions write: take-over, steps, saved state, progress."""

import json
from dataclasses import FrozenInstanceError, asdict, replace

import pytest
from tests.unit.coordination.journaled_lock import LOCK, JournaledLock

from contracts.statuses import JobStatus
from coordination.holder.runs import StepDone
from coordination.journal import rows, transactions
from coordination.journal.line import read_line
from coordination.observations import HandOver, HandOverCause
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, TimedOut
from coordination.ports import Insert, Update, Value
from coordination.slot import Slot


@pytest.fixture
def lock() -> JournaledLock:
    return JournaledLock()


async def test_a_first_take_over_starts_the_first_job(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.submit("b")
    draft = await lock.take_over("w1")
    job = lock.job("a")
    moment = draft.writer.at
    assert (job.status, job.attempt, job.fence, job.worker, job.started_at) == ("Running", 1, 1, "w1", moment)
    assert lock.tickets() == ["b"]
    held = lock.lock
    assert (held.fence, held.tenure, held.worker, held.job_id) == (1, "lease-of-w1", "w1", "a")
    assert (held.attempt, held.started_at, held.op_id) == (1, moment, draft.writer.op_id)
    assert (draft.hand_over, draft.interrupted) == (None, None)


async def test_a_take_over_records_the_lease_and_the_start_under_the_new_fence(lock: JournaledLock) -> None:
    await lock.submit("a", traceparent="00-trace")
    draft = await lock.take_over("w1")
    submitted, acquired, started = lock.events("a")
    assert draft.events == [acquired, started]
    assert (acquired.status, acquired.message) == ("LeaseAcquired", "w1 acquired the lease")
    assert json.loads(acquired.data) == {"tenure": "lease-of-w1"}
    assert (started.status, started.message) == ("Started", "attempt 1 started")
    assert json.loads(started.data) == {"tenure": "lease-of-w1", "chained": False}
    for event in draft.events:
        assert (event.fence, event.attempt, event.worker, event.actor) == (1, 1, "w1", "w1")
        assert (event.op_id, event.timestamp) == (draft.writer.op_id, draft.writer.at)
    assert [event.traceparent for event in lock.events("a")] == ["00-trace"] * 3
    assert (submitted.fence, submitted.worker, submitted.attempt) == (None, None, 0)


async def test_a_chained_start_does_not_record_the_lease_again(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over("w1")
    draft, ended = await lock.end(Completed(), chain=True)
    assert lock.statuses("b") == ["Submitted", "Started"]
    assert json.loads(lock.events("b")[-1].data) == {"tenure": "lease-of-w1", "chained": True}
    assert [event.job_id for event in draft.events] == ["a", "b"]
    assert draft.hand_over == HandOver(HandOverCause.CHAINED, draft.writer.at)
    assert ended == lock.job("a")
    assert (lock.job("b").fence, lock.job("b").attempt, lock.job("b").worker) == (2, 1, "w1")
    held = lock.lock
    assert (held.fence, held.job_id, held.attempt, held.started_at) == (2, "b", 1, draft.writer.at)
    assert (held.freed_at, held.freed_by, held.tenure) == ("", "", "lease-of-w1")


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (Completed(), HandOverCause.RELEASED),
        (Failed("ValueError", "no"), HandOverCause.RELEASED),
        (Cancelled(), HandOverCause.RELEASED),
        (TimedOut("too long"), HandOverCause.RELEASED),
        (Interrupted("the runner died", died=True), HandOverCause.RUNNER_DIED),
        (Interrupted("the worker is stopping"), HandOverCause.WORKER_STOPPED),
    ],
)
async def test_the_next_start_names_how_the_last_run_ended_and_when(
    lock: JournaledLock, outcome: Completed, cause: HandOverCause
) -> None:
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over("w1")
    ending, _ = await lock.end(outcome)
    freed = lock.lock
    assert (freed.job_id, freed.attempt, freed.fence) == ("", 0, 1)
    assert (freed.freed_at, freed.freed_by) == (ending.writer.at, cause)
    assert ending.hand_over is None
    draft = await lock.take_over("w2")
    assert draft.hand_over == HandOver(cause, ending.writer.at)
    assert (lock.lock.freed_at, lock.lock.freed_by) == ("", "")


async def test_a_start_after_a_lost_worker_names_the_worker_and_no_moment(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.take_over("w1")
    draft = await lock.take_over("w2")
    assert draft.hand_over == HandOver(HandOverCause.WORKER_LOST, "", lost_worker="w1")
    interrupted = lock.events("a")[3]
    assert (interrupted.status, interrupted.message) == ("Interrupted", "worker w1 was lost")
    assert (interrupted.fence, interrupted.attempt) == (1, 1)
    assert json.loads(interrupted.data) == {"died": False}


async def test_a_cut_off_job_that_is_first_is_restarted_by_the_take_over(lock: JournaledLock) -> None:
    first = await lock.submit("a")
    await lock.submit("b")
    began = (await lock.take_over("w1")).writer.at
    await lock.flush(step="half way", progress_value=0.5)
    draft = await lock.take_over("w2")
    assert draft.job is not None
    assert draft.job.job_id == "a"
    assert lock.tickets() == ["b"]
    assert lock.statuses("a")[3:] == ["Interrupted", "LeaseAcquired", "Started"]
    job = lock.job("a")
    assert (job.attempt, job.fence, job.worker, job.status) == (2, 2, "w2", "Running")
    assert (job.started_at, job.submitted_at, job.order) == (began, first.submitted_at, first.order)
    assert (job.step, job.progress_value) == ("", 0.5)
    assert draft.interrupted is not None
    assert (draft.interrupted.status, draft.interrupted.worker, draft.interrupted.fence) == (
        "Queued",
        "w1",
        1,
    )
    assert draft.interrupted.queued_at == draft.writer.at


async def test_a_cut_off_job_waits_behind_a_more_urgent_one(lock: JournaledLock) -> None:
    await lock.submit("b")
    await lock.take_over("w1")
    await lock.submit("c")
    await lock.submit("a", priority=0)
    draft = await lock.take_over("w2")
    assert (lock.lock.job_id, lock.lock.fence) == ("a", 2)
    assert lock.tickets() == ["b", "c"]
    waiting = lock.job("b")
    assert (waiting.status, waiting.queued_at, waiting.attempt) == ("Queued", draft.writer.at, 1)
    assert lock.statuses("b")[-1] == "Interrupted"
    _, ended = await lock.end(Completed(), chain=True)
    assert ended.job_id == "a"
    assert (lock.job("b").attempt, lock.job("b").interruptions, lock.job("b").losses) == (2, 1, 1)


async def test_a_cut_off_job_that_this_worker_cannot_run_is_queued_and_not_overtaken(
    lock: JournaledLock,
) -> None:
    await lock.submit("a", kind="rare")
    await lock.submit("b")
    await lock.take_over("w1")
    draft = await lock.take_over("w2", lambda job: job.kind != "rare")
    assert draft.job is None
    assert lock.tickets() == ["a", "b"]
    assert (lock.lock.job_id, lock.lock.attempt, lock.lock.fence, lock.lock.worker) == ("", 0, 2, "w2")
    assert lock.statuses("b") == ["Submitted"]
    assert lock.job("a").status == JobStatus.QUEUED


async def test_a_cut_off_job_is_queued_even_when_the_first_job_is_not_for_this_worker(
    lock: JournaledLock,
) -> None:
    await lock.submit("b")
    await lock.take_over("w1")
    await lock.submit("a", priority=0, kind="rare")
    draft = await lock.take_over("w2", lambda job: job.kind != "rare")
    assert draft.job is None
    assert lock.tickets() == ["a", "b"]


async def test_no_transaction_is_built_when_nothing_waits_for_this_worker(lock: JournaledLock) -> None:
    await lock.submit("a")
    assert await lock.build_take_over(accepts=lambda _: False) is None
    await lock.take_over()
    await lock.end(Completed())
    assert await lock.build_take_over() is None


async def test_a_lock_row_that_names_an_ended_job_is_cleared(lock: JournaledLock) -> None:
    """No transaction leaves such a row; one that another version left must not occupy the lock for ever."""
    await lock.submit("a")
    await lock.take_over("w1")
    held = lock.require()
    _end_beside(lock, status=JobStatus.COMPLETED.value)
    draft = await lock.take_over("w2")
    assert (draft.job, draft.interrupted, draft.events, draft.hand_over) == (None, None, [], None)
    assert (lock.lock.job_id, lock.lock.attempt, lock.lock.fence) == ("", 0, held.lock.fence + 1)
    assert lock.statuses("a") == ["Submitted", "LeaseAcquired", "Started"]


async def test_a_running_job_of_another_fence_is_not_interrupted(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.take_over("w1")
    _end_beside(lock, fence=7)
    draft = await lock.take_over("w2")
    assert (draft.job, draft.interrupted) == (None, None)
    assert lock.job("a").interruptions == 0


def _end_beside(lock: JournaledLock, **more: Value) -> None:
    """Change the running job's row in a way that no transaction does."""
    key = rows.job_key(lock.require().job.job_id)
    row = lock.row(key)
    assert row is not None
    partition = next(iter(lock.journal.partitions.values()))
    partition[key] = replace(row, values={**row.values, **more})


async def test_a_step_is_recorded_with_its_number_its_time_and_its_result(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.take_over("w1")
    await lock.step("one")
    draft = await lock.step("two", progress_value=2.0, step="two")
    job = lock.job("a")
    assert (job.steps, job.step, job.progress_value, job.status) == (2, "", 2.0, "Running")
    event = lock.events("a")[-1]
    assert (event.status, event.message, event.op_id) == ("Step", "two", draft.writer.op_id)
    assert json.loads(event.data) == {"number": 2, "seconds": 0.123}
    for number, name in ((1, "one"), (2, "two")):
        kept = lock.row(rows.step_key("a", number))
        assert kept is not None
        assert (kept.values["name"], rows.join_text(kept.values)) == (name, "1")


async def test_saved_state_is_replaced_by_what_is_saved_later(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.take_over("w1")
    await lock.save('"first"')
    await lock.save('"second one"')
    event = lock.events("a")[-1]
    assert (event.status, event.message, json.loads(event.data)) == (
        "StateSaved",
        "state saved",
        {"characters": 12},
    )
    kept = lock.row(rows.state_key("a"))
    assert kept is not None
    assert rows.join_text(kept.values) == '"second one"'


async def test_state_is_saved_with_a_step_in_one_transaction(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.take_over("w1")
    held = lock.require()
    without = transactions.step(held, held.job, lock.writer("w1"), StepDone("one", "1", 0.1))
    assert rows.state_key("a") not in [operation.key for operation in without.operations]
    both = transactions.step(held, held.job, lock.writer("w1"), StepDone("one", "1", 0.1, state='"s"'))
    assert Insert(rows.state_key("a"), rows.split_text('"s"')) in both.operations
    assert [event.status for event in both.events] == ["Step"]


async def test_progress_alone_changes_the_row_and_records_no_event(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.take_over("w1")
    before = lock.events("a")
    draft = await lock.flush(progress_value=1.0, progress_limit=4.0, step="half")
    job = lock.job("a")
    assert (job.progress_value, job.progress_limit, job.step, job.seq) == (1.0, 4.0, "half", 3)
    assert lock.events("a") == before
    assert draft.events == []
    assert lock.lock.op_id == draft.writer.op_id


async def test_no_write_of_a_run_changes_anything_else_in_its_lock_row(lock: JournaledLock) -> None:
    await lock.submit("a")
    await lock.take_over("w1")
    before = asdict(lock.lock)
    for write in (lock.step("one"), lock.save("1"), lock.flush(step="two")):
        draft = await write
        assert asdict(lock.lock) == before | {"op_id": draft.writer.op_id}


async def test_every_transaction_of_a_holder_asks_for_the_version_of_the_lock_row(
    lock: JournaledLock,
) -> None:
    await lock.submit("a")
    await lock.submit("b")
    first = await lock.build_take_over()
    assert first is not None
    assert _version_asked_for(first) is None
    await lock.take_over("w1")
    for write in (lock.step("one"), lock.save("1"), lock.flush(step="two")):
        version = lock.require().lock_etag
        assert _version_asked_for(await write) == version
    version = lock.require().lock_etag
    draft, _ = await lock.end(Completed(), chain=True)
    assert _version_asked_for(draft) == version
    version = lock.require().lock_etag
    assert _version_asked_for(await lock.take_over("w2")) == version


def _version_asked_for(draft: transactions.Draft) -> str | None:
    """Return the version that the lock row must have, or None when there must be no such row."""
    [operation] = [operation for operation in draft.operations if operation.key == rows.lock_key()]
    assert isinstance(operation, Insert | Update)
    return operation.etag if isinstance(operation, Update) else None


async def test_what_stands_in_the_journal_is_not_changed_in_memory(lock: JournaledLock) -> None:
    """A change that nobody writes would be written by chance, or be missing from the next update."""
    await lock.submit("a")
    draft = await lock.take_over()
    line = await read_line(lock.journal, Slot(LOCK))
    transaction = draft.transaction
    records = [
        *(lock.require(), lock.policy, lock.lock, lock.job("a"), lock.events("a")[0], draft.writer),
        *(line, transaction, *transaction.operations, lock.row(rows.lock_key())),
        *(StepDone("one", "1", 0.1), Completed(), Failed("t", "m"), TimedOut("m"), Interrupted("r")),
    ]
    for record in records:
        name = next(iter(vars(record)))
        with pytest.raises(FrozenInstanceError):
            setattr(record, name, None)
