"""What the read models hold in addition to events and summaries of jobs, which `contracts` describes."""

import json
from dataclasses import dataclass, field
from datetime import datetime

from contracts.jobs import Event
from contracts.statuses import EventStatus
from contracts.traceparent import trace_id_of
from coordination.journal.rows import EventRow
from coordination.slot import Slot


class StaleError(Exception):
    """Another projector has changed the row since it was read: read it again."""


@dataclass(frozen=True)
class TrailEntry:
    """An event as the audit trail keeps it."""

    event: Event
    hash: str
    previous_hash: str
    #: The entry does not fit the one before it: the journal was altered.
    is_broken: bool = False


@dataclass(frozen=True)
class Watermark:
    """How far a job is projected, and what the projection must know to go on from there."""

    seq: int = 0
    hash: str = ""
    #: Fence of the run in progress at that point; 0 when none was.
    running_fence: int = 0
    #: Version of the row; None when the job has not been projected yet.
    etag: str | None = None
    #: When the job last began to wait: at its submission, or its latest interruption.
    queued_at: datetime | None = None
    #: Time of the last event of the run in progress; None when none was.
    last_event_at: datetime | None = None
    #: Number of the last event that the job's summary takes into account; not less than `seq`. It is not
    #: stored with the watermark.
    as_of: int = 0


@dataclass(frozen=True)
class LockRun:
    """Who had a slot from when to when: one row per fence. A half may be missing until it is projected."""

    lock: str
    fence: int
    job_id: str | None = None
    attempt: int | None = None
    worker: str | None = None
    #: Lease id; the same for all fences of one unbroken holding.
    tenure: str | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    #: The transactions that began and ended it.
    begun_in: str | None = None
    ended_in: str | None = None
    #: Kind and name of the job; None in a row that an earlier version wrote.
    kind: str | None = None
    name: str | None = None
    #: Set once it was found to overlap another: by whom.
    overlap: str | None = None
    #: Every run that was stored under this fence; more than one is a violation.
    runs: frozenset[str] = field(default=frozenset(), compare=False)
    #: Version of the row; None when it was not read.
    etag: str | None = field(default=None, compare=False)
    #: Since when its job waited for this run.
    queued_at: datetime | None = None
    #: Time of its last event before the one that ended it.
    last_event_at: datetime | None = None
    #: The worker that ended it: another one ends the run of a worker that was lost.
    ended_by: str | None = None
    #: Whether its runner process died; None when the run was not cut off.
    runner_died: bool | None = None
    #: The slot of the lock in which it ran; None for slot 0.
    slot: int | None = None

    @property
    def partition(self) -> str:
        """Where it is stored: the lock runs of each slot are apart, as each has fences of its own."""
        return Slot(self.lock, self.slot or 0).lease_name


@dataclass(frozen=True)
class Overlap:
    """A lock run that was found to overlap another. There is none as long as the guarantee holds."""

    lock: str
    fence: int
    job_id: str | None


@dataclass(frozen=True)
class KnownLock:
    """A lock that was ever used."""

    lock: str
    partition: str
    last_fence: int
    #: When about the run with that fence began; None when it was not seen to begin.
    used_at: datetime | None = field(default=None, compare=False)


def event_document(event: EventRow) -> Event:
    """Return an event as the API and the read models show it."""
    return Event(
        job_id=event.job_id,
        seq=event.seq,
        event_id=f"{event.job_id}-{event.seq:06d}",
        status=EventStatus(event.status),
        message=event.message,
        timestamp_utc=datetime.fromisoformat(event.timestamp),
        attempt=event.attempt,
        fence=event.fence,
        worker=event.worker,
        lock=event.lock_name,
        actor=event.actor,
        trace_id=trace_id_of(event.traceparent),
        data=json.loads(event.data),
    )
