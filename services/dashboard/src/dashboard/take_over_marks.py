"""Take-overs in the picture of runs over time: a dashed line with its cause and what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.palette import Palette

#: Take-overs that are named in the picture, the latest ones; more names would hide the runs.
_MOST_NAMED = 8

#: Part of the period that a name takes up.
_ROOM_FOR_A_NAME = 0.25


@dataclass(frozen=True)
class TakeOverLine:
    """A dashed line from the row of the worker whose run was cut off to that of the next run."""

    at: datetime
    lost_worker: str
    worker: str
    #: Cause and cost: "worker lost, 17 s".
    text: str


def take_over_layers(
    lines: Sequence[TakeOverLine], period: tuple[datetime, datetime], palette: Palette
) -> list[dict[str, Any]]:
    """Return the layers of these take-overs, which are in the order of time."""
    named = _names(_apart(lines, period), period, palette)
    return [_dashes(lines, palette), _heads(lines, palette), *named]


def _apart(lines: Sequence[TakeOverLine], period: tuple[datetime, datetime]) -> list[TakeOverLine]:
    """Return the latest lines whose names do not stand on each other: in a row, only one in a while."""
    least = (period[1] - period[0]) * _ROOM_FOR_A_NAME
    named: dict[str, datetime] = {}
    found = []
    for line in reversed(lines):
        if line.worker not in named or named[line.worker] - line.at >= least:
            named[line.worker] = line.at
            found.append(line)
    return list(reversed(found[:_MOST_NAMED]))


def milliseconds(moment: datetime) -> int:
    """Return a moment as browsers count."""
    return round(moment.timestamp() * 1000)


def _dashes(lines: Sequence[TakeOverLine], palette: Palette) -> dict[str, Any]:
    values = [
        {"number": number, "at": milliseconds(line.at), "worker": worker}
        for number, line in enumerate(lines)
        for worker in (line.lost_worker, line.worker)
    ]
    return {
        "data": {"values": values},
        "mark": {"type": "line", "strokeDash": [3, 2], "strokeWidth": 1.5, "color": palette.orange},
        "encoding": {
            "x": {"field": "at", "type": "temporal"},
            "y": {"field": "worker", "type": "nominal"},
            "detail": {"field": "number", "type": "nominal"},
        },
    }


def _heads(lines: Sequence[TakeOverLine], palette: Palette) -> dict[str, Any]:
    values = [
        {"at": milliseconds(line.at), "worker": line.worker, "text": line.text, "lost": line.lost_worker}
        for line in lines
    ]
    return {
        "data": {"values": values},
        "mark": {
            "type": "point",
            "shape": "triangle-right",
            "filled": True,
            "opacity": 1,
            "size": 40,
            "color": palette.orange,
        },
        "encoding": {
            "x": {"field": "at", "type": "temporal"},
            "y": {"field": "worker", "type": "nominal"},
            "tooltip": [
                {"field": "text", "type": "nominal", "title": "taken over"},
                {"field": "lost", "type": "nominal", "title": "from"},
                {"field": "worker", "type": "nominal", "title": "to"},
            ],
        },
    }


def _names(
    lines: Sequence[TakeOverLine], period: tuple[datetime, datetime], palette: Palette
) -> list[dict[str, Any]]:
    """Return the causes beside the lines; to the right of those that stand near the left edge."""
    start, end = period
    threshold = start + (end - start) / 4
    layers: list[dict[str, Any]] = []
    for align, offset, is_left in (("right", -8, False), ("left", 8, True)):
        values = [
            {"at": milliseconds(line.at), "worker": line.worker, "text": line.text}
            for line in lines
            if (line.at < threshold) == is_left
        ]
        if not values:
            continue
        # Written twice: a rim in the colour of the ground keeps the text readable above bars.
        for colour in ({"stroke": palette.ground, "strokeWidth": 4}, {"color": palette.orange_text}):
            mark = {"type": "text", "align": align, "dx": offset, "fontSize": 12, "fontWeight": 600, **colour}
            layers.append(
                {
                    "data": {"values": values},
                    "mark": mark,
                    "encoding": {
                        "x": {"field": "at", "type": "temporal"},
                        "y": {"field": "worker", "type": "nominal"},
                        "text": {"field": "text", "type": "nominal"},
                    },
                }
            )
    return layers
