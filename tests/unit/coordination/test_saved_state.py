"""What a run keeps: state saved again after other writes, and long results and states, given back whole."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import Setting

from contracts import lock_names
from coordination.holder.runs import StepDone
from coordination.journal import rows
from coordination.outcomes import Interrupted

PARTITION = lock_names.partition("L")

#: Turns of the event loop that are more than a few writes can take.
TURNS = 200


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    monkeypatch.setattr(random, "uniform", lambda low, high: high / 2)
    made = Setting()
    yield made
    await made.close()


@pytest.mark.parametrize("between", ["a step", "a step with state", "progress"])
async def test_state_can_be_saved_again_after_another_write_of_the_run(world: Setting, between: str) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    await run.save_state('"one"')
    if between == "progress":
        run.report(1, 2, "")
        await tenure.flush()
    else:
        await run.record_step(StepDone("one", "1", 0.1, '"of the step"' if "state" in between else None))
    saving = asyncio.ensure_future(run.save_state('"two"'))
    await world.clock.settle(TURNS)
    # Written on condition of a wrong version, it would be refused and tried again for ever.
    assert saving.done()
    await saving
    stored = world.journal.partitions[PARTITION][rows.state_key(job_id)]
    assert rows.join_text(stored.values) == '"two"'


@pytest.mark.parametrize("characters", [14_998, 14_999, 250_000])
async def test_what_a_run_kept_is_given_whole_to_the_next_attempt_however_long_it_is(
    world: Setting, characters: int
) -> None:
    result, state = (f'"{letter * characters}"' for letter in "rs")
    await world.submit()
    tenure, run = await world.hold()
    await run.record_step(StepDone("one", result, 0.1, state))
    await tenure.finish(Interrupted("why"), None)
    await tenure.keeper.release()
    _, again = await world.hold("w2")
    assert [(step.name, step.result) for step in again.recorded] == [("one", result)]
    assert again.state == state
