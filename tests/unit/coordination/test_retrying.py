"""Retrying by hand: a new job, which continues where the old one ended, once for each old job."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from tests.unit.coordination.retried import NEW, OTHER, PARTITION, THIRD, Desk

from coordination.clients.cancellation import Canceller
from coordination.clients.expiry import build_expiry
from coordination.clients.job_writer import JobRemovedError, JobWriter, NoSuchJobError, Recorded
from coordination.clients.retrying import (
    MOST_CONTINUED,
    CannotRetryError,
    HistoryRemovedError,
    RetriedAlreadyError,
)
from coordination.clients.submission import JobExistsError
from coordination.journal import events, rows
from coordination.journal.rows import EventRow, JobRow
from coordination.maintenance.pruning import Pruned, Pruning
from coordination.maintenance.removable import Kept
from coordination.outcomes import Cancelled, Completed, RunOutcome, TimedOut
from coordination.ports import (
    Insert,
    InvalidTransactionError,
    Operation,
    Replace,
    Transaction,
    UnknownOutcomeError,
    Update,
)

#: A place in line behind all others.
LAST = "ffffffff-0000-7000-8000-000000000000"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await made.close()


def submitted(desk: Desk, job_id: str) -> EventRow:
    """Return a job's first event."""
    return EventRow.from_row(desk.journal.partitions[PARTITION][rows.event_key(job_id, 1)])


async def test_a_retry_is_a_new_job_and_both_name_each_other(desk: Desk) -> None:
    old = await desk.ran("one")
    desk.notifier.take_announcements()
    job = await desk.retry(old, reason="open again")
    assert job == desk.job(NEW)
    assert (job.status, job.retry_of, job.lock_name, job.kind, job.attempt) == ("Queued", old, "L", "kind", 0)
    assert (desk.job(old).status, desk.job(old).retried_by) == ("Failed", NEW)
    event = submitted(desk, NEW)
    assert (event.actor, event.message) == ("bob", f"submitted by bob as a retry of {old}: open again")
    about = json.loads(event.data)
    assert {name: about[name] for name in ("retry_of", "fresh", "history", "reason")} == {
        "retry_of": old,
        "fresh": False,
        "history": [old],
        "reason": "open again",
    }
    assert desk.notifier.take_announcements() == events.announcements([event])
    (wake_up,) = desk.notifier.take_wake_ups()
    assert (wake_up.lock_name, wake_up.job_id) == ("L", NEW)
    registration = await desk.register.find(NEW)
    assert registration is not None
    assert registration.partition == PARTITION


@pytest.mark.parametrize("parameters", ["{}", json.dumps({"text": "x" * 3000})])
async def test_a_retry_continues_with_recorded_steps_and_saved_state(desk: Desk, parameters: str) -> None:
    old = await desk.ran("one", "two", state='"half"')
    await desk.retry(old, parameters=parameters)
    run = await desk.run("three")
    assert [(step.name, step.result) for step in run.recorded] == [("one", '"one"'), ("two", '"two"')]
    assert (run.state, run.parameters) == ('"half"', parameters)
    # Its own records have numbers of their own.
    assert desk.job(NEW).steps == 1


async def test_a_retry_saves_its_own_state_over_that_of_the_old_job(desk: Desk) -> None:
    old = await desk.ran(state='"half"')
    await desk.retry(old)
    tenure, run = await desk.hold()
    await run.save_state('"more"')
    await run.save_state('"most"')
    await tenure.keeper.release()
    _, again = await desk.hold("w2")
    assert (again.job.job_id, again.state) == (NEW, '"most"')
    kept = desk.journal.partitions[PARTITION][rows.state_key(old)]
    assert rows.join_text(kept.values) == '"half"'


async def test_a_fresh_retry_begins_from_the_beginning(desk: Desk) -> None:
    old = await desk.ran("one", state='"half"')
    await desk.retry(old, is_fresh=True)
    assert json.loads(submitted(desk, NEW).data)["fresh"]
    run = await desk.run()
    assert (run.recorded, run.state) == ([], None)
    assert (desk.job(old).retried_by, desk.job(old).read_by) == (NEW, None)


