"""What a lock's page says of the past: facts of a period and their picture, made once for half a minute."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.charts import drawn_states, runs_over_time
from dashboard.lock_chart import picture_of
from dashboard.lock_history import LockHistory, history, united
from dashboard.palette import palette
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, node
from dashboard.parts.run_legend import run_legend
from dashboard.reading.lock import LockView

#: Periods by their names in the address, with their labels and hours.
PERIODS = {"1h": ("1 h", 1), "3h": ("3 h", 3), "24h": ("24 h", 24), "7d": ("7 d", 168)}
DEFAULT_PERIOD = "3h"


def period_start(period: str, now: datetime) -> datetime:
    """Return when a period begins that ends now."""
    return now - timedelta(hours=PERIODS[period][1])


@dataclass(frozen=True)
class LockPast:
    """A lock in a period. Making it takes longer than drawing it."""

    history: LockHistory
    #: Names the period.
    label: str
    has_slots: bool
    chart: dict[str, Any]
    legend: Node
    is_by_holding: bool

    @property
    def title(self) -> Node:
        """The title of the picture."""
        if not self.is_by_holding:
            by = "worker and slot" if self.has_slots else "worker"
            return node("div.title.bare", node("h2", f"Runs by {by}"))
        runs = f"{len(self.history.entries):,} runs: each bar is one unbroken holding"
        return node("div.title.bare", node("h2", "Holdings by worker"), node("span.aside", runs))

    def alternative(self, name: str) -> str:
        """Return the picture in words."""
        runs = count(len(self.history.entries), "run")
        taken = count(len(self.history.take_overs), "take-over")
        return f"Runs under the lock {name} by worker, {self.label}: {runs}, {taken}. The table has the same."


def past_of(view: LockView, period: str, now: datetime, theme: str | None) -> LockPast:
    """Return what the runs of a lock say of a period that ends now, in the colours of a theme."""
    label, start = PERIODS[period][0], period_start(period, now)
    if view.read_from is not None and view.read_from > start:
        start, label = view.read_from, f"latest {len(view.runs):,}"
    span = start, now
    slots = [history(slot.runs, span, slot.last_fence, slot.running_fence) for slot in view.slots]
    found = united(slots)
    picture = picture_of(found, has_slots=len(slots) > 1)
    chart = runs_over_time(picture.bars, picture.take_overs, found.period, palette(theme))
    legend = run_legend(drawn_states(picture.bars), has_take_overs=bool(picture.take_overs))
    return LockPast(found, label, len(slots) > 1, chart, legend, picture.is_by_holding)
