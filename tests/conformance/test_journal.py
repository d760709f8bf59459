"""What every implementation of the journal port does with rows and transactions."""

import asyncio
import itertools

import pytest
from tests.conformance.stores import Store

from coordination.ports import (
    Delete,
    GuardedUpdate,
    Insert,
    InvalidTransactionError,
    Journal,
    Operation,
    RefusedError,
    Replace,
    Transaction,
    UnknownOutcomeError,
    Update,
    Value,
)

PARTITION = "ledger-0123456789abcdef"
TIMEOUT = 10.0

_numbers = itertools.count()


def transaction(*operations: Operation, op_id: str | None = None) -> Transaction:
    return Transaction(op_id or f"op-{next(_numbers)}", operations)


async def commit(journal: Journal, *operations: Operation) -> dict[str, str]:
    return dict(await journal.commit(PARTITION, transaction(*operations), TIMEOUT))


async def values(journal: Journal, key: str) -> dict[str, Value | None] | None:
    row = await journal.read(PARTITION, key)
    return None if row is None else dict(row.values)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty text"),
        pytest.param("tab\tline\r\n--boundary \"'\\ {}", id="special characters"),
        pytest.param("Ünïcödé 漢字 🔒 \u2028 \u0000", id="unicode"),
        pytest.param("2026-11-21T01:47:05.840943+00:00", id="text that looks like a time"),
        pytest.param("x" * 32_768, id="the longest text"),
        pytest.param("🔒" * 16_384, id="the longest text beyond the basic plane"),
        0,
        -1,
        2**31 - 1,
        2**31,
        -(2**31) - 1,
        2**63 - 1,
        -(2**63),
        0.0,
        1.0,
        -0.1,
        1e300,
        5e-324,
        True,
        False,
    ],
)
async def test_a_value_is_read_as_it_was_written(journal: Journal, value: Value) -> None:
    await commit(journal, Insert("row", {"inserted": value, "updated": None}))
    row = await journal.read(PARTITION, "row")
    assert row is not None
    await commit(journal, Update("row", {"updated": value}, row.etag))
    stored = await values(journal, "row")
    assert stored == {"inserted": value, "updated": value}
    assert {type(each) for each in stored.values()} == {type(value)}


async def test_a_number_may_outgrow_its_size(journal: Journal) -> None:
    etags = await commit(journal, Insert("row", {"fence": 1}))
    await commit(journal, Update("row", {"fence": 2**40}, etags["row"]))
    assert await values(journal, "row") == {"fence": 2**40}


@pytest.mark.parametrize(
    "key", ["line|lock|00", "event|018f|000001", "it's", "a b+c%d&e=f", "grüße", "(x,y)", "$batch;:@", '"']
)
async def test_a_key_may_hold_any_character_the_store_can(journal: Journal, key: str) -> None:
    etags = await commit(journal, Insert(key, {"a": 1}))
    etags = await commit(journal, Update(key, {"b": 2}, etags[key]))
    assert await values(journal, key) == {"a": 1, "b": 2}
    assert [row.key for row in await journal.read_range(PARTITION, key)] == [key]
    await commit(journal, Delete(key, etags[key]))
    assert await values(journal, key) is None


async def test_nothing_is_read_where_nothing_was_written(journal: Journal) -> None:
    assert await journal.read(PARTITION, "row") is None
    assert await journal.read_range(PARTITION, "row") == []


async def test_partitions_know_nothing_of_each_other(journal: Journal) -> None:
    await commit(journal, Insert("row", {"a": 1}))
    await journal.commit("another", transaction(Insert("row", {"a": 2})), TIMEOUT)
    assert await values(journal, "row") == {"a": 1}


async def test_none_is_not_stored_and_removes_nothing(journal: Journal) -> None:
    etags = await commit(journal, Insert("row", {"a": 1, "b": None}))
    assert await values(journal, "row") == {"a": 1}
    await commit(journal, Update("row", {"a": None, "c": 3}, etags["row"]))
    assert await values(journal, "row") == {"a": 1, "c": 3}


async def test_an_update_keeps_what_it_does_not_name(journal: Journal) -> None:
    etags = await commit(journal, Insert("row", {"a": 1, "b": "x", "c": 0.5}))
    await commit(journal, Update("row", {"b": "y"}, etags["row"]))
    assert await values(journal, "row") == {"a": 1, "b": "y", "c": 0.5}