async def test_an_expired_job_is_retried_and_its_retry_waits_for_as_long_as_it_takes(desk: Desk) -> None:
    old, other = await desk.submit(expires_in=60.0), await desk.submit()
    desk.clock.jump(60)
    writer = JobWriter(desk.journal, desk.notifier, desk.clock)
    assert (await writer.change(desk.registration(old), "scheduler", build_expiry)).status == "Expired"
    job = await desk.retry(old, expires_in=60.0, on_conflict="reject", timeout=5.0, order=LAST)
    assert (job.status, job.retry_of, job.expires_at, job.timeout) == ("Queued", old, None, 5.0)
    registration = await desk.register.find(NEW)
    assert registration is not None
    assert registration.expires_at is None
    desk.clock.jump(3600)
    assert [(await desk.run()).job.job_id for _ in range(2)] == [other, NEW]


async def test_a_retry_of_a_job_that_recorded_nothing_costs_its_start_no_read(desk: Desk) -> None:
    old = await desk.ran()
    await desk.retry(old)
    assert "history" not in json.loads(submitted(desk, NEW).data)
    desk.network.calls.clear()
    run = await desk.run()
    assert (run.recorded, run.parameters) == ([], "{}")
    assert len(desk.network.sent("journal.read_range")) == 1, "the line"


async def test_a_retry_of_a_retry_continues_with_all_that_was_recorded(desk: Desk) -> None:
    first = await desk.ran("one", state='"1"')
    await desk.retry(first)
    await desk.run("two")
    await desk.retry(NEW, OTHER)
    # One that recorded nothing adds nothing.
    await desk.run()
    await desk.retry(OTHER, THIRD)
    assert json.loads(submitted(desk, THIRD).data)["history"] == [first, NEW]
    assert [desk.job(job_id).read_by for job_id in (first, NEW, OTHER)] == [THIRD, THIRD, None]
    assert [desk.job(job_id).retried_by for job_id in (first, NEW, OTHER)] == [NEW, OTHER, THIRD]
    run = await desk.run("three")
    assert ([step.name for step in run.recorded], run.state) == (["one", "two"], '"1"')


@pytest.mark.parametrize("outcome", [Cancelled(), TimedOut("too long")])
async def test_a_cancelled_and_a_timed_out_job_can_be_retried(desk: Desk, outcome: RunOutcome) -> None:
    old = await desk.ran("one", outcome=outcome)
    assert (await desk.retry(old)).retry_of == old


async def test_a_job_that_was_cancelled_in_line_can_be_retried(desk: Desk) -> None:
    old = await desk.submit()
    await Canceller(JobWriter(desk.journal, desk.notifier, desk.clock)).cancel(desk.registration(old), "ann")
    assert (await desk.retry(old)).status == "Queued"


async def test_a_job_that_waits_runs_or_has_completed_cannot_be_retried(desk: Desk) -> None:
    old = await desk.submit()
    tenure = None
    for status in ("Queued", "Running", "Completed"):
        before = dict(desk.journal.partitions[PARTITION])
        with pytest.raises(CannotRetryError) as refused:
            await desk.retry(old)
        assert (refused.value.job.status, str(refused.value)) == (
            status,
            f"a job that is {status} cannot be retried",
        )
        assert desk.journal.partitions[PARTITION] == before
        assert await desk.register.find(NEW) is None
        if status == "Queued":
            tenure, _ = await desk.hold()
        elif status == "Running" and tenure is not None:
            await tenure.finish(Completed(), None)


async def test_an_id_without_a_job_cannot_be_retried(desk: Desk) -> None:
    await desk.submit()
    with pytest.raises(NoSuchJobError):
        await desk.retrier().look(desk.registration("nothing"))


# --- once ---------------------------------------------------------------------------


async def test_the_same_request_again_returns_the_same_job_under_any_id(desk: Desk) -> None:
    old = await desk.ran("one")
    await desk.retry(old)
    await desk.run()
    before = dict(desk.journal.partitions[PARTITION])
    for new_id in (NEW, OTHER):
        again = await desk.ask(old, new_id, reason="another", actor="eve")
        assert (again.job.job_id, again.job.status, again.is_new) == (NEW, "Failed", False)
    assert desk.journal.partitions[PARTITION] == before
    assert await desk.register.find(OTHER) is None


@pytest.mark.parametrize("changed", [{"is_fresh": True}, {"parameters": '{"x":1}'}])
async def test_another_request_is_refused_and_names_the_retry(desk: Desk, changed: dict[str, object]) -> None:
    old = await desk.ran("one")
    await desk.retry(old)
    with pytest.raises(RetriedAlreadyError) as refused:
        await desk.retry(old, OTHER, **changed)  # type: ignore[arg-type]
    assert refused.value.job.retried_by == NEW


