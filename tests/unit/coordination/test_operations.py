"""Operations: what a worker asks of storage is part of one, so that it stands in one span."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import TIMES, Call, Setting

from coordination.call_tracing import Operation, current_operation, operation
from coordination.holder.runs import StepDone
from coordination.ports import WakeUp


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


async def inner() -> Operation | None:
    return current_operation()


async def outer() -> tuple[Operation | None, Operation | None, Operation | None]:
    return current_operation(), await operation(inner)(), current_operation()


async def fail(message: str, *, kind: type[Exception]) -> None:
    raise kind(message)


async def test_an_operation_lasts_as_long_as_its_call() -> None:
    assert current_operation() is None
    assert await operation(inner)() is not None
    assert current_operation() is None
    with pytest.raises(ValueError, match="the message"):
        await operation(fail)("the message", kind=ValueError)
    assert current_operation() is None


async def test_a_function_that_is_made_an_operation_keeps_its_name_arguments_and_result() -> None:
    @operation
    async def join(left: str, *, right: str) -> tuple[str, bool]:
        return left + right, current_operation() is not None

    assert join.__name__ == "join"
    assert await join("a", right="b") == ("ab", True)
    assert current_operation() is None


async def test_each_call_is_an_operation_of_its_own() -> None:
    before, within, after = await operation(outer)()
    assert before is after
    assert within is not before
    assert await operation(inner)() is not await operation(inner)()


def storage_calls(world: Setting) -> list[Call]:
    return [call for call in world.network.calls if not call.name.startswith("notifier.")]


async def test_whatever_a_holder_asks_of_storage_is_part_of_an_operation(world: Setting) -> None:
    await world.submit()
    await world.submit()
    world.network.calls.clear()
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
    groups: list[tuple[Operation | None, list[str]]] = []
    for call in storage_calls(world):
        if not groups or groups[-1][0] is not call.operation:
            groups.append((call.operation, []))
        groups[-1][1].append(call.name.rpartition(".")[2])
    assert [(operation is not None, names) for operation, names in groups] == [
        (True, ["acquire"]),
        (True, ["read_range", "commit"]),  # take over
        (True, ["commit"]),  # the step
        (True, ["commit"]),  # the state
        (True, ["commit"]),  # the progress
        (True, ["renew"]),
        (True, ["read"]),  # the look at the job
        (True, ["read_range", "commit"]),  # the end, and the next start
        (True, ["commit"]),  # the end
        (True, ["release"]),
        (True, ["read_range"]),  # the look after the release
    ]
