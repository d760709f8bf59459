"""A storage call ends in time, and a cancellation by the transport is not one of its own."""

import asyncio

import pytest

from azure_storage.calls import CallOutcome, RefusedCallError, StorageCall, StorageCaller, deadline_in
from coordination.ports import UnknownOutcomeError


@pytest.fixture
def calls() -> list[StorageCall]:
    return []


@pytest.fixture
def caller(calls: list[StorageCall]) -> StorageCaller:
    return StorageCaller(calls.append)


async def test_a_call_without_an_answer_ends_at_its_deadline(
    caller: StorageCaller, calls: list[StorageCall]
) -> None:
    with pytest.raises(UnknownOutcomeError, match="no answer in time"):
        await caller.carry_out("journal.commit", asyncio.Event().wait(), deadline_in(0.05))
    assert calls[0].outcome is CallOutcome.UNKNOWN
    assert 0.04 < calls[0].seconds < 5


async def test_a_transport_that_cancels_leaves_the_outcome_unknown(caller: StorageCaller) -> None:
    broken = asyncio.get_running_loop().create_future()
    broken.cancel()
    with pytest.raises(UnknownOutcomeError):
        await caller.carry_out("journal.commit", broken, deadline_in(5))


async def test_a_cancelled_call_is_reported_as_unknown(
    caller: StorageCaller, calls: list[StorageCall]
) -> None:
    task = asyncio.ensure_future(caller.carry_out("journal.commit", asyncio.Event().wait(), deadline_in(5)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(call.operation, call.outcome) for call in calls] == [("journal.commit", CallOutcome.UNKNOWN)]


async def test_a_refusal_is_reported_as_one(caller: StorageCaller, calls: list[StorageCall]) -> None:
    async def refused() -> None:
        raise RefusedCallError(412, "UpdateConditionNotSatisfied", "no")

    with pytest.raises(RefusedCallError):
        await caller.carry_out("journal.commit", refused(), deadline_in(5))
    assert calls[0].outcome is CallOutcome.REFUSED
