"""Writing rows of many callers to the same partition in few transactions.

While one transaction of a partition is on its way, what others want to write there waits and goes with the
next one. So the number of requests follows from the storage's speed, not from the number of callers, and
nobody waits longer than for the transaction before.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from azure_storage.batch import Write
from azure_storage.calls import RefusedCallError
from azure_storage.connection import StorageConnection
from azure_storage.single_writes import SingleWrites
from azure_storage.transactions import RefusedRowError, TableTransactions
from coordination.ports import AccessDeniedError, Delete, UnknownOutcomeError

#: Limits of one transaction: of the storage, and characters, far below its limit of 4 MiB.
MOST_ROWS, LARGEST = 100, 500_000


@dataclass
class _Wish:
    """A row that a caller waits for, and the version it will have."""

    name: str
    write: Write | Delete
    size: int
    done: asyncio.Future[str] = field(default_factory=asyncio.Future)


class GroupedWrites:
    """Writes rows; each row's outcome is its own, whatever it shares a transaction with."""

    def __init__(self, connection: StorageConnection, timeout: float) -> None:
        self._singles = SingleWrites(connection)
        self._transactions = TableTransactions(connection)
        self._timeout = timeout
        self._waiting: dict[tuple[str, str], deque[_Wish]] = {}
        self._senders: set[asyncio.Task[None]] = set()

    async def write(
        self, name: str, table: str, partition: str, writes: Sequence[Write | Delete]
    ) -> Mapping[str, str]:
        """Write rows of one partition, or delete them; return the versions of those that are left, by key.

        `name` is what the call is reported as. Rows are not written all or none. Raises what the storage said
        of the first row that failed: RefusedCallError, AccessDeniedError or UnknownOutcomeError.
        """
        wishes = [_Wish(name, write, _size(partition, write)) for write in writes]
        place = table, partition
        if place in self._waiting:
            self._waiting[place].extend(wishes)
        else:
            self._waiting[place] = deque(wishes)
            # A context of its own: the transactions belong to no caller alone.
            sender = asyncio.get_running_loop().create_task(
                self._send_all(place), context=contextvars.Context()
            )
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        outcomes = await asyncio.gather(*(wish.done for wish in wishes), return_exceptions=True)
        versions = {}
        for wish, outcome in zip(wishes, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            versions[wish.write.key] = outcome
        return versions

    async def _send_all(self, place: tuple[str, str]) -> None:
        waiting = self._waiting[place]
        group: list[_Wish] = []
        try:
            while waiting:
                group = _next_group(waiting)
                await self._send(place, group)
        finally:
            del self._waiting[place]
            # Whatever ended this task, nobody may wait for ever.
            _fail([*group, *waiting], UnknownOutcomeError("the write was given up"))

    async def _send(self, place: tuple[str, str], group: list[_Wish]) -> None:
        """Send a transaction; when one row is refused, send the others again."""
        while group:
            try:
                versions = await self._attempt(place, group)
            except RefusedCallError as refused:
                group = await self._without(place, group, refused)
            except (AccessDeniedError, UnknownOutcomeError) as error:
                # An error of its own for each: a traceback is written into the error by whoever raises it.
                for wish in group:
                    _fail([wish], type(error)(*error.args))
                return
            else:
                for wish in group:
                    if not wish.done.done():
                        wish.done.set_result(versions.get(wish.write.key, ""))
                return

    async def _attempt(self, place: tuple[str, str], group: list[_Wish]) -> Mapping[str, str]:
        name, first = group[0].name, group[0].write
        if len(group) == 1:
            return {first.key: await self._singles.attempt(name, *place, first, self._timeout)}
        writes = [wish.write for wish in group]
        return await self._transactions.attempt(name, *place, writes, self._timeout)

    async def _without(
        self, place: tuple[str, str], group: list[_Wish], refused: RefusedCallError
    ) -> list[_Wish]:
        """Tell whose row was refused, and return the others. Where that is not known, send each row alone."""
        key = refused.key if isinstance(refused, RefusedRowError) else None
        if len(group) == 1:
            _fail(group, refused)
            return []
        if key is None:
            for wish in group:
                await self._send(place, [wish])
            return []
        _fail([wish for wish in group if wish.write.key == key], refused)
        return [wish for wish in group if wish.write.key != key]


def _next_group(waiting: deque[_Wish]) -> list[_Wish]:
    """Take off the first rows that fit into one transaction, which may contain no row twice."""
    group: list[_Wish] = []
    keys: set[str] = set()
    size = 0
    while waiting and len(group) < MOST_ROWS:
        wish = waiting[0]
        if group and (wish.write.key in keys or size + wish.size > LARGEST):
            break
        waiting.popleft()
        # Nobody waits for the rows of a caller that was cancelled.
        if wish.done.done():
            continue
        group.append(wish)
        keys.add(wish.write.key)
        size += wish.size
    return group


def _fail(group: list[_Wish], error: Exception) -> None:
    for wish in group:
        if not wish.done.done():
            wish.done.set_exception(error)


def _size(partition: str, write: Write | Delete) -> int:
    keys = len(partition) + len(write.key)
    return (
        keys
        if isinstance(write, Delete)
        else keys + sum(len(str(value)) for value in write.document.values())
    )
