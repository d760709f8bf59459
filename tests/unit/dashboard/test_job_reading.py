"""What the page of a job reads, and what it costs."""

import asyncio
from dataclasses import replace

import pytest
from tests.unit.coordination.journaled_lock import PARTITION
from tests.unit.dashboard.journaled_job import JournaledJob

from contracts.identifiers import new_id
from contracts.statuses import EventStatus, JobStatus
from coordination.clients.job_writer import JobRemovedError, NoSuchJobError
from coordination.journal import rows
from coordination.outcomes import Completed, Failed
from coordination.ports import UnknownOutcomeError

OPENING = {"journal.find": 1, "journal.read": 1, "journal.read_range": 1, "read_models.trail_entries": 1}


@pytest.fixture
async def world() -> JournaledJob:
    made = JournaledJob()
    await made.submit_it(name="Close of May", parameters='{"month": "2026-05"}')
    await made.project()
    return made


async def test_opening_a_job_takes_four_requests(world: JournaledJob) -> None:
    assert await world.counted() == OPENING
    view = await world.reader.view(world.job_id)
    assert (view.status, view.job.name, view.kept.parameters) == (
        JobStatus.QUEUED, "Close of May", '{"month": "2026-05"}',
    )  # fmt: skip
    assert [entry.event.status for entry in view.entries] == [EventStatus.SUBMITTED]
    assert (view.projected, view.chain.events, view.chain_broken_at, view.behind_since) == (1, 1, None, None)


async def test_many_viewers_at_once_cost_what_one_costs(world: JournaledJob) -> None:
    await asyncio.gather(*(world.reader.view(world.job_id.upper()) for _ in range(20)))
    assert dict(world.requests) == OPENING


async def test_a_refresh_of_a_job_that_goes_on_takes_one_request(world: JournaledJob) -> None:
    await world.take_over()
    await world.project()
    await world.counted()
    await world.flush(progress_value=3.0, progress_limit=10.0, step="book")
    assert await world.counted() == {"journal.read": 1}
    view = await world.reader.view(world.job_id)
    assert (view.job.progress_value, view.job.step) == (3.0, "book")


async def test_new_events_are_read_behind_the_last_known_one(world: JournaledJob) -> None:
    await world.counted()
    await world.take_over()
    await world.project()
    assert await world.counted() == {"journal.read": 1, "read_models.trail_entries": 1}
    view = await world.reader.view(world.job_id)
    assert [entry.event.seq for entry in view.entries] == [1, 2, 3]
    assert (view.chain.events, view.chain_broken_at) == (3, None)


async def test_an_ended_job_costs_a_read_a_minute_as_it_may_be_retried_or_finalized(
    world: JournaledJob,
) -> None:
    await world.take_over()
    await world.end(Completed('{"balance": "0.00"}'))
    await world.project()
    assert await world.counted() == OPENING
    assert await world.counted(after=59) == {}
    assert await world.counted(after=3600) == {"journal.read": 1}
    view = await world.reader.view(world.job_id)
    assert (view.is_final, view.kept.result) == (True, '{"balance": "0.00"}')


async def test_what_a_running_job_keeps_is_looked_at_every_ten_seconds(world: JournaledJob) -> None:
    await world.take_over()
    await world.counted()
    await world.save('{"cursor": 1}')
    await world.step("collect")
    await world.project()
    assert "journal.read_range" not in await world.counted(after=2)
    assert (await world.counted(after=8))["journal.read_range"] == 1
    view = await world.reader.view(world.job_id)
    assert view.kept.state == '{"cursor": 1}'
    assert [(step.number, step.name, step.result) for step in view.kept.steps] == [(1, "collect", "1")]
    assert "journal.read_range" not in await world.counted(after=60), "nothing new was recorded"


async def test_its_end_is_looked_at_at_once_with_the_traceback(world: JournaledJob) -> None:
    await world.take_over()
    await world.counted()
    for number in range(60):
        await world.step(f"step {number}")
    await world.end(Failed("ValueError", "no such month", "Traceback (most recent call last): …"))
    await world.project()
    assert await world.counted() == {
        "journal.read": 2, "journal.read_range": 1, "read_models.trail_entries": 1,
    }  # fmt: skip
    view = await world.reader.view(world.job_id)
    assert view.kept.traceback == "Traceback (most recent call last): …"
    assert (len(view.kept.steps), view.job.steps) == (50, 60)


async def test_events_that_are_not_projected_yet_come_from_the_journal(world: JournaledJob) -> None:
    await world.take_over()
    view = await world.reader.view(world.job_id)
    assert [entry.event.seq for entry in view.entries] == [1, 2, 3]
    assert (view.projected, view.chain.events) == (1, 1)
    assert view.behind_since == view.entries[1].event.timestamp_utc
    await world.project()
    await world.clock.advance(2)
    view = await world.reader.view(world.job_id)
    assert (view.projected, view.chain.events, view.behind_since) == (3, 3, None)


