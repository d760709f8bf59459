"""Recording events: each carries the hash of the one before, so that no trail can be altered unseen."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow, JobRow, event_key
from coordination.ports import Announcement, Insert, RecordedRows


def timestamp(moment: datetime) -> str:
    """Return a UTC moment as the journal writes it: ISO 8601 with microseconds and `Z`. Text sorts."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Writer:
    """Who writes events, when, and in which transaction."""

    actor: str
    op_id: str
    at: str
    worker: str = ""


def chain_hash(event: EventRow) -> str:
    """Compute the hash an event must have: over its facts and the hash of the event before it."""
    facts = [
        event.previous_hash,
        event.job_id,
        event.lock_name,
        event.seq,
        event.status,
        event.message,
        event.timestamp,
        event.attempt,
        event.fence,
        event.worker,
        event.actor,
        event.data,
    ]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def record(
    job: JobRow, status: EventStatus, message: str, writer: Writer, data: Mapping[str, Any] | None = None
) -> tuple[JobRow, EventRow]:
    """Append an event to a job: gives the job's row moved on by one, and the event."""
    event = EventRow(
        job_id=job.job_id,
        lock_name=job.lock_name,
        seq=job.seq + 1,
        status=status.value,
        message=message,
        timestamp=writer.at,
        attempt=job.attempt,
        actor=writer.actor,
        op_id=writer.op_id,
        hash="",
        fence=job.fence or None,
        worker=writer.worker or None,
        traceparent=job.traceparent,
        data=json.dumps(data or {}, ensure_ascii=False, separators=(",", ":")),
        previous_hash=job.event_hash,
    )
    event = replace(event, hash=chain_hash(event))
    return replace(job, seq=event.seq, event_hash=event.hash), event


def slot_of(event: EventRow) -> int:
    """Return the slot in which an event's run is; events of slot 0 do not say it."""
    slot = json.loads(event.data).get("slot", 0) if '"slot"' in event.data else 0
    return slot if isinstance(slot, int) else 0


def with_reason(message: str, reason: str) -> str:
    """Return the message of an action, followed by its reason if one was given."""
    return f"{message}: {reason}" if reason else message


def reason_data(reason: str) -> dict[str, Any]:
    """Return what the event of an action keeps of its reason."""
    return {"reason": reason} if reason else {}


def insert(event: EventRow) -> Insert:
    """Return the operation that writes an event."""
    # Rule R24 (spec/turnstile.pml): an event is inserted under the next number and never overwritten.
    return Insert(event_key(event.job_id, event.seq), event.values())


def announcements(
    written: Iterable[EventRow], jobs: Mapping[str, JobRow] | None = None
) -> list[Announcement]:
    """Return what is announced of events, which are in order: one announcement for each job.

    `jobs` are the jobs as of their last events. Whoever names them vouches that all of this is committed.
    """
    of_jobs = [list(events) for _, events in groupby(written, key=lambda event: event.job_id)]
    return [_announcement(events, (jobs or {}).get(events[0].job_id)) for events in of_jobs]


def _announcement(events: Sequence[EventRow], job: JobRow | None) -> Announcement:
    first, last = events[0], events[-1]
    recorded = None
    if job is not None and job.seq == last.seq and job.event_hash == last.hash:
        recorded = RecordedRows([event.values() for event in events], job.values())
    return Announcement(first.lock_name, first.job_id, first.seq, last.seq, first.traceparent, recorded)
