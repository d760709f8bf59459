"""The take-overs of a check: the lines of its picture, and the same in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from coordination.observations import HandOverCause
from dashboard.parts.chips import TAKEN_OVER, dot
from dashboard.parts.durations import duration
from dashboard.parts.nodes import Node, clock, node
from dashboard.parts.runs_table import cause_text
from dashboard.proof.report import Report
from dashboard.take_over_marks import TakeOverLine

#: Take-overs that are listed, the newest ones.
_MOST_LISTED = 5

_UNKNOWN = "worker not known"


def take_over_line(found: Mapping[str, Any]) -> TakeOverLine | None:
    """Return the line of a take-over; None when its time cannot be read."""
    at = _moment(found["at"])
    if at is None:
        return None
    return TakeOverLine(at, found["lost_worker"] or _UNKNOWN, found["worker"] or _UNKNOWN, _cause(found))


def take_overs_list(report: Report) -> Node | None:
    """Return the newest take-overs in words; None when there was none."""
    found = report.take_overs
    if not found:
        return None
    items = [_item(each) for each in reversed(found[-_MOST_LISTED:])]
    more = len(found) - len(items)
    rest = node("p.pad.muted", f"and {more:,} more, which the page for others lists") if more > 0 else None
    return node("div", node("ul.list", *items, aria_label="Take-overs, newest first"), rest)


def _item(found: Mapping[str, Any]) -> Node:
    lost, worker = found["lost_worker"] or _UNKNOWN, found["worker"] or _UNKNOWN
    who = f"{worker} again" if lost == worker else f"{lost} → {worker}"
    fences = f"fence {found['cut_off_fence']:,} → {found['fence']:,}"
    return node(
        "li",
        dot(TAKEN_OVER),
        node("div.main", node("b", f"Taken over: {who}"), node("span.second", f"{_cause(found)}; {fences}")),
        clock(_moment(found["at"]), "span.when"),
        k=str(found["fence"]),
    )


def _cause(found: Mapping[str, Any]) -> str:
    most = "at most " if found["is_at_most"] else ""
    return f"{cause_text(HandOverCause(found['cause']))}, {most}{duration(found['seconds'])}"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
