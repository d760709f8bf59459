"""The protocol over the in-memory ports: what must happen, and what must never."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.unit.coordination.small_world import Script, World

from contracts.statuses import JobStatus
from coordination.clients.cancellation import Canceller, CancelTooLateError
from coordination.clients.job_writer import JobWriter
from coordination.journal import rows
from coordination.observations import Fenced, Refusal, RunStarted
from coordination.ports import CoordinationError, RefusedError, UnknownOutcomeError, WakeUp
from coordination.testing.faults import Calls

Make = Callable[..., World]


@pytest.fixture
async def make_world() -> AsyncIterator[Callable[..., World]]:
    """Make worlds, and end what still runs in them after the test."""
    made: list[World] = []

    def make(seed: int, **how: Any) -> World:
        made.append(World(seed, **how))
        return made[-1]

    yield make
    for world in made:
        await world.close()


def statuses(world: World, job_id: str) -> list[str]:
    return [event.status for event in world.events(job_id)]


async def test_a_lone_job_goes_from_submission_to_completion(make_world: Make) -> None:
    world = make_world(seed=1, workers=1)
    job_id = await world.submit(script=Script(steps=2))
    await world.run_until_done()
    assert statuses(world, job_id) == ["Submitted", "LeaseAcquired", "Started", "Step", "Step", "Completed"]
    [job] = world.jobs()
    assert (job.status, job.attempt, job.fence, job.result) == ("Completed", 1, 1, '"done"')
    assert not world.journal.partitions[next(iter(world.journal.partitions))][rows.lock_key()].values[
        "job_id"
    ]
    world.check()


async def test_waiting_jobs_run_in_the_order_of_priority_then_submission(make_world: Make) -> None:
    world = make_world(seed=2, workers=3)
    first = await world.submit()
    world.deliver()
    await world.clock.advance(0.5)
    later = [
        await world.submit(),
        await world.submit(priority=0),
        await world.submit(),
        await world.submit(priority=9),
    ]
    await world.run_until_done()
    started = [seen.job.job_id for seen in world.observed if isinstance(seen, RunStarted)]
    assert started == [first, later[1], later[0], later[2], later[3]]
    world.check()


async def test_a_line_of_jobs_costs_one_transaction_each(make_world: Make) -> None:
    world = make_world(seed=3, workers=1)
    for _ in range(30):
        await world.submit(script=Script(steps=0))
    submitted = sum(1 for _ in world.accepted)
    commits: list[str] = []
    original = world.journal.commit

    async def count(partition: str, transaction: object, timeout: float) -> object:
        commits.append(partition)
        return await original(partition, transaction, timeout)  # type: ignore[arg-type]

    world.journal.commit = count  # type: ignore[method-assign,assignment]
    await world.run_until_done()
    assert len(commits) == submitted + 1


async def test_a_host_that_loses_the_lease_store_stops_in_time_and_is_taken_over(make_world: Make) -> None:
    world = make_world(seed=4, workers=2)
    job_id = await world.submit(script=Script(steps=30))
    world.deliver()
    await world.clock.advance(3.5)
    [run] = [seen for seen in world.observed if isinstance(seen, RunStarted)]
    assert run.job.attempt == 1
    # The holder hears nothing more of the lease store, as a frozen or cut-off host does.
    renew = world.leases.renew

    async def cut_off(name: str, lease_id: str, timeout: float) -> None:
        raise UnknownOutcomeError

    world.leases.renew = cut_off  # type: ignore[method-assign]
    await world.clock.advance(10)
    world.leases.renew = renew  # type: ignore[method-assign]
    [fenced] = [seen for seen in world.observed if isinstance(seen, Fenced)]
    assert (fenced.job_id, fenced.refusal) == (job_id, Refusal.TOO_LATE)
    await world.run_until_done()
    assert statuses(world, job_id).count("Interrupted") == 1
    [job] = world.jobs()
    assert (job.attempt, job.interruptions, job.deaths) == (2, 1, 0)
    assert [number for _, number in world.recorded] == sorted(number for _, number in world.recorded)
    world.check()


async def test_a_job_that_kills_its_runner_three_times_fails_with_that_reason(make_world: Make) -> None:
    world = make_world(seed=5, workers=2)
    job_id = await world.submit(script=Script(kills=99))
    other = await world.submit()
    await world.run_until_done()
    assert statuses(world, job_id).count("Interrupted") == 3
    killer, bystander = (
        next(job for job in world.jobs() if job.job_id == wanted) for wanted in (job_id, other)
    )
    assert killer.status == JobStatus.FAILED
    assert killer.error_type == "RunnerCrashLimit"
    assert "its runner process died 3 times" in killer.error_message
    assert bystander.status == JobStatus.COMPLETED
    world.check()


async def test_cancelling_a_waiting_job_ends_it_at_once(make_world: Make) -> None:
    world = make_world(seed=6, workers=1)
    running, waiting = await world.submit(), await world.submit()
    world.deliver()
    await world.clock.advance(0.5)
    canceller = Canceller(JobWriter(world.journal, world.notifier, world.clock))
    registration = await world.register.find(waiting)
    assert registration is not None
    assert (await canceller.cancel(registration, "ann")).status == JobStatus.CANCELLED
    with pytest.raises(CancelTooLateError):
        await canceller.cancel(registration, "ann")
    await world.run_until_done()
    assert statuses(world, waiting) == ["Submitted", "Cancelled"]
    assert statuses(world, running)[-1] == "Completed"
    world.check()


async def test_cancelling_a_running_job_reaches_its_holder_with_the_next_write(make_world: Make) -> None:
    world = make_world(seed=7, workers=1)
    job_id = await world.submit(script=Script(steps=100))
    world.deliver()
    await world.clock.advance(2.5)
    registration = await world.register.find(job_id)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "ann")
    await world.run_until_done()
    # The step that was under way is recorded, which is how its holder comes to know.
    trail = ["Submitted", "LeaseAcquired", "Started", "Step", "Step", "CancelRequested", "Step", "Cancelled"]
    assert statuses(world, job_id) == trail
    [job] = world.jobs()
    assert (job.status, job.cancel_actor, job.steps) == (JobStatus.CANCELLED, "ann", 3)
    world.check()


async def test_a_stopping_worker_hands_over_its_job_with_its_saved_state(make_world: Make) -> None:
    world = make_world(seed=8, workers=2)
    job_id = await world.submit(script=Script(steps=20))
    world.deliver()
    await world.clock.advance(3.5)
    holder = next(worker for worker in world.workers if worker.running)
    stopping = asyncio.ensure_future(holder.stop(0.0))
    while not stopping.done():
        await world.clock.settle()
    assert [wake_up for wake_up in world.notifier.wake_ups if wake_up.released]
    world.workers.remove(holder)
    await world.run_until_done()
    [job] = world.jobs()
    assert (job.status, job.attempt, job.interruptions, job.losses, job.deaths) == ("Completed", 2, 1, 0, 0)
    assert job.steps == 20
    assert statuses(world, job_id).count("Step") == 20
    world.check()


async def test_a_job_of_a_kind_that_no_worker_knows_waits_and_then_fails_for_it(make_world: Make) -> None:
    world = make_world(seed=9, workers=2)
    job_id = await world.submit(kind="unknown")
    world.deliver()
    await world.clock.advance(20)
    assert statuses(world, job_id) == ["Submitted"]
    assert world.notifier.deferred
    await world.run_until_done()
    assert statuses(world, job_id) == ["Submitted", "LeaseAcquired", "Started", "Failed"]
    [job] = world.jobs()
    assert job.error_type == "UnknownKind"
    world.check()


async def test_a_wake_up_for_a_held_lock_starts_one_watch_and_sends_one_deferred_copy(
    make_world: Make,
) -> None:
    world = make_world(seed=10, workers=2)
    await world.submit(script=Script(steps=3, seconds=5))
    holder, other = world.workers
    for wake_up in world.notifier.take_wake_ups():
        await holder.answer(wake_up)
    for _ in range(5):
        await other.answer(WakeUp("L"))
    assert [wake_up.is_deferred_copy for wake_up in world.notifier.deferred] == [True]
    await world.run_until_done()
    world.check()


async def test_two_locks_run_side_by_side(make_world: Make) -> None:
    world = make_world(seed=11, workers=1)
    await world.submit("A", Script(steps=5))
    await world.submit("B", Script(steps=5))
    world.deliver()
    await world.clock.advance(2)
    assert set(world.workers[0].running) == {"A", "B"}
    await world.run_until_done()
    world.check()


@pytest.mark.parametrize("seed", range(60))
async def test_nothing_breaks_whatever_is_lost_late_or_slow(make_world: Make, seed: int) -> None:
    world = make_world(seed, workers=3, before=0.03, after=0.03, late=0.02, delay=0.1)
    for number in range(8):
        script = Script(
            steps=world.randomness.randint(0, 6),
            seconds=world.randomness.uniform(0, 4),
            fails=world.randomness.random() < 0.1,
            kills=world.randomness.choice([0, 0, 0, 0, 1, 3]),
        )
        submitting = asyncio.ensure_future(world.submit(f"L{number % 2}", script))
        while not submitting.done():
            await world.clock.advance_to_next()
    await world.run_until_done()
    assert world.accepted
    world.check()


async def test_late_writes_do_get_refused_and_holders_stopped_in_the_faulty_world(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the seeds above would show nothing: what must not break would never have been attacked."""
    refused_late = 0
    refusals: set[Refusal] = set()

    async def arrive(arrival: Awaitable[None], action: Callable[[], object]) -> None:
        nonlocal refused_late
        await arrival
        try:
            action()
        except CoordinationError as error:
            refused_late += isinstance(error, RefusedError)

    monkeypatch.setattr(Calls, "_arrive", staticmethod(arrive))
    for seed in range(5):
        world = make_world(seed, workers=3, before=0.1, after=0.1, late=0.05, delay=0.3, longest_delay=8.0)
        for _ in range(5):
            submitting = asyncio.ensure_future(world.submit(script=Script(steps=5, seconds=2)))
            while not submitting.done():
                await world.clock.advance_to_next()
        await world.run_until_done()
        world.check()
        refusals |= {seen.refusal for seen in world.observed if isinstance(seen, Fenced)}
    assert refused_late > 0
    assert refusals >= {Refusal.TOO_LATE, Refusal.UNKNOWN}
