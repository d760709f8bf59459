"""Bars that could not be told apart, drawn as one: a picture has so many pixels, and a period more runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.charts import Bar, RunState

#: Parts of a period that are told apart: each is about two pixels of a picture.
PARTS = 400

#: What is drawn by itself however short it is.
_ALONE = {RunState.RUNNING, RunState.BROKEN}


@dataclass(frozen=True)
class RunsBar:
    """Runs of one worker that follow each other, as one bar."""

    worker: str
    began_at: datetime
    ended_at: datetime
    state: RunState
    first_fence: int
    last_fence: int
    runs: int = 1
    #: Of a single run.
    title: str = ""

    def bar(self) -> Bar:
        """Return it as it is drawn."""
        fences = f"{self.first_fence:,}"
        if self.last_fence != self.first_fence:
            fences += f" to {self.last_fence:,}"
        title = self.title or ("1 run" if self.runs == 1 else f"{self.runs:,} runs")
        return Bar(self.worker, self.began_at, self.ended_at, self.state, fences, title)


def merged(bars: Iterable[RunsBar], period: tuple[datetime, datetime]) -> Sequence[Bar]:
    """Return bars, with those as one that are shorter than a part and nearer than that to their like."""
    part = (period[1] - period[0]) / PARTS
    found: list[RunsBar] = []
    #: Where the last short bar of a worker and a state is among those found.
    places: dict[tuple[str, RunState], int] = {}
    for bar in bars:
        like = bar.worker, bar.state
        is_short = bar.ended_at - bar.began_at < part and bar.state not in _ALONE
        place = places.get(like)
        if is_short and place is not None and bar.began_at - found[place].ended_at < part:
            found[place] = _with(found[place], bar)
            continue
        if is_short:
            places[like] = len(found)
        else:
            places.pop(like, None)
        found.append(bar)
    return [bar.bar() for bar in found]


def _with(bar: RunsBar, other: RunsBar) -> RunsBar:
    return replace(
        bar,
        began_at=min(bar.began_at, other.began_at),
        ended_at=max(bar.ended_at, other.ended_at),
        first_fence=min(bar.first_fence, other.first_fence),
        last_fence=max(bar.last_fence, other.last_fence),
        runs=bar.runs + other.runs,
        title="",
    )
