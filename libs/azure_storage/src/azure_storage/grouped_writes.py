"""Writing rows of many callers to the same partition in few transactions.

While one transaction of a partition is on its way, what others want to write there waits and goes with the
next one. So the number of requests follows from the storage's speed, not from the number of callers, and
nobody waits longer than for the transaction before.
"""

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from azure_storage.batch import Write
from azure_storage.calls import CallOutcome, RefusedCallError, StorageCall
from azure_storage.connection import StorageConnection
from azure_storage.single_writes import SingleWrites
from azure_storage.transactions import RefusedRowError, TableTransactions, refused_transaction
from coordination.ports import (
    AccessDeniedError,
    Delete,
    InvalidTransactionError,
    Operation,
    UnknownOutcomeError,
)

#: Limits of one transaction: of the storage, and characters, far below its limit of 4 MiB.
MOST_ROWS, LARGEST = 100, 500_000


@dataclass
class _Unit:
    """Operations of one caller that are carried out all or none, and the versions that it waits for."""

    name: str
    operations: Sequence[Operation | Write]
    size: int
    #: Seconds for a request with it.
    timeout: float
    #: The event loop's time after which it is not sent any more.
    until: float | None = None
    done: asyncio.Future[Mapping[str, str]] = field(default_factory=asyncio.Future)

    @cached_property
    def keys(self) -> set[str]:
        """The rows that it names."""
        return {operation.key for operation in self.operations}

    def fail(self, error: Exception) -> None:
        """Tell the caller, if it still waits."""
        if not self.done.done():
            self.done.set_exception(error)

    def is_waited_for(self) -> bool:
        """Return whether it may still be sent: its caller has not given up, and has time."""
        if self.until is not None and asyncio.get_running_loop().time() > self.until:
            self.fail(UnknownOutcomeError("it could not be sent in time"))
        return not self.done.done()


