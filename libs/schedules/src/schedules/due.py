"""The schedules that are due: fires them, and sees to firings whose process died in between.

A look reads the beginning of the agenda: one request where little is due. Between two looks nothing is asked,
until the next due time that was seen has come, or `look_seconds` are over: a schedule that was created in the
meantime may be due earlier.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Protocol

from contracts.schedules import SHORTEST_LATENESS, ScheduleFiring
from coordination.journal.events import timestamp
from coordination.maintenance.pauses import Stillness
from coordination.ports import Row, UnknownOutcomeError
from schedules.firing import Firings
from schedules.misfires import plan
from schedules.rows import FiringRow, due_time, is_firing, schedule_key
from schedules.store import ScheduleStore
from schedules.transactions import SCHEDULER, Found, firing
from submission import SubmissionUnknownError

#: Rows of the agenda that are read in one request.
_CHUNK = 100

#: Schedules that are seen to side by side.
_AT_ONCE = 16


@dataclass(frozen=True)
class DuePace:
    """How long what takes, in seconds."""

    #: Longest time between two looks.
    look_seconds: float = 10.0
    #: A firing is left to the process that wrote it for so long.
    patience: float = 5.0
    #: For one look; the next one continues.
    longest_look: float = 1.5


class DueObserver(Protocol):
    """Takes what becomes of due times, for metrics, spans and logs."""

    def fired(self, row: FiringRow, said: ScheduleFiring, late_seconds: float) -> None:
        """Record what became of a firing, and how late it was."""

    def missed(self, name: str, count: int) -> None:
        """Record due times of a schedule that get no job, as they were missed."""

    def unreadable(self, name: str, error: ValueError) -> None:
        """Record that a schedule cannot be read: a later release may have written it."""


_AS_USUAL = DuePace()


@dataclass
class DueSchedules:
    """Looks for due schedules, as often as there may be any."""

    store: ScheduleStore
    firings: Firings
    observer: DueObserver
    pace: DuePace = _AS_USUAL
    _look_at: float = -math.inf
    _next_due: str = ""
    #: When the last look ended, and since when there was one every half minute.
    _looked_at: float = -math.inf
    _watched_from: datetime | None = None
    _seen: Stillness = field(init=False)

    def __post_init__(self) -> None:
        self._seen = Stillness(self.store.clock)

    async def go(self) -> None:
        """Look, if anything may be due. Raises UnknownOutcomeError when the storage does not answer."""
        clock = self.store.clock
        is_due = bool(self._next_due) and self._next_due <= timestamp(clock.now())
        if is_due or clock.boot() >= self._look_at:
            await self.look()

    async def look(self) -> None:
        """Fire what is due. Raises UnknownOutcomeError when the storage does not answer."""
        clock = self.store.clock
        began = clock.boot()
        self._look_at, self._next_due = began, ""
        now, after, left_alone = clock.now(), "", set[str]()
        if began - self._looked_at > SHORTEST_LATENESS:
            self._watched_from = now
        failures: list[Exception] = []
        while clock.boot() - began < self.pace.longest_look:
            rows = await self.store.agenda(_CHUNK, after)
            come = [row for row in rows if is_firing(row) or due_time(row)[0] <= timestamp(now)]
            left_alone |= {row.key for row in come if is_firing(row) and self._is_young(row)}
            failures += await self._see_to([row for row in come if row.key not in left_alone], now)
            if len(rows) < _CHUNK or len(come) < len(rows):
                self._rest(rows[len(come) :], began, left_alone, has_failed=bool(failures))
                break
            after = rows[-1].key
        self._looked_at = clock.boot()
        if failures:
            raise UnknownOutcomeError from failures[0]

    def _rest(self, later: Sequence[Row], began: float, left_alone: set[str], *, has_failed: bool) -> None:
        """Remember when the next look is due, and forget firings that are there no more."""
        self._seen.forget_all_but(left_alone)
        if not left_alone and not has_failed:
            self._look_at = began + self.pace.look_seconds
            self._comes_next(due_time(later[0])[0] if later else "")

    def _comes_next(self, due_at: str) -> None:
        """Remember when something is due next, as far as it is known."""
        if due_at:
            self._next_due = min(self._next_due or due_at, due_at)

    def _is_young(self, row: Row) -> bool:
        return self._seen.seconds(row.key) < self.pace.patience

    async def _see_to(self, rows: Sequence[Row], now: datetime) -> list[Exception]:
        """See to rows of the agenda, those of one schedule one after the other."""
        by_schedule = sorted(rows, key=_schedule)
        groups = [list(group) for _, group in groupby(by_schedule, key=_schedule)]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def in_turn(group: Sequence[Row]) -> None:
            async with turns:
                for row in group:
                    try:
                        await (self._resume(row) if is_firing(row) else self._fire(row, now))
                    except ValueError as error:
                        self.observer.unreadable(_schedule(row), error)

        ends = await asyncio.gather(*(in_turn(group) for group in groups), return_exceptions=True)
        unknown = [end for end in ends if isinstance(end, UnknownOutcomeError | SubmissionUnknownError)]
        for end in ends:
            if isinstance(end, BaseException) and end not in unknown:
                raise end
        return list(unknown)

    async def _fire(self, waiting: Row, now: datetime) -> None:
        """Decide about the due times of a schedule, and submit their jobs."""
        due_at, name = due_time(waiting)
        found = await self.store.look(name)
        if found is None or found.row.next_due != due_at:
            # Another process has moved it in the meantime.
            return
        row = found.row
        made = plan(
            row.timing, datetime.fromisoformat(due_at), now, self._watched_from or now, row.misfire_rule
        )
        change = firing(Found(row, found.etag, waiting), made, self.store.author(SCHEDULER))
        versions = await self.store.commit(change)
        if versions is None:
            return
        self._comes_next("" if change.row is None else change.row.next_due)
        if made.missed:
            self.observer.missed(name, made.missed)
        version = versions.get(schedule_key(name))
        known = Found(change.row, version) if change.row is not None and version else None
        for each in change.firings:
            etag = versions.get(each.key)
            if etag is None and (stored := await self.store.firing(each.key)) is not None:
                etag = stored.etag
            if etag is not None:
                await self._settle(each, etag, known)
            known = None

    async def _resume(self, row: Row) -> None:
        """Submit the job of a firing that another process wrote, or this one in an earlier life."""
        await self._settle(FiringRow.from_row(row), row.etag, None)

    async def _settle(self, row: FiringRow, etag: str, found: Found | None) -> None:
        said = await self.firings.settle(row, etag, found)
        late = (self.store.clock.now() - datetime.fromisoformat(row.due_at)).total_seconds()
        self.observer.fired(row, said, late)


def _schedule(row: Row) -> str:
    return FiringRow.from_row(row).name if is_firing(row) else due_time(row)[1]
