"""The lists of runs, of locks and of overlaps against the journal."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from coordination.journal import rows
from coordination.journal.rows import JobRow
from verification.evidence import Evidence
from verification.expected_rows import differences, run_columns
from verification.findings import Invariant, Violation
from verification.history import JobHistory
from verification.listed import ListedRow
from verification.removals import read_removed
from verification.removed_fences import is_removed
from verification.scope import Scope
from verification.scratch_database import Run, ScratchDatabase
from verification.waiting import Patience, batches

#: Runs and locks that are looked up again; of more, only their number is reported.
_MOST_CLOSE_LOOKS = 5000

_MOST_STRAY = 1000

_AT_ONCE = 16

#: Several runs with one fence are reported as such.
_ALONE = (
    "1 = (SELECT count(*) FROM runs AS others"
    " WHERE others.partition = runs.partition AND others.slot = runs.slot AND others.fence = runs.fence)"
)

#: Runs that are over, of jobs in order.
_JUDGED = (
    "SELECT * FROM runs WHERE runs.ended_at != ''"  # noqa: S608
    " AND EXISTS (SELECT 1 FROM jobs WHERE jobs.job_id = runs.job_id AND in_scope)"
    f" AND job_id NOT IN (SELECT job_id FROM blamed) AND {_ALONE}"
)
_NOT_LISTED = f"{_JUDGED} AND (partition, slot, fence) NOT IN (SELECT * FROM listed_runs)"  # noqa: S608
_ONE_JUDGED = f"{_JUDGED} AND runs.partition = ? AND runs.slot = ? AND runs.fence = ?"

#: Of slot 0 of each lock, the run with the highest fence.
_LATEST = (
    "SELECT * FROM runs WHERE partition IN (SELECT partition FROM jobs WHERE in_scope)"  # noqa: S608
    " AND slot = 0 AND fence = (SELECT max(fence) FROM runs AS others"
    " WHERE others.partition = runs.partition AND others.slot = 0)"
    f" AND job_id NOT IN (SELECT job_id FROM blamed) AND {_ALONE}"
)


class RunListCheck:
    """Compares the lists of runs and locks with what the scratch database knows of the journal."""

    def __init__(self, evidence: Evidence, scratch: ScratchDatabase, scope: Scope, broken: set[str]) -> None:
        self._evidence = evidence
        self._scratch = scratch
        self._scope = scope
        #: Locks of which an overlap, or the like, was found in the journal.
        self._broken = broken
        self._suspects: dict[tuple[str, int], Run] = {}
        self._suspects_beyond = 0
        self._stray: list[ListedRow] = []
        self._marked: dict[tuple[str, int], ListedRow] = {}

    async def check(self, patience: Patience, partitions: Sequence[str] | None) -> AsyncIterator[Violation]:
        """Compare the runs of these locks, or of all."""
        await self._read(partitions)
        for row in self._scratch.query(_NOT_LISTED):
            self._suspect(Run(*row))
        async for is_last in patience.looks():
            found = await self._look_up() + await self._check_locks() + await self._check_overlaps()
            if is_last or not found:
                break
        for violation in found:
            yield violation
        for row in self._stray:
            if not await self._has_begun(row):
                yield _of_row("the list of runs has this fence, but the journal has no such run", row)
        if self._suspects_beyond:
            yield Violation(Invariant.LISTS, f"{self._suspects_beyond} more runs are listed otherwise")

    async def _read(self, partitions: Sequence[str] | None) -> None:
        places: list[str | None] = [
            f"{partition}-{slot:02d}" if slot else partition
            for partition in partitions or ()
            for slot in self._scratch.slots(partition)
        ]
        for place in places or [None]:
            async for page in self._evidence.listed_runs(place):
                for row in page:
                    self._see(row)

    # --- runs -------------------------------------------------------------------

    def _see(self, row: ListedRow) -> None:
        fence = _integer(row.key)
        partition, slot = split_place(row.place)
        self._scratch.add("listed_runs", (partition, slot, fence))
        if row.values.get("Overlap") is not None:
            self._marked[row.place, fence] = row
        of_fence = "SELECT * FROM runs WHERE partition = ? AND slot = ? AND fence = ?"
        known = self._runs(of_fence, partition, slot, fence)
        if not known and is_removed(self._scratch, partition, slot, fence):
            return
        if not known:
            if len(self._stray) < _MOST_STRAY:
                self._stray.append(row)
            return
        for run in self._runs(_ONE_JUDGED, partition, slot, fence):
            if differences(self._expected(run), row.values):
                self._suspect(run)

    def _suspect(self, run: Run) -> None:
        if len(self._suspects) < _MOST_CLOSE_LOOKS:
            self._suspects[run.place, run.fence] = run
        else:
            self._suspects_beyond += 1

    async def _look_up(self) -> list[Violation]:
        found: list[Violation] = []
        for some in batches(list(self._suspects.values()), _AT_ONCE):
            listed = await asyncio.gather(*(self._evidence.listed_run(run.place, run.fence) for run in some))
            for run, row in zip(some, listed, strict=True):
                if row is None:
                    if await read_removed(self._evidence, run.partition, run.job_id) is None:
                        found.append(_of_run("it is not in the list of runs", run))
                    continue
                differs = differences(self._expected(run), row.values)
                found += [_of_run(f"the list of runs says {what}", run) for what in differs]
                if not differs:
                    # What is right stays so, as the run is over.
                    del self._suspects[run.place, run.fence]
        return found

    async def _has_begun(self, row: ListedRow) -> bool:
        """Return whether the journal has, or had, a run; it may have begun after the journal was read."""
        job_id = str(row.values.get("JobId"))
        partition, slot = split_place(row.place)
        history = JobHistory(partition, job_id, lambda *_: True)
        for stored in await self._evidence.job(partition, job_id):
            if stored.values.get("status") == JobRow.REMOVED:
                return True
            if stored.key.startswith("event|"):
                history.feed(stored)
        return any((run.slot, run.fence) == (slot, _integer(row.key)) for run in history.runs)

    # --- locks ------------------------------------------------------------------

    async def _check_locks(self) -> list[Violation]:
        found: list[Violation] = []
        for some in batches(self._runs(_LATEST), _AT_ONCE):
            for run, what in zip(some, await asyncio.gather(*map(self._check_lock, some)), strict=True):
                if what:
                    found.append(Violation(Invariant.LISTS, f"the list of locks {what}", run.lock))
        return found

    async def _check_lock(self, run: Run) -> str:
        """Return what the list of locks says wrongly of the lock of its latest run; empty if nothing."""
        row = await self._evidence.listed_lock(run.partition)
        if row is None:
            return "does not have it"
        last, name = row.values.get("LastFence"), row.values.get("Lock")
        if name != run.lock:
            return f"names it {name!r}"
        if not isinstance(last, int) or last < run.fence:
            return f"has fence {last!r} as its last, the journal {run.fence}"
        if last == run.fence and row.values.get("UsedAt") != run.began_at:
            return f"says that it was used last at {row.values.get('UsedAt')!r}, the journal {run.began_at!r}"
        if last > run.fence:
            # A run may have begun after the journal was read.
            (lock, *_) = [*await self._evidence.line(run.partition), None]
            now = lock.values.get("fence") if lock is not None and lock.key == rows.lock_key() else 0
            if not isinstance(now, int) or now < last:
                return f"has fence {last} as its last, the journal {now}"
        return ""

    # --- overlaps ---------------------------------------------------------------

    async def _check_overlaps(self) -> list[Violation]:
        listed: dict[tuple[str, int], ListedRow] = {}
        async for page in self._evidence.overlaps():
            listed |= {(row.place, _integer(row.key)): row for row in page if self._is_chosen(row)}
        found = []
        for place in listed.keys() | self._marked.keys():
            row = listed.get(place)
            stored = await self._evidence.listed_run(*place)
            is_marked = stored is not None and stored.values.get("Overlap") is not None
            shown = row or stored
            if shown is None:
                continue
            if row is None:
                found.append(
                    _of_row("it is marked as overlapping, but is not in the list of overlaps", shown)
                )
            elif not is_marked:
                found.append(_of_row("it is in the list of overlaps, but is not marked as overlapping", row))
            elif row.values.get("JobId") != (stored and stored.values.get("JobId")):
                found.append(_of_row("the list of overlaps names another job than the list of runs", row))
            if str(shown.values.get("Lock")) not in self._broken:
                found.append(_of_row("it is shown as overlapping, but the journal shows no overlap", shown))
        return found

    def _is_chosen(self, row: ListedRow) -> bool:
        return not self._scope.locks or row.values.get("Lock") in self._scope.locks

    # --- what is known ------------------------------------------------------------

    def _expected(self, run: Run) -> dict[str, object]:
        facts = self._scratch.job(run.partition, run.job_id)
        # A run is read from events, of which the job's facts are.
        return {} if facts is None else run_columns(run, facts)

    def _runs(self, query: str, *values: object) -> list[Run]:
        return [Run(*row) for row in self._scratch.query(query, *values)]


def split_place(place: str) -> tuple[str, int]:
    """Return the lock's partition and the slot whose runs a partition of the list of runs has.

    A partition ends with 32 hexadecimal digits, and that of another slot with two decimal ones behind them.
    """
    partition, dash, number = place.rpartition("-")
    is_other = bool(dash) and len(number) == 2 and number.isdecimal()
    return (partition, int(number)) if is_other else (place, 0)


def _of_run(what: str, run: Run) -> Violation:
    return Violation(Invariant.LISTS, what, run.lock, run.job_id, run.fence)


def _of_row(what: str, row: ListedRow) -> Violation:
    lock, job_id = row.values.get("Lock"), row.values.get("JobId")
    return Violation(
        Invariant.LISTS,
        what,
        None if lock is None else str(lock),
        None if job_id is None else str(job_id),
        _integer(row.key),
    )


def _integer(key: str) -> int:
    return int(key) if key.isdecimal() else 0
