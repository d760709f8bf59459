"""What fits into one transaction, exactly at each limit."""

import pytest

from coordination.journal.storage_limits import MAX_ROW_BYTES, MAX_TRANSACTION_BYTES, check_limits
from coordination.ports import (
    Delete,
    GuardedUpdate,
    Insert,
    InvalidTransactionError,
    Operation,
    Transaction,
    Update,
    Value,
)

#: Bytes that one value's name and its type take beside its text, for a name of one character.
OVERHEAD = 10


def check(*operations: Operation) -> None:
    check_limits(Transaction("op", operations))


def row_of(size: int) -> dict[str, Value | None]:
    """Return values that take exactly so many bytes."""
    values: dict[str, Value | None] = {}
    names = (chr(ord("A") + number) for number in range(50))
    while size > OVERHEAD + 60_000:
        values[next(names)] = "x" * 30_000
        size -= OVERHEAD + 60_000
    assert size % 2 == 0
    values[next(names)] = "x" * ((size - OVERHEAD) // 2)
    return values


def test_the_limits_are_those_of_the_store() -> None:
    assert MAX_ROW_BYTES == 1_048_576
    assert MAX_TRANSACTION_BYTES == 4_194_304


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * 32_768, id="text"),
        pytest.param("ü" * 32_768, id="text beyond ASCII"),
        pytest.param("🔒" * 16_384, id="text beyond the basic plane"),
        2**63 - 1,
        -(2**63),
        1.7e308,
        True,
        None,
        "",
    ],
)
def test_a_value_at_its_limit_fits(value: Value | None) -> None:
    check(Insert("row", {"value": value}))
    check(Update("row", {"value": value}, "etag"))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param(
            "x" * 32_769, "value has 32769 UTF-16 units, at most 32768 can be stored", id="text of x"
        ),
        pytest.param(
            "ü" * 32_769, "value has 32769 UTF-16 units, at most 32768 can be stored", id="text of ü"
        ),
        pytest.param(
            "🔒" * 16_384 + "x",
            "value has 32769 UTF-16 units, at most 32768 can be stored",
            id="text of both planes",
        ),
        ("half \ud800 pair", "value contains half a surrogate pair"),
        ("the other half \udfff of it", "value contains half a surrogate pair"),
        (2**63, "value is beyond 64 bits"),
        (-(2**63) - 1, "value is beyond 64 bits"),
        (float("nan"), "value is not a finite number"),
        (float("-inf"), "value is not a finite number"),
    ],
)
def test_a_value_beyond_its_limit_is_refused_with_its_row_its_name_and_the_reason(
    value: Value, problem: str
) -> None:
    guarded: list[Operation] = [GuardedUpdate("the row", {"value": value}, "g"), Delete("g", "etag")]
    for operations in (
        [Insert("the row", {"value": value})],
        [Update("the row", {"value": value}, "e")],
        guarded,
    ):
        with pytest.raises(InvalidTransactionError) as error:
            check(*operations)
        assert str(error.value) == f"row the row: {problem}"


@pytest.mark.parametrize(("values", "fits"), [(252, True), (253, False)])
def test_a_row_has_at_most_252_values(values: int, fits: bool) -> None:
    row: dict[str, Value | None] = {f"value_{number}": number for number in range(values)}
    if fits:
        check(Insert("row", row))
    else:
        with pytest.raises(InvalidTransactionError, match="row row: more than 252 values"):
            check(Insert("row", row))


def test_a_row_has_at_most_one_mebibyte() -> None:
    check(Insert("row", row_of(MAX_ROW_BYTES)))
    with pytest.raises(InvalidTransactionError) as error:
        check(Insert("row", row_of(MAX_ROW_BYTES + 2)))
    assert str(error.value) == f"row row: {MAX_ROW_BYTES + 2} bytes, at most {MAX_ROW_BYTES} can be stored"


@pytest.mark.parametrize(
    ("value", "size"),
    [("ab", 4), ("ü", 2), ("🔒", 4), (1, 8), (1.5, 8), (True, 8), (None, 8), ("", 0)],
)
def test_each_value_counts_with_its_name_and_its_bytes(value: Value | None, size: int) -> None:
    fills = row_of(MAX_ROW_BYTES - size - OVERHEAD - 2)
    check(Insert("row", fills | {"zz": value}))
    with pytest.raises(InvalidTransactionError, match=f"row row: {MAX_ROW_BYTES + 2} bytes, at most"):
        check(Insert("row", fills | {"zzz": value}))


def test_a_transaction_has_at_most_twice_four_mebibytes_in_the_store() -> None:
    """What is sent in UTF-8 takes at least half of what is stored in UTF-16."""
    full: list[Operation] = [Insert(f"row {number}", row_of(MAX_ROW_BYTES)) for number in range(7)]
    check(*full, Insert("last", row_of(MAX_ROW_BYTES)), Delete("gone", "etag"))
    half = [Insert("a", row_of(MAX_ROW_BYTES // 2)), Insert("b", row_of(MAX_ROW_BYTES // 2 + 2))]
    with pytest.raises(InvalidTransactionError) as error:
        check(*half, *full, Delete("gone", "etag"))
    assert (
        str(error.value) == f"{8 * MAX_ROW_BYTES + 2} bytes in total are too many; row row 0 is the largest"
    )


@pytest.mark.parametrize("key", ["x", pytest.param("x" * 512, id="longest"), "a|b c'ü"])
def test_a_key_has_1_to_512_characters(key: str) -> None:
    check(Insert(key, {}))
    check(Delete(key, "etag"))


@pytest.mark.parametrize("key", ["", pytest.param("x" * 513, id="too long"), "a/b", "a\\b", "a#b", "a?b"])
def test_a_key_that_cannot_be_stored_is_refused_also_where_a_row_is_deleted(key: str) -> None:
    for operation in (Insert(key, {}), Update(key, {}, "etag"), Delete(key, "etag")):
        with pytest.raises(InvalidTransactionError, match="a key has 1 to 512 characters"):
            check(operation)
