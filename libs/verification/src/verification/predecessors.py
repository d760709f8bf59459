"""Jobs that wait for others: none starts before all have completed, whatever lock those are under."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.statuses import EventStatus, JobStatus
from coordination.journal.rows import EventRow, JobRow
from verification.events import UnreadableRowError, read_event
from verification.evidence import Evidence, Stored
from verification.findings import Invariant, Violation
from verification.scratch_database import ScratchDatabase


@dataclass(frozen=True)
class Claim:
    """What an event of a job says of the end of another."""

    predecessor: str
    status: str
    at: str


@dataclass
class Predecessors:
    """Follows what a job's events say of those that it waits for. Each function returns what is wrong."""

    #: Ids of those that have not ended, by its events.
    awaited: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)

    def submit(self, event: EventRow) -> None:
        """Take the submission."""
        if '"after"' not in event.data:
            return
        data = _data(event)
        self.awaited = _ids(data.get("awaited"))
        self._claim([one for one in _ids(data.get("after")) if one not in self.awaited], event)

    def follow(self, event: EventRow) -> str:
        """Take an event that says that some of them have completed."""
        data = _data(event)
        completed = _ids(data.get("completed"))
        left = [one for one in self.awaited if one not in completed]
        self._claim(completed, event)
        unknown = [one for one in completed if one not in self.awaited]
        said, self.awaited = _ids(data.get("awaited")), left
        if event.worker is not None:
            return f"worker {event.worker} says that jobs have completed for which it waits"
        if unknown or not completed:
            return f"it says that {unknown or 'none'} completed, and it did not wait for that"
        return "" if said == left else f"it says that {said} are left to wait for, and that is {left}"

    def start(self) -> str:
        """Take a start."""
        return f"it was started, and waits for the end of job {self.awaited[0]}" if self.awaited else ""

    def ends(self, event: EventRow, status: EventStatus) -> bool:
        """Return whether the job ends with this event as one that it waits for has not completed."""
        data = _data(event) if '"predecessor"' in event.data else {}
        predecessor = data.get("predecessor")
        if predecessor not in self.awaited or event.worker is not None:
            return False
        self.claims.append(Claim(predecessor, str(data.get("predecessor_status")), event.timestamp))
        return status in {EventStatus.FAILED, EventStatus.CANCELLED}

    def _claim(self, completed: Sequence[str], event: EventRow) -> None:
        self.claims += [Claim(one, JobStatus.COMPLETED.value, event.timestamp) for one in completed]


async def check_claims(
    evidence: Evidence, scratch: ScratchDatabase, tolerance_seconds: float
) -> AsyncIterator[Violation]:
    """See that jobs have ended as those say that waited for them, and before. Raises UnknownOutcomeError.

    Locks are read one after the other, so what does not fit is read again. Of a job that is forgotten,
    nothing tells how it ended.
    """
    claims = scratch.query(
        "SELECT claims.partition, claims.job_id, jobs.lock, predecessor, claims.status, at FROM claims"
        " JOIN jobs ON jobs.partition = claims.partition AND jobs.job_id = claims.job_id WHERE jobs.in_scope"
    )
    for _, job_id, lock, predecessor, status, at in list(claims):
        claim = Claim(predecessor, status, at)
        what = _wrong(claim, _known_end(scratch, predecessor), tolerance_seconds)
        if what:
            what = _wrong(claim, await _end_now(evidence, predecessor), tolerance_seconds)
        if what:
            yield Violation(Invariant.ONE_END, what, lock, job_id)


def _wrong(claim: Claim, end: tuple[str, str] | None, tolerance_seconds: float) -> str:
    if end is None:
        return ""
    status, ended_at = end
    if status != claim.status:
        return f"it says that job {claim.predecessor} was {claim.status}, which is {status}"
    if ended_at and _moment(ended_at) - _moment(claim.at) > timedelta(seconds=tolerance_seconds):
        return f"it waited for job {claim.predecessor} until {claim.at}, which ended at {ended_at}"
    return ""


def _known_end(scratch: ScratchDatabase, job_id: str) -> tuple[str, str] | None:
    """Return how and when a job has ended, as it was read; a text that no claim has where it was not."""
    found = scratch.one("SELECT status, ended_at FROM jobs WHERE job_id = ?", job_id)
    removed = found or scratch.one("SELECT outcome, finished_at FROM removed_jobs WHERE job_id = ?", job_id)
    return ("not read", "") if removed is None else (str(removed[0]), str(removed[1]))


async def _end_now(evidence: Evidence, job_id: str) -> tuple[str, str] | None:
    """Read how and when a job has ended; None for one that is forgotten."""
    place = await evidence.find(job_id)
    if place is None:
        return None
    status, ended_at = JobStatus.QUEUED.value, ""
    for stored in await evidence.job(place.partition, job_id):
        if stored.values.get("status") == JobRow.REMOVED:
            return str(stored.values.get("outcome")), str(stored.values.get("finished_at"))
        event = _event(stored)
        if event is not None and _is_end(event):
            status, ended_at = event.status, event.timestamp
    return status, ended_at


def _event(stored: Stored) -> EventRow | None:
    try:
        return read_event(stored.values) if stored.key.startswith("event|") else None
    except UnreadableRowError:
        return None  # it is reported where the journal is read


def _is_end(event: EventRow) -> bool:
    return event.status in set(JobStatus) and JobStatus(event.status).is_terminal


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # It is reported where the journal is read.
        return datetime.fromisoformat("1970-01-01T00:00:00Z")


def _data(event: EventRow) -> dict[str, Any]:
    try:
        found = json.loads(event.data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _ids(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
