"""Comparing jobs with the read models: what is announced again, taken off the active jobs, or closed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.unit.coordination.setting import Setting
from tests.unit.coordination.wrong_clock import WrongClock

from contracts import identifiers, lock_names
from coordination import rows
from coordination.outcomes import Completed
from coordination.ports import RefusedError, Registration, Row
from coordination.rows import JobRow
from coordination.submission import JobExistsError, NewJob, Submitter
from coordination.sweeper import Sweeper

PATIENCE = 5.0
DAY = 86_400.0
ABANDONED = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"


class Models:
    """Read models: the last event that they have of each job, and when they were asked."""

    def __init__(self, world: Setting) -> None:
        self._world = world
        self._began = world.clock.boot()
        self.seqs: dict[str, int] = {}
        self.seconds = 0.0
        self.asked: list[tuple[str, float]] = []

    async def projected_seq(self, job_id: str) -> int:
        self.asked.append((job_id, self._world.clock.boot() - self._began))
        if self.seconds:
            await self._world.clock.sleep(self.seconds)
        return self.seqs.get(job_id, 0)

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.asked]


class Comparing(Setting):
    """A sweeper and the read models that it compares jobs with."""

    def __init__(self) -> None:
        super().__init__()
        self.models = Models(self)
        self.sweeper = self.make_sweeper()

    def make_sweeper(self, wrong_by: float = 0.0) -> Sweeper:
        clock = WrongClock(self.clock, timedelta(seconds=wrong_by))
        return Sweeper(self.leases, self.journal, self.bell, clock, self.models.projected_seq)

    async def submit_projected(self, lock: str = "L") -> str:
        """Submit a job whose first event the read models have."""
        job_id = await self.submit(lock)
        self.models.seqs[job_id] = 1
        return job_id

    async def run_to_the_end(self) -> None:
        tenure, _ = await self.hold()
        await tenure.finish(Completed(), None)
        await tenure.keeper.release()
        self.bell.take_events()

    async def sweep_until(self, seconds: float, every: float = 1.0) -> list[float]:
        """Sweep every so many seconds; gives when something was announced, in seconds since the start."""
        announced = []
        while self.clock.boot() - self.models._began <= seconds:
            swept = await self.sweeper.sweep()
            announced += [self.clock.boot() - self.models._began] * swept.announced
            await self.clock.advance(every)
        return announced

    async def active(self) -> set[str]:
        return {job.job_id async for job in self.journal.active()}


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
    events = world.bell.take_events()
    assert [(event.job_id, event.seq) for event in events] == [(job_id, seq) for seq in (2, 3, 4)]
    assert events[-1].status == "Completed"


async def test_where_the_age_of_events_cannot_be_right_they_are_announced_when_they_were_missing_so_long(
    world: Comparing,
) -> None:
    await world.submit()
    world.bell.take_events()
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
    world.bell.take_events()
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
    world.bell.take_events()
    world.models.seqs[job_id] = 3
    assert (await world.sweeper.sweep()).announced == 1
    assert [event.seq for event in world.bell.take_events()] == [4]


async def test_a_job_that_the_read_models_know_to_its_end_is_active_no_more(world: Comparing) -> None:
    job_id = await world.submit()
    await world.run_to_the_end()
    await world.clock.advance(PATIENCE + 1)
    world.models.seqs[job_id] = world.job(job_id).seq - 1
    await world.sweeper.sweep()
    assert await world.active() == {job_id}
    world.models.seqs[job_id] += 1
    swept = await world.sweeper.sweep()
    assert (swept.active, swept.announced, swept.abandoned) == (1, 0, 0)
    assert await world.active() == set()


async def test_a_job_that_waits_or_runs_stays_active_though_the_read_models_know_all_of_it(
    world: Comparing,
) -> None:
    job_id = await world.submit_projected()
    await world.sweeper.sweep()
    assert await world.active() == {job_id}
    await world.hold()
    world.models.seqs[job_id] = world.job(job_id).seq
    await world.clock.advance(6)
    await world.sweeper.sweep()
    assert await world.active() == {job_id}


async def test_a_job_to_which_nothing_happens_is_compared_after_pauses_up_to_half_a_minute(
    world: Comparing,
) -> None:
    await world.submit_projected()
    await world.sweep_until(126)
    assert world.models.times == [0, 5, 15, 35, 65, 95, 125]


async def test_a_job_to_which_something_has_happened_is_compared_sooner_again(world: Comparing) -> None:
    job_id = await world.submit_projected()
    await world.sweep_until(64)
    await world.hold()
    world.models.seqs[job_id] = world.job(job_id).seq
    world.models.asked.clear()
    await world.sweep_until(81)
    assert world.models.times == [65, 70, 80]


async def test_a_job_of_which_events_are_missing_is_compared_in_each_pass(world: Comparing) -> None:
    await world.submit()
    await world.sweep_until(20)
    assert world.models.times == list(range(21))


async def test_an_announcement_has_all_jobs_compared_in_the_next_pass(world: Comparing) -> None:
    quiet = await world.submit_projected("quiet")
    await world.sweep_until(16)
    await world.submit("lost")
    await world.sweep_until(22)
    assert [at for job_id, at in world.models.asked if job_id == quiet] == [0, 5, 15]
    announced = await world.sweep_until(23)
    assert announced == [23]
    await world.sweep_until(24)
    assert [at for job_id, at in world.models.asked if job_id == quiet] == [0, 5, 15, 24]


async def test_jobs_are_compared_eight_at_a_time_until_the_time_is_over_and_the_next_pass_goes_on(
    world: Comparing,
) -> None:
    jobs = sorted([await world.submit() for _ in range(40)])
    world.models.seconds = 1.0
    for first, last in ((0, 24), (24, 40), (0, 24)):
        world.models.asked.clear()
        sweeping = asyncio.ensure_future(world.sweeper.sweep())
        # Slices begin as long as no more than two seconds have passed.
        await world.clock.advance(4)
        await sweeping
        assert [job_id for job_id, _ in world.models.asked] == jobs[first:last]


async def register(world: Comparing) -> None:
    """Register an id, and die before its job is written."""
    partition = lock_names.partition("L")
    await world.journal.register(Registration(ABANDONED, "L", partition, "hash", world.clock.now()))


async def test_an_id_is_closed_only_when_its_submission_has_not_arrived_for_more_than_a_day(
    world: Comparing,
) -> None:
    await register(world)
    await world.clock.advance(DAY)
    assert (await world.sweeper.sweep()).abandoned == 0
    assert await world.active() == {ABANDONED}
    await world.clock.advance(5)
    assert (await world.sweeper.sweep()).abandoned == 1
    assert await world.active() == set()
    assert world.job(ABANDONED).status == JobRow.TOMBSTONE
    assert world.job(ABANDONED).lock_name == "L"


async def test_an_id_whose_submission_has_not_arrived_is_looked_for_after_pauses_up_to_half_a_minute(
    world: Comparing,
) -> None:
    await register(world)
    began = world.clock.boot()
    await world.sweep_until(126)
    looks = [at - began for at in world.network.times("journal.read")]
    assert looks == [0, 5, 15, 35, 65, 95, 125]


async def test_a_submission_that_arrives_after_its_id_was_closed_is_refused(world: Comparing) -> None:
    await register(world)
    await world.clock.advance(DAY + 1)
    await world.sweeper.sweep()
    late = NewJob(ABANDONED, identifiers.new_id(), "kind", "L", "{}", "ann")
    with pytest.raises(JobExistsError):
        await Submitter(world.journal, world.bell, world.clock).submit(late)
    assert world.job(ABANDONED).status == JobRow.TOMBSTONE


async def test_a_submission_that_arrives_in_the_moment_of_closing_wins(world: Comparing) -> None:
    await register(world)
    await world.clock.advance(DAY + 1)
    world.network.before("journal.commit", RefusedError())
    assert (await world.sweeper.sweep()).abandoned == 0
    assert await world.active() == {ABANDONED}


async def test_an_id_that_was_closed_by_a_sweeper_that_died_is_taken_off_the_active_ones(
    world: Comparing,
) -> None:
    await register(world)
    stored = world.journal.partitions.setdefault(lock_names.partition("L"), {})
    tombstone = JobRow(ABANDONED, "", "L", status=JobRow.TOMBSTONE)
    key = rows.job_key(ABANDONED)
    stored[key] = Row(key, tombstone.values(), "closed")
    swept = await world.sweeper.sweep()
    assert swept.abandoned == 0
    assert await world.active() == set()
    assert world.models.asked == []
