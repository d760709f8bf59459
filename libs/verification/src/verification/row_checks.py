"""What a job's row, and its copy in line, must contain by the job's events."""

import json
from collections.abc import Iterator

from coordination.journal import rows
from coordination.ports import Values
from verification.scratch_database import JobFacts
from verification.told_rows import as_told


def contradictions(values: Values, facts: JobFacts) -> Iterator[str]:
    """Return where a job's row, or its ticket's copy of it, and its events differ."""
    expected = {
        "job_id": facts.job_id,
        "seq": facts.events,
        "event_hash": facts.hash,
        "status": facts.status,
        "fence": facts.fence,
        "worker": facts.worker,
        "attempt": facts.attempts,
        "interruptions": facts.interruptions,
        "deaths": facts.deaths,
        "steps": facts.steps,
        "cancel_requested": bool(facts.cancel_requested),
        "submitted_at": facts.submitted_at,
        "finished_at": facts.ended_at,
        "lock_name": facts.lock,
    }
    submitted = {"kind": facts.kind, "priority": facts.priority}
    expected |= {name: due for name, due in submitted.items() if due is not None}
    differs = False
    for name, due in expected.items():
        found = values.get(name)
        if found != due:
            differs = True
            yield f"{name} {found!r}, its events {due!r}"
    if differs:
        # What follows may be of another moment, too.
        return
    for name, due in json.loads(facts.told).items():
        if as_told(name, values.get(name)) != due:
            yield f"{name} {values.get(name)!r}, its events {due!r}"


def place_in_line(values: Values) -> str:
    """Return the key of the ticket that a job's row asks for."""
    priority = values.get("priority")
    place = (
        priority if isinstance(priority, int) else 0,
        str(values.get("order")),
        str(values.get("job_id")),
    )
    due_at = values.get("due_at")
    if due_at and not values.get("holds_place"):
        return rows.due_key(str(due_at), *place)
    return rows.ticket_key(*place)
