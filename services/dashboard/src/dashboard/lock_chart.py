"""What the picture of a lock shows: a bar for each run or, when there are many, for each unbroken holding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.charts import Bar, RunState, state_of
from dashboard.lock_history import Entry, Holding, LockHistory, TakeOver, holdings
from dashboard.merged_bars import RunsBar, merged
from dashboard.parts.runs_table import cause_text, cost_text
from dashboard.take_over_marks import TakeOverLine
from read_models.documents import LockRun

#: Runs above which each unbroken holding is one bar.
MOST_BARS = 2_000

_NO_WORKER = "worker not known"

#: Names the row of the picture in which a run is drawn.
RowOf = Callable[[LockRun], str]


@dataclass(frozen=True)
class LockPicture:
    """The bars and lines of a lock's picture."""

    bars: Sequence[Bar]
    take_overs: Sequence[TakeOverLine]
    #: Whether a bar is a holding with all its runs.
    is_by_holding: bool


def picture_of(history: LockHistory, *, has_slots: bool = False) -> LockPicture:
    """Return the picture of a lock in a period: a row for each worker or, with slots, for each slot of it."""

    def row(run: LockRun) -> str:
        worker = run.worker or _NO_WORKER
        return f"{worker} · slot {run.slot or 0}" if has_slots else worker

    entries, now = history.entries, history.period[1]
    lines = [_line(each, row) for each in reversed(history.take_overs)]
    known_lines = [line for line in lines if line is not None]
    if len(entries) > MOST_BARS:
        running = {(entry.slot, entry.run.fence) for entry in entries if entry.is_running}
        bars = [_holding_bar(holding, running, row) for holding in holdings(entries, now)]
        return LockPicture(merged(bars, history.period), known_lines, is_by_holding=True)
    runs = [_run_bar(entry, now, row) for entry in reversed(entries)]
    bars = [bar for bar in runs if bar is not None]
    return LockPicture(merged(bars, history.period), known_lines, is_by_holding=False)


def _run_bar(entry: Entry, now: datetime, row: RowOf) -> RunsBar | None:
    run = entry.run
    begin = run.began_at or run.ended_at
    if begin is None:
        return None
    state = state_of(run.outcome, is_running=entry.is_running)
    return RunsBar(
        row(run),
        begin,
        now if entry.is_running else run.ended_at or begin,
        state if run.overlap is None else RunState.BROKEN,
        run.fence,
        run.fence,
        1,
        run.name or run.kind or run.job_id or "",
    )


def _holding_bar(holding: Holding, running: set[tuple[int, int]], row: RowOf) -> RunsBar:
    first, last = holding.runs[0], holding.runs[-1]
    state = state_of(last.outcome, is_running=(last.slot or 0, last.fence) in running)
    if any(run.overlap is not None for run in holding.runs):
        state = RunState.BROKEN
    elif state not in {RunState.RUNNING, RunState.INTERRUPTED}:
        # How single runs ended is in the table; here it would colour all the others, too.
        state = RunState.COMPLETED
    count = len(holding.runs)
    return RunsBar(row(last), holding.began_at, holding.ended_at, state, first.fence, last.fence, count)


def _line(take_over: TakeOver, row: RowOf) -> TakeOverLine | None:
    lost, following, obtained = take_over.cut_off, take_over.following, take_over.obtained
    if following.began_at is None:
        return None
    text = f"{cause_text(obtained.cause)}, {cost_text(obtained)}"
    return TakeOverLine(following.began_at, row(lost), row(following), text)
