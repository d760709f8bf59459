"""Actions: an observation carries the storage calls that its action took."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from tests.unit.coordination.setting import TIMES, Setting

from coordination.call_tracing import Took, TraceCalls, action, untraced
from coordination.holder.runs import StepDone
from coordination.observations import ActionOver
from coordination.ports import WakeUp


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


class Actor:
    """Carries out actions, and notes which are under way."""

    def __init__(self) -> None:
        self.under_way: list[Took] = []
        self._trace_calls: TraceCalls = self._trace

    @contextmanager
    def _trace(self) -> Iterator[Took]:
        self.under_way.append(Took())
        try:
            yield self.under_way[-1]
        finally:
            self.under_way.pop()

    @action
    async def join(self, took: Took, left: str, *, right: str) -> str:
        assert self.under_way == [took]
        return left + right

    @action
    async def fail(self, took: Took, error: Exception) -> None:
        raise error


async def test_an_action_lasts_as_long_as_its_call_and_keeps_its_name_arguments_and_result() -> None:
    actor = Actor()
    assert await actor.join("a", right="b") == "ab"
    assert Actor.join.__name__ == "join"
    with pytest.raises(ValueError, match="the message"):
        await actor.fail(ValueError("the message"))
    assert actor.under_way == []


def test_untraced_actions_share_no_calls() -> None:
    with untraced() as one, untraced() as other:
        one.calls.append("a call")
        assert other.calls == []


async def test_an_observation_carries_the_calls_of_its_action(world: Setting) -> None:
    await world.submit()
    await world.submit()
    worker = world.worker()
    await worker.answer(WakeUp("L"))
    run = world.runs.started[0]
    await run.record_step(StepDone("one", "1", 0.1))
    await run.save_state('"one"')
    run.report(1.0, 2.0, "one")
    await world.clock.advance(TIMES.renew_every + 1)
    world.runs.end()
    await world.clock.settle()
    world.runs.end()
    await world.clock.settle()
    found = [
        (type(seen).__name__, [name.rpartition(".")[2] for name in seen.took.calls])
        for seen in world.observed
        if isinstance(seen, ActionOver)
    ]
    chained = ["read_range", "commit"]
    assert found == [
        ("LeaseAcquired", ["acquire"]),
        ("RunStarted", ["read_range", "commit"]),
        ("StepRecorded", ["commit"]),
        ("StateSaved", ["commit"]),
        ("ProgressWritten", ["commit"]),
        # One action ends a run and starts the next.
        ("RunEnded", chained),
        ("RunStarted", chained),
        ("RunEnded", ["commit"]),
        ("LeaseReleased", ["release"]),
        ("LockLeft", ["read_range"]),
    ]
