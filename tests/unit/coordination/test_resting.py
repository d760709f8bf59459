"""When the scheduler leaves sweeps out, and what it still notices in time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from tests.unit.coordination.setting import Setting

from contracts import identifiers, lock_names
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.clients.submission_marks import FRESH_SECONDS
from coordination.maintenance.resting import Rest, RestingSweeper
from coordination.maintenance.sweeper import Sweeper
from coordination.outcomes import Completed
from coordination.ports import Registration, UnknownOutcomeError

ROUND = 2.0
#: Within which a job whose wake-up was lost is noticed while the scheduler sweeps in each round.
NOTICED = 5.0 + ROUND


async def know_everything(jobs: Mapping[str, datetime]) -> dict[str, int]:
    """Stand for read models that have all events."""
    return dict.fromkeys(jobs, 1_000)


class Watched(Setting):
    """A scheduler that makes a round every two seconds, and one submitter."""

    def __init__(self) -> None:
        super().__init__()
        self.resting = self.scheduler()
        self.submitter = Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock))

    def scheduler(self, **rest: float) -> RestingSweeper:
        sweeper = Sweeper(
            self.leases, self.journal, self.register, self.notifier, self.clock, know_everything
        )
        return RestingSweeper(sweeper, self.register, self.clock, Rest(ROUND, **rest))

    async def rounds(self, seconds: float) -> None:
        """Let rounds be made for so long."""
        until = self.clock.boot() + seconds
        while self.clock.boot() < until:
            await self.resting.go()
            await self.clock.advance(min(ROUND, until - self.clock.boot()))

    async def until_noticed(self) -> float:
        """Let rounds be made until one notifies; return how long that took."""
        began = self.clock.boot()
        while not self.notifier.take_wake_ups():
            await self.resting.go()
            await self.clock.advance(0.0 if self.notifier.wake_ups else ROUND)
            assert self.clock.boot() - began < 2000
        return self.clock.boot() - began

    async def submit_job(self, lock: str = "L") -> str:
        job_id = identifiers.new_id()
        await self.submitter.submit(NewJob(job_id, identifiers.new_id(), "kind", lock, "{}", "ann"))
        self.notifier.take_wake_ups()
        return job_id

    async def rest(self) -> None:
        """Let rounds be made until nothing is read but marks, and the next look is a while away."""
        await self.rounds(60)
        self.network.calls.clear()

    def reads(self, name: str) -> list[float]:
        return self.network.times(name)


@pytest.fixture
async def world() -> AsyncIterator[Watched]:
    made = Watched()
    yield made
    await made.close()


async def test_the_first_round_sweeps(world: Watched) -> None:
    assert await world.resting.go() is not None
    assert await world.resting.go() is None


async def test_while_nothing_happens_only_the_marks_are_read_and_a_sweep_is_rare(world: Watched) -> None:
    await world.rest()
    await world.rounds(600)
    assert len(world.reads("journal.marks")) == pytest.approx(150, abs=2)
    assert len(world.reads("journal.active")) == 2
    assert len(world.network.calls) == len(world.reads("journal.marks")) + len(world.reads("journal.active"))


async def test_while_a_job_is_active_each_round_looks_at_it_and_every_second_reads_the_shards(
    world: Watched,
) -> None:
    await world.rest()
    await world.submit_job()
    await world.hold_elsewhere()
    await world.rounds(12)
    world.network.calls.clear()
    await world.rounds(20)
    assert len(world.reads("journal.active")) == 5
    assert len(world.reads("leases.is_free")) == 10
    assert world.reads("journal.marks") == []


@pytest.mark.parametrize("offset", [0.0, 0.5, 1.0, 1.9, 2.0, 3.0, 3.99])
async def test_a_lost_wake_up_is_noticed_in_time_while_another_job_is_active(
    world: Watched, offset: float
) -> None:
    await world.submit_job("another")
    await world.hold_elsewhere("another")
    await world.rounds(12 + offset)
    await world.submit_job()
    assert await world.until_noticed() <= NOTICED


async def test_a_lost_host_is_noticed_in_the_round_after_its_lease_has_run_out(world: Watched) -> None:
    await world.submit_job()
    await world.hold()
    lost_at = world.clock.boot()
    await world.until_noticed()
    assert world.clock.boot() - lost_at <= world.times.duration + ROUND


async def test_a_sweep_that_failed_is_made_whole_in_the_next_round(world: Watched) -> None:
    await world.submit_job()
    await world.hold_elsewhere()
    await world.rounds(12)
    world.network.before("journal.active", *[UnknownOutcomeError()] * 3)
    reads = len(world.reads("journal.active"))
    for _ in range(5):
        with suppress(UnknownOutcomeError):
            await world.resting.go()
        await world.clock.advance(ROUND)
    assert len(world.reads("journal.active")) - reads == 4


@pytest.mark.parametrize("offset", [0.0, 0.5, 1.0, 1.9, 2.0, 3.0, 3.99])
async def test_a_lost_wake_up_is_noticed_as_soon_as_without_a_rest(world: Watched, offset: float) -> None:
    await world.rest()
    await world.rounds(offset)
    await world.submit_job()
    assert await world.until_noticed() <= NOTICED


@pytest.mark.parametrize("later", [0.0, 3.0, FRESH_SECONDS - 0.1])
async def test_a_job_that_is_registered_long_after_its_mark_is_noticed(world: Watched, later: float) -> None:
    await world.rest()
    await world.submitter._marks.ensure()
    await world.rounds(later)
    await world.submit_job()
    assert len(world.reads("journal.mark")) == 1
    assert await world.until_noticed() <= NOTICED


async def test_a_submitter_that_stood_still_before_it_registered_is_noticed(world: Watched) -> None:
    """Its mark was seen and settled in the meantime."""
    await world.rest()

    async def stand_still() -> None:
        await world.rounds(120)

    world.network.before("journal.register", stand_still)
    await world.submit_job()
    assert len(world.reads("journal.mark")) == 2
    assert await world.until_noticed() <= NOTICED


async def test_a_submitter_that_stood_still_while_it_registered_is_noticed(world: Watched) -> None:
    await world.rest()

    async def stand_still() -> None:
        await world.rounds(FRESH_SECONDS + 1)

    world.network.after("journal.register", stand_still)
    await world.submit_job()
    assert len(world.reads("journal.mark")) == 2
    assert await world.until_noticed() <= NOTICED


async def test_nothing_is_registered_without_a_mark(world: Watched) -> None:
    world.network.before("journal.mark", UnknownOutcomeError())
    with pytest.raises(UnknownOutcomeError):
        await world.submit_job()
    assert world.reads("journal.register") == []
    await world.submit_job()
    assert [call.name for call in world.network.calls][:3] == [
        "journal.mark", "journal.mark", "journal.register"
    ]  # fmt: skip


async def test_a_mark_counts_for_ten_seconds_from_when_it_was_asked_for(world: Watched) -> None:
    world.network.before("journal.mark", 1.0)
    task = asyncio.ensure_future(world.submitter._marks.ensure())
    await world.clock.advance(FRESH_SECONDS - 0.1)
    await task
    await world.submitter._marks.ensure()
    assert len(world.reads("journal.mark")) == 1
    await world.clock.advance(0.1)
    await world.submitter._marks.ensure()
    assert len(world.reads("journal.mark")) == 2


async def test_after_the_last_job_sweeps_end_once_its_mark_is_settled(world: Watched) -> None:
    await world.rest()
    await world.submit_job()
    tenure, _ = await world.hold()
    await tenure.finish(Completed(), None)
    await tenure.keeper.release()
    await world.rounds(60)
    assert len(world.reads("journal.active")) <= 12
    assert await world.register.marks() == {}
    world.network.calls.clear()
    await world.rounds(60)
    assert world.reads("journal.active") == []


async def test_a_mark_that_was_made_again_is_not_removed(world: Watched) -> None:
    await world.rest()
    await world.submitter._marks.ensure()
    await world.rounds(20)

    async def mark_again() -> None:
        await world.clock.advance(FRESH_SECONDS)
        await world.submitter._marks.ensure()

    world.network.before("journal.unmark", mark_again)
    await world.rounds(10)
    assert len(await world.register.marks()) == 1
    await world.submit_job()
    assert await world.until_noticed() <= NOTICED


async def test_without_an_answer_the_next_round_asks_again(world: Watched) -> None:
    await world.rest()
    await world.submit_job()
    world.network.before("journal.marks", *[UnknownOutcomeError()] * 2)
    world.network.before("journal.active", UnknownOutcomeError())
    failed = 0
    for _ in range(5):
        try:
            await world.resting.go()
        except UnknownOutcomeError:
            failed += 1
        await world.clock.advance(ROUND)
    assert failed == 3
    assert await world.until_noticed() <= NOTICED


async def test_a_scheduler_that_was_off_duty_misses_nothing(world: Watched) -> None:
    """Another was on duty, saw the job, and died."""
    await world.rest()
    await world.submit_job()
    other = world.scheduler()
    for _ in range(30):
        await other.go()
        await world.clock.advance(ROUND)
    world.notifier.take_wake_ups()
    assert await world.until_noticed() <= NOTICED


@pytest.mark.parametrize("seconds", [45.0, 200.0, 299.0, 301.0, 1000.0])
async def test_a_job_that_is_due_later_is_noticed_when_it_is_due(world: Watched, seconds: float) -> None:
    due_at = world.clock.now() + timedelta(seconds=seconds)
    new = NewJob(identifiers.new_id(), identifiers.new_id(), "kind", "L", "{}", "ann", start_at=due_at)
    await world.submitter.submit(new)
    assert await world.until_noticed() == pytest.approx(seconds, abs=ROUND)
    # Up to there, the shards are read seldom.
    assert len(world.reads("journal.active")) < 15


async def test_the_next_due_time_is_looked_for_before_a_rest(world: Watched) -> None:
    """The last sweep that found jobs did not look for it, and no mark is left."""
    await world.rest()
    world.resting = world.scheduler(settled_after=0.0)
    await world.submit_job()
    await world.resting.go()
    (job,) = [job async for job in world.register.active(world.clock.now())]
    due_at = world.clock.now() + timedelta(seconds=100)
    await world.register.add(
        Registration(
            identifiers.new_id(), "L", job.partition, "hash", job.registered_at, due_at, is_marked=True
        )
    )
    await world.register.retire(job.job_id)
    for submitter, version in (await world.register.marks()).items():
        await world.register.unmark(submitter, version)
    await world.rounds(98)
    world.network.calls.clear()
    await world.rounds(10)
    assert len(world.reads("journal.active")) >= 2


async def test_there_is_no_rest_for_an_hour_after_a_job_of_an_earlier_version(world: Watched) -> None:
    await world.rest()
    job_id = identifiers.new_id()
    await world.register.add(Registration(job_id, "L", lock_names.partition("L"), "hash", world.clock.now()))
    await world.rounds(320)
    await world.register.retire(job_id)
    await world.rounds(10)
    world.network.calls.clear()
    await world.rounds(600)
    assert len(world.reads("journal.active")) >= 150
    await world.rounds(3000)
    world.network.calls.clear()
    await world.rounds(60)
    assert world.reads("journal.active") == []
