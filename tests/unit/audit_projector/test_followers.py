"""Jobs that wait for others are settled before the others are taken off the active ones."""

import pytest
from tests.unit.audit_projector.doubles import LOCK, World

from contracts.lock_names import partition
from coordination.journal import rows
from coordination.journal.rows import JobRow
from coordination.outcomes import Completed, Failed
from coordination.ports import UnknownOutcomeError

LAST = "last"


async def follower_of(world: World, job_id: str) -> JobRow:
    row = await world.journal.read(partition(LAST), rows.job_key(job_id))
    assert row is not None
    return JobRow.from_row(row)


async def test_a_follower_is_released_when_the_last_event_is_projected() -> None:
    world = World()
    first = await world.submit()
    last = await world.submit(after=[first], lock=LAST)
    await world.start()
    await world.project(first)
    assert (await follower_of(world, last)).waits_for_jobs
    await world.end(Completed("null"))
    await world.project(first)
    assert not (await follower_of(world, last)).waits_for_jobs
    assert [sent.job_id for sent in world.notifier.wake_ups][-1] == last
    assert await world.active() == {last}
    await world.projection.project(LAST, last, 2)
    assert world.trail(last) == ["Submitted", "PredecessorEnded"]


async def test_a_chain_of_followers_ends_one_after_the_other() -> None:
    world = World()
    first = await world.submit()
    second = await world.submit(after=[first], lock=LAST)
    third = await world.submit(after=[second], lock=LAST)
    await world.start()
    await world.end(Failed("ValueError", "no"))
    for lock, job_id in ((LOCK, first), (LAST, second), (LAST, third)):
        await world.projection.project(lock, job_id, 1_000)
    assert (await follower_of(world, third)).error_type == "PredecessorFailed"
    assert await world.active() == set()


async def test_a_job_whose_followers_cannot_be_settled_stays_active() -> None:
    world = World()
    first = await world.submit()
    last = await world.submit(after=[first], lock=LAST)
    await world.start()
    await world.end(Completed("null"))
    commit = world.journal.commit

    async def silent(*_: object) -> None:
        raise UnknownOutcomeError

    world.journal.commit = silent  # type: ignore[assignment, method-assign]
    followers = world.followers
    object.__setattr__(followers.writer, "patience", 0.0)
    world.projection._followers = followers
    with pytest.raises(UnknownOutcomeError):
        await world.project(first)
    assert await world.active() == {first, last}
    world.journal.commit = commit  # type: ignore[method-assign]
    world.projection._followers = world.followers
    # The message comes again: what is written already is not written again, and the rest is done.
    await world.project(first, up_to=(await world.job(first)).seq)
    assert await world.active() == {last}
    assert not (await follower_of(world, last)).waits_for_jobs


async def test_a_job_without_followers_is_projected_without_a_look_for_them() -> None:
    world = World()
    first = await world.submit()
    await world.start()
    await world.end(Completed("null"))
    reads: list[str] = []
    read_range = world.journal.read_range

    async def note(of: str, prefix: str, *more: object, **named: object) -> object:
        reads.append(prefix)
        return await read_range(of, prefix, *more, **named)  # type: ignore[arg-type]

    world.journal.read_range = note  # type: ignore[assignment, method-assign]
    await world.project(first)
    assert reads == [rows.event_prefix(first)]