async def test_the_id_of_another_job_is_refused_and_nothing_is_written(desk: Desk) -> None:
    old, other = await desk.ran("one"), await desk.submit()
    before = dict(desk.journal.partitions[PARTITION])
    for taken in (old, other):
        with pytest.raises(JobExistsError) as refused:
            await desk.retry(old, taken)
        assert not refused.value.same_request
    assert desk.journal.partitions[PARTITION] == before


def calls_of_a_retry() -> list[str]:
    """Return the calls that a retry makes, each with its number."""
    one = [
        "journal.read 1",
        "journal.read 2",
        "journal.mark 1",
        "journal.register 1",
        "journal.commit 1",
    ]
    return [f"{moment} {call}" for call in one for moment in ("before", "after")]


def at(desk: Desk, place: str, act: Callable[[], Awaitable[None]]) -> None:
    """Act when a call for this is about to be carried out, or just was."""
    moment, call, number = place.split()
    disturb = desk.network.before if moment == "before" else desk.network.after
    quiet: list[None] = [None] * (int(number) - 1)
    disturb(call, *quiet, act)


@pytest.mark.parametrize("place", calls_of_a_retry())
@pytest.mark.parametrize("second_id", [NEW, OTHER])
async def test_two_retries_at_once_give_one_job(desk: Desk, place: str, second_id: str) -> None:
    old = await desk.ran("one")
    second: list[Recorded] = []

    async def meanwhile() -> None:
        second.append(await desk.ask(old, second_id))

    at(desk, place, meanwhile)
    asked = await desk.ask(old)
    assert len(second) == 1, "the other one came in between"
    assert {asked.is_new, second[0].is_new} == {True, False}, "one of them knows that it made the job"
    first = asked.job
    assert first.job_id == second[0].job.job_id == desk.job(old).retried_by
    retries = [
        key
        for key in desk.journal.partitions[PARTITION]
        if key.startswith(rows.JOBS) and key != rows.job_key(old)
    ]
    assert retries == [rows.job_key(first.job_id)]
    assert [run.job.job_id for run in [await desk.run()]] == [first.job_id]


@pytest.mark.parametrize("place", calls_of_a_retry())
async def test_two_different_retries_at_once_give_one_job_and_one_refusal(desk: Desk, place: str) -> None:
    old = await desk.ran("one")
    came: list[object] = []

    async def meanwhile() -> None:
        try:
            came.append(await desk.retry(old, OTHER, is_fresh=True))
        except RetriedAlreadyError as refused:
            came.append(refused)

    at(desk, place, meanwhile)
    try:
        came.append(await desk.retry(old))
    except RetriedAlreadyError as refused:
        came.append(refused)
    assert sorted(type(one).__name__ for one in came) == ["JobRow", "RetriedAlreadyError"]


async def test_a_lost_answer_is_recognised_as_its_own_write(desk: Desk) -> None:
    old = await desk.ran("one")
    desk.network.after("journal.commit", UnknownOutcomeError())
    retrying = asyncio.ensure_future(desk.retry(old))
    await desk.clock.advance(1)
    assert (await retrying).job_id == NEW
    assert len(desk.notifier.take_wake_ups()) == 1


@pytest.mark.parametrize("call", ["journal.register", "journal.commit"])
async def test_a_retry_whose_caller_died_can_be_repeated(desk: Desk, call: str) -> None:
    """Nothing of it is in the journal then but, at most, all of it."""
    old = await desk.ran("one")
    desk.network.before(call, ConnectionAbortedError())
    with pytest.raises(ConnectionAbortedError):
        await desk.retry(old)
    assert desk.job(old).retried_by is None
    assert rows.history_key(NEW) not in desk.journal.partitions[PARTITION]
    assert (await desk.retry(old)).job_id == NEW
    assert [step.name for step in (await desk.run()).recorded] == ["one"]


async def test_a_retry_gives_up_when_its_patience_is_over(desk: Desk) -> None:
    old = await desk.ran("one")
    desk.network.before("journal.commit", *[UnknownOutcomeError()] * 100)
    retrying = asyncio.ensure_future(desk.retry(old))
    await desk.clock.advance(20)
    with pytest.raises(UnknownOutcomeError):
        await retrying


async def test_one_that_continues_too_many_jobs_is_refused_unless_it_is_fresh(desk: Desk) -> None:
    old = await desk.ran("one")
    row = desk.journal.partitions[PARTITION][rows.job_key(old)]
    names = " ".join([old] * MOST_CONTINUED)
    forged: list[Operation] = [
        Update(row.key, {"retry_of": OTHER}, row.etag),
        Insert(rows.history_key(old), rows.split_text(names)),
    ]
    await desk.journal.commit(PARTITION, Transaction("forged", forged), 1)
    with pytest.raises(InvalidTransactionError, match="81 jobs"):
        await desk.retry(old)
    assert (await desk.retry(old, is_fresh=True)).status == "Queued"


