"""What the lists must say of a job that has ended, and of a run that is over, by the journal.

The columns are written down here once more, on purpose: what projects the journal must not be judged by its
own words.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from contracts.statuses import EventStatus, JobStatus
from contracts.traceparent import trace_id_of
from coordination.ports import Values
from verification.listed import ALL_JOBS, TAKEN_OVER
from verification.scratch_database import JobFacts, Run

_RARE = {JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.CANCELLED, JobStatus.EXPIRED}

#: What the projector keeps for itself, and no reader sees.
_OWN_COLUMNS = {"WaitsSince", "WroteAt", "AsOf"}

#: Of a run: what its job's submission may not say.
_SUBMITTED = {"Kind", "Name"}


def places_of(facts: JobFacts) -> list[str]:
    """Return the lists in which a job that has ended must stand."""
    found = [ALL_JOBS]
    if facts.status in _RARE:
        found.append(facts.status)
    return [*found, TAKEN_OVER] if facts.interruptions else found


def job_columns(row: Values) -> dict[str, Any]:
    """Return what each list must say of a job that has ended, by its row; None where it says nothing."""
    error_type = row.get("error_type") or None
    return {
        "JobId": row.get("job_id"),
        "Kind": row.get("kind"),
        "Name": row.get("name") or "",
        "Lock": row.get("lock_name"),
        "Status": row.get("status"),
        "Priority": row.get("priority"),
        "Attempt": row.get("attempt") or 0,
        "Interruptions": row.get("interruptions") or 0,
        "Fence": row.get("fence") or None,
        "Worker": row.get("worker") or None,
        "Actor": row.get("actor"),
        "CancelRequested": bool(row.get("cancel_requested")),
        "Finalized": bool(row.get("finalized_at")) or None,
        "TraceId": trace_id_of(_text(row.get("traceparent"))),
        "ErrorType": error_type,
        "ErrorMessage": (row.get("error_message") or "") if error_type else None,
        "SubmittedAt": row.get("submitted_at"),
        "QueuedAt": row.get("queued_at") or None,
        "StartedAt": row.get("started_at") or None,
        "FinishedAt": row.get("finished_at") or None,
        **_properties(str(row.get("properties") or "{}")),
    }


def listed_columns(place: str, facts: JobFacts) -> dict[str, Any]:
    """Return what one list must say of a job that has ended."""
    columns: dict[str, Any] = json.loads(facts.listed)
    if place == ALL_JOBS:
        columns |= {"ProjectedSeq": facts.events, "ProjectedHash": facts.hash, "RunningFence": 0}
    return columns


def run_columns(run: Run, facts: JobFacts) -> dict[str, Any]:
    """Return what the list of runs must say of a run that is over."""
    told = json.loads(facts.told)
    was_cut_off = run.outcome == EventStatus.INTERRUPTED
    columns = {
        "Lock": run.lock,
        "Fence": run.fence,
        "JobId": run.job_id,
        "Kind": facts.kind,
        "Name": told.get("name"),
        "Attempt": run.attempt,
        "Worker": run.worker,
        "Tenure": run.tenure or None,
        "From": run.began_at,
        "Until": run.ended_at,
        "Outcome": run.outcome,
        "BegunIn": run.begun_in,
        "EndedIn": run.ended_in,
        "QueuedAt": run.queued_at,
        "LastEventAt": run.wrote_at,
        "EndedBy": run.ended_by or None,
        "RunnerDied": bool(run.died) if was_cut_off else None,
        "Slot": run.slot or None,
        f"Run_{run.job_id.replace('-', '_')}_{run.attempt}": True,
    }
    # What its submission does not say, no event says.
    return {name: due for name, due in columns.items() if due is not None or name not in _SUBMITTED}


def differences(expected: Mapping[str, Any], found: Values) -> list[str]:
    """Return in which columns a row differs from what it must say, and where it says more."""
    ignored = _OWN_COLUMNS | {"Overlap"} | (_SUBMITTED - expected.keys())
    names = [*expected, *(name for name in found if name not in expected and name not in ignored)]
    return [
        f"{name} {found.get(name)!r}, the journal {expected.get(name)!r}"
        for name in names
        if found.get(name) != expected.get(name)
    ]


def _properties(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {
        f"Property_{hashlib.sha256(name.encode()).hexdigest()[:16]}": json.dumps(
            [name, value], ensure_ascii=False
        )
        for name, value in found.items()
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
