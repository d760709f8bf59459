"""The picture of the runs that a check saw: a row for each worker, take-overs, broken rules in red."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.charts import Bar, RunState, drawn_states, runs_over_time, state_of
from dashboard.palette import Palette
from dashboard.proof.report import Report
from dashboard.proof.take_overs import take_over_line
from dashboard.take_over_marks import TakeOverLine

#: Room at either end, as a share of what is shown; and the least that is shown, as the axis has no seconds.
_ROOM = 0.02
_SHORTEST = timedelta(minutes=10)


@dataclass(frozen=True)
class RunPicture:
    """The chart, the states and the take-overs in it, and what stands above it."""

    chart: dict[str, Any]
    states: Sequence[RunState]
    take_overs: Sequence[TakeOverLine]
    title: str


def run_picture(report: Report, palette: Palette) -> RunPicture:
    """Return the picture of the runs of a report."""
    bars = _bars(report)
    lines = [line for line in map(take_over_line, report.take_overs) if line is not None]
    chart = runs_over_time(bars, lines, _span(report, bars), palette)
    return RunPicture(chart, drawn_states(bars), lines, _title(report, bars))


def _bars(report: Report) -> list[Bar]:
    broken = {(violation["job_id"], violation["fence"]) for violation in report.violations}
    last = max((int(run["fence"]) for run in report.runs), default=0)
    bars = [_bar(run, report, broken, is_last=run["fence"] == last) for run in report.runs]
    # What is drawn later is above: nothing hides what broke a rule.
    return sorted(bars, key=lambda bar: (bar.state is RunState.BROKEN, bar.began_at))


def _bar(
    run: Mapping[str, Any], report: Report, broken: set[tuple[str | None, int | None]], *, is_last: bool
) -> Bar:
    began = _moment(run["began_at"]) or report.read_at
    ended = _moment(run["ended_at"])
    is_running = ended is None and is_last
    if ended is None:
        ended = report.read_at if is_running else _moment(run["last_at"]) or began
    state = state_of(run["outcome"] or None, is_running=is_running)
    if (run["job_id"], run["fence"]) in broken or (run["job_id"], None) in broken:
        state = RunState.BROKEN
    title = f"{run['job_id']}, attempt {run['attempt']}"
    return Bar(run["worker"] or "worker not known", began, ended, state, f"{run['fence']:,}", title)


def _span(report: Report, bars: Sequence[Bar]) -> tuple[datetime, datetime]:
    """Return the part of the period in which there are runs, with some room at its ends."""
    first = min((bar.began_at for bar in bars), default=report.read_at)
    last = max((bar.ended_at for bar in bars), default=report.read_at)
    since, until = report.asked.since or first, report.asked.until or last
    start, end = max(first, since), min(last, until)
    room = max((end - start) * _ROOM, (_SHORTEST - (end - start)) / 2)
    return start - room, end + room


def _title(report: Report, bars: Sequence[Bar]) -> str:
    runs = f"{len(bars):,} {'run' if len(bars) == 1 else 'runs'}"
    if report.left_out:
        around = "those around violations and the latest ones" if report.violations else "the latest ones"
        return f"{runs} of {len(bars) + report.left_out:,}: {around}"
    if any(bar.state is RunState.BROKEN for bar in bars):
        return f"All {runs}: what broke a rule is red"
    if report.numbers["overlaps"] or len(bars) < 2:
        return f"All {runs}" if len(bars) > 1 else runs
    return f"All {runs}: no two bars share a moment"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