class GroupedWrites:
    """Writes rows of many callers together; each caller's outcome is its own."""

    def __init__(self, connection: StorageConnection, timeout: float) -> None:
        self._caller = connection.caller
        self._singles = SingleWrites(connection)
        self._transactions = TableTransactions(connection)
        self._timeout = timeout
        self._waiting: dict[tuple[str, str], deque[_Unit]] = {}
        self._senders: set[asyncio.Task[None]] = set()

    async def write(
        self, name: str, table: str, partition: str, writes: Sequence[Write | Delete]
    ) -> Mapping[str, str]:
        """Write rows of one partition, or delete them; return the versions of those that are left, by key.

        `name` is what the call is reported as. Rows are not written all or none. Raises what the storage said
        of the first row that failed: RefusedCallError, AccessDeniedError or UnknownOutcomeError.
        """
        units = [_Unit(name, [write], _size(partition, write), self._timeout) for write in writes]
        self._add((table, partition), units)
        outcomes = await asyncio.gather(*(unit.done for unit in units), return_exceptions=True)
        versions = {}
        for unit, outcome in zip(units, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            key = unit.operations[0].key
            versions[key] = outcome.get(key, "")
        return versions

    async def send(
        self, name: str, table: str, partition: str, operations: Sequence[Operation | Write], timeout: float
    ) -> Mapping[str, str]:
        """Carry out operations on one partition, all or none, and return the versions of the rows left.

        As `TableTransactions.send`, but perhaps in one request with operations of others, each of whom hears
        what became of its own. They are not sent later than `timeout` seconds from now, and an outcome that
        is unknown is unknown for all who share the request. Not for the holder of a lock, who may not send
        what has waited. Raises RefusedError, InvalidTransactionError, AccessDeniedError or
        UnknownOutcomeError.
        """
        size = sum(_size(partition, operation) for operation in operations)
        until = asyncio.get_running_loop().time() + timeout
        unit = _Unit(name, operations, size, timeout, until)
        with self._reported(name):
            self._add((table, partition), [unit])
            try:
                return await unit.done
            except RefusedCallError as refused:
                raise refused_transaction(refused) from refused

    @contextmanager
    def _reported(self, name: str) -> Iterator[None]:
        """Report the call where its caller is: the request itself is made, and counted, elsewhere."""
        began, outcome = time.perf_counter(), CallOutcome.UNKNOWN
        try:
            yield
            outcome = CallOutcome.OK
        except AccessDeniedError:
            outcome = CallOutcome.DENIED
            raise
        except UnknownOutcomeError:
            raise
        except Exception:
            outcome = CallOutcome.REFUSED
            raise
        finally:
            call = StorageCall(name, outcome, time.perf_counter() - began, is_shared=True)
            self._caller.report(call)

    def _add(self, place: tuple[str, str], units: Sequence[_Unit]) -> None:
        if place in self._waiting:
            self._waiting[place].extend(units)
            return
        self._waiting[place] = deque(units)
        # A context of its own: the transactions belong to no caller alone.
        sender = asyncio.get_running_loop().create_task(self._send_all(place), context=contextvars.Context())
        self._senders.add(sender)
        sender.add_done_callback(self._senders.discard)

    async def _send_all(self, place: tuple[str, str]) -> None:
        waiting = self._waiting[place]
        group: list[_Unit] = []
        try:
            while waiting:
                group = _next_group(waiting)
                await self._send(place, group)
        finally:
            del self._waiting[place]
            # Whatever ended this task, nobody may wait for ever.
            for unit in [*group, *waiting]:
                unit.fail(UnknownOutcomeError("the write was given up"))

    async def _send(self, place: tuple[str, str], group: list[_Unit]) -> None:
        """Send a transaction; when one unit is refused, send the others again."""
        while group:
            try:
                versions = await self._attempt(place, group)
            except (RefusedCallError, InvalidTransactionError) as refused:
                group = await self._without(place, group, refused)
            except (AccessDeniedError, UnknownOutcomeError) as error:
                # An error of its own for each: a traceback is written into the error by whoever raises it.
                for unit in group:
                    unit.fail(type(error)(*error.args))
                return
            else:
                for unit in group:
                    if not unit.done.done():
                        unit.done.set_result({key: versions[key] for key in unit.keys & versions.keys()})
                return

    async def _attempt(self, place: tuple[str, str], group: list[_Unit]) -> Mapping[str, str]:
        name, timeout = group[0].name, max(unit.timeout for unit in group)
        operations = [operation for unit in group for operation in unit.operations]
        first = operations[0]
        if len(operations) == 1 and isinstance(first, Write | Delete):
            return {first.key: await self._singles.attempt(name, *place, first, timeout)}
        return await self._transactions.attempt(name, *place, operations, timeout)

    async def _without(self, place: tuple[str, str], group: list[_Unit], refused: Exception) -> list[_Unit]:
        """Tell whose rows were refused, and return the others. Where that is not known, send each alone."""
        if len(group) == 1:
            group[0].fail(refused)
            return []
        key = refused.key if isinstance(refused, RefusedRowError) else None
        if key is None:
            for unit in group:
                await self._send(place, [unit])
            return []
        others = []
        for unit in group:
            if key in unit.keys:
                unit.fail(refused)
            elif unit.is_waited_for():
                others.append(unit)
        return others


def _next_group(waiting: deque[_Unit]) -> list[_Unit]:
    """Take off the first units that fit into one transaction, which may contain no row twice."""
    group: list[_Unit] = []
    keys: set[str] = set()
    rows = size = 0
    while waiting:
        unit = waiting[0]
        rows += len(unit.operations)
        size += unit.size
        if group and (rows > MOST_ROWS or size > LARGEST or keys & unit.keys):
            break
        waiting.popleft()
        # Nobody waits for the rows of a caller that was cancelled.
        if not unit.is_waited_for():
            rows -= len(unit.operations)
            size -= unit.size
            continue
        group.append(unit)
        keys |= unit.keys
    return group


def _size(partition: str, operation: Operation | Write) -> int:
    if isinstance(operation, Write):
        return len(partition) + operation.size
    keys = len(partition) + len(operation.key)
    if isinstance(operation, Delete):
        return keys
    return keys + sum(len(str(value)) for value in operation.values.values())
