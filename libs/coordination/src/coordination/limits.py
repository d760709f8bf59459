"""What fits into one transaction: limits of Azure Table Storage, checked before anything is sent.

Source: learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions and
learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model.
"""

from collections.abc import Iterator

from coordination.ports import Delete, InvalidTransactionError, Operation, Transaction, Value

#: UTF-16 units of one string value (64 KiB).
MAX_TEXT_UNITS = 32 * 1024

#: Bytes of one row: names and values, text in UTF-16.
MAX_ROW_BYTES = 1024 * 1024

#: Bytes of one transaction as it is sent.
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024

#: Values of one row beside its key and its timestamp.
MAX_VALUES = 252

_INT64 = range(-(2**63), 2**63)


def check_limits(transaction: Transaction) -> None:
    """Raise InvalidTransactionError, naming the row, when a row could never be stored."""
    for operation in transaction.operations:
        for problem in _problems(operation):
            raise InvalidTransactionError(f"row {operation.key}: {problem}")


def _problems(operation: Operation) -> Iterator[str]:
    if not 0 < len(operation.key.encode("utf-16-le")) <= 1024 or set(operation.key) & set("/\\#?"):
        yield "the key is empty, longer than 512 characters or contains one of / \\ # ?"
    if isinstance(operation, Delete):
        return
    if len(operation.values) > MAX_VALUES:
        yield f"more than {MAX_VALUES} values"
    size = 0
    for name, value in operation.values.items():
        if isinstance(value, str) and _bytes(value) > 2 * MAX_TEXT_UNITS:
            yield f"{name} has {_bytes(value) // 2} UTF-16 units, at most {MAX_TEXT_UNITS} can be stored"
        if isinstance(value, int) and value not in _INT64:
            yield f"{name} is beyond 64 bits"
        if isinstance(value, float) and value - value != 0:
            yield f"{name} is not a finite number"
        size += 2 * len(name) + 8 + _bytes(value)
    if size > MAX_ROW_BYTES:
        yield f"{size} bytes, at most {MAX_ROW_BYTES} can be stored"


def _bytes(value: Value | None) -> int:
    return len(value.encode("utf-16-le", "surrogatepass")) if isinstance(value, str) else 8
