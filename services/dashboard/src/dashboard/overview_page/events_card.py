"""The card of recent events; steps of one job in a row fold into one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.jobs import Event
from contracts.statuses import EventStatus
from dashboard.parts.chips import dot, event_look
from dashboard.parts.nodes import Node, clock, link, node

_MOST_LINES = 12

#: What a job repeats.
_FOLDED = frozenset({EventStatus.STEP, EventStatus.STATE_SAVED})


@dataclass(frozen=True)
class Line:
    """One line: an event, or the latest of several like it."""

    event: Event
    #: The earliest of them.
    first: Event
    count: int = 1


def fold(events: Sequence[Event]) -> list[Line]:
    """Return the lines of events, newest first; steps of a job with no other event of it between are one."""
    lines: list[Line] = []
    latest: dict[str, int] = {}
    for event in events:
        place = latest.get(event.job_id)
        if place is not None and event.status in _FOLDED and lines[place].event.status == event.status:
            lines[place] = replace(lines[place], first=event, count=lines[place].count + 1)
            continue
        latest[event.job_id] = len(lines)
        lines.append(Line(event, event))
    return lines


def events_card(events: Sequence[Event], names: Mapping[str, str]) -> Node:
    """Return the card."""
    lines = fold(events)[:_MOST_LINES]
    rows = [_line(line, names) for line in lines]
    inside = node("ul.list", *rows, hold="events") if rows else node("p.empty", "No event in the last hour.")
    title = node("div.title", node("h2", "Recent events"), node("span.aside", "newest first"))
    return node("section.card", title, inside, aria_label="Recent events")


def _line(line: Line, names: Mapping[str, str]) -> Node:
    event = line.event
    look = event_look(event.status)
    word = look.word if line.count == 1 else f"{look.word} ×{line.count}"
    message = _message(event)
    return node(
        "li",
        clock(event.timestamp_utc, "span.when"),
        dot(look),
        node(
            "span.main",
            node("b", word),
            node("small", f" {message}") if message else None,
            node("span.second", link("job", names.get(event.job_id, event.job_id), {"id": event.job_id})),
        ),
        k=line.first.event_id,
    )


def _message(event: Event) -> str:
    match event.status:
        case EventStatus.SUBMITTED | EventStatus.CANCEL_REQUESTED:
            return f"by {event.actor}"
        case EventStatus.STARTED:
            return f"attempt {event.attempt}, fence {event.fence or 0:,}, {event.worker}"
        case EventStatus.COMPLETED:
            return ""
        case _:
            return event.message[:120]
