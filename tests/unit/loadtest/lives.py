"""Events of jobs as the API gives them."""

from datetime import UTC, datetime, timedelta

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(job_id, seq, status, at, *, fence=None, attempt=1, worker=None, lock="ledger", data=None):
    """An event as the API gives it, `at` seconds after the beginning."""
    return {
        "job_id": job_id,
        "seq": seq,
        "status": status,
        "timestamp_utc": (BEGAN + timedelta(seconds=at)).isoformat(),
        "fence": fence,
        "attempt": attempt,
        "worker": worker,
        "lock": lock,
        "data": data or {},
    }


def life(job_id, submitted, started, ended, *, fence, end="Completed", lock="ledger", slot=0):
    """The events of a job of one attempt."""
    run = {"fence": fence, "worker": "host-1", "lock": lock, "data": {"slot": slot} if slot else {}}
    return [
        event(job_id, 1, "Submitted", submitted, lock=lock),
        event(job_id, 2, "Started", started, **run),
        event(job_id, 3, end, ended, **run),
    ]


def replaced(job_id, submitted, ended, by, lock="ledger"):
    """The events of a job that waited until another took its place."""
    return [
        event(job_id, 1, "Submitted", submitted, lock=lock),
        event(job_id, 2, "Cancelled", ended, lock=lock, data={"replaced_by": by}),
    ]


def stopped(job_id, submitted, started, ended, by, *, fence, end="Cancelled", lock="ledger"):
    """The events of a job that was asked to stop while it ran."""
    first, start, last = life(job_id, submitted, started, ended, fence=fence, end=end, lock=lock)
    asked = event(job_id, 3, "CancelRequested", ended - 0.1, fence=fence, lock=lock, data={"replaced_by": by})
    return [first, start, asked, {**last, "seq": 4}]
