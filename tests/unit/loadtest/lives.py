"""Events of jobs as the API gives them."""

from datetime import UTC, datetime, timedelta

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(job_id, seq, status, at, *, fence=None, attempt=1, worker=None, lock="ledger"):
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
    }


def life(job_id, submitted, started, ended, *, fence, end="Completed", lock="ledger"):
    """The events of a job of one attempt."""
    return [
        event(job_id, 1, "Submitted", submitted, lock=lock),
        event(job_id, 2, "Started", started, fence=fence, worker="host-1", lock=lock),
        event(job_id, 3, end, ended, fence=fence, worker="host-1", lock=lock),
    ]
