"""What the runs of a lock say about it: its use, hand-overs, take-overs, waiting, and fences without a run.

Times are those of the workers' clocks, which may differ: what would be negative counts as nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import pairwise

from dashboard.obtaining import Gap, GapKind, Obtained, Way, gap_behind, obtained_by, seconds_between
from read_models.documents import LockRun

#: Younger runs may not be projected yet: jobs are projected in any order.
_PROJECTION_TAKES = timedelta(minutes=1)


@dataclass(frozen=True)
class TakeOver:
    """A run that was cut off, and the next one of the lock."""

    cut_off: LockRun
    following: LockRun
    obtained: Obtained


@dataclass(frozen=True)
class Entry:
    """A run with how it got its slot; None when the run before is not known."""

    run: LockRun
    obtained: Obtained | None
    is_running: bool

    @property
    def slot(self) -> int:
        """The slot in which it is or was."""
        return self.run.slot or 0


@dataclass(frozen=True)
class Holding:
    """All runs of one unbroken holding of the lock."""

    worker: str
    runs: Sequence[LockRun]
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class LockHistory:
    """A lock in a period, from its runs."""

    period: tuple[datetime, datetime]
    #: Runs and gaps of the period, newest first.
    rows: Sequence[Entry | Gap]
    #: Part of the period in which a run had the lock, from 0 to 1.
    use: float
    #: Seconds from the end of a run to the next start, when the next job waited already; in order of length.
    hand_overs: Sequence[float]
    #: Newest first.
    take_overs: Sequence[TakeOver]
    #: Seconds that jobs waited for their start, in order of length.
    waits: Sequence[float]
    #: Runs that were found to overlap another.
    overlaps: Sequence[LockRun]

    @property
    def entries(self) -> list[Entry]:
        """The runs, newest first."""
        return [row for row in self.rows if isinstance(row, Entry)]

    @property
    def missing(self) -> list[Gap]:
        """The fences without a run that nothing explains, newest first."""
        return [row for row in self.rows if isinstance(row, Gap) and row.kind is GapKind.MISSING]

    @property
    def seconds_lost(self) -> float:
        """Seconds for which the lock was without a run because one was cut off."""
        return sum(take_over.obtained.seconds for take_over in self.take_overs)

    @property
    def workers(self) -> int:
        """Number of workers that had the lock."""
        return len({entry.run.worker for entry in self.entries} - {None})


def history(
    known: Iterable[LockRun],
    period: tuple[datetime, datetime],
    last_fence: int = 0,
    running_fence: int | None = None,
) -> LockHistory:
    """Return what the runs of a slot say of the period from its first to its second moment.

    `known` also has the run before the period, if there is one: it tells how the first one of the period got
    the slot. `last_fence` is the last one that the slot gave out, `running_fence` that of the current run.
    """
    runs = sorted(known, key=lambda run: run.fence)
    last_fences = {run.job_id: run.fence for run in runs}
    rows: list[Entry | Gap] = []
    take_overs: list[TakeOver] = []
    for earlier, later in pairwise([None, *runs]):
        if later is None or not _is_in(later, period, running_fence):
            continue
        gap = obtained = None
        if earlier is not None:
            gap = gap_behind(earlier, later.fence, is_recent=_is_recent(later, period))
        if gap is not None:
            rows.append(gap)
        if gap is None or gap.kind is GapKind.CLOSING:
            obtained = obtained_by(earlier, later, last_fences)
        rows.append(Entry(later, obtained, later.fence == running_fence))
        if earlier is not None and obtained is not None and obtained.way is Way.TAKEN_OVER:
            take_overs.append(TakeOver(earlier, later, obtained))
    entries = [row for row in rows if isinstance(row, Entry)]
    gap = gap_behind(runs[-1], last_fence + 1, is_recent=True) if runs else None
    if gap is not None:
        rows.append(gap)
    return LockHistory(
        period,
        tuple(reversed(rows)),
        _use(entries, period),
        sorted(_hand_overs(entries)),
        tuple(reversed(take_overs)),
        sorted(_waits(entries)),
        [entry.run for entry in entries if entry.run.overlap is not None],
    )


def united(histories: Sequence[LockHistory]) -> LockHistory:
    """Return the history of a lock from those of its slots in the same period; there is at least one."""
    if len(histories) == 1:
        return histories[0]
    rows = merge(*(_dated(each.rows, each.period) for each in histories), key=_newest_first)
    entries = [entry for each in histories for entry in each.entries]
    take_overs = [take_over for each in histories for take_over in each.take_overs]
    return LockHistory(
        histories[0].period,
        [row for _, row in rows],
        _use(entries, histories[0].period),
        sorted(seconds for each in histories for seconds in each.hand_overs),
        sorted(take_overs, key=lambda each: _began(each.following, each.cut_off), reverse=True),
        sorted(seconds for each in histories for seconds in each.waits),
        [run for each in histories for run in each.overlaps],
    )


def _dated(
    rows: Sequence[Entry | Gap], period: tuple[datetime, datetime]
) -> list[tuple[datetime, Entry | Gap]]:
    """Return rows with the times to sort them by: a gap stands where the run above it began."""
    dated: list[tuple[datetime, Entry | Gap]] = []
    at = period[1]
    for row in rows:
        if isinstance(row, Entry):
            # Clocks of workers differ: the order of the fences stays.
            at = min(at, row.run.began_at or row.run.ended_at or at)
        dated.append((at, row))
    return dated


def _newest_first(dated: tuple[datetime, Entry | Gap]) -> float:
    return -dated[0].timestamp()


def _began(*runs: LockRun) -> datetime:
    return next((run.began_at for run in runs if run.began_at is not None), datetime.min.replace(tzinfo=UTC))


def holdings(entries: Iterable[Entry], now: datetime) -> list[Holding]:
    """Return the unbroken holdings that runs, in any order, belong to; runs without a start are left out."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.run.fence):
        run = entry.run
        if run.began_at is not None:
            found.setdefault((run.worker or "", run.tenure or f"fence {run.fence}"), []).append(entry)
    return [
        Holding(
            worker,
            [entry.run for entry in part],
            min(begin for begin, _ in _spans(part, now)),
            max(end for _, end in _spans(part, now)),
        )
        for (worker, _), part in found.items()
    ]


