"""What became of jobs, from their events as the HTTP API returns them, and the times that follow from it."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.runs import runs_of
from contracts.statuses import EventStatus


@dataclass(frozen=True)
class Run:
    """One attempt at a job."""

    job_id: str
    lock: str
    fence: int
    worker: str
    #: When the job began to wait for this start.
    waiting_since: datetime
    start: datetime
    end: datetime
    was_cut_off: bool
    #: The slot of the lock: each has fences of its own.
    slot: int = 0


@dataclass(frozen=True)
class History:
    """Everything that happened to a job which has ended."""

    job_id: str
    #: Its terminal statuses; more than one is a broken promise.
    ends: tuple[str, ...]
    is_complete: bool
    runs: tuple[Run, ...]
    submitted_at: datetime
    ended_at: datetime
    #: The job whose submission cancelled it, or asked it to stop.
    replaced_by: str | None = None


def history_of(job_id: str, events: Sequence[Mapping[str, Any]]) -> History | None:
    """Make a job's history of its events; None when it has not ended."""
    ends = tuple(event["status"] for event in events if EventStatus(event["status"]).is_terminal)
    if not ends:
        return None
    numbers = [event["seq"] for event in events]
    is_complete = (
        numbers == list(range(1, len(numbers) + 1))
        and events[0]["status"] == EventStatus.SUBMITTED
        and EventStatus(events[-1]["status"]).is_terminal
    )
    ended = next(event for event in events if EventStatus(event["status"]).is_terminal)
    replacing = (_data(event).get("replaced_by") for event in events)
    return History(
        job_id,
        ends,
        is_complete,
        tuple(_runs(events)),
        submitted_at=_moment(events[0]),
        ended_at=_moment(ended),
        replaced_by=next(filter(None, replacing), None),
    )


def runs_by_slot(histories: Iterable[History]) -> dict[tuple[str, int], list[Run]]:
    """Return the runs of every slot of every lock, in the order of their fences."""
    found: defaultdict[tuple[str, int], list[Run]] = defaultdict(list)
    for history in histories:
        for run in history.runs:
            found[run.lock, run.slot].append(run)
    return {place: sorted(runs, key=lambda run: run.fence) for place, runs in found.items()}


def runs_by_lock(histories: Iterable[History]) -> dict[str, list[Run]]:
    """Return the runs of every lock in the order of their ends."""
    found: defaultdict[str, list[Run]] = defaultdict(list)
    for (lock, _), runs in runs_by_slot(histories).items():
        found[lock] += runs
    return {lock: sorted(runs, key=lambda run: run.end) for lock, runs in found.items()}


def overlaps(runs: Sequence[Run]) -> list[str]:
    """Return which runs of one slot, ordered by fence, overlap or share a fence."""
    return [
        f"{later.job_id} (fence {later.fence}) and {earlier.job_id} (fence {earlier.fence}), "
        f"slot {later.slot} of {later.lock}"
        for earlier, later in itertools.pairwise(runs)
        if later.start < earlier.end or later.fence == earlier.fence
    ]


def take_overs(runs: Sequence[Run], killed: Mapping[str, datetime]) -> list[float]:
    """Return the seconds from killing a worker to the next start in the slot, for runs it was killed under.

    `killed` holds when each worker was killed, by the name that its runs carry.
    """
    return [
        (later.start - killed[earlier.worker]).total_seconds()
        for earlier, later in itertools.pairwise(runs)
        if earlier.was_cut_off and killed.get(earlier.worker, earlier.start) > earlier.start
    ]


def jobs_per_second(runs: Sequence[Run]) -> float | None:
    """Return how many runs a second went through a lock, from the first start to the last end."""
    if len(runs) < 2:
        return None
    seconds = (max(run.end for run in runs) - min(run.start for run in runs)).total_seconds()
    return len(runs) / seconds if seconds > 0 else None


def _runs(events: Sequence[Mapping[str, Any]]) -> Iterable[Run]:
    for run in runs_of(events):
        if run.start is not None and run.end is not None:
            yield Run(
                job_id=run.start["job_id"],
                lock=run.start["lock"],
                fence=run.fence,
                worker=run.start["worker"],
                waiting_since=_moment(run.queued or run.start),
                start=_moment(run.start),
                end=_moment(run.end),
                was_cut_off=run.end["status"] == EventStatus.INTERRUPTED,
                slot=_data(run.start).get("slot", 0),
            )


def _data(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = event.get("data") or {}
    return found


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["timestamp_utc"])
