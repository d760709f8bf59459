"""What charts over time share: their axis, its length, and their fonts and colours."""

from datetime import datetime
from typing import Any

from dashboard.palette import Palette
from dashboard.take_over_marks import milliseconds

#: Midnight shows the date, other times the clock.
TIME_AXIS = {
    "orient": "top",
    "title": None,
    "domain": False,
    "ticks": False,
    "grid": True,
    "tickCount": 8,
    "labelExpr": "hours(datum.value) + minutes(datum.value) + seconds(datum.value) == 0"
    " ? timeFormat(datum.value, '%d %b') : timeFormat(datum.value, '%H:%M')",
}


def edges(period: tuple[datetime, datetime]) -> dict[str, Any]:
    """Return what makes the time axis as long as the period: marks at its ends that are not seen.

    A domain of its own would be given to the begin and the end of bars in two ways that Vega cannot unite.
    """
    values = [{"at": milliseconds(moment)} for moment in period]
    return {
        "data": {"values": values},
        "mark": {"type": "point", "opacity": 0, "size": 1, "tooltip": None},
        "encoding": {"x": {"field": "at", "type": "temporal"}},
    }


def config(palette: Palette) -> dict[str, Any]:
    """Return fonts, sizes and colours of axes."""
    label = {
        "labelColor": palette.muted,
        "labelFontSize": 12,
        "gridColor": palette.hairline,
        "gridOpacity": 0.6,
    }
    return {
        "font": '"Source Sans", sans-serif',
        "view": {"stroke": None},
        "axis": label,
        "axisY": {"labelColor": palette.text, "labelFontSize": 13, "labelPadding": 10},
        "axisX": {"labelPadding": 6, "labelOverlap": True},
    }
