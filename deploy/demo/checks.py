"""What the demonstration checks, from nothing but the recorded events."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.runs import runs_of
from contracts.statuses import EventStatus

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One attempt at one job, from its Started to its last event."""

    job_id: str
    attempt: int
    fence: int
    worker: str
    start: datetime
    end: datetime
    outcome: str


@dataclass(frozen=True)
class Check:
    """Something that must hold, and whether it did."""

    what: str
    holds: bool
    detail: str = ""


def runs_by_fence(trails: Iterable[Sequence[Event]]) -> list[Run]:
    """Return the runs of a lock's jobs, each given with its events in order, by their fences."""
    runs = [_run(run.start, run.end) for trail in trails for run in runs_of(trail) if run.start is not None]
    return sorted(runs, key=lambda run: run.fence)


def check_runs(runs: Sequence[Run]) -> list[Check]:
    """Check that no two runs of a lock overlapped, and that fences rise with time."""
    overlaps = [
        f"{later.job_id} began before the end of {earlier.job_id}"
        for earlier, later in itertools.pairwise(runs)
        if later.start < earlier.end
    ]
    fences = [run.fence for run in runs]
    return [
        Check(f"the {len(runs)} runs did not overlap", not overlaps, "; ".join(overlaps)),
        Check("every run had a higher fence than the one before", len(set(fences)) == len(fences)),
    ]


def check_interruption(job: Mapping[str, Any], events: Sequence[Event], victim: str) -> list[Check]:
    """Check that the killed worker's job was taken over, continued and repeated no recorded step."""
    interrupted = [event for event in events if event["status"] == "Interrupted"]
    starts = [event for event in events if event["status"] == "Started"]
    steps = [event["message"] for event in events if event["status"] == "Step"]
    took_over = len(starts) >= 2 and starts[0]["worker"] == victim and starts[-1]["worker"] != victim
    by = starts[-1]["worker"] if starts else "no worker"
    before = sum(event["status"] == "Step" and event["attempt"] == 1 for event in events)
    return [
        Check("the killed run is recorded as interrupted", bool(interrupted)),
        Check("another worker took the job over", took_over, f"{victim} → {by}"),
        Check(
            "no recorded step ran again",
            len(set(steps)) == len(steps) > 0,
            f"{before} steps before the kill, {len(steps) - before} after",
        ),
        Check("the job completed", job["status"] == "Completed", f"attempt {job['attempt']}"),
    ]


def check_trail(events: Sequence[Event]) -> Check:
    """Check that a job's events are numbered without gaps and end once."""
    numbers = [event["seq"] for event in events]
    ends = [event for event in events if EventStatus(event["status"]).is_terminal]
    holds = numbers == list(range(1, len(numbers) + 1)) and len(ends) == 1 and ends[0] is events[-1]
    return Check("every job's events are numbered without gaps and end exactly once", holds)


def _run(started: Event, end: Event | None) -> Run:
    return Run(
        job_id=started["job_id"],
        attempt=started["attempt"],
        fence=started["fence"],
        worker=started["worker"],
        start=datetime.fromisoformat(started["timestamp_utc"]),
        end=datetime.fromisoformat(end["timestamp_utc"]) if end else datetime.max.replace(tzinfo=UTC),
        outcome=end["status"] if end else "still runs",
    )