async def test_every_write_gives_a_version_of_its_own(journal: Journal) -> None:
    seen = [(await commit(journal, Insert("row", {"a": 1})))["row"]]
    for _ in range(5):
        seen.append((await commit(journal, Update("row", {"a": 1}, seen[-1])))["row"])
        row = await journal.read(PARTITION, "row")
        assert row is not None
        assert row.etag == seen[-1]
        assert (await journal.read_range(PARTITION, "row"))[0].etag == seen[-1]
    assert len(set(seen)) == 6


async def test_a_row_that_was_deleted_and_made_again_has_a_new_version(journal: Journal) -> None:
    first = await commit(journal, Insert("row", {"a": 1}))
    await commit(journal, Delete("row", first["row"]))
    await commit(journal, Insert("row", {"a": 1}))
    with pytest.raises(RefusedError):
        await commit(journal, Update("row", {"a": 2}, first["row"]))


async def test_the_versions_of_all_rows_that_are_left_are_told(journal: Journal) -> None:
    etags = await commit(journal, Insert("a", {}), Insert("b", {}), Insert("c", {}))
    told = await commit(
        journal, Delete("a", etags["a"]), Update("b", {"x": 1}, etags["b"]), Insert("d", {"x": 2})
    )
    assert set(told) == {"b", "d"}
    for key, etag in told.items():
        row = await journal.read(PARTITION, key)
        assert row is not None
        assert row.etag == etag


@pytest.fixture
async def stale(journal: Journal) -> str:
    """An etag that the row `present` had."""
    first = await commit(journal, Insert("present", {"a": 1}))
    await commit(journal, Update("present", {"a": 2}, first["present"]))
    return first["present"]


def unexpected(kind: str, stale: str) -> Operation:
    operations: dict[str, Operation] = {
        "insert of a row that exists": Insert("present", {"a": 9}),
        "update of an old version": Update("present", {"a": 9}, stale),
        "update of a missing row": Update("missing", {"a": 9}, stale),
        "delete of an old version": Delete("present", stale),
        "delete of a missing row": Delete("missing", stale),
    }
    return operations[kind]


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(
    "kind",
    [
        "insert of a row that exists",
        "update of an old version",
        "update of a missing row",
        "delete of an old version",
        "delete of a missing row",
    ],
)
async def test_a_refused_transaction_leaves_nothing(
    journal: Journal, stale: str, kind: str, position: int
) -> None:
    etags = await commit(journal, Insert("other", {"a": 1}))
    before = await journal.read_range(PARTITION, "")
    operations: list[Operation] = [Update("other", {"a": 2}, etags["other"]), Insert("new", {"a": 1})]
    operations.insert(position, unexpected(kind, stale))
    with pytest.raises(RefusedError):
        await commit(journal, *operations)
    assert await journal.read_range(PARTITION, "") == before


async def test_of_a_hundred_transactions_on_one_version_exactly_one_commits(journal: Journal) -> None:
    etags = await commit(journal, Insert("lock", {"fence": 0}))
    results = await asyncio.gather(
        *(
            commit(
                journal,
                Update("lock", {"op_id": f"op-{n}"}, etags["lock"]),
                Insert(f"event|{n:03d}", {"n": n}),
            )
            for n in range(100)
        ),
        return_exceptions=True,
    )
    winners = [n for n, result in enumerate(results) if isinstance(result, dict)]
    assert len(winners) == 1
    assert sum(isinstance(result, RefusedError) for result in results) == 99
    assert await values(journal, "lock") == {"fence": 0, "op_id": f"op-{winners[0]}"}
    assert [row.values for row in await journal.read_range(PARTITION, "event|")] == [{"n": winners[0]}]


async def test_a_transaction_has_room_for_a_hundred_rows(journal: Journal) -> None:
    told = await commit(journal, *(Insert(f"row|{n:03d}", {"n": n}) for n in range(100)))
    assert len(told) == 100
    assert len(await journal.read_range(PARTITION, "row|")) == 100


async def test_ones_own_earlier_try_is_recognised_by_its_op_id(journal: Journal) -> None:
    etags = await commit(journal, Insert("lock", {"op_id": "op-a"}))
    mine = transaction(Update("lock", {"op_id": "op-b"}, etags["lock"]), op_id="op-b")
    await journal.commit(PARTITION, mine, TIMEOUT)
    with pytest.raises(RefusedError):
        await journal.commit(PARTITION, mine, TIMEOUT)
    assert await values(journal, "lock") == {"op_id": "op-b"}


