"""Lock runs and their neighbours, read for many callers at once."""

import asyncio

import pytest
from aiohttp import web
from tests.unit.azure_storage.answers import page, stored, table_refusal
from tests.unit.azure_storage.fake_service import FakeService, Prepared, asked_for

from azure_storage.read_models.keys import fence_key
from azure_storage.read_models.neighbours import Neighbours
from azure_storage.read_models.tables import Tables
from coordination.ports import UnknownOutcomeError

RUNS = [
    stored(fence_key(fence), Lock="ledger", Fence=str(fence), **{"Fence@odata.type": "Edm.Int64"})
    for fence in range(1, 10)
]


@pytest.fixture
def neighbours(service: FakeService) -> Neighbours:
    service.answer = page(*RUNS)
    return Neighbours(Tables(service.connection))


async def fences(neighbours: Neighbours, fence: int) -> list[int]:
    return [run.fence for run in await neighbours.around("p", fence)]


async def test_those_who_ask_at_once_share_a_request(service: FakeService, neighbours: Neighbours) -> None:
    found = await asyncio.gather(*(fences(neighbours, fence) for fence in (5, 3, 9)))
    assert found == [[3, 4, 5, 6, 7], [1, 2, 3, 4, 5], [7, 8, 9]]
    (asked,) = asked_for(service)
    assert f"RowKey ge '{fence_key(1)}' and RowKey lt '{fence_key(12)}'" in asked[1]
    assert asked[2] == "11"


async def test_whoever_asks_during_a_request_is_answered_by_the_next(
    service: FakeService, neighbours: Neighbours
) -> None:
    later: list[asyncio.Task[list[int]]] = []

    def answer(_: web.BaseRequest) -> Prepared:
        if not later:
            # It was written after this request began.
            later.append(asyncio.ensure_future(fences(neighbours, 10)))
            return page(*RUNS[6:])
        run = stored(fence_key(10), Lock="ledger", Fence="10", **{"Fence@odata.type": "Edm.Int64"})
        return page(*RUNS[7:], run)

    service.answer = answer
    assert await fences(neighbours, 9) == [7, 8, 9]
    assert await later[0] == [8, 9, 10]
    assert len(service.requests) == 2


async def test_fences_far_apart_are_asked_for_apart(service: FakeService, neighbours: Neighbours) -> None:
    await asyncio.gather(*(fences(neighbours, fence) for fence in (1, 501, 502)))
    assert [int(asked[2]) for asked in asked_for(service)] == [504, 5]


async def test_a_failure_is_told_to_all_who_share_it(service: FakeService, neighbours: Neighbours) -> None:
    service.answers = [table_refusal(503)]
    found = await asyncio.gather(*(fences(neighbours, fence) for fence in (5, 3)), return_exceptions=True)
    assert [type(each) for each in found] == [UnknownOutcomeError] * 2
    service.answers = [page(*RUNS[6:])]
    assert await fences(neighbours, 9) == [7, 8, 9]


async def test_whoever_waits_when_the_reader_is_ended_hears_of_it(neighbours: Neighbours) -> None:
    waiting = asyncio.create_task(neighbours.around("p", 5))
    for _ in range(3):
        await asyncio.sleep(0)
    for reader in list(neighbours._readers):
        reader.cancel()
    with pytest.raises(UnknownOutcomeError):
        await waiting
