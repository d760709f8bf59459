"""The documents of schedules that the API returns."""

import json
from datetime import datetime

from contracts.schedules import TOLD, Schedule, ScheduleDetails, ScheduleEvent, ScheduleState
from contracts.statuses import JobStatus
from schedules.definitions import in_words
from schedules.rows import ScheduleEventRow, ScheduleRow, moment


def schedule_document(row: ScheduleRow) -> Schedule:
    """Return a schedule as lists have it."""
    asked, firings = row.asked, row.firings
    due_at = moment(row.next_due)
    state: ScheduleState = "paused" if row.paused_at else "ended" if due_at is None else "active"
    return Schedule(
        name=row.name,
        state=state,
        description=asked.description,
        cron=asked.cron,
        words=in_words(asked),
        zone=asked.zone,
        interval=asked.interval,
        start=asked.start,
        end=asked.end,
        misfire=asked.misfire,
        misfire_limit=asked.misfire_limit,
        misfire_after=asked.misfire_after,
        job=asked.job.model_dump(mode="json", exclude_unset=True),
        next=[] if due_at is None else [due_at, *row.timing.following(due_at, TOLD - 1)],
        last=firings[0] if firings else None,
        created_at=datetime.fromisoformat(row.created_at),
        created_by=row.created_by,
        changed_at=datetime.fromisoformat(row.changed_at),
        changed_by=row.changed_by,
        paused_at=moment(row.paused_at),
        paused_by=row.paused_by or None,
        pause_reason=row.pause_reason or None,
    )


def schedule_details(row: ScheduleRow, last_status: JobStatus | None) -> ScheduleDetails:
    """Return a schedule with what became of its latest due times."""
    shown = schedule_document(row)
    return ScheduleDetails(
        **{name: getattr(shown, name) for name in type(shown).model_fields},
        last_status=last_status,
        history=row.firings,
    )


def event_document(row: ScheduleEventRow) -> ScheduleEvent:
    """Return an event of a schedule."""
    return ScheduleEvent.model_validate(
        {
            "id": row.event_id,
            "schedule": row.name,
            "action": row.action,
            "actor": row.actor,
            "reason": row.reason,
            "timestamp_utc": row.at,
            "data": json.loads(row.data),
        }
    )
