"""What fits into one transaction: limits of Azure Table Storage, checked before anything is sent.

Source: learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions and
learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model.
"""

import math
import re

from coordination.ports import Delete, InvalidTransactionError, Transaction, Value, Values

#: Characters of a row's key.
MAX_KEY_CHARACTERS = 512

#: UTF-16 units of one string value (64 KiB).
MAX_TEXT_UNITS = 32 * 1024

#: Bytes of one row: names and values, text in UTF-16.
MAX_ROW_BYTES = 1024 * 1024

#: Bytes of one transaction as it is sent.
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024

#: Values of one row, without its key and its timestamp.
MAX_VALUES = 252

_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_IN_KEYS = re.compile(r"[/\\#?]")
_INT64 = range(-(2**63), 2**63)


def check_limits(transaction: Transaction) -> None:
    """Raise InvalidTransactionError, naming the row, when a row, or all together, could never be stored."""
    total = largest = 0
    largest_key = ""
    for operation in transaction.operations:
        size = 0 if isinstance(operation, Delete) else _checked_size(operation.key, operation.values)
        _check_key(operation.key)
        total += size
        if size > largest:
            largest, largest_key = size, operation.key
    # What is sent takes at least half of what is stored; a store's adapter looks at the bytes themselves.
    if total > 2 * MAX_TRANSACTION_BYTES:
        raise InvalidTransactionError(
            f"{total} bytes in total are too many; row {largest_key} is the largest"
        )


def _check_key(key: str) -> None:
    if not 0 < len(key) <= MAX_KEY_CHARACTERS or _NOT_IN_KEYS.search(key):
        raise InvalidTransactionError(
            f"row {key}: a key has 1 to {MAX_KEY_CHARACTERS} characters, none of them / \\ # or ?"
        )


def _checked_size(key: str, values: Values) -> int:
    """Return the bytes that a row takes in the store."""
    if len(values) > MAX_VALUES:
        raise InvalidTransactionError(f"row {key}: more than {MAX_VALUES} values")
    size = 0
    for name, value in values.items():
        size += 2 * len(name) + 8
        if isinstance(value, str) and len(value) <= MAX_TEXT_UNITS and value.isascii():
            size += 2 * len(value)  # as nearly all are
            continue
        problem = _problem(value)
        if problem:
            raise InvalidTransactionError(f"row {key}: {name} {problem}")
        size += 2 * _units(value) if isinstance(value, str) else 8
    if size > MAX_ROW_BYTES:
        raise InvalidTransactionError(f"row {key}: {size} bytes, at most {MAX_ROW_BYTES} can be stored")
    return size


def _problem(value: Value | None) -> str:
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            return "contains half a surrogate pair"
        if _units(value) > MAX_TEXT_UNITS:
            return f"has {_units(value)} UTF-16 units, at most {MAX_TEXT_UNITS} can be stored"
    if isinstance(value, int) and value not in _INT64:
        return "is beyond 64 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return "is not a finite number"
    return ""


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
