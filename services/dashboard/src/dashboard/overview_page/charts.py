"""The two charts of the Overview: what ended, and how long jobs waited, in stretches of five minutes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.statuses import EventStatus
from dashboard.board.statistics import Statistics, quantile
from dashboard.chart_frame import TIME_AXIS, config, edges
from dashboard.palette import Palette
from dashboard.take_over_marks import milliseconds

_STRETCH, _SHOWN = timedelta(minutes=5), timedelta(hours=3)
_HEIGHT = 130

#: An axis with labels and lines alone.
_BARE = {"title": None, "domain": False, "ticks": False}

#: Statuses as they are stacked, from the bottom up.
_STACK = (
    EventStatus.COMPLETED,
    EventStatus.FAILED,
    EventStatus.TIMED_OUT,
    EventStatus.EXPIRED,
    EventStatus.CANCELLED,
)
_WORDS = {EventStatus.TIMED_OUT: "Timed out"}


def ended_chart(statistics: Statistics, until: datetime, palette: Palette) -> dict[str, Any] | None:
    """Return the chart of what ended in the hours until a moment; None when nothing did."""
    colours = {
        EventStatus.COMPLETED: palette.soft_green,
        EventStatus.FAILED: palette.red,
        EventStatus.TIMED_OUT: palette.red,
        EventStatus.EXPIRED: palette.orange,
        EventStatus.CANCELLED: palette.violet,
    }
    values = []
    for stretch in statistics.grouped(_STRETCH, until - _SHOWN):
        height = 0
        for status in _STACK:
            count = stretch.ended.get(status, 0)
            if not count:
                continue
            values.append(
                {
                    "from": milliseconds(stretch.begins),
                    "until": milliseconds(stretch.begins + _STRETCH),
                    "low": height,
                    "high": height + count,
                    "count": count,
                    "state": _WORDS.get(status, status.value),
                    "colour": colours[status],
                }
            )
            height += count
    if not values:
        return None
    axis = {**_BARE, "tickCount": 3, "format": "d", "tickMinStep": 1}
    return _chart(
        {
            "data": {"values": values},
            "mark": {"type": "rect", "x2Offset": -2, "clip": True},
            "encoding": {
                "x": _x("from"),
                "x2": {"field": "until"},
                "y": {"field": "low", "type": "quantitative", "axis": axis},
                "y2": {"field": "high"},
                "color": {"field": "colour", "type": "nominal", "scale": None},
                "tooltip": [
                    {"field": "state", "type": "nominal", "title": "state"},
                    {"field": "count", "type": "quantitative", "title": "jobs"},
                    {"field": "from", "type": "temporal", "title": "from", "format": "%d %b %H:%M"},
                ],
            },
        },
        until,
        palette,
    )


def waits_chart(statistics: Statistics, until: datetime, palette: Palette) -> dict[str, Any] | None:
    """Return the chart of how long jobs waited that started in these hours; None when none did.

    Time goes by tens on its axis.
    """
    values = []
    for stretch in statistics.grouped(_STRETCH, until - _SHOWN):
        waits = sorted(stretch.waits)
        for part, name in ((0.5, "median"), (0.95, "p95")):
            seconds = quantile(waits, part)
            at = milliseconds(stretch.begins + _STRETCH / 2)
            # Without a value the line is broken there: nothing is known between two stretches.
            values.append(
                {"at": at, "part": name, "seconds": None if seconds is None else max(seconds, 0.001)}
            )
    if all(value["seconds"] is None for value in values):
        return None
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
                "x": _x("at"),
                "y": {
                    "field": "seconds",
                    "type": "quantitative",
                    "scale": {"type": "log", "domain": _decades(values), "nice": False},
                    "axis": {**_BARE, "values": _TENS, "labelExpr": _SECONDS},
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
        until,
        palette,
    )


#: Seconds that have a line on a time axis that goes by tens, and their labels.
_TENS = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36_000]
_SECONDS = (
    "datum.value >= 3600 ? round(datum.value / 3600) + ' h'"
    " : datum.value >= 60 ? round(datum.value / 60) + ' min'"
    " : datum.value >= 1 ? datum.value + ' s' : round(datum.value * 1000) + ' ms'"
)


def _decades(values: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the lines between which all waits are."""
    seconds = [value["seconds"] for value in values if value["seconds"] is not None]
    low = max((line for line in _TENS if line <= min(seconds)), default=_TENS[0])
    high = min((line for line in _TENS if line >= max(seconds)), default=max(seconds))
    return [low, high] if low < high else [low, low * 10]


def _x(field: str) -> dict[str, Any]:
    axis = {**TIME_AXIS, "orient": "bottom", "grid": False, "tickCount": 6}
    return {"field": field, "type": "temporal", "axis": axis, "scale": {"nice": False}}


def _chart(layer: dict[str, Any], until: datetime, palette: Palette) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": None,
        "padding": {"left": 0, "right": 8, "top": 4, "bottom": 0},
        "height": _HEIGHT,
        "layer": [layer, edges((until - _SHOWN, until))],
        "config": config(palette),
    }
