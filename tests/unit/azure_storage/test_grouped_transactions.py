"""Transactions of many callers in few requests: each is carried out whole or not, whatever it shares."""

import asyncio
import re
from collections.abc import Callable

import pytest
from aiohttp import web
from tests.unit.azure_storage.answers import batch, part, table_error, table_refusal
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.calls import CallOutcome
from azure_storage.grouped_writes import GroupedWrites
from azure_storage.journal import TableJournal
from coordination.ports import (
    Delete,
    Insert,
    InvalidTransactionError,
    Operation,
    RefusedError,
    Transaction,
    UnknownOutcomeError,
    Update,
)

NAME, TABLE = "journal.commit", "Journal"


@pytest.fixture
def grouped(service: FakeService) -> GroupedWrites:
    service.answer = lambda _: batch(*[part(204, f"ETag: {key}") for key in keys(service.bodies[-1])])
    return GroupedWrites(service.connection, 5.0)


def keys(body: bytes) -> list[str]:
    """Return the keys of the rows of a transaction."""
    return re.findall(r"RowKey(?:='|\": ?\")(\w+)", body.decode())


def two_rows(name: str) -> list[Operation]:
    return [Insert(f"{name}1", {"op_id": name}), Update(f"{name}2", {"op_id": name}, "old")]


async def outcomes(grouped: GroupedWrites, *units: list[Operation], timeout: float = 5.0) -> list[object]:
    """Send each by a caller of its own; the callers begin at the same moment."""
    calls = (grouped.send(NAME, TABLE, "p", unit, timeout) for unit in units)
    found = await asyncio.gather(*calls, return_exceptions=True)
    return [each if isinstance(each, dict) else type(each) for each in found]


def in_each_batch(
    answers: dict[str, Prepared], service: FakeService
) -> Callable[[web.BaseRequest], Prepared]:
    """Answer a request by the first of these names that is among its rows; else that all was done."""

    def answer(_: web.BaseRequest) -> Prepared:
        found = keys(service.bodies[-1])
        refusing = next((name for name in answers if f"{name}1" in found), None)
        if refusing is None:
            return batch(*[part(204, f"ETag: {key}") for key in found])
        return answers[refusing]

    return answer


async def test_transactions_that_come_together_go_together(
    service: FakeService, grouped: GroupedWrites
) -> None:
    found = await outcomes(grouped, two_rows("a"), two_rows("b"), [Insert("c", {}), Delete("d", "v")])
    assert found == [{"a1": "a1", "a2": "a2"}, {"b1": "b1", "b2": "b2"}, {"c": "c"}]
    assert [keys(body) for body in service.bodies] == [["a1", "a2", "b1", "b2", "c", "d"]]
    # One request, which each of the three made.
    assert [call.operation for call in service.calls] == [NAME]
    assert [(call.operation, call.outcome) for call in service.shared] == [(NAME, CallOutcome.OK)] * 3


async def test_those_that_come_while_one_is_on_its_way_share_the_next(
    service: FakeService, grouped: GroupedWrites
) -> None:
    later: list[asyncio.Task[object]] = []

    def answer(_: web.BaseRequest) -> Prepared:
        if not later:
            later.extend(
                asyncio.get_running_loop().create_task(outcomes(grouped, two_rows(name))) for name in "bcd"
            )
        return batch(*[part(204, f"ETag: {key}") for key in keys(service.bodies[-1])])

    service.answer = answer
    await outcomes(grouped, two_rows("a"))
    assert await asyncio.gather(*later) == [[{f"{n}1": f"{n}1", f"{n}2": f"{n}2"}] for n in "bcd"]
    assert [keys(body) for body in service.bodies] == [["a1", "a2"], ["b1", "b2", "c1", "c2", "d1", "d2"]]


async def test_a_refused_row_fails_its_own_transaction_whole_and_no_other(
    service: FakeService, grouped: GroupedWrites
) -> None:
    service.answers = [batch(part(409, body=table_error("EntityAlreadyExists", "3:no")))]
    found = await outcomes(grouped, two_rows("a"), two_rows("b"), two_rows("c"))
    assert found == [{"a1": "a1", "a2": "a2"}, RefusedError, {"c1": "c1", "c2": "c2"}]
    # The first row of a refused transaction is not sent without the second.
    assert keys(service.bodies[1]) == ["a1", "a2", "c1", "c2"]
    assert [call.outcome for call in service.shared] == [CallOutcome.REFUSED, CallOutcome.OK, CallOutcome.OK]


