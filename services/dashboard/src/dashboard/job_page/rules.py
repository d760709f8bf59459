"""The rules that a job was submitted with: until when it may wait, how long it may take, and why it came."""

import json
from datetime import datetime

from contracts.schedules import DUE_PROPERTY
from contracts.statuses import EventStatus
from coordination.journal.rows import JobRow
from dashboard.forms.submission import CONFLICTS
from dashboard.parts.durations import duration
from dashboard.parts.nodes import Node, clock, node, until
from dashboard.reading.job import JobView
from dashboard.schedule_page.words import schedule_link, schedule_of


def rules_card(view: JobView) -> Node | None:
    """Return the card with the rules of a job; None when it has no others than those of its kind."""
    job = view.job
    facts = [
        ("Schedule", _schedule(job)),
        ("Expires", _expiry(job)),
        ("Timeout", None if job.timeout is None else f"{duration(job.timeout)} for an attempt"),
        ("Cancel grace", None if job.cancel_grace is None else duration(job.cancel_grace)),
        ("When busy", _conflict(view)),
    ]
    pairs = [part for name, value in facts if value for part in (node("dt", name), node("dd", value))]
    if not pairs:
        return None
    title = node("div.title", node("h2", "Rules of this job"))
    return node(
        "section.card", title, node("dl.pairs.pad", *pairs), k="rules", aria_label="Rules of this job"
    )


def expiry(job: JobRow) -> datetime | None:
    """Return when a job expires unless it starts; None for one that has started, ended, or waits for ever."""
    if job.expires_at is None or job.started_at or job.is_terminal:
        return None
    return datetime.fromisoformat(job.expires_at)


def _expiry(job: JobRow) -> Node | None:
    if job.expires_at is None:
        return None
    at = datetime.fromisoformat(job.expires_at)
    if expiry(job) is None:
        return node("span", "it had to start by ", clock(at))
    return node("span", "in ", until(at), ", at ", clock(at), ", unless it has started")


def _schedule(job: JobRow) -> Node | None:
    properties = json.loads(job.properties)
    name = schedule_of(properties)
    if name is None:
        return None
    try:
        due: list[Node] = [", due ", clock(datetime.fromisoformat(properties[DUE_PROPERTY]))]
    except ValueError:
        due = []
    return node("span", schedule_link(name), *due)


def _conflict(view: JobView) -> str | None:
    """Return what was to happen when the lock was busy, if it was not simply to wait."""
    submitted = (e.event for e in view.entries if e.event.status is EventStatus.SUBMITTED)
    asked = next((event.data.get("on_conflict") for event in submitted), None)
    return CONFLICTS.get(asked, str(asked)) if asked else None
