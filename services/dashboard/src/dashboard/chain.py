"""Checking the chain of a job's events again, from what is shown of them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from coordination.journal.events import chain_hash, timestamp
from coordination.journal.rows import EventRow
from read_models import TrailEntry


@dataclass(frozen=True)
class ChainCheck:
    """How far a chain was followed, and the number of the first event that does not fit, if there is one."""

    events: int = 0
    last_hash: str = ""
    broken_at: int | None = None

    def follow(self, entries: Iterable[TrailEntry]) -> "ChainCheck":
        """Return the check after these entries, which come next."""
        events, last_hash, broken_at = self.events, self.last_hash, self.broken_at
        for entry in entries:
            fits = entry.event.seq == events + 1 and entry.previous_hash == last_hash
            fits = fits and not entry.is_broken and chain_hash(_event_row(entry)) == entry.hash
            if broken_at is None and not fits:
                broken_at = entry.event.seq
            events, last_hash = entry.event.seq, entry.hash
        return ChainCheck(events, last_hash, broken_at)


def _event_row(entry: TrailEntry) -> EventRow:
    """Return the event as the journal wrote it, as far as its hash covers it."""
    event = entry.event
    return EventRow(
        job_id=event.job_id,
        lock_name=event.lock,
        seq=event.seq,
        status=event.status.value,
        message=event.message,
        timestamp=timestamp(event.timestamp_utc),
        attempt=event.attempt,
        actor=event.actor,
        op_id="",
        hash=entry.hash,
        fence=event.fence,
        worker=event.worker,
        data=json.dumps(event.data, ensure_ascii=False, separators=(",", ":")),
        previous_hash=entry.previous_hash,
    )
