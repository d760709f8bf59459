"""Runs of a lock for tests, by minutes before a fixed moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

from read_models.documents import LockRun

NOW = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
PERIOD = (NOW - timedelta(hours=3), NOW)


def ago(minutes: float) -> datetime:
    """Return the moment so many minutes before the end of the period."""
    return NOW - timedelta(minutes=minutes)


def run(fence: int, begin: float | None, end: float | None = None, **more: Any) -> LockRun:
    """Return a run that began and ended so many minutes ago, of its own job, completed by worker-1."""
    values: dict[str, Any] = {
        "job_id": f"job-{fence}",
        "attempt": 1,
        "worker": "worker-1",
        "tenure": "lease-1",
        "begun_in": f"start-{fence}",
        "kind": "ten-steps",
        "name": f"Job {fence}",
    }
    if begin is not None:
        values["began_at"] = ago(begin)
    if end is not None:
        values |= {"ended_at": ago(end), "ended_in": f"end-{fence}", "outcome": "Completed"}
        values["ended_by"] = more.get("worker", "worker-1")
    return LockRun("ledger", fence, **(values | more))


def lost(fence: int, begin: float, end: float, last_event: float | None, **more: Any) -> LockRun:
    """Return a run of worker-1 that worker-2 ended when it took over."""
    last = None if last_event is None else ago(last_event)
    values = {"outcome": "Interrupted", "ended_by": "worker-2", "runner_died": False, "last_event_at": last}
    return run(fence, begin, end, **(values | more))
