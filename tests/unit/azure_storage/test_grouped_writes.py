"""Writes of many callers at once: few requests, and each caller hears what became of its own rows."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from aiohttp import web
from tests.unit.azure_storage.answers import batch, part, table_error, table_refusal, written
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.batch import Write
from azure_storage.calls import RefusedCallError
from azure_storage.grouped_writes import GroupedWrites
from coordination.ports import Delete, UnknownOutcomeError

NAME, TABLE = "read_models.upsert", "Some"


@pytest.fixture
def grouped(service: FakeService) -> GroupedWrites:
    def answer(request: web.BaseRequest) -> Prepared:
        if not request.path.endswith("$batch"):
            return written("alone")
        return batch(*[part(204, f"ETag: {key}") for key in keys(service.bodies[-1])])

    service.answer = answer
    return GroupedWrites(service.connection, 5.0)


def keys(body: bytes) -> list[str]:
    """Return the keys of the rows of a transaction."""
    return re.findall(r"RowKey='(\w+)'\) HTTP", body.decode())


def replaced(key: str, etag: str | None = None) -> Write:
    return Write(key, {"N": 1}, etag)


async def outcomes(
    grouped: GroupedWrites, writes: Sequence[Write | Delete], partition: str = "p"
) -> list[object]:
    """Write each row by a caller of its own; the callers begin at the same moment."""
    calls = (grouped.write(NAME, TABLE, partition, [write]) for write in writes)
    found = await asyncio.gather(*calls, return_exceptions=True)
    return [next(iter(each.values())) if isinstance(each, dict) else type(each) for each in found]


async def test_what_comes_while_a_request_is_on_its_way_goes_together(
    service: FakeService, grouped: GroupedWrites
) -> None:
    found = await outcomes(grouped, [replaced(f"k{number}") for number in range(5)])
    assert found == ["k0", "k1", "k2", "k3", "k4"]
    assert len(service.requests) == 1
    assert [call.operation for call in service.calls] == [NAME]


async def test_partitions_do_not_wait_for_each_other(service: FakeService, grouped: GroupedWrites) -> None:
    await asyncio.gather(
        *(grouped.write(NAME, TABLE, partition, [replaced("k")]) for partition in ("a", "b", "a"))
    )
    # The same row twice: the second goes after the first.
    assert len(service.requests) == 3


async def test_a_row_that_is_written_twice_has_the_later_version_and_two_requests(
    service: FakeService, grouped: GroupedWrites
) -> None:
    service.answers = [batch(part(204, "ETag: 1"), part(204, "ETag: 2")), written("3")]
    assert await outcomes(grouped, [replaced("a"), replaced("b"), replaced("a")]) == ["1", "2", "3"]


async def test_a_refused_row_is_its_callers_alone(service: FakeService, grouped: GroupedWrites) -> None:
    service.answers = [batch(part(412, body=table_error("UpdateConditionNotSatisfied", "1:no")))]
    found = await outcomes(grouped, [replaced("a"), replaced("b", "old"), replaced("c")])
    assert [found[0], found[2]] == ["a", "c"]
    assert issubclass(found[1], RefusedCallError)  # type: ignore[arg-type]
    assert keys(service.bodies[1]) == ["a", "c"]


async def test_where_the_store_does_not_say_which_row_each_goes_alone(
    service: FakeService, grouped: GroupedWrites
) -> None:
    service.answers = [table_refusal(400), written("1"), table_refusal(412), written("3")]
    found = await outcomes(grouped, [replaced("a"), replaced("b"), replaced("c")])
    assert found == ["1", RefusedCallError, "3"]


async def test_an_unknown_outcome_is_every_callers(service: FakeService, grouped: GroupedWrites) -> None:
    service.answers = [table_refusal(503)]
    assert await outcomes(grouped, [replaced("a"), replaced("b")]) == [UnknownOutcomeError] * 2
    # What comes later is not hurt by it.
    assert await outcomes(grouped, [replaced("a")]) == ["alone"]


async def test_a_row_of_a_caller_that_gave_up_holds_up_nobody(
    service: FakeService, grouped: GroupedWrites
) -> None:
    first = asyncio.create_task(grouped.write(NAME, TABLE, "p", [replaced("a")]))
    second = asyncio.create_task(grouped.write(NAME, TABLE, "p", [replaced("b")]))
    third = asyncio.create_task(grouped.write(NAME, TABLE, "p", [replaced("c")]))
    await asyncio.sleep(0)
    second.cancel()
    assert await first
    assert await third
    with pytest.raises(asyncio.CancelledError):
        await second
    assert [name for body in service.bodies for name in keys(body)].count("b") <= 1


async def test_a_deleted_row_has_no_version_and_one_that_is_gone_is_refused(
    service: FakeService, grouped: GroupedWrites
) -> None:
    service.answers = [
        batch(part(404, body=table_error("ResourceNotFound", "0:no"))),
        batch(part(204), part(204, "ETag: 2")),
    ]
    found = await outcomes(grouped, [Delete("gone", "*"), Delete("there", "*"), replaced("k")])
    assert issubclass(found[0], RefusedCallError)  # type: ignore[arg-type]
    assert found[1:] == ["", "2"]


async def test_an_answer_without_a_version_is_an_unknown_outcome(
    service: FakeService, grouped: GroupedWrites
) -> None:
    service.answers = [Prepared(204)]
    assert await outcomes(grouped, [replaced("a")]) == [UnknownOutcomeError]


async def test_whoever_waits_when_the_sender_is_ended_hears_of_it(
    service: FakeService, grouped: GroupedWrites
) -> None:
    waiting = asyncio.create_task(grouped.write(NAME, TABLE, "p", [replaced("a")]))
    for _ in range(3):
        await asyncio.sleep(0)
    for sender in list(grouped._senders):
        sender.cancel()
    with pytest.raises(UnknownOutcomeError):
        await waiting