# --- against the removal of old jobs --------------------------------------------------


async def prune(desk: Desk) -> Pruned:
    """Remove all jobs of the lock that may be removed."""

    async def all_projected(jobs: object) -> dict[str, int]:
        return {job_id: desk.job(job_id).seq for job_id in jobs}  # type: ignore[attr-defined]

    class Projected:
        async def delete(self, *_: object, **__: object) -> int:
            return 0

        delete_trails = delete

        async def trail_hashes(self, _: str) -> list[str]:
            return []

    async def verify(*_: object) -> dict[str | None, str]:
        return {}

    for _, job_id in list(desk.register._active):
        row = desk.journal.partitions[PARTITION].get(rows.job_key(job_id))
        if row is not None and JobRow.from_row(row).is_terminal:
            await desk.register.retire(job_id)
    pruning = Pruning(desk.journal, desk.register, desk.clock, all_projected, Projected(), verify)
    later = desk.clock.now() + timedelta(days=1)
    (done,) = [done async for done in pruning.prune(["L"], later, "ann")]
    return done


async def test_a_job_stays_until_the_retry_that_needs_it_has_ended(desk: Desk) -> None:
    old = await desk.ran("one")
    await desk.retry(old)
    done = await prune(desk)
    assert (done.jobs, done.found.kept.get(Kept.RETRIED)) == (0, 1)
    run = await desk.run("two", outcome=Completed())
    assert [step.name for step in run.recorded] == ["one"]
    assert (await prune(desk)).jobs == 2
    with pytest.raises(JobRemovedError):
        await desk.retry(old)


async def test_a_fresh_retry_keeps_nothing(desk: Desk) -> None:
    old = await desk.ran("one")
    await desk.retry(old, is_fresh=True)
    assert (await prune(desk)).jobs == 1
    assert desk.journal.partitions[PARTITION][rows.job_key(old)].values["status"] == "Removed"


async def test_what_was_removed_is_missed_by_a_later_retry_that_can_be_fresh(desk: Desk) -> None:
    old = await desk.ran("one")
    await desk.retry(old)
    await desk.run()
    row = desk.journal.partitions[PARTITION][rows.job_key(old)]
    removed = Replace(row.key, dict(row.values) | {"status": JobRow.REMOVED}, row.etag)
    await desk.journal.commit(PARTITION, Transaction("removed", [removed]), 1)
    with pytest.raises(HistoryRemovedError, match=old):
        await desk.retry(NEW, OTHER)
    assert (await desk.retry(NEW, OTHER, is_fresh=True)).retry_of == NEW


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["journal.read", "journal.read_range", "journal.commit"])
@pytest.mark.parametrize("number", range(1, 7))
async def test_a_removal_into_which_a_retry_comes_leaves_what_the_retry_needs(
    desk: Desk, moment: str, call: str, number: int
) -> None:
    """The retry of a retry needs the first job, of which its own removal knows nothing."""
    old = await desk.ran("one")
    await desk.retry(old)
    await desk.run()
    outcome: list[object] = []

    async def meanwhile() -> None:
        try:
            outcome.append(await desk.retry(NEW, OTHER))
        except (HistoryRemovedError, JobRemovedError) as refused:
            outcome.append(refused)

    at(desk, f"{moment} {call} {number}", meanwhile)
    await prune(desk)
    if not outcome:
        desk.network.before(call)
        desk.network.after(call)
        await meanwhile()
    if isinstance(outcome[0], JobRow):
        run = await desk.run()
        assert [step.name for step in run.recorded] == ["one"]


@pytest.mark.parametrize("place", calls_of_a_retry())
async def test_a_retry_into_which_a_removal_comes_has_all_it_needs_or_is_refused(
    desk: Desk, place: str
) -> None:
    old = await desk.ran("one")
    removed: list[int] = []

    async def meanwhile() -> None:
        removed.append((await prune(desk)).jobs)

    at(desk, place, meanwhile)
    try:
        await desk.retry(old)
    except (JobRemovedError, HistoryRemovedError):
        assert removed == [1]
    else:
        assert removed == [0]
        assert [step.name for step in (await desk.run()).recorded] == ["one"]
