"""The register of jobs on Azure Table Storage, spread over shards so that no partition is hot.

A job has two rows in the shard of its id: `job|<id>` for as long as its id may be asked for and, while it is
active, `active|<id>`, or `due|<time>|<id>` where it is due later. One range holds the jobs that are due.
After its end, a job that is not kept for good has `removal|<time>|<id>`: when something of it may go.
A partition of its own holds the marks of the processes that submit jobs: whether any does is one request.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from azure_storage.batch import Write
from azure_storage.calls import RefusedCallError
from azure_storage.connection import StorageConnection
from azure_storage.grouped_writes import GroupedWrites
from azure_storage.queries import TableQueries
from azure_storage.values import encode_values
from coordination.ports import (
    ActiveJob,
    AlreadyRegisteredError,
    Delete,
    DueRemoval,
    Insert,
    Operation,
    RefusedError,
    Registration,
    Row,
    UnknownOutcomeError,
    Value,
    Values,
)

#: The partitions: the first hexadecimal digit of the SHA-256 of a job id.
SHARDS = "0123456789abcdef"

#: What the keys of the rows start with.
JOB, ACTIVE, DUE, REMOVAL = "job|", "active|", "due|", "removal|"

#: The partition of the marks: one row for each process that submits jobs.
MARKS = "marks"

#: Rows read at a time when all jobs are listed.
_CHUNK = 1000


class TableRegister:
    """The register. Every request gets `timeout_seconds`; `StorageConnection.prepare` creates the table."""

    def __init__(self, connection: StorageConnection, timeout_seconds: float = 5.0) -> None:
        self._connection = connection
        self._table = connection.names.index_table
        self._timeout_seconds = timeout_seconds
        self._writes = GroupedWrites(connection, timeout_seconds)

    async def add(self, registration: Registration) -> None:
        """Write both rows. Raises AlreadyRegisteredError or UnknownOutcomeError."""
        job_id, due_at = registration.job_id, registration.due_at
        place = _values(registration)
        rows = [
            Insert(f"{JOB}{job_id}", {**place, "request_hash": registration.request_hash}),
            Insert(_active_key(job_id, due_at), place),
        ]
        try:
            await self._send("journal.register", job_id, rows)
        except RefusedError as refused:
            raise AlreadyRegisteredError from refused

    async def find(self, job_id: str) -> Registration | None:
        """Look up where a job lives. Raises UnknownOutcomeError."""
        row = await self._queries.read("journal.find", shard(job_id), f"{JOB}{job_id}")
        return None if row is None else _registration(row)

    async def active(self, due_by: datetime) -> AsyncIterator[ActiveJob]:
        """Go through the active jobs that are due at this moment. Raises UnknownOutcomeError."""
        behind = f"{DUE}{_stamp(due_by)}~"
        # Of all shards at once: what waits for a lost host's lock waits for this, too.
        reads = [self._queries.read_between("journal.active", shard, ACTIVE, behind) for shard in SHARDS]
        for found in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(found, BaseException):
                raise found
            for row in found:
                yield ActiveJob(job_id=_job_id(row), **_place(row.values))

    async def all(self) -> AsyncIterator[Registration]:
        """Go through all jobs ever registered, shard by shard. Raises UnknownOutcomeError."""
        for partition in SHARDS:
            after = ""
            while True:
                found = await self._queries.read_range("journal.all", partition, JOB, _CHUNK, after)
                for row in found:
                    yield _registration(row)
                if len(found) < _CHUNK:
                    break
                after = found[-1].key

    async def retire(
        self, job_id: str, due_at: datetime | None = None, removal: DueRemoval | None = None
    ) -> None:
        """Delete the active row, and write when the job may go; harmless when repeated.

        Raises UnknownOutcomeError.
        """
        key = _active_key(job_id, due_at)
        if removal is None:
            await self._delete("journal.retire", job_id, key)
            return
        # It is refused where the job is retired already.
        with suppress(RefusedError):
            await self._send("journal.retire", job_id, [Delete(key, "*"), _removal_row(removal)])

    async def due_removals(self, by: datetime, limit: int) -> list[DueRemoval]:
        """Return removals that are due, of each shard as many. Raises UnknownOutcomeError."""
        behind, most = f"{REMOVAL}{_stamp(by)}~", -(-limit // len(SHARDS))
        reads = [
            self._queries.read_between("journal.due_removals", shard, REMOVAL, behind, most)
            for shard in SHARDS
        ]
        return [_due_removal(row) for found in await asyncio.gather(*reads) for row in found]

    async def move_removal(self, removal: DueRemoval, at: datetime | None) -> None:
        """Replace the row at its version by a later one, or by none. Raises UnknownOutcomeError."""
        operations: list[Operation | Write] = [Delete(_removal_key(removal), removal.version)]
        if at is not None:
            operations.append(_removal_row(replace(removal, at=at)))
        with suppress(RefusedError):
            await self._send("journal.move_removal", removal.job_id, operations)

    async def forget(self, job_id: str) -> None:
        """Delete the row of the registration; harmless when repeated. Raises UnknownOutcomeError."""
        await self._delete("journal.forget", job_id, f"{JOB}{job_id}")

    async def _send(self, name: str, job_id: str, operations: Sequence[Operation | Write]) -> None:
        await self._writes.send(name, self._table, shard(job_id), operations, self._timeout_seconds)

    async def withdraw(self, registration: Registration) -> None:
        """Delete both rows, the active one first; harmless when repeated. Raises UnknownOutcomeError."""
        job_id = registration.job_id
        await self._delete("journal.withdraw", job_id, _active_key(job_id, registration.due_at))
        await self._delete("journal.withdraw", job_id, f"{JOB}{job_id}")

    async def _delete(self, name: str, job_id: str, key: str) -> None:
        try:
            await self._writes.write(name, self._table, shard(job_id), [Delete(key, "*")])
        except RefusedCallError as refused:
            if refused.status != 404:
                raise UnknownOutcomeError(str(refused)) from refused

    async def activate(self, registration: Registration) -> None:
        """Write the active row; harmless when it is there. Raises UnknownOutcomeError."""
        row = Insert(_active_key(registration.job_id, registration.due_at), _values(registration))
        with suppress(RefusedError):
            await self._send("journal.activate", registration.job_id, [row])

    async def mark(self, submitter: str) -> None:
        """Write the row of a process that is about to register jobs: it gets a new version."""
        row = Write(submitter, {}, None)
        try:
            await self._writes.write("journal.mark", self._table, MARKS, [row])
        except RefusedCallError as refused:
            raise UnknownOutcomeError(str(refused)) from refused

    async def marks(self) -> Mapping[str, str]:
        """Return the versions of all marks, by submitter. Raises UnknownOutcomeError."""
        return {row.key: row.etag for row in await self._queries.read_range("journal.marks", MARKS, "")}

    async def unmark(self, submitter: str, version: str) -> None:
        """Delete a mark that still has this version. Raises UnknownOutcomeError."""
        try:
            await self._writes.write("journal.unmark", self._table, MARKS, [Delete(submitter, version)])
        except RefusedCallError as refused:
            if refused.status not in {404, 412}:
                raise UnknownOutcomeError(str(refused)) from refused

    @cached_property
    def _queries(self) -> TableQueries:
        return TableQueries(self._connection, self._table, self._timeout_seconds)


def shard(job_id: str) -> str:
    """Return the partition of a job's rows."""
    return hashlib.sha256(job_id.encode()).hexdigest()[0]