async def test_a_late_duplicate_changes_nothing(journal: Journal) -> None:
    etags = await commit(journal, Insert("lock", {"fence": 0}))
    late = transaction(Update("lock", {"fence": 1}, etags["lock"]), Insert("event|1", {"n": 1}))
    etags = dict(await journal.commit(PARTITION, late, TIMEOUT))
    await commit(journal, Update("lock", {"fence": 2}, etags["lock"]), Delete("event|1", etags["event|1"]))
    with pytest.raises(RefusedError):
        await journal.commit(PARTITION, late, TIMEOUT)
    assert await values(journal, "lock") == {"fence": 2}
    assert await values(journal, "event|1") is None


async def test_a_replaced_row_has_nothing_of_what_it_had(journal: Journal) -> None:
    etags = await commit(journal, Insert("job", {"status": "Completed", "name": "x"}), Insert("event", {}))
    versions = await commit(
        journal,
        Replace("job", {"status": "Removed", "size": 2**40}, etags["job"]),
        Delete("event", etags["event"]),
    )
    assert await values(journal, "job") == {"status": "Removed", "size": 2**40}
    row = await journal.read(PARTITION, "job")
    assert row is not None
    assert row.etag == versions["job"] != etags["job"]
    assert await values(journal, "event") is None


async def test_a_row_of_another_version_is_not_replaced(journal: Journal) -> None:
    etags = await commit(journal, Insert("job", {"a": 1}), Insert("event", {}))
    await commit(journal, Update("job", {"a": 2}, etags["job"]))
    for key in ("job", "missing"):
        with pytest.raises(RefusedError):
            await commit(journal, Replace(key, {}, etags["job"]), Delete("event", etags["event"]))
    assert await values(journal, "job") == {"a": 2}
    assert await values(journal, "event") == {}


async def test_a_guarded_update_goes_with_its_guard(journal: Journal) -> None:
    etags = await commit(journal, Insert("ticket", {}), Insert("job", {"status": "Queued", "kind": "k"}))
    await commit(
        journal, Delete("ticket", etags["ticket"]), GuardedUpdate("job", {"status": "Running"}, "ticket")
    )
    assert await values(journal, "job") == {"status": "Running", "kind": "k"}
    assert await values(journal, "ticket") is None


async def test_a_guarded_update_is_refused_when_its_guard_is_gone(journal: Journal) -> None:
    etags = await commit(journal, Insert("ticket", {}), Insert("job", {"status": "Queued"}))
    await commit(
        journal, Delete("ticket", etags["ticket"]), GuardedUpdate("job", {"status": "Cancelled"}, "ticket")
    )
    with pytest.raises(RefusedError):
        await commit(
            journal, GuardedUpdate("job", {"status": "Running"}, "ticket"), Delete("ticket", etags["ticket"])
        )
    assert await values(journal, "job") == {"status": "Cancelled"}


async def test_a_guarded_update_of_a_missing_row_is_refused(journal: Journal) -> None:
    etags = await commit(journal, Insert("ticket", {}))
    with pytest.raises(RefusedError):
        await commit(
            journal, Delete("ticket", etags["ticket"]), GuardedUpdate("job", {"status": "Running"}, "ticket")
        )
    assert await values(journal, "ticket") == {}


@pytest.mark.parametrize(
    "value", ["x" * 32_769, "🔒" * 16_385, 2**63, float("nan"), float("inf"), "half \ud83d pair"]
)
async def test_a_value_the_store_cannot_hold_is_refused_by_name(journal: Journal, value: Value) -> None:
    with pytest.raises(InvalidTransactionError, match=r"row data\|state: text"):
        await commit(journal, Insert("good", {"a": 1}), Insert("data|state", {"text": value}))
    assert await values(journal, "good") is None


@pytest.mark.parametrize("key", ["a/b", "a\\b", "a#b", "a?b", "x" * 513, ""])
async def test_a_key_the_store_cannot_hold_is_refused(journal: Journal, key: str) -> None:
    with pytest.raises(InvalidTransactionError, match="key"):
        await commit(journal, Insert(key, {"a": 1}))


