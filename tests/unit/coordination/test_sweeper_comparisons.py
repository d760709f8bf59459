"""Comparing jobs with the read models: what is announced again, or taken off the active jobs."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.comparing import Comparing

from contracts import lock_names

PATIENCE = 5.0


@pytest.fixture
async def world() -> AsyncIterator[Comparing]:
    made = Comparing()
    yield made
    await made.close()


async def test_events_are_announced_again_when_the_first_missing_one_is_old_enough(world: Comparing) -> None:
    job_id = await world.submit_projected()
    await world.clock.advance(60)
    await world.run_to_the_end()
    assert (await world.sweeper.sweep()).announced == 0
    await world.clock.advance(PATIENCE)
    assert (await world.sweeper.sweep()).announced == 0
    await world.clock.advance(0.125)
    assert (await world.sweeper.sweep()).announced == 1
    (told,) = world.notifier.take_announcements()
    assert (told.job_id, told.first, told.last) == (job_id, 2, 4)


async def test_all_missing_events_are_announced_when_only_the_first_is_old_enough(world: Comparing) -> None:
    await world.submit()
    world.notifier.take_announcements()
    await world.clock.advance(PATIENCE)
    await world.hold()
    world.notifier.take_announcements()
    await world.clock.advance(0.5)
    assert (await world.sweeper.sweep()).announced == 1
    assert [(told.first, told.last) for told in world.notifier.take_announcements()] == [(1, 3)]


async def test_what_is_remembered_of_jobs_ends_with_them(world: Comparing) -> None:
    await world.submit()
    await world.run_to_the_end()
    await world.sweep_until(20)
    sweeper = world.sweeper
    compared = sweeper.comparison
    assert (
        len(sweeper._jobs._seen) == len(compared._projections._seen) == len(compared._tellings._pauses) == 1
    )
    world.models.seqs = dict.fromkeys(await world.active(), 4)
    await sweeper.sweep()
    await world.clock.advance(PATIENCE + 1)
    await sweeper.sweep()
    assert await world.active() == set()
    waiting = await world.submit_projected("M")
    await sweeper.sweep()
    await world.clock.advance(PATIENCE + 1)
    await sweeper.sweep()
    assert list(sweeper._jobs._seen) == [waiting]
    assert list(compared._looks._pauses) == [waiting]
    assert (compared._projections._seen, compared._tellings._pauses, compared._ends._seen) == ({}, {}, {})


async def test_where_the_age_of_events_cannot_be_right_they_are_announced_when_they_were_missing_so_long(
    world: Comparing,
) -> None:
    await world.submit()
    world.notifier.take_announcements()
    sweeper = world.make_sweeper(wrong_by=-3600)
    assert (await sweeper.sweep()).announced == 0
    await world.clock.advance(PATIENCE)
    assert (await sweeper.sweep()).announced == 0
    await world.clock.advance(0.125)
    assert (await sweeper.sweep()).announced == 1


async def test_how_long_events_are_missing_is_counted_from_the_last_that_the_read_models_have(
    world: Comparing,
) -> None:
    """A projector that is behind but goes on needs no help."""
    job_id = await world.submit()
    world.notifier.take_announcements()
    sweeper = world.make_sweeper(wrong_by=-3600)
    await world.hold()
    for projected in (0, 1, 2):
        world.models.seqs[job_id] = projected
        assert (await sweeper.sweep()).announced == 0
        await world.clock.advance(4)
    assert (await sweeper.sweep()).announced == 0
    await world.clock.advance(1.125)
    assert (await sweeper.sweep()).announced == 1


async def test_pauses_between_announcements_double_up_to_ten_minutes_while_nothing_moves(
    world: Comparing,
) -> None:
    await world.submit()
    pauses = [10, 20, 40, 80, 160, 320, 600, 600]
    expected = [6.0 + sum(pauses[:number]) for number in range(len(pauses) + 1)]
    assert await world.sweep_until(expected[-1], every=2.0) == expected


async def test_read_models_that_have_moved_on_and_miss_the_rest_hear_of_it_at_once(world: Comparing) -> None:
    job_id = await world.submit()
    await world.run_to_the_end()
    assert len(await world.sweep_until(100)) == 4
    world.notifier.take_announcements()
    world.models.seqs[job_id] = 3
    assert (await world.sweeper.sweep()).announced == 1
    assert [(told.first, told.last) for told in world.notifier.take_announcements()] == [(4, 4)]


async def test_a_job_that_the_read_models_know_to_its_end_is_active_no_more(world: Comparing) -> None:
    job_id = await world.submit()
    await world.run_to_the_end()
    await world.clock.advance(PATIENCE + 1)
    world.models.seqs[job_id] = world.job(job_id).seq - 1
    for _ in range(3):
        await world.sweeper.sweep()
        await world.clock.advance(PATIENCE + 1)
    assert await world.active() == {job_id}
    world.models.seqs[job_id] += 1
    await world.sweeper.sweep()
    await world.clock.advance(PATIENCE + 1)
    swept = await world.sweeper.sweep()
    assert (swept.active, swept.announced, swept.abandoned) == (1, 0, 0)
    assert await world.active() == set()


async def test_a_job_that_waits_or_runs_stays_active_though_the_read_models_know_all_of_it(
    world: Comparing,
) -> None:
    job_id = await world.submit_projected()
    for _ in range(4):
        await world.sweeper.sweep()
        await world.clock.advance(PATIENCE + 1)
    assert await world.active() == {job_id}
    await world.hold()
    world.models.seqs[job_id] = world.job(job_id).seq
    for _ in range(4):
        await world.sweeper.sweep()
        await world.clock.advance(PATIENCE + 1)
    assert await world.active() == {job_id}


async def test_a_job_to_which_nothing_happens_is_compared_after_pauses_up_to_twenty_seconds(
    world: Comparing,
) -> None:
    await world.submit_projected()
    await world.sweep_until(122)
    assert world.models.times == [6, 11, 21, 41, 61, 81, 101, 121]


async def test_a_job_to_which_something_has_happened_is_compared_sooner_again(world: Comparing) -> None:
    job_id = await world.submit_projected()
    await world.sweep_until(64)
    await world.hold()
    world.models.seqs[job_id] = world.job(job_id).seq
    world.models.asked.clear()
    await world.sweep_until(97)
    assert world.models.times == [81, 86, 96]


async def test_a_job_of_which_events_are_missing_is_compared_in_each_pass(world: Comparing) -> None:
    await world.submit()
    await world.sweep_until(20)
    assert world.models.times == list(range(6, 21))


async def test_an_announcement_has_all_jobs_compared_in_the_next_pass(world: Comparing) -> None:
    quiet = await world.submit_projected("quiet")
    await world.sweep_until(22)
    await world.submit("lost")
    await world.sweep_until(28)
    assert [at for job_id, at in world.models.asked if job_id == quiet] == [6, 11, 21]
    announced = await world.sweep_until(29)
    assert announced == [29]
    await world.sweep_until(30)
    assert [at for job_id, at in world.models.asked if job_id == quiet] == [6, 11, 21, 30]


async def test_groups_are_compared_eight_at_a_time_until_the_time_is_over_and_the_next_pass_goes_on(
    world: Comparing,
) -> None:
    jobs = {lock_names.partition(lock): await world.submit(lock) for lock in map(str, range(40))}
    in_order = [jobs[partition] for partition in sorted(jobs)]
    await world.clock.advance(PATIENCE + 1)
    world.models.seconds = 1.0
    for first, last in ((0, 24), (24, 40), (0, 24)):
        world.models.asked.clear()
        sweeping = asyncio.ensure_future(world.sweeper.sweep())
        # Groups begin as long as no more than two seconds have passed.
        await world.clock.advance(4)
        await sweeping
        assert [job_id for job_id, _ in world.models.asked] == in_order[first:last]


async def test_a_long_line_costs_few_requests(world: Comparing) -> None:
    """Three thousand jobs that wait on one lock are compared in groups, and left alone in between."""
    for _ in range(3000):
        await world.submit_projected()
    world.notifier.take_announcements()
    await world.clock.advance(PATIENCE + 1)
    world.network.calls.clear()
    await world.sweep_until(world.clock.boot() - world.models.began + 60, every=2.0)
    reads = len(world.network.times("journal.read")) + len(world.network.times("journal.read_range"))
    assert len(world.models.asked) == 3000 * len(set(world.models.times))
    # At 0, 5, 15, 35 and 55 s, from the journal 500 jobs each; and one read of the line in each pass, as
    # nothing holds it.
    assert world.models.requests == 5
    assert reads <= 6 * 5 + 31


async def test_the_read_models_are_asked_once_for_jobs_of_several_locks(world: Comparing) -> None:
    jobs = {await world.submit_projected(str(lock)) for lock in range(8)}
    await world.clock.advance(PATIENCE + 1)
    await world.sweeper.sweep()
    assert {job_id for job_id, _ in world.models.asked} == jobs
    assert world.models.requests == 1


async def test_while_the_broker_takes_nothing_nothing_is_compared_and_then_all_is_told_at_once(
    world: Comparing,
) -> None:
    for lock in ("idle", "busy"):
        await world.submit(lock)
    world.notifier.take_announcements()
    is_heard = False
    world.sweeper.is_heard = lambda: is_heard
    await world.sweep_until(3600, every=60)
    assert world.models.requests == 0
    assert world.notifier.take_announcements() == []
    assert [wake_up for wake_up in world.notifier.take_wake_ups() if wake_up.reason == "swept"] == []
    is_heard = True
    swept = await world.sweeper.sweep()
    assert (swept.announced, swept.notified) == (2, 2)


async def test_the_end_of_a_job_is_left_to_the_projector_for_a_while(world: Comparing) -> None:
    await world.submit()
    await world.clock.advance(PATIENCE + 1)
    await world.run_to_the_end()
    (job_id,) = await world.active()
    world.models.seqs[job_id] = world.job(job_id).seq
    await world.sweeper.sweep()
    await world.clock.advance(PATIENCE)
    await world.sweeper.sweep()
    assert world.network.times("journal.retire") == []
    await world.clock.advance(0.125)
    await world.sweeper.sweep()
    assert await world.active() == set()
