"""Progress that a run reports: when it is written, and that it is the run's own."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import TIMES, Setting

from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.holder.held_rows import FencedError
from coordination.holder.runs import StepDone
from coordination.observations import ProgressWritten, StateSaved, StepRecorded
from coordination.outcomes import Completed, StopReason
from coordination.ports import UnknownOutcomeError, WakeUp


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


def progress(world: Setting, job_id: str) -> tuple[float | None, float | None, str]:
    job = world.job(job_id)
    return job.progress_value, job.progress_limit, job.step


async def test_progress_is_written_with_the_next_flush_and_once(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    commits = len(world.network.sent("journal.commit"))
    run.report(1.0, 4.0, "first")
    run.report(2.0, 4.0, "second")
    assert progress(world, job_id) == (None, None, "")
    await tenure.flush()
    assert progress(world, job_id) == (2.0, 4.0, "second")
    await tenure.flush()
    assert len(world.network.sent("journal.commit")) == commits + 1
    assert [seen.job for seen in world.seen(ProgressWritten)] == [world.job(job_id)]


async def test_what_a_report_leaves_out_stays_as_it_is(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    run.report(3.0, 4.0, "first")
    await tenure.flush()
    run.report(None, None, "second")
    await tenure.flush()
    assert progress(world, job_id) == (3.0, 4.0, "second")
    run.report(0.0, None, "")
    await tenure.flush()
    assert progress(world, job_id) == (0.0, 4.0, "")
    run.report(None, 0.0, "")
    await tenure.flush()
    assert progress(world, job_id) == (0.0, 0.0, "")


async def test_a_late_report_of_an_ended_run_says_nothing_of_the_next(world: Setting) -> None:
    await world.submit()
    second = await world.submit()
    tenure, run = await world.hold()
    following = await tenure.finish(Completed(), lambda job: True)
    assert following is not None
    assert following.job.job_id == second
    run.report(9.0, 10.0, "of the first job")
    await tenure.flush()
    assert progress(world, second) == (None, None, "")
    following.report(1.0, 2.0, "of the second job")
    await tenure.flush()
    assert progress(world, second) == (1.0, 2.0, "of the second job")


async def test_progress_that_says_nothing_new_is_not_written(world: Setting) -> None:
    await world.submit()
    tenure, run = await world.hold()
    run.report(1.0, 4.0, "first")
    await tenure.flush()
    commits = len(world.network.sent("journal.commit"))
    run.report(1.0, None, "first")
    await tenure.flush()
    assert len(world.network.sent("journal.commit")) == commits
    assert len(world.seen(ProgressWritten)) == 1


async def test_progress_is_written_with_a_step(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    run.report(1.0, 2.0, "one")
    await run.record_step(StepDone("one", "1", 0.25))
    assert progress(world, job_id) == (1.0, 2.0, "")
    commits = len(world.network.sent("journal.commit"))
    await tenure.flush()
    assert len(world.network.sent("journal.commit")) == commits
    (step,) = world.seen(StepRecorded)
    assert (step.job, step.name, step.seconds) == (world.job(job_id), "one", 0.25)


async def test_progress_is_written_with_saved_state(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    run.report(1.0, 2.0, "one")
    await run.save_state('"four"')
    assert progress(world, job_id) == (1.0, 2.0, "one")
    commits = len(world.network.sent("journal.commit"))
    await tenure.flush()
    assert len(world.network.sent("journal.commit")) == commits
    (saved,) = world.seen(StateSaved)
    assert (saved.job, saved.characters) == (world.job(job_id), len('"four"'))


async def test_progress_is_written_with_the_end(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    run.report(2.0, 2.0, "last")
    await tenure.finish(Completed(), None)
    assert progress(world, job_id) == (2.0, 2.0, "")


async def test_progress_of_a_job_is_not_carried_over_to_the_next(world: Setting) -> None:
    first, second = await world.submit(), await world.submit()
    tenure, run = await world.hold()
    run.report(7.0, 9.0, "of the first job")
    following = await tenure.finish(Completed(), lambda _: True)
    assert following is not None
    await tenure.flush()
    assert progress(world, first) == (7.0, 9.0, "")
    assert progress(world, second) == (None, None, "")
    await following.record_step(StepDone("one", "1", 0.1))
    assert progress(world, second) == (None, None, "")
    assert world.seen(ProgressWritten) == []


async def test_progress_reported_while_a_step_is_written_is_not_lost(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    world.network.before("journal.commit", 1.0)
    stepping = asyncio.ensure_future(run.record_step(StepDone("one", "1", 0.1)))
    await world.clock.advance(0.5)
    run.report(1.0, 2.0, "two")
    await world.clock.advance(0.5)
    await stepping
    assert progress(world, job_id) == (None, None, "")
    await tenure.flush()
    assert progress(world, job_id) == (1.0, 2.0, "two")


async def test_progress_reported_while_progress_is_written_is_not_lost(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    run.report(1.0, 2.0, "one")
    world.network.before("journal.commit", 1.0)
    flushing = asyncio.ensure_future(tenure.flush())
    await world.clock.advance(0.5)
    run.report(2.0, 2.0, "two")
    await world.clock.advance(0.5)
    await flushing
    assert progress(world, job_id) == (1.0, 2.0, "one")
    await tenure.flush()
    assert progress(world, job_id) == (2.0, 2.0, "two")


async def test_progress_sent_with_a_step_is_not_shown_again_when_it_is_unknown_whether_it_was_recorded(
    world: Setting,
) -> None:
    """The step may be over, and then its name must not be shown as the one that runs."""
    job_id = await world.submit()
    tenure, run = await world.hold()
    run.report(1.0, 2.0, "one")
    world.network.after("journal.commit", UnknownOutcomeError())
    world.network.before("journal.read", *[UnknownOutcomeError()] * 1000)
    keeping = asyncio.ensure_future(tenure.keeper.keep())
    stepping = asyncio.ensure_future(run.record_step(StepDone("one", "1", 0.1)))
    await world.clock.advance(TIMES.soft)
    with pytest.raises(UnknownOutcomeError):
        await stepping
    world.network.before("journal.read")
    await tenure.flush()
    assert progress(world, job_id) == (1.0, 2.0, "")
    keeping.cancel()


async def test_progress_outlives_a_refusal_because_the_job_is_to_be_cancelled(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    registration = await world.register.find(job_id)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "bob")
    run.report(1.0, 2.0, "one")
    await tenure.flush()
    job = world.job(job_id)
    assert (job.progress_value, job.progress_limit, job.step, job.cancel_actor) == (1.0, 2.0, "one", "bob")
    assert run.stop.reason is StopReason.CANCELLED


async def test_where_nothing_runs_no_progress_is_written(world: Setting) -> None:
    await world.submit()
    tenure, run = await world.hold()
    await tenure.finish(Completed(), None)
    run.report(1.0, 2.0, "late")
    calls = len(world.network.calls)
    await tenure.flush()
    assert len(world.network.calls) == calls


async def test_progress_that_cannot_be_written_stops_the_run(world: Setting) -> None:
    await world.submit()
    tenure, run = await world.hold()
    run.report(1.0, 2.0, "one")
    world.network.before("journal.commit", *[UnknownOutcomeError()] * 1000)
    flushing = asyncio.ensure_future(tenure.flush())
    await world.clock.advance(TIMES.soft)
    with pytest.raises(FencedError):
        await flushing
    assert run.stop.reason is StopReason.LOST
    assert world.seen(ProgressWritten) == []


async def test_a_worker_writes_progress_once_in_each_flush_interval(world: Setting) -> None:
    job_id = await world.submit()
    worker = world.worker()
    await worker.answer(WakeUp("L"))
    (run,) = world.runs.started
    written = []
    for number in range(1, 25):
        run.report(float(number), 24.0, "counting")
        await world.clock.advance(0.125)
        written.append(progress(world, job_id)[0])
    assert written == [None] * 7 + [8.0] * 8 + [16.0] * 8 + [24.0]
