"""Pinning by hand: a job that has ended stays, whatever time is set for it, until it is unpinned."""

import json
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.removal_world import Installation
from tests.unit.coordination.retried import PARTITION, Desk
from tests.unit.coordination.test_retention import DAY, FIRST, SECOND, after_end, one_job
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author

from coordination.clients.job_writer import JobRemovedError, JobWriter, NoSuchJobError
from coordination.clients.pinning import CannotPinError, Pinner
from coordination.clients.submission import Submitter
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.maintenance.due_jobs import Went
from coordination.maintenance.removable import Kept
from coordination.outcomes import Cancelled, Completed, Failed, RunOutcome
from coordination.retention_times import RetentionTimes
from coordination.testing.memory import InMemoryNotifier


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await made.close()


def pinner(desk: Desk) -> Pinner:
    return Pinner(Submitter(desk.register, JobWriter(desk.journal, desk.notifier, desk.clock)))


def last_event(desk: Desk, job_id: str) -> EventRow:
    key = rows.event_key(job_id, desk.job(job_id).seq)
    return EventRow.from_row(desk.journal.partitions[PARTITION][key])


@pytest.mark.parametrize("outcome", [Completed(), Failed("ValueError", "no"), Cancelled()])
async def test_a_job_that_has_ended_is_pinned_and_unpinned(desk: Desk, outcome: RunOutcome) -> None:
    job_id = await desk.ran(outcome=outcome)
    before = desk.job(job_id)
    job = await pinner(desk).pin(desk.registration(job_id), "bob", "the auditors ask for it")
    event = last_event(desk, job_id)
    assert job == desk.job(job_id)
    assert (event.status, event.message, event.actor, event.worker, json.loads(event.data)) == (
        "Pinned",
        "pinned by bob: the auditors ask for it",
        "bob",
        None,
        {"reason": "the auditors ask for it"},
    )
    assert (job.pinned_by, job.pin_reason, job.pinned_at, job.is_pinned) == (
        "bob",
        "the auditors ask for it",
        event.timestamp,
        True,
    )
    assert (job.status, job.finished_at, job.seq) == (before.status, before.finished_at, before.seq + 1)

    job = await pinner(desk).unpin(desk.registration(job_id), "eve")
    event = last_event(desk, job_id)
    assert (event.status, event.message, event.actor) == ("Unpinned", "unpinned by eve", "eve")
    assert (job.is_pinned, job.pinned_by, job.pin_reason) == (False, "", "")
    assert (await pinner(desk).pin(desk.registration(job_id), "ann")).pinned_by == "ann"


async def test_repeating_it_changes_nothing_and_keeps_who_was_first(desk: Desk) -> None:
    job_id = await desk.ran()
    assert not (await pinner(desk).unpin(desk.registration(job_id), "eve")).is_pinned
    first = await pinner(desk).pin(desk.registration(job_id), "bob", "one")
    desk.network.calls.clear()
    assert await pinner(desk).pin(desk.registration(job_id), "eve", "other") == first
    assert desk.network.sent("journal.commit") == desk.network.sent("journal.activate") == []


async def test_the_job_counts_as_active_until_the_event_is_projected(desk: Desk) -> None:
    job_id = await desk.ran()
    await desk.register.retire(job_id)
    await pinner(desk).pin(desk.registration(job_id), "bob")
    assert [job.job_id async for job in desk.register.active(desk.clock.now())] == [job_id]
    assert len(desk.network.sent("journal.activate")) == 2


async def test_a_job_that_waits_or_runs_cannot_be_pinned(desk: Desk) -> None:
    job_id = await desk.submit()
    for status in ("Queued", "Running"):
        for act in (pinner(desk).pin, pinner(desk).unpin):
            with pytest.raises(CannotPinError) as refused:
                await act(desk.registration(job_id), "bob")
            assert refused.value.job.status == status
        if status == "Queued":
            await desk.hold()


async def test_a_job_that_is_not_there_or_has_gone_cannot_be_pinned(desk: Desk) -> None:
    with pytest.raises(NoSuchJobError):
        await pinner(desk).pin(desk.registration("nothing"), "bob")
    author = one_job(keep=DAY)
    made = Installation()
    made.times = RetentionTimes(ids=DAY)
    await made.write(author)
    await made.let_go(after_end(author, DAY))
    with pytest.raises(JobRemovedError):
        await pin(made)


# --- it stays --------------------------------------------------------------------------------


async def pin(made: Installation, *, is_pinned: bool = True) -> JobRow:
    """Pin the first job, or unpin it, and project that."""
    writer = JobWriter(made.journal, InMemoryNotifier(), made.clock)
    registration = await made.register.find(FIRST)
    assert registration is not None
    pinning = Pinner(Submitter(made.register, writer))
    job = await (pinning.pin if is_pinned else pinning.unpin)(registration, "bob", "why")
    await made.projection().project("ledger", FIRST, job.seq)
    assert not made.register._active
    return job


async def made_of(author: Author) -> Installation:
    made = Installation()
    made.times = RetentionTimes(keep=DAY, trail=2 * DAY, ids=DAY)
    await made.write(author)
    return made


async def test_a_pinned_job_stays_and_goes_once_it_is_unpinned() -> None:
    author = one_job()
    made = await made_of(author)
    await pin(made)
    assert await made.let_go(after_end(author, 50 * DAY)) == Went()
    assert made.register.removals == {}, "nothing is looked at as long as it is pinned"
    assert await broken(made.records()) == {}
    await pin(made, is_pinned=False)
    assert await made.let_go() == Went(deleted=1)
    assert await broken(made.records()) == {}
    assert await made.let_go(after_end(author, 51 * DAY)) == Went(forgotten=1)
    assert await broken(made.records()) == {}


async def test_an_unpinned_job_whose_time_is_not_over_stays_until_it_is() -> None:
    author = one_job()
    made = await made_of(author)
    await pin(made)
    await pin(made, is_pinned=False)
    assert await made.let_go(after_end(author, DAY - 1)) == Went()
    assert await made.let_go(after_end(author, DAY)) == Went(archived=1)
    assert await broken(made.records()) == {}


async def test_a_removal_by_hand_leaves_it_and_what_ran_behind_it() -> None:
    author = one_job()
    author.start(author.submit())
    author.end(SECOND)
    made = await made_of(author)
    await pin(made)
    (done,) = await made.prune()
    assert (done.jobs, dict(done.found.kept)) == (0, {Kept.PINNED: 1, Kept.BEHIND: 1})
    await pin(made, is_pinned=False)
    (done,) = await made.prune()
    assert done.jobs == 2
    assert await broken(made.records()) == {}