async def test_a_trail_with_a_gap_counts_up_to_the_gap(world: JournaledJob) -> None:
    await world.take_over()
    await world.project()
    del world.models.trail[f"{world.job_id}-000002"]
    view = await world.reader.view(world.job_id)
    assert [entry.event.seq for entry in view.entries] == [1, 2, 3]
    assert (view.projected, view.chain.events, view.chain_broken_at) == (1, 1, None)


async def test_an_ended_job_that_is_not_projected_is_looked_at_again(world: JournaledJob) -> None:
    await world.take_over()
    await world.end(Completed())
    assert not (await world.reader.view(world.job_id)).is_final
    await world.project()
    await world.clock.advance(2)
    assert (await world.reader.view(world.job_id)).is_final


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
@pytest.mark.parametrize("what", ["message", "hash", "previous_hash", "mark", "data"])
async def test_an_altered_trail_is_seen(world: JournaledJob, seq: int, what: str) -> None:
    await world.take_over()
    await world.step()
    await world.project()
    key = f"{world.job_id}-{seq:06d}"
    entry = world.models.trail[key]
    match what:
        case "message":
            changed = replace(entry, event=entry.event.model_copy(update={"message": "another"}))
        case "data":
            changed = replace(entry, event=entry.event.model_copy(update={"data": {"a": 1}}))
        case "mark":
            changed = replace(entry, is_broken=True)
        case "hash":
            changed = replace(entry, hash="0" * 64)
        case _:
            changed = replace(entry, previous_hash="0" * 64)
    world.models.trail[key] = changed
    assert (await world.reader.view(world.job_id)).chain_broken_at == seq


async def test_a_trail_that_was_written_anew_does_not_fit_the_job(world: JournaledJob) -> None:
    await world.project()
    partition = world.journal.partitions[PARTITION]
    key = rows.job_key(world.job_id)
    values = {**partition[key].values, "event_hash": "f" * 64}
    partition[key] = replace(partition[key], values=values)
    assert (await world.reader.view(world.job_id)).chain_broken_at == 1


@pytest.mark.parametrize("job_id", ["", "42", "../../etc", "x" * 5000, new_id()])
async def test_an_unknown_id_is_no_job(world: JournaledJob, job_id: str) -> None:
    with pytest.raises(NoSuchJobError):
        await world.reader.view(job_id)


async def test_a_job_that_vanishes_is_no_job_any_more_and_may_come_back(world: JournaledJob) -> None:
    await world.reader.view(world.job_id)
    key = rows.job_key(world.job_id)
    row = world.journal.partitions[PARTITION].pop(key)
    await world.clock.advance(2)
    with pytest.raises(NoSuchJobError):
        await world.reader.view(world.job_id)
    world.journal.partitions[PARTITION][key] = row
    assert (await world.reader.view(world.job_id)).job.name == "Close of May"


async def test_storage_that_does_not_answer_is_asked_again_the_next_time(world: JournaledJob) -> None:
    count = world.journal.calls.fault

    async def away(*_: str) -> None:
        raise UnknownOutcomeError

    world.journal.calls.fault = away
    with pytest.raises(UnknownOutcomeError):
        await world.reader.view(world.job_id)
    world.journal.calls.fault = count
    assert (await world.reader.view(world.job_id)).job.name == "Close of May"


async def test_a_job_that_something_was_done_to_is_read_at_once(world: JournaledJob) -> None:
    await world.reader.view(world.job_id)
    assert await world.counted(after=0) == {}
    world.reader.forget(world.job_id)
    assert await world.counted(after=0) == {"journal.read": 1}


async def test_only_the_latest_jobs_are_remembered() -> None:
    worlds = JournaledJob()
    ids = [worlds.job_id]
    await worlds.submit_it()
    for _ in range(50):
        worlds.job_id = new_id()
        ids.append(worlds.job_id)
        await worlds.submit_it()
    for job_id in ids:
        await worlds.reader.view(job_id)
    worlds.job_id = ids[-1]
    assert await worlds.counted(after=0) == {}
    worlds.job_id = ids[0]
    assert (await worlds.counted(after=0))["journal.find"] == 1


async def test_a_removed_job_is_told_from_one_that_never_was(world: JournaledJob) -> None:
    partition = world.journal.partitions[PARTITION]
    key = rows.job_key(world.job_id)
    partition[key] = replace(partition[key], values={**partition[key].values, "status": "Removed"})
    with pytest.raises(JobRemovedError):
        await world.reader.view(world.job_id)
