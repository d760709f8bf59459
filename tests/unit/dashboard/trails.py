"""Events of a job, written down in short."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.jobs import Event
from contracts.statuses import EventStatus

JOB_ID = "019aa3a6-0000-7000-8000-000000004f82"

START = datetime(2026, 11, 28, 14, 17, 32, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the submission."""
    return START + timedelta(seconds=seconds)


def event(
    seq: int,
    seconds: float,
    status: str,
    /,
    message: str = "",
    *,
    attempt: int = 0,
    fence: int | None = None,
    worker: str | None = None,
    actor: str = "maria.k",
    **data: Any,
) -> Event:
    """Return an event that happened so many seconds after the submission."""
    return Event(
        job_id=JOB_ID,
        seq=seq,
        event_id=f"{JOB_ID}-{seq:06d}",
        status=EventStatus(status),
        message=message,
        timestamp_utc=at(seconds),
        attempt=attempt,
        fence=fence,
        worker=worker,
        lock="ledger-2026",
        actor=worker or actor,
        trace_id=None,
        data=data,
    )


def trail(*entries: tuple[float, str, dict[str, Any]]) -> list[Event]:
    """Return the events of a job; what an entry leaves out is as in the entry before."""
    known: dict[str, Any] = {}
    found = []
    for seq, (seconds, status, given) in enumerate(entries, 1):
        known.update((name, given[name]) for name in ("attempt", "fence", "worker") if name in given)
        found.append(event(seq, seconds, status, **(known | given)))
    return found


def steps(count: int, start: float = 1.0, each: float = 1.0) -> Iterable[tuple[float, str, dict[str, Any]]]:
    """Return so many steps in a row."""
    for number in range(1, count + 1):
        data = {"number": number, "seconds": each}
        yield start + number * each, "Step", {"message": f"step {number}", **data}


SUBMITTED = (0.0, "Submitted", {"message": "submitted by maria.k"})


def started(
    seconds: float, attempt: int, fence: int, worker: str, **more: Any
) -> tuple[float, str, dict[str, Any]]:
    """Return the start of an attempt."""
    given = {"attempt": attempt, "fence": fence, "worker": worker, "message": f"attempt {attempt} started"}
    return seconds, "Started", given | more
