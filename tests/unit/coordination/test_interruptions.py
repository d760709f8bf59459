"""How often a job may be cut off, what counts, and what becomes of it then."""

import pytest
from tests.unit.coordination.journaled_lock import JournaledLock

from contracts.policies import JobPolicy
from coordination.journal.endings import RUNNER_CRASH_LIMIT, WORKER_LOSS_LIMIT
from coordination.journal.rows import JobRow
from coordination.outcomes import Cancelled, Completed, Interrupted

DIED = Interrupted("the runner died of signal 9", died=True)
STOPPED = Interrupted("the worker is stopping")


def counts(job: JobRow) -> tuple[int, int, int]:
    return job.interruptions, job.deaths, job.losses


async def test_by_default_a_job_may_lose_three_runners() -> None:
    lock = JournaledLock()
    await lock.submit("a")
    ends = []
    for _ in range(3):
        await lock.take_over()
        _, ended = await lock.end(DIED)
        ends.append(ended.status)
    assert ends == ["Queued", "Queued", "Failed"]


async def test_by_default_a_job_may_lose_ten_workers_in_a_row() -> None:
    lock = JournaledLock()
    await lock.submit("a")
    await lock.take_over()
    found = []
    for _ in range(10):
        await lock.take_over()
        found.append(lock.job("a").status)
    assert found == ["Running"] * 9 + ["Failed"]


async def test_a_take_over_counts_a_loss() -> None:
    lock = JournaledLock()
    await lock.submit("a")
    await lock.take_over("w1")
    draft = await lock.take_over("w2")
    assert draft.interrupted is not None
    assert counts(draft.interrupted) == (1, 0, 1)
    assert counts(lock.job("a")) == (1, 0, 1)


async def test_the_death_of_a_runner_counts_a_death_and_no_loss() -> None:
    lock = JournaledLock()
    await lock.submit("a")
    await lock.take_over("w1")
    _, ended = await lock.end(DIED)
    assert counts(ended) == (1, 1, 0)
    assert counts(lock.job("a")) == (1, 1, 0)
    assert lock.tickets() == ["a"]


async def test_a_clean_stop_counts_an_interruption_and_nothing_else() -> None:
    lock = JournaledLock(JobPolicy(max_runner_crashes=1, max_worker_losses=1))
    await lock.submit("a")
    for number in range(1, 12):
        await lock.take_over("w1")
        _, ended = await lock.end(STOPPED)
        assert (ended.status, counts(ended)) == ("Queued", (number, 0, 0))


async def test_a_job_fails_with_the_loss_that_reaches_the_limit_and_not_before() -> None:
    lock = JournaledLock(JobPolicy(max_worker_losses=3))
    await lock.submit("a")
    await lock.submit("b")
    for number in range(1, 4):
        await lock.take_over(f"w{number}")
        assert (lock.job("a").status, lock.job("a").losses) == ("Running", number - 1)
    draft = await lock.take_over("w4")
    failed = lock.job("a")
    message = "its worker was lost 3 times, last: worker w3 was lost"
    assert (failed.status, failed.error_type, failed.error_message) == ("Failed", WORKER_LOSS_LIMIT, message)
    assert (counts(failed), failed.finished_at) == ((3, 0, 3), draft.writer.at)
    assert lock.statuses("a")[-2:] == ["Interrupted", "Failed"]
    assert draft.interrupted == failed
    # The next job starts in the same transaction, and the failed one does not wait any more.
    assert (lock.lock.job_id, lock.tickets()) == ("b", [])


async def test_a_job_fails_with_the_death_that_reaches_the_limit_and_not_before() -> None:
    lock = JournaledLock(JobPolicy(max_runner_crashes=2))
    await lock.submit("a")
    await lock.take_over("w1")
    _, ended = await lock.end(DIED)
    assert (ended.status, counts(ended)) == ("Queued", (1, 1, 0))
    await lock.take_over("w1")
    _, ended = await lock.end(DIED)
    message = "its runner process died 2 times, last: the runner died of signal 9"
    assert (ended.status, ended.error_type, ended.error_message) == ("Failed", RUNNER_CRASH_LIMIT, message)
    assert lock.job("a") == ended
    assert lock.statuses("a")[-2:] == ["Interrupted", "Failed"]
    assert lock.tickets() == []


