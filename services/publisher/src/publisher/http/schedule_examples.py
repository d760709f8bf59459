"""Examples of the answers about schedules in the OpenAPI document."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.jobs import Page
from contracts.schedules import Schedule, ScheduleDetails, ScheduleEvent, ScheduleFiring
from contracts.statuses import JobStatus

_CREATED = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
_DUE = datetime(2026, 11, 30, 1, 30, tzinfo=UTC)
_LAST = ScheduleFiring(
    due_at=_DUE,
    trigger="due",
    outcome="submitted",
    job_id="2f0c54e2-94d1-8a3b-9c1e-5d1f0a7b6c3d",
    detail="",
    at=_DUE + timedelta(seconds=1),
)
_SCHEDULE = Schedule(
    name="close-of-day",
    state="active",
    description="",
    cron="30 2 * * MON-FRI",
    words="At 02:30 on Monday through Friday, Europe/Berlin",
    zone="Europe/Berlin",
    interval=None,
    start=None,
    end=None,
    misfire="once",
    misfire_limit=10,
    misfire_after=60,
    job={"kind": "ten-steps", "lock": "ledger-2026", "on_conflict": "skip"},
    next=[_DUE + timedelta(days=day) for day in range(1, 5)] + [_DUE + timedelta(days=7)],
    last=_LAST,
    created_at=_CREATED,
    created_by="maria",
    changed_at=_CREATED,
    changed_by="maria",
    paused_at=None,
    paused_by=None,
    pause_reason=None,
)
_DETAILS = ScheduleDetails(
    **{name: getattr(_SCHEDULE, name) for name in Schedule.model_fields},
    last_status=JobStatus.COMPLETED,
    history=[_LAST],
)
_PAUSED = _DETAILS.model_copy(
    update={
        "state": "paused",
        "next": [],
        "paused_at": _DUE + timedelta(hours=8),
        "paused_by": "maria",
        "pause_reason": "month's end",
    }
)
_EVENT = ScheduleEvent(
    id="018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
    schedule="close-of-day",
    action="changed",
    actor="maria",
    reason="half an hour later",
    timestamp_utc=_CREATED,
    data={"changes": {"cron": {"from": "0 2 * * MON-FRI", "to": "30 2 * * MON-FRI"}}},
)

#: The answer of each operation about schedules.
SCHEDULE_ANSWERS: Mapping[str, Any] = {
    name: answer.model_dump(mode="json")
    for name, answer in {
        "list_schedules": Page[Schedule](items=[_SCHEDULE]),
        "get_schedule": _DETAILS,
        "put_schedule": _DETAILS,
        "delete_schedule": _DETAILS,
        "pause_schedule": _PAUSED,
        "resume_schedule": _DETAILS,
        "run_schedule": _LAST.model_copy(update={"trigger": "hand"}),
        "list_schedule_events": Page[ScheduleEvent](items=[_EVENT]),
    }.items()
}