def _is_in(run: LockRun, period: tuple[datetime, datetime], running_fence: int | None) -> bool:
    """Return whether a run lies in a period at least in part; one half of it is enough to tell."""
    start, end = period
    if run.fence == running_fence:
        return True
    began, ended = run.began_at or run.ended_at, run.ended_at or run.began_at
    return began is not None and ended is not None and began <= end and ended >= start


def _is_recent(run: LockRun, period: tuple[datetime, datetime]) -> bool:
    return run.began_at is not None and run.began_at > period[1] - _PROJECTION_TAKES


def _use(entries: Sequence[Entry], period: tuple[datetime, datetime]) -> float:
    start, end = period
    used, until = timedelta(), start
    for began, ended in sorted(_spans(entries, end)):
        used += max(min(ended, end) - max(began, until), timedelta())
        until = max(until, min(ended, end))
    return used / (end - start) if end > start else 0.0


def _spans(entries: Iterable[Entry], now: datetime) -> list[tuple[datetime, datetime]]:
    """Return from when to when runs had the lock; of one whose end is not known, only that it began."""
    spans = []
    for entry in entries:
        begin = entry.run.began_at
        if begin is not None:
            end = now if entry.is_running else entry.run.ended_at or begin
            spans.append((begin, max(begin, end)))
    return spans


def _hand_overs(entries: Iterable[Entry]) -> list[float]:
    found = (entry.obtained for entry in entries)
    return [obtained.seconds for obtained in found if obtained is not None and obtained.is_hand_over]


def _waits(entries: Iterable[Entry]) -> list[float]:
    return [
        seconds_between(run.queued_at, run.began_at)
        for run in (entry.run for entry in entries)
        if run.queued_at is not None
        and run.began_at is not None
        # A job that was taken over by the transaction that found it cut off was not in line.
        and not (run.queued_at == run.began_at and (run.attempt or 1) > 1)
    ]
