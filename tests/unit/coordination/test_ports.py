"""Transactions and errors, as every implementation of the ports may rely on them."""

import pytest

from coordination import ports
from coordination.ports import (
    Delete,
    GuardedUpdate,
    Insert,
    InvalidTransactionError,
    Operation,
    Transaction,
    Update,
    WakeUp,
)


def inserts(count: int) -> list[Operation]:
    return [Insert(f"row {number}", {}) for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 100])
def test_a_transaction_names_up_to_a_hundred_rows(count: int) -> None:
    assert len(Transaction("op", inserts(count)).operations) == count


@pytest.mark.parametrize("count", [0, 101])
def test_a_transaction_without_rows_or_with_too_many_is_refused(count: int) -> None:
    with pytest.raises(InvalidTransactionError, match="1 to 100 rows, each once"):
        Transaction("op", inserts(count))


@pytest.mark.parametrize("second", [Insert("row", {}), Update("row", {}, "etag"), Delete("row", "etag")])
def test_a_transaction_names_each_row_once(second: Operation) -> None:
    with pytest.raises(InvalidTransactionError, match="each once"):
        Transaction("op", [Insert("row", {}), second])


def test_a_guard_must_be_deleted_in_the_same_transaction() -> None:
    guarded = GuardedUpdate("job", {}, "ticket")
    Transaction("op", [guarded, Delete("ticket", "etag")])
    for other in (Update("ticket", {}, "etag"), Insert("ticket", {}), Delete("another", "etag")):
        with pytest.raises(InvalidTransactionError, match="job is guarded by a row that is not deleted"):
            Transaction("op", [guarded, other])


def test_an_error_without_a_message_says_what_it_is() -> None:
    assert str(ports.LeaseHeldError()) == "Another process holds the lease."
    assert str(ports.RefusedError("the row x is not as expected")) == "the row x is not as expected"


def test_an_error_says_only_the_first_line_of_what_it_is_and_nothing_when_that_is_not_said() -> None:
    class LongError(ports.CoordinationError):
        """What happened.

        And when.
        """

    class ShortError(ports.CoordinationError):
        __doc__ = None

    assert (str(LongError()), str(ShortError())) == ("What happened.", "")


def test_a_refusal_of_the_credentials_counts_as_unknown_and_nothing_else_does() -> None:
    unknown = [
        error
        for error in vars(ports).values()
        if isinstance(error, type) and issubclass(error, ports.UnknownOutcomeError)
    ]
    assert unknown == [ports.UnknownOutcomeError, ports.AccessDeniedError]


def test_a_wake_up_is_no_deferred_copy_and_announces_no_free_lock_unless_it_says_so() -> None:
    wake_up = WakeUp("L")
    assert (
        wake_up.job_id,
        wake_up.is_deferred_copy,
        wake_up.released,
        wake_up.traceparent,
        wake_up.reason,
    ) == (
        None,
        False,
        False,
        None,
        "released",
    )
