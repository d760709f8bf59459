"""Finalizing by hand: one event after the end of a job that did not complete."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import pytest
from tests.unit.coordination.removal_world import Installation
from tests.unit.coordination.retried import NEW, PARTITION, Desk
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author

from contracts.statuses import EventStatus
from coordination.clients.finalizing import CannotFinalizeError, Finalizer
from coordination.clients.job_writer import JobRemovedError, JobWriter, NoSuchJobError, Recorded
from coordination.clients.submission import Submitter
from coordination.journal import events, rows
from coordination.journal.rows import EventRow, JobRow
from coordination.maintenance.sweeper import Sweeper
from coordination.outcomes import Cancelled, Completed, Failed, RunOutcome, TimedOut
from coordination.ports import Replace, Transaction, UnknownOutcomeError


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await made.close()


async def finalize(desk: Desk, job_id: str, actor: str = "bob", reason: str = "") -> JobRow:
    return (await ask(desk, job_id, actor, reason)).job


async def ask(desk: Desk, job_id: str, actor: str = "bob", reason: str = "") -> Recorded:
    writer = JobWriter(desk.journal, desk.notifier, desk.clock)
    found = await desk.register.find(job_id) or desk.registration(job_id)
    return await Finalizer(Submitter(desk.register, writer)).finalize(found, actor, reason)


async def nothing_projected(_: Mapping[str, datetime]) -> Mapping[str, int]:
    return {}


def sweeper(desk: Desk) -> Sweeper:
    return Sweeper(desk.leases, desk.journal, desk.register, desk.notifier, desk.clock, nothing_projected)


def last_event(desk: Desk, job_id: str) -> EventRow:
    key = rows.event_key(job_id, desk.job(job_id).seq)
    return EventRow.from_row(desk.journal.partitions[PARTITION][key])


async def test_a_job_that_expired_is_finalized_and_does_not_expire_again(desk: Desk) -> None:
    job_id = await desk.submit(expires_in=60.0)
    desk.clock.jump(60)
    assert [job.job_id for job in (await sweeper(desk).sweep()).expired] == [job_id]
    await desk.register.retire(job_id)
    job = await finalize(desk, job_id)
    assert (job.status, job.finalized_by) == ("Expired", "bob")
    assert [one.expires_at async for one in desk.register.active(desk.clock.now())] == [None]
    assert (await sweeper(desk).sweep()).expired == []


@pytest.mark.parametrize("outcome", [Failed("ValueError", "no"), Cancelled(), TimedOut("too long")])
async def test_a_job_that_did_not_complete_is_finalized_and_keeps_its_status(
    desk: Desk, outcome: RunOutcome
) -> None:
    job_id = await desk.ran("one", outcome=outcome)
    before = desk.job(job_id)
    desk.notifier.take_announcements()
    job = await finalize(desk, job_id, reason="booked by hand")
    assert job == desk.job(job_id)
    event = last_event(desk, job_id)
    assert (event.status, event.message, event.actor, event.worker) == (
        "Finalized",
        "finalized by bob: booked by hand",
        "bob",
        None,
    )
    assert json.loads(event.data) == {"reason": "booked by hand"}
    assert (job.status, job.finished_at, job.seq) == (before.status, before.finished_at, before.seq + 1)
    assert (job.finalized_at, job.finalized_by, job.finalize_reason) == (
        event.timestamp,
        "bob",
        "booked by hand",
    )
    assert desk.notifier.take_announcements() == events.announcements([event])


async def test_the_job_counts_as_active_until_the_event_is_projected(desk: Desk) -> None:
    job_id = await desk.ran()
    await desk.register.retire(job_id)
    seen: list[set[str]] = []

    async def look() -> None:
        seen.append({job for _, job in desk.register._active})

    async def retire_late() -> None:
        await desk.register.retire(job_id)

    desk.network.before("journal.commit", look)
    desk.network.after("journal.commit", retire_late)
    marks = dict(await desk.register.marks())
    await finalize(desk, job_id)
    assert seen == [{job_id}], "before: else a crash after the write leaves an event that nobody looks for"
    assert [job.job_id async for job in desk.register.active(desk.clock.now())] == [job_id]
    assert dict(await desk.register.marks()) != marks, "a scheduler that rests wakes up"
    (active,) = desk.register._active.values()
    assert active.is_marked


async def test_repeating_it_changes_nothing_and_keeps_who_was_first(desk: Desk) -> None:
    job_id = await desk.ran()
    first = await ask(desk, job_id, "bob", "one")
    assert first.is_new
    desk.network.calls.clear()
    assert await ask(desk, job_id, "eve", "other") == Recorded(first.job, is_new=False)
    assert desk.network.sent("journal.commit") == desk.network.sent("journal.activate") == []


async def test_two_at_once_write_one_event(desk: Desk) -> None:
    job_id = await desk.ran()
    second: list[Recorded] = []

    async def meanwhile() -> None:
        second.append(await ask(desk, job_id, "eve"))

    desk.network.before("journal.commit", meanwhile)
    first = await ask(desk, job_id, "bob")
    assert first.job == second[0].job == desk.job(job_id)
    assert first.job.finalized_by == "eve"
    assert (first.is_new, second[0].is_new) == (False, True)


async def test_a_job_that_waits_runs_or_has_completed_cannot_be_finalized(desk: Desk) -> None:
    job_id = await desk.submit()
    tenure = None
    for status in ("Queued", "Running", "Completed"):
        before = dict(desk.journal.partitions[PARTITION])
        with pytest.raises(CannotFinalizeError) as refused:
            await finalize(desk, job_id)
        assert (refused.value.job.status, str(refused.value)) == (
            status,
            f"a job that is {status} cannot be finalized",
        )
        assert desk.journal.partitions[PARTITION] == before
        assert desk.network.sent("journal.activate") == []
        if status == "Queued":
            tenure, _ = await desk.hold()
        elif status == "Running" and tenure is not None:
            await tenure.finish(Completed(), None)


async def test_a_job_that_is_not_there_cannot_be_finalized(desk: Desk) -> None:
    job_id = await desk.ran()
    with pytest.raises(NoSuchJobError):
        await finalize(desk, "nothing")
    row = desk.journal.partitions[PARTITION][rows.job_key(job_id)]
    removed = Replace(row.key, dict(row.values) | {"status": JobRow.REMOVED}, row.etag)
    await desk.journal.commit(PARTITION, Transaction("removed", [removed]), 1)
    with pytest.raises(JobRemovedError):
        await finalize(desk, job_id)


async def test_a_lost_answer_is_recognised_as_its_own_write(desk: Desk) -> None:
    job_id = await desk.ran()
    desk.network.after("journal.commit", UnknownOutcomeError())
    finalizing = asyncio.ensure_future(finalize(desk, job_id))
    await desk.clock.advance(1)
    assert (await finalizing).finalized_by == "bob"


async def test_a_finalized_job_can_be_retried_and_a_retried_one_finalized(desk: Desk) -> None:
    job_id = await desk.ran("one")
    await finalize(desk, job_id)
    await desk.retry(job_id)
    assert [step.name for step in (await desk.run()).recorded] == ["one"]
    await finalize(desk, NEW)
    assert (desk.job(job_id).retried_by, desk.job(NEW).finalized_by) == (NEW, "bob")


async def test_a_finalized_job_is_removed_like_any_other() -> None:
    author = Author()
    job_id = author.submit()
    author.start(job_id)
    author.end(job_id, EventStatus.FAILED)
    author.finalize(job_id)
    made = Installation()
    await made.write(author)
    (done,) = await made.prune()
    assert (done.jobs, done.refusal) == (1, "")
    assert made.left_of(job_id) == set()
    assert await broken(made.records()) == {}