async def test_a_row_that_can_never_be_stored_is_invalid_for_its_caller_alone(
    service: FakeService, grouped: GroupedWrites
) -> None:
    service.answers = [batch(part(400, body=table_error("PropertyValueTooLarge", "0:no")))]
    assert await outcomes(grouped, two_rows("a"), two_rows("b")) == [
        InvalidTransactionError,
        {"b1": "b1", "b2": "b2"},
    ]


async def test_where_the_store_does_not_say_which_row_each_transaction_goes_alone(
    service: FakeService, grouped: GroupedWrites
) -> None:
    whole = [part(204, "ETag: v"), part(204, "ETag: v")]
    service.answers = [table_refusal(400), batch(*whole), table_refusal(400), batch(*whole)]
    done, other = {"a1": "v", "a2": "v"}, {"c1": "v", "c2": "v"}
    found = await outcomes(grouped, two_rows("a"), two_rows("b"), two_rows("c"))
    assert found == [done, InvalidTransactionError, other]
    assert [len(keys(body)) for body in service.bodies] == [6, 2, 2, 2]


async def test_a_lost_answer_is_an_unknown_outcome_for_all_who_shared_the_request(
    service: FakeService, grouped: GroupedWrites
) -> None:
    service.answers = [Prepared(0)]
    assert await outcomes(grouped, two_rows("a"), two_rows("b")) == [UnknownOutcomeError] * 2
    assert [call.outcome for call in service.shared] == [CallOutcome.UNKNOWN] * 2
    # Each may repeat its own. That one was carried out before is no matter of the other.
    carried_out = {"a": batch(part(409, body=table_error("EntityAlreadyExists", "0:no")))}
    service.answer = in_each_batch(carried_out, service)
    assert await outcomes(grouped, two_rows("a"), two_rows("b")) == [RefusedError, {"b1": "b1", "b2": "b2"}]


async def test_no_more_rows_than_a_transaction_may_have_and_no_row_twice(
    service: FakeService, grouped: GroupedWrites
) -> None:
    units = [two_rows(f"n{number}x") for number in range(51)]
    found = await outcomes(grouped, *units, two_rows("n0x"))
    assert len(found) == 52
    assert [len(keys(body)) for body in service.bodies] == [100, 4]
    await outcomes(grouped, two_rows("a"), two_rows("a"))
    assert [keys(body) for body in service.bodies[2:]] == [["a1", "a2"]] * 2


async def test_large_transactions_do_not_grow_each_other(
    service: FakeService, grouped: GroupedWrites
) -> None:
    units: list[list[Operation]] = [[Insert(f"k{number}", {"text": "x" * 200_000})] for number in range(3)]
    await outcomes(grouped, *units)
    assert [keys(body) for body in service.bodies] == [["k0", "k1"], ["k2"]]


async def test_one_that_is_too_large_by_itself_is_invalid_and_hurts_nobody(
    service: FakeService, grouped: GroupedWrites
) -> None:
    huge: list[Operation] = [Insert("huge", {f"t{n}": "x" * 30_000 for n in range(150)})]
    found = await outcomes(grouped, two_rows("a"), huge, two_rows("b"))
    assert found == [{"a1": "a1", "a2": "a2"}, InvalidTransactionError, {"b1": "b1", "b2": "b2"}]


async def test_what_could_not_be_sent_in_time_is_not_sent(
    service: FakeService, grouped: GroupedWrites
) -> None:
    assert await outcomes(grouped, two_rows("a"), timeout=-1) == [UnknownOutcomeError]
    assert await outcomes(grouped, two_rows("b")) == [{"b1": "b1", "b2": "b2"}]
    assert [keys(body) for body in service.bodies] == [["b1", "b2"]]


async def test_only_a_journal_that_is_asked_to_groups_its_transactions(service: FakeService) -> None:
    service.answer = lambda _: batch(*[part(204, f"ETag: {key}") for key in keys(service.bodies[-1])])
    for groups, requests in ((False, 3), (True, 1)):
        service.bodies.clear()
        journal = TableJournal(service.connection, groups_transactions=groups)
        commits = (journal.commit("p", Transaction(name, two_rows(name)), 5.0) for name in "abc")
        assert len(await asyncio.gather(*commits)) == 3
        assert len(service.bodies) == requests
