"""One tenure, run after run: what it starts, what it observes, what it asks the journal for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.unit.coordination.setting import TIMES, Setting

from contracts.statuses import JobStatus
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.holder.runs import StepDone, StepRecord
from coordination.journal import rows
from coordination.journal.rows import JobRow
from coordination.observations import (
    HandOver,
    HandOverCause,
    RunCutOff,
    RunEnded,
    RunStarted,
)
from coordination.outcomes import Completed, Interrupted, StopReason
from coordination.slot import Slot

LONG = '"' + "x" * 5_000 + '"'


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


def accept(_: JobRow) -> bool:
    return True


def refuse(_: JobRow) -> bool:
    return False


async def test_the_first_start_on_a_lock_comes_from_no_run_before(world: Setting) -> None:
    job_id = await world.submit()
    await world.hold()
    assert world.observed[-1] == RunStarted(world.job(job_id))
    assert world.seen(RunCutOff) == []


async def test_a_chained_start_names_the_job_that_ended_with_it(world: Setting) -> None:
    first, second = await world.submit(), await world.submit()
    tenure, _ = await world.hold()
    await world.clock.advance(1)
    run = await tenure.finish(Completed('"done"'), accept)
    assert run is not None
    ended, started = world.job(first), world.job(second)
    hand_over = HandOver(HandOverCause.CHAINED, ended.finished_at)
    assert world.observed[-2:] == [
        RunEnded(ended, Completed('"done"')),
        RunStarted(started, hand_over, None, ended),
    ]
    assert run.job == started
    assert tenure.running == second


async def test_a_start_after_a_release_says_since_when_the_lock_was_free(world: Setting) -> None:
    first = await world.submit()
    tenure, _ = await world.hold()
    await tenure.finish(Completed(), None)
    await tenure.keeper.release()
    second = await world.submit()
    await world.clock.advance(3)
    await world.hold("w2")
    hand_over = HandOver(HandOverCause.RELEASED, world.job(first).finished_at)
    assert world.observed[-1] == RunStarted(world.job(second), hand_over)


@pytest.mark.parametrize(
    ("died", "cause"), [(True, HandOverCause.RUNNER_DIED), (False, HandOverCause.WORKER_STOPPED)]
)
async def test_a_start_after_an_interruption_says_why_it_was(
    world: Setting, died: bool, cause: HandOverCause
) -> None:
    await world.submit()
    tenure, _ = await world.hold()
    await tenure.finish(Interrupted("why", died=died), None)
    await tenure.keeper.release()
    freed_at = world.lock().freed_at
    await world.hold("w2")
    assert world.seen(RunStarted)[-1].hand_over == HandOver(cause, freed_at)
    assert world.seen(RunCutOff) == []


async def test_a_take_over_names_the_run_that_was_cut_off_and_its_worker(world: Setting) -> None:
    lost = await world.submit()
    await world.hold("w1")
    await world.clock.advance(TIMES.duration)
    urgent = await world.submit(priority=0)
    await world.hold("w2")
    hand_over = HandOver(HandOverCause.WORKER_LOST, lost_worker="w1")
    assert world.observed[-2:] == [
        RunCutOff(world.job(lost), "w1"),
        RunStarted(world.job(urgent), hand_over, world.job(lost)),
    ]
    assert world.job(lost).status == JobStatus.QUEUED


async def test_the_end_of_an_interrupted_run_is_observed_with_its_reason(world: Setting) -> None:
    job_id = await world.submit()
    tenure, _ = await world.hold()
    outcome = Interrupted("the runner died", died=True)
    assert await tenure.finish(outcome, None) is None
    assert world.observed[-1] == RunEnded(world.job(job_id), outcome)
    assert tenure.running is None


async def test_where_nothing_waits_nothing_is_written(world: Setting) -> None:
    tenure = world.tenure()
    await tenure.keeper.acquire()
    assert await tenure.take_over(accept) is None
    assert world.network.sent("journal.commit") == []


async def test_what_is_for_others_to_run_is_left_untouched(world: Setting) -> None:
    job_id = await world.submit()
    commits = len(world.network.sent("journal.commit"))
    tenure = world.tenure()
    await tenure.keeper.acquire()
    assert await tenure.take_over(refuse) is None
    assert len(world.network.sent("journal.commit")) == commits
    assert world.job(job_id).attempt == 0


async def test_a_next_job_that_is_for_others_to_run_is_not_started_with_the_end(world: Setting) -> None:
    first, second = await world.submit(), await world.submit()
    tenure, _ = await world.hold()
    assert await tenure.finish(Completed(), refuse) is None
    assert world.job(first).status == JobStatus.COMPLETED
    assert world.job(second).attempt == 0


async def test_the_end_of_a_lone_job_costs_no_query(world: Setting) -> None:
    await world.submit()
    tenure, _ = await world.hold()
    queries = len(world.network.sent("journal.read_range"))
    assert await tenure.finish(Completed(), accept) is None
    assert len(world.network.sent("journal.read_range")) == queries


async def test_a_job_that_was_hinted_at_is_started_with_the_end(world: Setting) -> None:
    await world.submit()
    tenure, _ = await world.hold()
    second = await world.submit()
    tenure.hint()
    run = await tenure.finish(Completed(), accept)
    assert run is not None
    assert run.job.job_id == second


async def test_one_hint_is_worth_one_query(world: Setting) -> None:
    await world.submit()
    tenure, _ = await world.hold()
    await world.submit()
    tenure.hint()
    await tenure.finish(Completed(), accept)
    queries = len(world.network.sent("journal.read_range"))
    assert await tenure.finish(Completed(), accept) is None
    assert len(world.network.sent("journal.read_range")) == queries


async def test_a_take_over_does_what_was_hinted_at_before_it(world: Setting) -> None:
    await world.submit()
    tenure = world.tenure()
    tenure.hint()
    await tenure.keeper.acquire()
    await tenure.take_over(accept)
    queries = len(world.network.sent("journal.read_range"))
    assert await tenure.finish(Completed(), accept) is None
    assert len(world.network.sent("journal.read_range")) == queries


async def test_writes_and_looks_of_a_tenure_wait_for_each_other(world: Setting) -> None:
    """Else each would be refused because of the other, and find out at the cost of several reads."""
    job_id = await world.submit()
    tenure, run = await world.hold()
    world.network.calls.clear()
    world.network.after("journal.commit", 1.0, 1.0, 1.0)
    run.report(1.0, 2.0, "one")
    at_once = [
        run.record_step(StepDone("one", "1", 0.1)),
        run.save_state('"one"'),
        tenure.look(),
        tenure.flush(),
        tenure.finish(Completed(), None),
    ]
    doing = [asyncio.ensure_future(act) for act in at_once]
    await world.clock.advance(3)
    await asyncio.gather(*doing)
    assert [call.name for call in world.network.calls] == [
        "journal.commit",
        "journal.commit",
        "journal.read",
        "journal.commit",
    ]
    assert world.job(job_id).status == JobStatus.COMPLETED


async def test_an_end_that_was_refused_has_the_line_read_again(world: Setting) -> None:
    first = await world.submit()
    tenure, _ = await world.hold()
    second = await world.submit()
    registration = await world.register.find(first)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "bob")
    run = await tenure.finish(Completed(), accept)
    assert run is not None
    assert run.job.job_id == second


@pytest.mark.parametrize("reading", ["to take over", "to end"])
async def test_a_hint_that_comes_while_the_line_is_read_is_not_lost(world: Setting, reading: str) -> None:
    """The line may have been read before the job that was hinted at was written."""
    await world.submit()
    tenure = world.tenure()
    await tenure.keeper.acquire()
    if reading == "to end":
        await tenure.take_over(accept)
        await world.submit()
        tenure.hint()
    world.network.after("journal.read_range", 1.0)
    going_on = asyncio.ensure_future(
        tenure.take_over(accept) if reading == "to take over" else tenure.finish(Completed(), accept)
    )
    await world.clock.advance(0.5)
    late = await world.submit()
    tenure.hint()
    await world.clock.advance(0.5)
    await going_on
    run = await tenure.finish(Completed(), accept)
    assert run is not None
    assert run.job.job_id == late


async def test_a_next_job_that_is_cancelled_in_the_same_moment_is_not_started(world: Setting) -> None:
    first, second, third = [await world.submit() for _ in range(3)]
    tenure, _ = await world.hold()
    registration = await world.register.find(second)
    assert registration is not None
    canceller = Canceller(JobWriter(world.journal, world.notifier, world.clock))
    world.network.before("journal.commit", lambda: canceller.cancel(registration, "bob"))
    run = await tenure.finish(Completed(), accept)
    assert run is not None
    assert run.job.job_id == third
    assert [world.job(job_id).status for job_id in (first, second)] == ["Completed", "Cancelled"]


async def test_a_run_whose_start_is_known_only_after_the_soft_deadline_is_told_to_stop(
    world: Setting,
) -> None:
    await world.submit()
    tenure = world.tenure()
    await tenure.keeper.acquire()
    world.network.after("journal.commit", TIMES.soft)
    taking_over = asyncio.ensure_future(tenure.take_over(accept))
    await world.clock.advance(TIMES.soft)
    run = await taking_over
    assert run is not None
    assert run.stop.reason is StopReason.DEADLINE


@pytest.mark.parametrize("chained", [False, True])
async def test_a_run_that_is_being_started_while_the_worker_stops_is_told_to_stop(
    world: Setting, chained: bool
) -> None:
    await world.submit()
    await world.submit()
    tenure = world.tenure()
    await tenure.keeper.acquire()
    if chained:
        await tenure.take_over(accept)
    world.network.before("journal.commit", 1.0)
    starting = asyncio.ensure_future(
        tenure.finish(Completed(), accept) if chained else tenure.take_over(accept)
    )
    await world.clock.advance(0.5)
    tenure.request_stop(StopReason.SHUTDOWN)
    tenure.request_stop(StopReason.CANCELLED)  # meant for the run before
    await world.clock.advance(0.5)
    run = await starting
    assert run is not None
    assert run.stop.reason is StopReason.SHUTDOWN


async def test_a_run_starts_without_a_reason_to_stop(world: Setting) -> None:
    await world.submit()
    await world.submit()
    tenure, run = await world.hold()
    assert run.stop.reason is None
    tenure.request_stop(StopReason.CANCELLED)
    assert run.stop.reason is StopReason.CANCELLED
    following = await tenure.finish(Completed(), accept)
    assert following is not None
    assert following.stop.reason is None


async def test_a_run_ends_when_the_lease_of_its_lock_does(world: Setting) -> None:
    await world.submit()
    tenure, run = await world.hold()
    assert (run.soft_deadline(), run.hard_deadline()) == (
        tenure.keeper.soft_deadline,
        tenure.keeper.hard_deadline,
    )
    keeping = asyncio.ensure_future(tenure.keeper.keep())
    await world.clock.advance(TIMES.renew_every)
    assert run.soft_deadline() == world.clock.boot() + TIMES.soft
    assert run.hard_deadline() == world.clock.boot() + TIMES.hard
    await world.leases.release(Slot("L").lease_name, tenure.keeper.lease_id, 1)
    await world.clock.advance(TIMES.renew_every)
    await keeping
    assert run.stop.reason is StopReason.LOST


async def test_a_first_attempt_has_its_parameters_however_long_they_are(world: Setting) -> None:
    for parameters in ("{}", LONG):
        await world.submit(parameters=parameters)
    tenure, run = await world.hold()
    assert (run.parameters, run.recorded, run.state) == ("{}", [], None)
    tenure.hint()
    following = await tenure.finish(Completed(), accept)
    assert following is not None
    assert (following.parameters, following.recorded, following.state) == (LONG, [], None)


@pytest.mark.parametrize("parameters", ['{"a":1}', LONG])
async def test_a_second_attempt_has_what_the_first_one_left(world: Setting, parameters: str) -> None:
    job_id = await world.submit(parameters=parameters)
    tenure, run = await world.hold()
    for number in range(1, 12):
        await run.record_step(StepDone(f"step {number}", str(number), 0.1, naming=2))
    await run.save_state('"first"')
    await run.save_state('"second"')
    await tenure.finish(Interrupted("why"), None)
    await tenure.keeper.release()
    _, again = await world.hold("w2")
    assert (again.job.attempt, again.fence) == (2, 2)
    assert again.parameters == parameters
    assert again.state == '"second"'
    assert again.recorded == [StepRecord(f"step {number}", str(number), 2) for number in range(1, 12)]
    assert (run.naming, again.naming) == (None, 2)
    await again.save_state('"third"')
    await again.record_step(StepDone("step 12", "12", 0.1))
    assert world.job(job_id).steps == 12


async def test_a_record_of_a_release_with_one_naming_rule_is_of_rule_1(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    await run.record_step(StepDone("step 1", "1", 0.1, naming=2))
    await run.record_step(StepDone("step 2", "2", 0.1, naming=2))
    await tenure.finish(Interrupted("why"), None)
    await tenure.keeper.release()
    (partition,) = world.journal.partitions.values()
    first = partition[rows.step_key(job_id, 1)]
    values = {name: value for name, value in first.values.items() if name != "naming"}
    partition[first.key] = replace(first, values=values)
    _, again = await world.hold("w2")
    assert [step.naming for step in again.recorded] == [1, 2]
    assert again.naming == 1
