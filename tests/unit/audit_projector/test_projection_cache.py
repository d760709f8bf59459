"""What a projector remembers spares it look-ups, and never stands between the journal and the read models."""

from typing import Any

import pytest
from tests.unit.audit_projector.doubles import LOCK, World, content

from audit_projector import projection_cache
from coordination.outcomes import Completed, Interrupted
from coordination.ports import UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal, InMemoryRegister
from read_models.memory import InMemoryReadModels

#: First and last event that each message about a job with one step names.
SUBMITTED, STARTED, STEP, ENDED = (1, 1), (2, 3), (4, 4), (5, 5)


class Noted:
    """A world whose calls to journal and read models are noted."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.world = World(
            journal=InMemoryJournal(self._note),
            register=InMemoryRegister(self._note),
            models=InMemoryReadModels(self._note),
        )

    async def _note(self, moment: str, name: str) -> None:
        if moment == "before":
            self.calls.append(name)

    async def tell(self, job_id: str, message: tuple[int, int]) -> list[str]:
        """Project what a message names; returns the calls it took."""
        self.calls.clear()
        await self.world.project(job_id, message[1], message[0])
        return self.calls.copy()


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def world(noted: Noted) -> World:
    return noted.world


async def run(world: World) -> str:
    """Return a job that went through one step to its end, without a message having come."""
    job_id = await world.submit()
    await world.start()
    await world.step("load")
    await world.end(Completed())
    return job_id


async def begun(noted: Noted) -> str:
    """Return a job whose start is projected, and remembered."""
    job_id = await noted.world.submit()
    await noted.tell(job_id, SUBMITTED)
    await noted.world.start()
    assert "read_models.watermark" not in await noted.tell(job_id, STARTED)
    return job_id


async def as_if_projected_anew(world: World, *jobs: str) -> None:
    expected = World(world.journal, world.register, world.notifier, world.clock)
    for job_id in jobs:
        await expected.project(job_id)
    assert content(world.models) == content(expected.models)


async def test_messages_about_what_is_projected_cost_nothing(noted: Noted, world: World) -> None:
    job_id = await run(world)
    assert await noted.tell(job_id, SUBMITTED)
    assert [await noted.tell(job_id, message) for message in (STARTED, STEP, ENDED)] == [[], [], []]
    assert await world.active() == set()
    await as_if_projected_anew(world, job_id)


async def test_a_step_changes_nothing_but_the_trail_and_the_watermark(noted: Noted, world: World) -> None:
    job_id = await begun(noted)
    await world.step("load")
    calls = await noted.tell(job_id, STEP)
    assert sorted(set(calls) - {"read_models.lock_runs"}) == [
        "journal.read_range",
        "read_models.lock",
        "read_models.recent",
        "read_models.summary",
        "read_models.trail",
    ]
    await as_if_projected_anew(world, job_id)


@pytest.mark.parametrize("passes", ["step", "state"])
async def test_what_passes_within_a_run_costs_no_look_up_however_often_it_comes(
    noted: Noted, world: World, passes: str
) -> None:
    job_id = await begun(noted)
    for seq in range(4, 8):
        await (world.step(f"step {seq}") if passes == "step" else world.save_state("{}"))
        calls = await noted.tell(job_id, (seq, seq))
        assert not {"journal.read", "read_models.watermark", "journal.retire"} & set(calls)
    await world.end(Completed())
    calls = await noted.tell(job_id, (8, 8))
    assert (calls[:2], calls[-1]) == (["journal.read_range", "journal.read"], "journal.retire")
    await as_if_projected_anew(world, job_id)


async def test_what_was_told_already_is_looked_up(noted: Noted) -> None:
    job_id = await begun(noted)
    for message in (STARTED, SUBMITTED, (1, 3), (0, 3)):
        assert await noted.tell(job_id, message) == ["journal.read", "read_models.watermark"]


async def test_what_comes_after_a_gap_is_looked_up(noted: Noted, world: World) -> None:
    job_id = await world.submit()
    await noted.tell(job_id, SUBMITTED)
    await world.start()
    await world.step("load")
    assert (await noted.tell(job_id, STEP))[:2] == ["journal.read", "read_models.watermark"]
    await as_if_projected_anew(world, job_id)


@pytest.mark.parametrize("told", [STARTED, (1, 3)])
async def test_read_models_that_were_emptied_are_filled_again_by_whoever_tells_again(
    noted: Noted, world: World, told: tuple[int, int]
) -> None:
    job_id = await begun(noted)
    empty(world.models)
    await noted.tell(job_id, told)
    await as_if_projected_anew(world, job_id)


async def test_read_models_that_were_emptied_are_filled_again_with_the_next_event(
    noted: Noted, world: World
) -> None:
    job_id = await begun(noted)
    empty(world.models)
    await world.step("load")
    await noted.tell(job_id, STEP)
    await as_if_projected_anew(world, job_id)


def empty(models: InMemoryReadModels) -> None:
    for rows in (models.trail, models.recent, models.runs, models.known_locks, models.summaries):
        rows.clear()


@pytest.mark.parametrize("afresh", [False, True])
async def test_a_projector_that_others_have_overtaken_looks_again(
    noted: Noted, world: World, *, afresh: bool
) -> None:
    job_id = await begun(noted)
    await world.step("load")
    await world.end(Interrupted("shutdown"))
    await world.another_projection().project(LOCK, job_id, 5, afresh=afresh)
    await world.start()
    for message in (STEP, (5, 5), (6, 7)):
        await noted.tell(job_id, message)
    await as_if_projected_anew(world, job_id)
    assert world.models.summaries[job_id][0].status == "Running"
    assert not world.violations


async def test_a_job_that_could_not_be_retired_is_not_taken_for_done(noted: Noted, world: World) -> None:
    job_id = await begun(noted)
    await world.step("load")
    await world.end(Completed())
    retire, world.register.retire = world.register.retire, _never  # type: ignore[method-assign]
    with pytest.raises(UnknownOutcomeError):
        await noted.tell(job_id, STEP)
    world.register.retire = retire  # type: ignore[method-assign]
    await noted.tell(job_id, ENDED)
    assert await world.active() == set()


async def _never(*_: Any, **__: Any) -> None:
    raise UnknownOutcomeError


async def test_a_summary_read_before_others_projected_more_is_not_remembered(
    noted: Noted, world: World
) -> None:
    job_id = await begun(noted)
    other = world.another_projection()
    watermark = world.models.watermark

    async def late(*asked: object) -> object:
        world.models.watermark = watermark  # type: ignore[method-assign]
        await world.end(Interrupted("shutdown"))
        await world.start()
        await other.project(LOCK, job_id, 6)
        return await watermark(*asked)  # type: ignore[arg-type]

    world.models.watermark = late  # type: ignore[method-assign, assignment]
    await noted.tell(job_id, STARTED)
    await world.step("load")
    await noted.tell(job_id, (4, 7))
    await as_if_projected_anew(world, job_id)
    assert world.models.summaries[job_id][0].attempt == 2


async def test_a_step_that_is_written_while_a_job_is_looked_up_costs_no_second_look_up(
    noted: Noted, world: World
) -> None:
    job_id = await world.submit()
    await world.start()
    watermark = world.models.watermark

    async def late(*asked: object) -> object:
        await world.step("load")
        noted.calls.clear()
        return await watermark(*asked)  # type: ignore[arg-type]

    world.models.watermark = late  # type: ignore[method-assign, assignment]
    assert "journal.read" not in await noted.tell(job_id, (2, 3))
    assert world.models.summaries[job_id][1].seq == 4
    await as_if_projected_anew(world, job_id)


async def test_a_job_that_is_over_stays_active_until_its_last_event_is_projected(
    noted: Noted, world: World
) -> None:
    job_id = await world.submit()
    await noted.tell(job_id, SUBMITTED)
    await world.start()
    await world.end(Completed())
    await noted.tell(job_id, SUBMITTED)
    assert await world.active() == {job_id}
    await noted.tell(job_id, (2, 4))
    assert await world.active() == set()
    await as_if_projected_anew(world, job_id)


async def test_only_so_many_jobs_are_remembered_and_none_that_is_done(
    noted: Noted, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection_cache, "_MOST", 3)
    remembered = world.projection._cache._jobs
    jobs = [await world.submit() for _ in range(5)]
    for job_id in jobs:
        await noted.tell(job_id, SUBMITTED)
    assert list(remembered) == jobs[2:]
    for job_id in jobs:
        await world.cancel(job_id)
        await noted.tell(job_id, (2, (await world.job(job_id)).seq))
    assert not remembered
