"""Reading and changing schedules in their table, with the outcome of each change known or not."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from contracts import identifiers
from coordination.journal.persistence import commit_until, is_own, until_known
from coordination.ports import (
    Clock,
    CoordinationError,
    Journal,
    NewId,
    RefusedError,
    Row,
    UnknownOutcomeError,
    random_id,
)
from schedules.rows import (
    AGENDA,
    PARTITION,
    SCHEDULE,
    ScheduleEventRow,
    ScheduleRow,
    event_prefix,
    run_key,
    schedule_key,
    waiting_key,
)
from schedules.transactions import Author, Change, Found

T = TypeVar("T")


class NoSuchScheduleError(CoordinationError):
    """The schedule does not exist."""


@dataclass(frozen=True)
class ScheduleStore:
    """The table of schedules.

    Args:
        table: Where schedules are: a journal of their own.
        clock: Time of this process.
        call_timeout: Seconds for one storage call.
        patience: Seconds for a whole change.
        new_id: Where the marks of transactions come from.
        new_event_id: Where the ids of events come from, which must rise.
    """

    table: Journal
    clock: Clock
    call_timeout: float = 2.0
    patience: float = 8.0
    new_id: NewId = random_id
    new_event_id: Callable[[], str] = identifiers.new_id

    async def find(self, name: str) -> Found | None:
        """Read a schedule with the row of its next due time; None when it does not exist.

        Raises UnknownOutcomeError.
        """
        until = self._until()
        while self.clock.boot() < until:
            found = await self._find(name, until)
            # One that moves between the two reads is read again.
            if found is None or found.waiting is not None or not found.row.next_due:
                return found
        raise UnknownOutcomeError

    async def look(self, name: str) -> Found | None:
        """Read a schedule without the row of its next due time; None when it does not exist.

        Raises UnknownOutcomeError.
        """
        row = await self._read(schedule_key(name), self._until())
        return None if row is None else Found(ScheduleRow.from_row(row), row.etag)

    async def some(self, limit: int, after: str = "") -> list[ScheduleRow]:
        """Read the first schedules behind one of this name, by name. Raises UnknownOutcomeError."""
        found = await self._range(SCHEDULE, limit, schedule_key(after))
        return [ScheduleRow.from_row(row) for row in found]

    async def events(self, name: str, limit: int, after: str = "") -> list[ScheduleEventRow]:
        """Read the first events of a schedule behind one of this id. Raises UnknownOutcomeError."""
        prefix = event_prefix(name)
        return [
            ScheduleEventRow.from_row(row) for row in await self._range(prefix, limit, f"{prefix}{after}")
        ]

    async def agenda(self, limit: int, after: str = "") -> list[Row]:
        """Read the first rows of the agenda behind one of this key. Raises UnknownOutcomeError."""
        return await self._range(AGENDA, limit, after)

    async def change(
        self, name: str, actor: str, reason: str, build: Callable[[Found | None, Author], Change | None]
    ) -> Change | None:
        """Change a schedule, building the change again as often as another writer was first.

        Returns the change; None when there was nothing to change. Raises UnknownOutcomeError and what `build`
        raises.
        """
        until = self._until()
        while self.clock.boot() < until:
            found = await self.find(name)
            change = build(found, self.author(actor, reason))
            if change is None or await self.commit(change) is not None:
                return change
        raise UnknownOutcomeError

    async def commit(self, change: Change) -> Mapping[str, str] | None:
        """Carry out a change once; return the new versions of its rows, as far as they are known.

        None when it is not stored, as another writer was first. Raises UnknownOutcomeError, and
        InvalidTransactionError for what could never be stored.
        """
        until, transaction = self._until(), change.transaction
        try:
            return await commit_until(
                self.table, self.clock, PARTITION, transaction, self.call_timeout, until
            )
        except RefusedError:
            is_stored = await is_own(
                self.table, self.clock, PARTITION, change.marked, transaction.op_id, until
            )
        return {} if is_stored else None

    def author(self, actor: str, reason: str = "") -> Author:
        """Return who changes a schedule now, with new ids."""
        return Author(actor, self.clock.now(), self.new_id().hex, self.new_event_id(), reason)

    async def firing(self, key: str) -> Row | None:
        """Read the row of a firing; None when it was taken off. Raises UnknownOutcomeError."""
        return await self._read(key, self._until())

    async def was_run(self, name: str, job_id: str) -> bool:
        """Return whether someone has run a schedule by hand under this id. Raises UnknownOutcomeError."""
        return await self._read(run_key(name, job_id), self._until()) is not None

    async def _find(self, name: str, until: float) -> Found | None:
        row = await self._read(schedule_key(name), until)
        if row is None:
            return None
        schedule = ScheduleRow.from_row(row)
        if not schedule.next_due:
            return Found(schedule, row.etag)
        return Found(schedule, row.etag, await self._read(waiting_key(name, schedule.next_due), until))

    async def _read(self, key: str, until: float) -> Row | None:
        return await self._known(lambda: self.table.read(PARTITION, key), until)

    async def _range(self, prefix: str, limit: int, after: str) -> list[Row]:
        return await self._known(
            lambda: self.table.read_range(PARTITION, prefix, limit, after), self._until()
        )

    async def _known(self, call: Callable[[], Awaitable[T]], until: float) -> T:
        return await until_known(self.clock, call, until)

    def _until(self) -> float:
        return self.clock.boot() + self.patience
