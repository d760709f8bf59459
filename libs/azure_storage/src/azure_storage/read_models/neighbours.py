"""Reading lock runs and their neighbours for many callers at once, in few requests."""

import asyncio
import contextvars

from azure_storage.read_models import keys, lock_rows
from azure_storage.read_models.tables import Table, Tables
from coordination.ports import AccessDeniedError, UnknownOutcomeError
from read_models.documents import LockRun

#: Lock runs of a lock, by fence.
FENCES = "PartitionKey eq @partition and RowKey ge @low and RowKey lt @high"

#: Lock runs that are read on either side of one.
_REACH = 2

#: Fences that one request may span, far fewer than the rows of a page.
_SPAN = 500

_Asked = tuple[int, asyncio.Future[list[LockRun]]]


class Neighbours:
    """Answers each caller from a read that began after the caller asked.

    While one request of a lock is on its way, the fences that others ask for wait, and are read together.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._waiting: dict[str, list[_Asked]] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def around(self, partition: str, fence: int) -> list[LockRun]:
        """Return the stored lock runs with this fence and the two on either side, by fence.

        Raises AccessDeniedError or UnknownOutcomeError.
        """
        found: asyncio.Future[list[LockRun]] = asyncio.get_running_loop().create_future()
        if partition in self._waiting:
            self._waiting[partition].append((fence, found))
        else:
            self._waiting[partition] = [(fence, found)]
            # A context of its own: the requests belong to no caller alone.
            reader = asyncio.get_running_loop().create_task(
                self._read_all(partition), context=contextvars.Context()
            )
            self._readers.add(reader)
            reader.add_done_callback(self._readers.discard)
        return await found

    async def _read_all(self, partition: str) -> None:
        group: list[_Asked] = []
        try:
            while self._waiting[partition]:
                group = _take_group(self._waiting[partition])
                await self._read(partition, group)
        finally:
            # Whatever ended this task, nobody may wait for ever.
            _fail([*group, *self._waiting.pop(partition)], UnknownOutcomeError("the reading was given up"))

    async def _read(self, partition: str, group: list[_Asked]) -> None:
        lowest, highest = max(group[0][0] - _REACH, 0), group[-1][0] + _REACH
        bounds = {"partition": partition, "low": keys.fence_key(lowest), "high": keys.fence_key(highest + 1)}
        try:
            rows = await self._tables.page(Table.LOCK_RUNS, FENCES, bounds, highest - lowest + 1)
        except (AccessDeniedError, UnknownOutcomeError) as error:
            # An error of its own for each: a traceback is written into the error by whoever raises it.
            for asked in group:
                _fail([asked], type(error)(*error.args))
            return
        runs = [lock_rows.read_lock_run(row) for row in rows]
        for fence, found in group:
            if not found.done():
                found.set_result([run for run in runs if abs(run.fence - fence) <= _REACH])


def _take_group(waiting: list[_Asked]) -> list[_Asked]:
    """Take off those whose fences one request can span, in the order of the fences."""
    waiting.sort(key=lambda asked: asked[0])
    limit = waiting[0][0] + _SPAN
    group = [asked for asked in waiting if asked[0] <= limit]
    del waiting[: len(group)]
    return group


def _fail(group: list[_Asked], error: Exception) -> None:
    for _, found in group:
        if not found.done():
            found.set_exception(error)
