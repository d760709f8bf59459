"""The picture of runs over time, one row for each worker: which had a lock, and what became of its runs.

A chart is a Vega-Lite document. What a job says is in it as data under fixed names: Vega writes it as text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from contracts.statuses import EventStatus
from dashboard.chart_frame import TIME_AXIS, config, edges
from dashboard.palette import Palette
from dashboard.take_over_marks import TakeOverLine, milliseconds, take_over_layers

#: Height of a row by the number of rows up to which it is used, in pixels, and that of all longer lists.
_ROW_HEIGHTS, _LEAST_ROW_HEIGHT = ((6, 42), (12, 30)), 20


class RunState(StrEnum):
    """What a bar says of its run, by colour and by sign."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    #: Its end is not known yet.
    UNKNOWN = "end not known"
    #: It broke what is promised.
    BROKEN = "broken"


#: The sign above a bar, as Vega names shapes, and as text for the legend.
SHAPES = {
    RunState.FAILED: "cross",
    RunState.TIMED_OUT: "cross",
    RunState.CANCELLED: "square",
    RunState.INTERRUPTED: "triangle-up",
    RunState.BROKEN: "diamond",
}
SIGNS = {
    RunState.FAILED: "✚",
    RunState.TIMED_OUT: "✚",
    RunState.CANCELLED: "■",
    RunState.INTERRUPTED: "▲",
    RunState.BROKEN: "◆",
}

_STATES = {
    EventStatus.COMPLETED: RunState.COMPLETED,
    EventStatus.FAILED: RunState.FAILED,
    EventStatus.ATTEMPT_FAILED: RunState.FAILED,
    EventStatus.TIMED_OUT: RunState.TIMED_OUT,
    EventStatus.CANCELLED: RunState.CANCELLED,
    EventStatus.INTERRUPTED: RunState.INTERRUPTED,
}


@dataclass(frozen=True)
class Bar:
    """A run, or all runs of one unbroken holding, as a bar in the row of its worker."""

    worker: str
    began_at: datetime
    ended_at: datetime
    state: RunState
    #: Shown when the pointer is on it: "1,042" or "1,034 to 1,042"; the job or the number of runs.
    fences: str
    title: str


def state_of(outcome: str | None, *, is_running: bool) -> RunState:
    """Return how a run with this outcome is drawn; outcomes are names of events."""
    if outcome is None:
        return RunState.RUNNING if is_running else RunState.UNKNOWN
    return _STATES.get(EventStatus(outcome), RunState.UNKNOWN)


def colours(palette: Palette) -> dict[RunState, str]:
    """Return the colour of each state's bars."""
    return {
        RunState.RUNNING: palette.blue,
        RunState.COMPLETED: palette.soft_green,
        RunState.FAILED: palette.red,
        RunState.TIMED_OUT: palette.red,
        RunState.CANCELLED: palette.violet,
        RunState.INTERRUPTED: palette.orange,
        RunState.UNKNOWN: palette.gray,
        RunState.BROKEN: palette.red,
    }


def runs_over_time(
    bars: Sequence[Bar],
    take_overs: Sequence[TakeOverLine],
    period: tuple[datetime, datetime],
    palette: Palette,
) -> dict[str, Any]:
    """Return the chart of these runs from the first to the second moment of a period.

    What lies outside the period is cut off at its ends. Times are shown by the viewer's clock.
    """
    start, end = period
    workers = sorted({bar.worker for bar in bars} | {line.worker for line in take_overs}, key=_natural)
    shown = [bar for bar in bars if bar.ended_at >= start and bar.began_at <= end]
    layers = [_bars(shown, workers, period, palette), edges(period)]
    if any(bar.state in SHAPES for bar in shown):
        layers.append(_signs(shown, period, palette))
    within = [line for line in take_overs if start <= line.at <= end]
    if within:
        layers += take_over_layers(within, period, palette)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": None,
        "padding": {"left": 0, "right": 8, "top": 0, "bottom": 0},
        "height": _row_height(len(workers)) * max(1, len(workers)),
        "layer": layers,
        "config": config(palette),
    }


def drawn_states(bars: Iterable[Bar]) -> list[RunState]:
    """Return the states among the bars in the order of the legend."""
    found = {bar.state for bar in bars}
    return [state for state in RunState if state in found]


def _bars(
    bars: Sequence[Bar], workers: Sequence[str], period: tuple[datetime, datetime], palette: Palette
) -> dict[str, Any]:
    start, end = period
    values = [
        {
            "worker": bar.worker,
            "from": milliseconds(max(bar.began_at, start)),
            "until": milliseconds(min(max(bar.ended_at, bar.began_at), end)),
            "began": milliseconds(bar.began_at),
            "ended": milliseconds(bar.ended_at),
            "state": bar.state.value,
            "fences": bar.fences,
            "title": bar.title,
        }
        for bar in bars
    ]
    moment = {"type": "temporal", "format": "%d %b %H:%M:%S.%L"}
    return {
        "data": {"values": values},
        # Neighbours stay apart by a pixel; a bar shorter than that is a pixel wide.
        "mark": {"type": "bar", "cornerRadius": 2, "x2Offset": -1, "clip": True},
        "encoding": {
            "x": {"field": "from", "type": "temporal", "axis": TIME_AXIS, "scale": {"nice": False}},
            "x2": {"field": "until"},
            "y": {
                "field": "worker",
                "type": "nominal",
                "scale": {"domain": list(workers), "paddingInner": 0.5, "paddingOuter": 0.3},
                "axis": {"title": None, "domain": False, "ticks": False, "labelLimit": 150},
            },
            "color": _state_colours(palette),
            "tooltip": [
                {"field": "fences", "type": "nominal", "title": "fence"},
                {"field": "title", "type": "nominal", "title": "job"},
                {"field": "worker", "type": "nominal", "title": "worker"},
                {"field": "state", "type": "nominal", "title": "state"},
                {"field": "began", "title": "began", **moment},
                {"field": "ended", "title": "until", **moment},
            ],
        },
    }


def _signs(bars: Sequence[Bar], period: tuple[datetime, datetime], palette: Palette) -> dict[str, Any]:
    """Return the signs above bars whose end needs an eye."""
    start, end = period
    values = [
        {
            "worker": bar.worker,
            "middle": milliseconds(_middle(max(bar.began_at, start), min(bar.ended_at, end))),
            "state": bar.state.value,
        }
        for bar in bars
        if bar.state in SHAPES
    ]
    domain = [state.value for state in SHAPES]
    return {
        "data": {"values": values},
        "mark": {"type": "point", "filled": True, "opacity": 1, "size": 40, "yOffset": -16},
        "encoding": {
            "x": {"field": "middle", "type": "temporal"},
            "y": {"field": "worker", "type": "nominal"},
            "shape": {
                "field": "state",
                "type": "nominal",
                "scale": {"domain": domain, "range": list(SHAPES.values())},
                "legend": None,
            },
            "color": _state_colours(palette),
        },
    }


def _state_colours(palette: Palette) -> dict[str, Any]:
    solid = colours(palette)
    scale = {"domain": [state.value for state in solid], "range": list(solid.values())}
    return {"field": "state", "type": "nominal", "scale": scale, "legend": None}


def _row_height(rows: int) -> int:
    return next((height for most, height in _ROW_HEIGHTS if rows <= most), _LEAST_ROW_HEIGHT)


def _middle(begin: datetime, end: datetime) -> datetime:
    return begin + (end - begin) / 2


def _natural(name: str) -> list[Any]:
    """Return the place of a name in an order in which worker-10 follows worker-9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
