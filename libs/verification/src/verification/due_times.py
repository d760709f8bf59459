"""Due times of schedules: each has one job, whose id follows from the schedule and the due time."""

import json

from contracts.identifiers import id_of_due_time
from contracts.schedules import DUE_PROPERTY, SCHEDULE_PROPERTY
from coordination.journal.rows import EventRow

_ACTOR = "schedule:"


def wrong_due_time(event: EventRow) -> str:
    """Judge the submission of a job by a schedule: its id is that of the due time that it names."""
    if not event.actor.startswith(_ACTOR):
        return ""
    name = event.actor.removeprefix(_ACTOR)
    try:
        properties = json.loads(event.data)["properties"]
        named, due_at = properties[SCHEDULE_PROPERTY], properties[DUE_PROPERTY]
    except (ValueError, TypeError, KeyError, RecursionError):
        return f"it was submitted by {event.actor}, and names no due time"
    if named == name and isinstance(due_at, str) and event.job_id == id_of_due_time(name, due_at):
        return ""
    return f"it was submitted by {event.actor} for {due_at!r}, whose job has another id"
