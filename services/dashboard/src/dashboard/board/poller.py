"""Keeps the snapshot up to date for all viewers of a process, and rests while no page is open.

| what                         | how often                       | requests                     |
| ---------------------------- | ------------------------------- | ---------------------------- |
| recent events                | every 2 s                       | 1, more after a flood        |
| locks that these events name | when they do                    | 1 each, 2 with a limit       |
| progress of running jobs     | every 2 s, while a page shows it | 1 each                      |
| active jobs                  | every 30 s                      | 1 per shard of the register  |
| workers, other services      | every 10 s                      | 1 each                       |
| failed jobs, overlaps        | every 30 s                      | 2 and 1                      |
"""

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from contracts.jobs import Event, JobSummary
from contracts.statuses import JobStatus
from contracts.telemetry import attributes as at
from coordination.journal.rows import JobRow
from coordination.ports import Clock, JobRegister, Journal, UnknownOutcomeError
from coordination.worker_directory import WorkerDirectory
from dashboard.board.lines import read_lock, with_progress
from dashboard.board.snapshot import HEARD_EVERY, LockState, Snapshot, Trouble
from dashboard.board.statistics import Tally
from read_models import JobFilter, ReadModels

ItemT = TypeVar("ItemT")

logger = logging.getLogger(__name__)

#: Seconds between two looks, and after a failed one.
LOOK_SECONDS, RETRY_SECONDS = 2.0, 5.0

#: Seconds without a viewer after which nothing is read.
REST_SECONDS = 15.0

_ACTIVE_SECONDS, _FAILED_SECONDS = 30.0, 30.0

#: Events read at once, and the most read in one look and at the start.
_PAGE, _MOST_IN_REQUEST, _MOST_AFTER_A_FLOOD, _MOST_AT_START = 200, 999, 2_000, 40_000
_LOOK_BACK = timedelta(hours=1)
_SHOWN_EVENTS = 60

#: Locks read at the same time, and free locks that are kept.
_AT_ONCE, _MOST_FREE = 8, 200

#: Jobs whose names are remembered.
_MOST_NAMES = 5_000

_FAILED_WITHIN = timedelta(hours=24)
_MOST_FAILED = 100
_MOST_OVERLAPS = 20


