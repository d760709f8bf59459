"""The two charts of the Overview: what ended, and how long jobs waited, in stretches of five minutes."""

from datetime import datetime, timedelta
from typing import Any

from contracts.statuses import EventStatus
from dashboard.board.statistics import Statistics, share
from dashboard.chart_frame import TIME_AXIS, config
from dashboard.palette import Palette
from dashboard.take_over_marks import milliseconds

_STRETCH, _SHOWN = timedelta(minutes=5), timedelta(hours=3)
_HEIGHT = 130

#: Statuses as they are stacked, from the bottom up.
_STACK = (EventStatus.COMPLETED, EventStatus.FAILED, EventStatus.TIMED_OUT, EventStatus.CANCELLED)
_WORDS = {EventStatus.TIMED_OUT: "Timed out"}


def ended_chart(statistics: Statistics, now: datetime, palette: Palette) -> dict[str, Any]:
    """Return the chart of what ended."""
    colours = {
        EventStatus.COMPLETED: palette.soft_green,
        EventStatus.FAILED: palette.red,
        EventStatus.TIMED_OUT: palette.red,
        EventStatus.CANCELLED: palette.violet,
    }
    values = [
        {
            "from": milliseconds(stretch.begins),
            "until": milliseconds(stretch.begins + _STRETCH),
            "count": stretch.ended.get(status, 0),
            "state": _WORDS.get(status, status.value),
            "order": order,
            "colour": colours[status],
        }
        for stretch in statistics.grouped(_STRETCH, now - _SHOWN)
        for order, status in enumerate(_STACK)
        if stretch.ended.get(status)
    ]
    return _chart(
        {
            "data": {"values": values},
            "mark": {"type": "bar", "cornerRadius": 2, "x2Offset": -2, "clip": True},
            "encoding": {
                "x": _x(now, "from"),
                "x2": {"field": "until"},
                "y": {
                    "field": "count",
                    "type": "quantitative",
                    "axis": {
                        "title": None,
                        "domain": False,
                        "ticks": False,
                        "tickCount": 3,
                        "format": "d",
                        "tickMinStep": 1,
                    },
                },
                "order": {"field": "order"},
                "color": {"field": "colour", "type": "nominal", "scale": None},
                "tooltip": [
                    {"field": "state", "type": "nominal", "title": "state"},
                    {"field": "count", "type": "quantitative", "title": "jobs"},
                    {"field": "from", "type": "temporal", "title": "from", "format": "%d %b %H:%M"},
                ],
            },
        },
        palette,
    )


def waits_chart(statistics: Statistics, now: datetime, palette: Palette) -> dict[str, Any]:
    """Return the chart of how long jobs waited before they started; time goes by tens on its axis."""
    values = []
    for stretch in statistics.grouped(_STRETCH, now - _SHOWN):
        waits = sorted(stretch.waits)
        for part, name in ((0.5, "median"), (0.95, "p95")):
            seconds = share(waits, part)
            if seconds is not None:
                values.append(
                    {
                        "at": milliseconds(stretch.begins + _STRETCH / 2),
                        "seconds": max(seconds, 0.001),
                        "part": name,
                    }
                )
    return _chart(
        {
            "data": {"values": values},
            "mark": {
                "type": "line",
                "color": palette.blue,
                "point": {"size": 14, "color": palette.blue},
                "clip": True,
            },
            "encoding": {
                "x": _x(now, "at"),
                "y": {
                    "field": "seconds",
                    "type": "quantitative",
                    "scale": {"type": "log"},
                    "axis": {
                        "title": None,
                        "domain": False,
                        "ticks": False,
                        "tickCount": 4,
                        "labelExpr": _SECONDS,
                    },
                },
                "strokeDash": {
                    "field": "part",
                    "type": "nominal",
                    "scale": {"domain": ["median", "p95"], "range": [[1, 0], [4, 3]]},
                    "legend": None,
                },
                "tooltip": [
                    {"field": "part", "type": "nominal", "title": "of the waits"},
                    {"field": "seconds", "type": "quantitative", "title": "seconds", "format": ".3~f"},
                ],
            },
        },
        palette,
    )


#: Labels of a time axis that goes by tens.
_SECONDS = (
    "datum.value >= 60 ? format(datum.value / 60, ',.3~r') + ' min'"
    " : datum.value >= 1 ? format(datum.value, ',.3~r') + ' s' : format(datum.value * 1000, ',.3~r') + ' ms'"
)


def _x(now: datetime, field: str) -> dict[str, Any]:
    domain = [milliseconds(now - _SHOWN), milliseconds(now)]
    axis = {**TIME_AXIS, "orient": "bottom", "grid": False, "tickCount": 6}
    return {"field": field, "type": "temporal", "axis": axis, "scale": {"domain": domain, "nice": False}}


def _chart(body: dict[str, Any], palette: Palette) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": None,
        "padding": {"left": 0, "right": 8, "top": 4, "bottom": 0},
        "height": _HEIGHT,
        **body,
        "config": config(palette),
    }