def _active_key(job_id: str, due_at: datetime | None) -> str:
    return f"{ACTIVE}{job_id}" if due_at is None else f"{DUE}{_stamp(due_at)}|{job_id}"


def _removal_key(removal: DueRemoval) -> str:
    return f"{REMOVAL}{_stamp(removal.at)}|{removal.job_id}"


def _removal_row(removal: DueRemoval) -> Write:
    """Return the write of a removal, which gets a new version also where it stands there already."""
    values = {
        "lock_name": removal.lock_name,
        "partition": removal.partition,
        "removal_at": removal.at.isoformat(),
    }
    return Write(_removal_key(removal), encode_values(values), None)


def _due_removal(row: Row) -> DueRemoval:
    values = row.values
    at = datetime.fromisoformat(str(values["removal_at"]))
    return DueRemoval(_job_id(row), str(values["lock_name"]), str(values["partition"]), at, row.etag)


def _stamp(moment: datetime) -> str:
    """Return a moment as text that sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _values(registration: Registration) -> dict[str, Value | None]:
    return {
        "lock_name": registration.lock_name,
        "partition": registration.partition,
        "registered_at": registration.registered_at.isoformat(),
        "due_at": _written(registration.due_at),
        "is_marked": True if registration.is_marked else None,
        "expires_at": _written(registration.expires_at),
    }


def _job_id(row: Row) -> str:
    return row.key.rpartition("|")[2]


def _registration(row: Row) -> Registration:
    return Registration(
        job_id=_job_id(row), request_hash=str(row.values["request_hash"]), **_place(row.values)
    )


def _place(values: Values) -> dict[str, Any]:
    return {
        "lock_name": str(values["lock_name"]),
        "partition": str(values["partition"]),
        "registered_at": datetime.fromisoformat(str(values["registered_at"])),
        "due_at": _moment(values.get("due_at")),
        "is_marked": bool(values.get("is_marked")),
        "expires_at": _moment(values.get("expires_at")),
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _moment(stored: Value | None) -> datetime | None:
    return datetime.fromisoformat(str(stored)) if stored else None
