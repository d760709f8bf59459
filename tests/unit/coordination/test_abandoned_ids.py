"""Ids that were registered, and whose submission never arrived, or late."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.comparing import Comparing

from contracts import identifiers, lock_names
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import JobExistsError, NewJob, Submitter, build_submission
from coordination.journal import rows
from coordination.journal.events import Writer, timestamp
from coordination.journal.rows import JobRow
from coordination.ports import RefusedError, Registration, Row

DAY = 86_400.0
ABANDONED = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"


@pytest.fixture
async def world() -> AsyncIterator[Comparing]:
    made = Comparing()
    yield made
    await made.close()


async def register(world: Comparing) -> None:
    """Register an id, and die before its job is written."""
    partition = lock_names.partition("L")
    await world.register.add(Registration(ABANDONED, "L", partition, "hash", world.clock.now()))


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


async def test_an_id_whose_submission_has_not_arrived_is_looked_for_after_pauses_up_to_twenty_seconds(
    world: Comparing,
) -> None:
    await register(world)
    began = world.clock.boot()
    await world.sweep_until(122)
    looks = [at - began for at in world.network.times("journal.read")]
    assert looks == [6, 11, 21, 41, 61, 81, 101, 121]


async def test_a_job_that_arrives_late_is_compared_as_often_as_any_new_one(world: Comparing) -> None:
    await register(world)
    await world.sweep_until(64)
    late = NewJob(ABANDONED, identifiers.new_id(), "kind", "L", "{}", "ann")
    writer = Writer("ann", "op", timestamp(world.clock.now()))
    transaction = build_submission(late, writer).transaction
    await world.journal.commit(lock_names.partition("L"), transaction, 1)
    world.models.seqs[ABANDONED] = 1
    await world.sweep_until(97)
    assert world.models.times == [81, 86, 96]


async def test_a_submission_that_arrives_after_its_id_was_closed_is_refused(world: Comparing) -> None:
    await register(world)
    await world.clock.advance(DAY + 1)
    await world.sweeper.sweep()
    late = NewJob(ABANDONED, identifiers.new_id(), "kind", "L", "{}", "ann")
    with pytest.raises(JobExistsError):
        await Submitter(world.register, JobWriter(world.journal, world.notifier, world.clock)).submit(late)
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
    await world.clock.advance(6)
    swept = await world.sweeper.sweep()
    assert swept.abandoned == 0
    assert await world.active() == set()
    assert world.models.asked == []
