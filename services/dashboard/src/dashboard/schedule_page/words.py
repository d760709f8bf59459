"""The words, icons and colours of schedules: their states, what became of due times, and what was done."""

import re
from collections.abc import Mapping, Sequence

from contracts.schedules import (
    DUE_PROPERTY,
    SCHEDULE_NAME,
    SCHEDULE_PROPERTY,
    Schedule,
    ScheduleAction,
    ScheduleFiring,
)
from dashboard.parts.chips import Look, chip
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, clock, link, node, until

STATES: Mapping[str, Look] = {
    "active": Look("Active", "schedule", "green"),
    "paused": Look("Paused", "pause", "violet"),
    "ended": Look("Ended", "event_available", "gray"),
}
OUTCOMES: Mapping[str, Look] = {
    "submitted": Look("Submitted", "login", "blue"),
    "skipped": Look("Skipped", "skip_next", "gray"),
    "refused": Look("Refused", "close", "red"),
    "missed": Look("Missed", "event_busy", "orange"),
    "pending": Look("Pending", "hourglass_empty", "gray"),
}
ACTIONS: Mapping[ScheduleAction, Look] = {
    "created": Look("Created", "add_circle", "gray"),
    "changed": Look("Changed", "edit", "violet"),
    "paused": Look("Paused", "pause", "violet"),
    "resumed": Look("Resumed", "play_arrow", "violet"),
    "run": Look("Run by hand", "play_circle", "violet"),
    "missed": Look("Missed", "event_busy", "orange"),
    "ended": Look("Ended", "event_available", "gray"),
    "deleted": Look("Deleted", "delete", "red"),
}


def schedule_link(name: str, **more: str) -> Node:
    """Return a link to the page of a schedule."""
    return link("schedule", name, {"name": name}, **more)


def by_whom(actor: str) -> Node:
    """Return who did something: a schedule as a link to its page."""
    prefix, _, name = actor.partition(":")
    if prefix != SCHEDULE_PROPERTY or not re.fullmatch(SCHEDULE_NAME, name):
        return actor
    return link("schedule", actor, {"name": name})


def schedule_of(properties: Mapping[str, str]) -> str | None:
    """Return the name of the schedule that a job came from; None when it came from none."""
    name = properties.get(SCHEDULE_PROPERTY, "")
    is_one = DUE_PROPERTY in properties and re.fullmatch(SCHEDULE_NAME, name)
    return name if is_one else None


def jobs_link(name: str, text: str) -> Node:
    """Return a link to the list of jobs that a schedule has submitted."""
    return link("jobs", text, {"property": f"{SCHEDULE_PROPERTY}:{name}"})


def outcome_chip(firing: ScheduleFiring) -> Node:
    """Return the chip that says what became of a due time."""
    return chip(OUTCOMES[firing.outcome])


def due(firing: ScheduleFiring) -> list[Node]:
    """Return when a firing was due, or that someone ran it by hand."""
    by_hand = firing.trigger == "hand"
    return [clock(firing.due_at), *([", by hand"] if by_hand else [])]


def job_in_words(schedule: Schedule) -> Node:
    """Return which job a schedule submits, and under which lock when it names one."""
    kind, lock = str(schedule.job.get("kind", "")), schedule.job.get("lock")
    if not isinstance(lock, str):
        return node("span", kind)
    return node("span", f"{kind} under ", link("lock", lock, {"lock": lock}))


def next_due(schedule: Schedule) -> list[Node]:
    """Return when a schedule is due next: how soon, and at which time."""
    if not schedule.next:
        return [node("span.muted", "not due")]
    return [node("span.nowrap", "in ", until(schedule.next[0])), node("small", clock(schedule.next[0]))]


def period(schedule: Schedule) -> list[Node]:
    """Return from when and until when a schedule is due, as far as it has a start or an end."""
    if schedule.start is not None and schedule.start == schedule.end:
        return [node("span", "at ", clock(schedule.start))]
    bounds = (("from ", schedule.start), ("until ", schedule.end))
    return [node("span", word, clock(moment)) for word, moment in bounds if moment is not None]


def missed_rule(schedule: Schedule) -> str:
    """Return what becomes of due times that no scheduler was there for."""
    match schedule.misfire:
        case "skip":
            return "left out"
        case "once":
            return "one job for all"
        case _:
            return f"the latest {schedule.misfire_limit}"


def lateness(schedule: Schedule) -> str:
    """Return after how long a due time counts as missed."""
    return f"missed after {duration(schedule.misfire_after)}"


def counted(schedules: Sequence[Schedule]) -> list[Node]:
    """Return how many schedules there are, and how many of them are not active."""
    said: list[Node] = [node("b", count(len(schedules), "schedule"))]
    for state in ("paused", "ended"):
        number = sum(schedule.state == state for schedule in schedules)
        if number:
            said.append(f", {number:,} {state}")
    return [*said, ". "]
