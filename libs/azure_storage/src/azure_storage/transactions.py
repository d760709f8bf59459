"""Entity-group transactions, sent without the SDK, whose own way costs most of a worker's time."""

from collections.abc import Mapping, Sequence

from azure_storage.batch import (
    BatchAnswer,
    MalformedBatchError,
    Write,
    decode_batch,
    encode_batch,
)
from azure_storage.calls import RefusedCallError, deadline_in, refusal
from azure_storage.connection import StorageConnection
from azure_storage.service_requests import table_requests
from coordination.journal.storage_limits import MAX_TRANSACTION_BYTES
from coordination.ports import (
    CoordinationError,
    Delete,
    InvalidTransactionError,
    Operation,
    RefusedError,
    UnknownOutcomeError,
)


class RefusedRowError(RefusedCallError):
    """The store refused a transaction because of one of its rows; nothing was written."""

    def __init__(self, status: int, code: str, message: str, key: str | None) -> None:
        super().__init__(status, code, message)
        #: The row; None when the store did not say which.
        self.key = key


class TableTransactions:
    """Sends transactions, each once; what the answer means is for the caller to deal with."""

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._requests = table_requests(connection)

    async def send(
        self, name: str, table: str, partition: str, operations: Sequence[Operation], timeout: float
    ) -> Mapping[str, str]:
        """Carry out operations on one partition, all or none, and return the versions of the rows left.

        `name` is what the call is reported as. Cancelling the awaiting task leaves the outcome unknown, as
        the request may be on its way already. Raises RefusedError, InvalidTransactionError, AccessDeniedError
        or UnknownOutcomeError.
        """
        try:
            return await self.attempt(name, table, partition, operations, timeout)
        except RefusedCallError as refused:
            raise refused_transaction(refused) from refused

    async def attempt(
        self, name: str, table: str, partition: str, operations: Sequence[Operation | Write], timeout: float
    ) -> Mapping[str, str]:
        """Send a transaction as `send` does, but raise RefusedCallError when the store refuses it.

        It is a RefusedRowError when the refusal is about one row.
        """
        content_type, body = encode_batch(self._connection.table_url, table, partition, operations)
        if len(body) > MAX_TRANSACTION_BYTES:
            largest = max(operations, key=lambda operation: len(str(operation)))
            raise InvalidTransactionError(
                f"{len(body)} bytes in total are too many; row {largest.key} is the largest"
            )
        request = self._post(content_type, body, operations)
        return await self._connection.caller.carry_out(name, request, deadline_in(timeout))

    async def _post(
        self, content_type: str, body: bytes, operations: Sequence[Operation | Write]
    ) -> Mapping[str, str]:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        answer = await self._requests.ask("POST", "$batch", headers=headers, body=body)
        if answer.status in {404, 409, 412}:
            # Said of the whole batch, this is about the account or the way to it, not about a row.
            raise UnknownOutcomeError(f"{answer.status}: {answer.body[:200]!r}")
        if answer.status != 202:
            raise self._requests.refusal(answer)
        return _versions(answer.body, operations)


def refused_transaction(refused: RefusedCallError) -> CoordinationError:
    """Return what the port calls the refusal of a transaction."""
    if refused.status in {404, 409, 412}:
        return RefusedError(str(refused))
    return InvalidTransactionError(str(refused))


def _versions(answer: bytes, operations: Sequence[Operation | Write]) -> dict[str, str]:
    try:
        answers = decode_batch(answer)
    except MalformedBatchError as error:
        raise UnknownOutcomeError(str(error)) from error
    for failed in answers:
        if not failed.is_success:
            raise _refusal(failed, operations)
    versions = {
        operation.key: single.etag
        for operation, single in zip(operations, answers, strict=False)
        if not isinstance(operation, Delete)
    }
    if len(answers) != len(operations) or not all(versions.values()):
        raise UnknownOutcomeError("the answer to a transaction is incomplete")
    return versions


def _refusal(failed: BatchAnswer, operations: Sequence[Operation | Write]) -> Exception:
    """Name the row: the store's message starts with the number of the operation, or it is the only one."""
    number, _, rest = failed.message.partition(":")
    key = operations[0].key if len(operations) == 1 else None
    message = failed.message
    if number.isdecimal() and int(number) < len(operations):
        key = operations[int(number)].key
        message = f"row {key}: {rest}"
    error = refusal(failed.status, failed.code, message)
    if isinstance(error, RefusedCallError):
        return RefusedRowError(failed.status, failed.code, message, key)
    return error
