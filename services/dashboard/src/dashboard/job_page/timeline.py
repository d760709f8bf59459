"""The timeline as it is drawn: a row for each attempt, step, wait and gap, on one scale."""

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest

from dashboard.job_page.scale import Scale
from dashboard.parts.durations import duration
from dashboard.parts.nodes import Node, node
from dashboard.timeline import Ending, Row, RowKind, Timeline

#: Share of the width that a character of the text beside a bar takes, in percent, on a narrow screen.
_PERCENT_PER_CHARACTER = 0.85

_BARS = {
    RowKind.LINE: "line",
    RowKind.NO_HOLDER: "none",
    RowKind.FOLD: "fold",
}

_ENDINGS = {
    Ending.DONE: "done",
    Ending.GOES_ON: "now",
    Ending.CUT_OFF: "cut",
    Ending.FAILED: "failed",
    Ending.CANCELLED: "cancelled",
    Ending.EXPIRED: "failed",
}

_ENDED = {
    Ending.CUT_OFF: "cut off",
    Ending.FAILED: "failed",
    Ending.CANCELLED: "cancelled",
    Ending.EXPIRED: "expired",
}

#: The legend: what is shown of it, by the classes of the bars.
_LEGEND = {
    "line": "in line",
    "done": "step",
    "now": "running",
    "cut": "cut off",
    "failed": "failed",
    "cancelled": "cancelled",
    "none": "no holder",
    "kept": "kept, not run again",
}


def timeline_card(timeline: Timeline) -> Node | None:
    """Return the card with the timeline; None when there is nothing to draw."""
    if timeline.start is None or timeline.end is None:
        return None
    scale = Scale.over(timeline.start, timeline.end)
    rows = [
        _row(number, row, scale, timeline.start, is_alone=_is_alone(row, following))
        for number, (row, following) in enumerate(zip_longest(timeline.rows, timeline.rows[1:]))
    ]
    ticks = scale.ticks()
    note = (
        node(
            "p.muted.pad",
            f"The clocks of the machines differ by at least {duration(timeline.clocks_differ_by)}: "
            "lengths around a change of the worker are that uncertain.",
        )
        if timeline.clocks_differ_by >= 0.5
        else None
    )
    return node(
        "section.card",
        node("div.title", node("h2", "Timeline"), _legend(timeline.rows)),
        node(
            "div.fall",
            _grid(ticks),
            _axis(ticks),
            *rows,
            role="list",
            aria_label="Timeline, in order of time",
        ),
        note,
        k="timeline",
    )


def _is_alone(row: Row, following: Row | None) -> bool:
    """Return whether an attempt has no rows of its own, so that its bar shows the work itself."""
    return row.kind is RowKind.ATTEMPT and (following is None or following.attempt != row.attempt)


def _axis(ticks: Sequence[tuple[float, Node]]) -> Node:
    labels = [node("span.ticklabel", label, l=left) for left, label in ticks]
    return node("div.row", node("span.label"), node("div.lane-track", *labels), aria_hidden="true", k="axis")


def _grid(ticks: Sequence[tuple[float, Node]]) -> Node:
    """Return the lines of the ticks, once for all rows."""
    return node(
        "div.grid", *(node("span.tickmark", l=left) for left, _ in ticks), aria_hidden="true", k="grid"
    )


def _row(number: int, row: Row, scale: Scale, start: datetime, *, is_alone: bool) -> Node:
    left = scale.percent(row.start)
    width = scale.percent(row.end) - left
    look = _look(row, is_alone=is_alone)
    text = _text(row, is_alone=is_alone)
    mark = (
        node(f"span.{look}", l=left)
        if row.kind in {RowKind.KEPT, RowKind.MOMENT}
        else node(f"span.bar.{look}", l=left, w=width)
    )
    inner = row.attempt and row.kind is not RowKind.ATTEMPT
    label = f"{row.label} · {row.worker}" if row.kind is RowKind.ATTEMPT else row.label
    said = _said(row, start, text)
    return node(
        "div.row",
        node("span.label.inner" if inner else "span.label.strong", label, title=label),
        node("div.lane-track", mark, _word(text, left, left + width, look)),
        role="listitem",
        tabindex=0,
        aria_label=said,
        title=said,
        k=f"{row.kind}-{row.attempt}-{number}",
    )


def _look(row: Row, *, is_alone: bool) -> str:
    if row.kind is RowKind.KEPT:
        return "kept"
    if row.kind is RowKind.MOMENT:
        return "kept.violet"
    if row.kind is RowKind.ATTEMPT and not is_alone:
        return "thin"
    if row.kind is RowKind.LINE and row.ending is Ending.CANCELLED:
        return "line.cancelled"
    return _BARS.get(row.kind) or _ENDINGS[row.ending]


def _text(row: Row, *, is_alone: bool) -> str:
    """Return what stands beside a bar."""
    if row.kind in {RowKind.KEPT, RowKind.MOMENT}:
        return row.note
    if row.kind is RowKind.FOLD:
        return f"{duration(row.busy_seconds)} in all"
    took = "running" if row.ending is Ending.GOES_ON and row.attempt else duration(row.seconds)
    if row.kind is RowKind.ATTEMPT:
        told = f": {row.note}" if is_alone and row.note else ""
        ended = f", {_ENDED[row.ending]}{told}" if row.ending in _ENDED else ""
        return f"fence {row.fence or 0:,} · {took}{ended}"
    if row.kind is RowKind.OPEN_STEP:
        return took if row.ending is Ending.GOES_ON else f"{took}, {_ENDED[row.ending]}: {row.note}"
    if row.kind is RowKind.LINE and row.ending is Ending.GOES_ON:
        return f"{took} so far"
    return f"{took} {row.note}" if row.note else took


def _word(text: str, left: float, right: float, look: str) -> Node:
    """Return the text where there is room for it: behind the bar, inside it, or before it."""
    needed = len(text) * _PERCENT_PER_CHARACTER
    if right + needed <= 100:
        return node("span.word", text, l=right)
    if right - left >= needed and look not in {"thin", "none", "line", "line.cancelled", "fold"}:
        return node("span.word.in", text, l=left)
    if left >= needed:
        return node("span.word.before", text, l=left)
    return node("span.word.over", text, l=left)


def _said(row: Row, start: datetime, text: str) -> str:
    """Return the whole meaning of a row in words."""
    where = f" on {row.worker}" if row.worker else ""
    after = (row.start - start).total_seconds()
    began = "from the submission on" if after <= 0 else f"{duration(after)} after the submission"
    return f"{row.label}{where}, {began}: {text}"


def _legend(rows: Sequence[Row]) -> Node:
    looks = set()
    for row, following in zip_longest(rows, rows[1:]):
        if row is not None:
            looks.add(_look(row, is_alone=_is_alone(row, following)))
    shown = [
        node("span", node(f"span.key.{look}"), " ", word) for look, word in _LEGEND.items() if look in looks
    ]
    return node("div.legend.aside", *shown, aria_hidden="true")