async def test_the_longest_key_and_the_most_values_fit_and_one_more_does_not(journal: Journal) -> None:
    key, most = "k" * 512, {f"value_{n}": n for n in range(252)}
    await commit(journal, Insert(key, most))
    assert await values(journal, key) == most
    with pytest.raises(InvalidTransactionError, match="row more: more than 252 values"):
        await commit(journal, Insert("more", most | {"value_252": 252}))
    assert await values(journal, "more") is None


async def test_a_row_beyond_a_mebibyte_is_refused_by_name(journal: Journal) -> None:
    with pytest.raises(InvalidTransactionError, match="row big"):
        await commit(journal, Insert("big", {f"text_{n}": "x" * 32_000 for n in range(17)}))
    await commit(journal, Insert("fits", {f"text_{n}": "x" * 32_000 for n in range(16)}))


async def test_a_transaction_beyond_four_mebibytes_is_refused_naming_its_largest_row(
    journal: Journal,
) -> None:
    rows = [Insert(f"row|{n}", {f"text_{i}": "x" * 32_000 for i in range(15)}) for n in range(9)]
    rows[4] = Insert("row|4", {f"text_{i}": "x" * 32_000 for i in range(16)})
    with pytest.raises(InvalidTransactionError, match=r"row\|4"):
        await commit(journal, *rows)
    assert await journal.read_range(PARTITION, "row|") == []


async def test_rows_come_in_the_order_of_their_keys(journal: Journal) -> None:
    keys = ["line|ticket|05|b|1", "line|lock|00", "line|ticket|05|a|2", "line|ticket|00|z|3", "line|lock|01"]
    await commit(journal, *(Insert(key, {}) for key in keys))
    assert [row.key for row in await journal.read_range(PARTITION, "line|")] == sorted(keys)


async def test_a_range_holds_exactly_what_starts_with_its_prefix(journal: Journal) -> None:
    inside = ["event|a|", "event|a|000001", "event|a|~", "event|a|ü"]
    outside = ["event|a", "event|a{", "event|a}", "event|ab|1", "event|b|1", "event", "events|a|1"]
    await commit(journal, *(Insert(key, {}) for key in inside + outside))
    assert [row.key for row in await journal.read_range(PARTITION, "event|a|")] == inside


async def test_a_range_goes_on_behind_a_key(journal: Journal) -> None:
    await commit(journal, *(Insert(f"event|a|{n:06d}", {"n": n}) for n in range(1, 10)))

    async def read(limit: int | None, after: str) -> list[Value | None]:
        return [row.values["n"] for row in await journal.read_range(PARTITION, "event|a|", limit, after)]

    assert await read(3, "") == [1, 2, 3]
    assert await read(3, "event|a|000003") == [4, 5, 6]
    assert await read(None, "event|a|000003") == [4, 5, 6, 7, 8, 9]
    assert await read(3, "event|a|000008") == [9]
    assert await read(3, "event|a|000009") == []
    assert await read(2, "event|a|0000035") == [4, 5]
    assert await read(2, "aaa") == [1, 2]
    assert await read(2, "zzz") == []


async def test_a_range_is_read_to_its_end_however_long_it_is(journal: Journal) -> None:
    for start in range(0, 1100, 100):
        await commit(journal, *(Insert(f"row|{n:06d}", {"n": n}) for n in range(start, start + 100)))
    rows = await journal.read_range(PARTITION, "row|")
    assert [row.values["n"] for row in rows] == list(range(1100))
    assert len(await journal.read_range(PARTITION, "row|", 1050)) == 1050


async def test_a_lost_answer_is_recognised_as_ones_own(store: Store) -> None:
    journal = store.journal
    etags = await commit(journal, Insert("lock", {"op_id": "op-a"}))
    mine = transaction(
        Update("lock", {"op_id": "op-b"}, etags["lock"]), Insert("event|1", {"op_id": "op-b"}), op_id="op-b"
    )
    store.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await journal.commit(PARTITION, mine, TIMEOUT)
    store.lose_answers(False)
    with pytest.raises(RefusedError):
        await journal.commit(PARTITION, mine, TIMEOUT)
    assert await values(journal, "lock") == {"op_id": mine.op_id}
    assert await values(journal, "event|1") == {"op_id": mine.op_id}


async def test_a_read_without_an_answer_is_not_an_empty_one(store: Store) -> None:
    await commit(store.journal, Insert("row", {"a": 1}))
    store.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await store.journal.read(PARTITION, "row")
    with pytest.raises(UnknownOutcomeError):
        await store.journal.read_range(PARTITION, "row")