class BoardPoller:
    """Reads what pages show. `snapshot` may be read from any thread."""

    def __init__(
        self,
        journal: Journal,
        register: JobRegister,
        models: ReadModels,
        directory: WorkerDirectory,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._register = register
        self._models = models
        self._directory = directory
        self._clock = clock
        self.snapshot = Snapshot()
        self._is_known = threading.Event()
        self._tally = Tally()
        self._names: OrderedDict[str, str] = OrderedDict()
        #: Locks whose running job some page shows, and until when.
        self._watched: dict[str, float] = {}
        #: Locks that a viewer has changed, which are read again.
        self._changed: set[str] = set()
        self._viewed_at = -REST_SECONDS
        self._has_started = False
        self._due: dict[str, float] = {}

    def look(self, patience: float = 0.0) -> Snapshot:
        """Return the snapshot for a viewer who is there now.

        When nothing was read since the start, or since a rest, wait for that at most `patience` seconds.
        """
        self._viewed_at = self._clock.boot()
        self._is_known.wait(patience)
        return self.snapshot

    def watch(self, locks: Iterable[str]) -> None:
        """Keep the progress of the jobs that run under these locks up to date for some seconds."""
        until = self._clock.boot() + 2 * LOOK_SECONDS + 1
        self._watched.update(dict.fromkeys(locks, until))

    def reread(self, lock: str) -> None:
        """Read a lock again with the next look, as its limit was just set: no event says so."""
        self._changed.add(lock)

    async def run(self) -> None:
        """Read again and again, until cancelled."""
        while True:
            pause = LOOK_SECONDS
            if self._clock.boot() - self._viewed_at < REST_SECONDS:
                try:
                    await self.read()
                except UnknownOutcomeError as error:
                    self._note(error)
                    pause = RETRY_SECONDS
            else:
                self._is_known.clear()
                pause = LOOK_SECONDS / 4
            await self._clock.sleep(pause)

    async def read(self) -> None:
        """Read once what is due. Raises UnknownOutcomeError; what was read until then counts."""
        changed = set(await self._read_events())
        while self._changed:
            changed.add(self._changed.pop())
        if self._is_due("active", _ACTIVE_SECONDS):
            changed |= await self._active_locks()
        await self._read_locks(changed)
        await self._read_progress()
        if self._is_due("workers", HEARD_EVERY.total_seconds()):
            workers, instances = await asyncio.gather(self._directory.workers(), self._directory.instances())
            self.snapshot = replace(
                self.snapshot,
                workers=tuple(workers),
                instances=tuple(instances),
                heard_at=self._clock.now(),
            )
        if self._is_due("failed", _FAILED_SECONDS):
            await self._read_failed()
            overlaps = tuple(await self._models.overlaps(_MOST_OVERLAPS))
            self.snapshot = replace(self.snapshot, overlaps=overlaps)
        self._tally.close(self._clock.now())
        self.snapshot = replace(
            self.snapshot,
            read_at=self._clock.now(),
            names=dict(self._names),
            statistics=self._tally.statistics(),
            trouble=None,
        )
        self._is_known.set()

    def _note(self, error: UnknownOutcomeError) -> None:
        known = self.snapshot.trouble
        if known is None:
            logger.warning("storage does not answer", extra={at.ERROR_MESSAGE: str(error)})
        since = known.since if known is not None else self._clock.now()
        self.snapshot = replace(self.snapshot, trouble=Trouble(since, str(error)))
        self._is_known.set()

    # --- events ---------------------------------------------------------------------

    async def _read_events(self) -> list[str]:
        """Read the events that are new, and return the locks that they name."""
        if not self._has_started:
            return await self._read_history()
        new: list[Event] = []
        cursor = None
        while len(new) < _MOST_AFTER_A_FLOOD:
            page = await self._models.events(_PAGE, cursor)
            unseen = self._tally.add(page.items)
            new += unseen
            cursor = page.next
            if cursor is None or len(unseen) < len(page.items):
                break
        self._show(new)
        if any(event.job_id not in self._names for event in self.snapshot.events):
            self._learn_names((await self._models.jobs(JobFilter(with_finalized=True), _PAGE // 2)).items)
        return list(dict.fromkeys(event.lock for event in new))

    async def _read_history(self) -> list[str]:
        """Read the events of the last hour, as far as they are not too many."""
        now = self._clock.now()
        found: list[Event] = []
        cursor = None
        while len(found) < _MOST_AT_START:
            page = await self._models.events(_MOST_IN_REQUEST, cursor)
            found += page.items
            cursor = page.next
            if cursor is None or found[-1].timestamp_utc < now - _LOOK_BACK:
                break
        is_whole = cursor is None or found[-1].timestamp_utc < now - _LOOK_BACK
        self._tally.add(found)
        self._tally.knows_from(now - _LOOK_BACK if is_whole else found[-1].timestamp_utc)
        self._show(found)
        self._learn_names((await self._models.jobs(JobFilter(with_finalized=True), _PAGE // 2)).items)
        self._has_started = True
        self.snapshot = replace(self.snapshot, is_used=bool(found))
        return list(dict.fromkeys(event.lock for event in found[:1000]))

    def _show(self, new: list[Event]) -> None:
        if not new:
            return
        events = sorted([*new, *self.snapshot.events], key=lambda event: (event.timestamp_utc, event.seq))
        shown = tuple(reversed(events[-_SHOWN_EVENTS:]))
        self.snapshot = replace(self.snapshot, events=shown, is_used=True)

    def _learn_names(self, jobs: Iterable[JobSummary | JobRow]) -> None:
        for job in jobs:
            self._names[job.job_id] = job.name or job.kind
        while len(self._names) > _MOST_NAMES:
            self._names.popitem(last=False)

    # --- locks ----------------------------------------------------------------------

    async def _active_locks(self) -> set[str]:
        """Return the locks of all active jobs, and those that are believed to be in use."""
        found = {job.lock_name async for job in self._register.active(self._clock.now())}
        used = {lock.name for lock in self.snapshot.locks.values() if lock.is_busy or lock.waiting}
        return found | used

    async def _read_locks(self, names: Iterable[str]) -> None:
        found = await self._all(
            names, lambda name: read_lock(self._journal, name, self.snapshot.locks.get(name))
        )
        if not found:
            return
        for lock in found:
            running = (slot.running for slot in lock.held)
            self._learn_names(job for job in (*lock.line, *running) if job is not None)
        locks = {**self.snapshot.locks, **{lock.name: lock for lock in found}}
        free = sorted(
            (lock for lock in locks.values() if not lock.is_busy and not lock.waiting),
            key=lambda lock: lock.freed_at or lock.row.started_at,
        )
        for lock in free[:-_MOST_FREE]:
            del locks[lock.name]
        self.snapshot = replace(self.snapshot, locks=locks)

    async def _read_progress(self) -> None:
        now = self._clock.boot()
        self._watched = {name: until for name, until in self._watched.items() if until > now}
        shown = [lock for name in self._watched if (lock := self.snapshot.locks.get(name)) and lock.is_busy]
        found = await self._all(shown, lambda lock: with_progress(self._journal, lock))
        self.snapshot = replace(
            self.snapshot, locks={**self.snapshot.locks, **{lock.name: lock for lock in found}}
        )

    # --- the rest -------------------------------------------------------------------

    async def _read_failed(self) -> None:
        wanted = JobFilter(
            statuses=frozenset({JobStatus.FAILED, JobStatus.TIMED_OUT}),
            submitted_from=self._clock.now() - _FAILED_WITHIN,
        )
        page = await self._models.jobs(wanted, _MOST_FAILED)
        self.snapshot = replace(self.snapshot, failed=tuple(page.items), more_failed=page.next is not None)

    async def _all(
        self, items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[LockState]]
    ) -> list[LockState]:
        """Carry out work on many locks, a few at the same time."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(item: ItemT) -> LockState:
            async with turns:
                return await work(item)

        return list(await asyncio.gather(*(one(item) for item in items)))

    def _is_due(self, what: str, every: float) -> bool:
        now = self._clock.boot()
        if now < self._due.get(what, now):
            return False
        self._due[what] = now + every
        return True