async def test_losses_are_counted_in_a_row_and_a_recorded_step_begins_again() -> None:
    lock = JournaledLock(JobPolicy(max_worker_losses=2))
    await lock.submit("a")
    for worker in ("w1", "w2"):
        await lock.take_over(worker)
    assert lock.job("a").losses == 1
    await lock.step()
    assert counts(lock.job("a")) == (1, 0, 0)
    await lock.take_over("w3")
    assert (lock.job("a").status, counts(lock.job("a"))) == ("Running", (2, 0, 1))
    await lock.take_over("w4")
    assert (lock.job("a").status, counts(lock.job("a"))) == ("Failed", (3, 0, 2))


async def test_only_a_step_begins_the_count_of_losses_again() -> None:
    lock = JournaledLock()
    await lock.submit("a")
    for worker in ("w1", "w2"):
        await lock.take_over(worker)
    await lock.save('"state"')
    await lock.flush(step="half")
    await lock.end(DIED)
    await lock.take_over("w2")
    await lock.end(STOPPED)
    await lock.take_over("w2")
    assert counts(lock.job("a")) == (3, 1, 1)


async def test_a_step_does_not_begin_the_count_of_deaths_again() -> None:
    lock = JournaledLock(JobPolicy(max_runner_crashes=2))
    await lock.submit("a")
    await lock.take_over("w1")
    await lock.end(DIED)
    await lock.take_over("w1")
    await lock.step()
    _, ended = await lock.end(DIED)
    assert (ended.status, counts(ended)) == ("Failed", (2, 2, 0))


async def test_losses_do_not_count_as_deaths_nor_deaths_as_losses() -> None:
    lock = JournaledLock(JobPolicy(max_runner_crashes=2, max_worker_losses=2))
    await lock.submit("a")
    for worker in ("w1", "w2"):
        await lock.take_over(worker)
    _, ended = await lock.end(DIED)
    assert (ended.status, counts(ended)) == ("Queued", (2, 1, 1))


@pytest.mark.parametrize("how", ["lost", "died", "stopped"])
async def test_a_job_whose_cancellation_was_requested_is_cancelled_when_it_is_cut_off(how: str) -> None:
    """Also when the interruption reaches a limit: the job ends as its owner asked."""
    lock = JournaledLock(JobPolicy(max_runner_crashes=1, max_worker_losses=1))
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over("w1")
    await lock.flush(cancel_requested=True, cancel_actor="bob")
    if how == "lost":
        await lock.take_over("w2")
    else:
        await lock.end(DIED if how == "died" else STOPPED)
    job = lock.job("a")
    assert (job.status, job.error_type, job.interruptions) == ("Cancelled", "", 1)
    assert job.finished_at
    assert lock.statuses("a")[-2:] == ["Interrupted", "Cancelled"]
    assert lock.events("a")[-1].message == "cancelled, asked by bob"
    assert "a" not in lock.tickets()


@pytest.mark.parametrize("outcome", [DIED, STOPPED])
async def test_an_interrupted_job_keeps_its_place_in_line(outcome: Interrupted) -> None:
    lock = JournaledLock()
    await lock.submit("b")
    await lock.take_over("w1")
    await lock.submit("c")
    await lock.submit("a", priority=6)
    await lock.flush(step="half")
    draft, ended = await lock.end(outcome)
    assert lock.tickets() == ["b", "c", "a"]
    assert (ended.status, ended.queued_at, ended.finished_at, ended.step) == (
        "Queued",
        draft.writer.at,
        "",
        "",
    )
    [event] = draft.events
    assert (event.status, event.message, event.data) == (
        "Interrupted",
        outcome.reason,
        f'{{"died":{str(outcome.died).lower()}}}',
    )
    assert draft.job is None


async def test_what_an_interrupted_job_has_counted_goes_on_with_its_next_run() -> None:
    lock = JournaledLock()
    await lock.submit("a")
    await lock.take_over("w1")
    await lock.step()
    await lock.flush(progress_value=1.0, progress_limit=3.0)
    await lock.end(DIED)
    await lock.take_over("w2")
    job = lock.job("a")
    assert (job.attempt, job.steps, job.progress_value, job.progress_limit) == (2, 1, 1.0, 3.0)
    assert counts(job) == (1, 1, 0)
    await lock.end(Completed())
    assert [event.seq for event in lock.events("a")] == list(range(1, lock.job("a").seq + 1))
    await lock.submit("b")
    await lock.take_over("w2")
    assert counts(lock.job("b")) == (0, 0, 0)


async def test_a_cancelled_run_that_was_never_asked_to_stop_is_recorded_as_it_ended() -> None:
    lock = JournaledLock()
    await lock.submit("a")
    await lock.take_over("w1")
    _, ended = await lock.end(Cancelled())
    assert (ended.status, counts(ended)) == ("Cancelled", (0, 0, 0))
