"""The audit trail against the journal, event for event.

A first pass compares one digest per job, so that neither of the two has to be kept. Jobs that differ are read
again from both: what the trail lacks at a job's end may be on its way, anything else is wrong.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from contracts.traceparent import trace_id_of
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow
from verification.events import UnreadableRowError, read_event
from verification.evidence import Evidence, TrailEvent
from verification.findings import Invariant, Violation
from verification.history import lock_partition, update_digest
from verification.removals import RemovedEnd, known_removed, read_removed
from verification.scope import Scope
from verification.scratch_database import ScratchDatabase
from verification.waiting import Patience, batches

#: Jobs that differ and are looked at closely; of more, only their number is reported.
_MOST_CLOSE_LOOKS = 5000

_AT_ONCE = 16

#: Removed jobs whose trails stand.
_ARCHIVED = "SELECT job_id FROM removed_jobs WHERE has_trail"

_LATE = "the trail lacks event"


class TrailCheck:
    """Compares the trail with what the scratch database knows of the journal."""

    def __init__(self, evidence: Evidence, scratch: ScratchDatabase, scope: Scope) -> None:
        self._evidence = evidence
        self._scratch = scratch
        self._scope = scope
        #: Jobs, with their partitions, that differ in the first pass.
        self._differ: dict[str, str] = {}
        self._differ_beyond = 0

    async def check(self, patience: Patience, job_ids: Sequence[str] | None) -> AsyncIterator[Violation]:
        """Compare the trails of these jobs, or the whole trail."""
        if job_ids is None:
            await self._compare(None)
        archived = [job_id for (job_id,) in self._scratch.query(_ARCHIVED)]
        for some in batches([] if job_ids is None else [*job_ids, *archived], _AT_ONCE):
            await asyncio.gather(*map(self._compare, some))
        for job_id, partition in self._scratch.query(
            "SELECT job_id, partition FROM jobs WHERE in_scope AND NOT in_trail"
        ):
            self._note(job_id, partition)
        for job_id, partition in self._scratch.query(
            "SELECT job_id, partition FROM removed_jobs WHERE has_trail AND NOT in_trail"
        ):
            self._note(job_id, partition)
        late: dict[str, str] = {}
        async for job_id, found in self._look_at_all(self._differ):
            if found and found[0].message.startswith(_LATE):
                late[job_id] = self._differ[job_id]
                continue
            for violation in found:
                yield violation
        async for violation in self._wait_for(late, patience):
            yield violation
        if self._differ_beyond:
            yield Violation(Invariant.TRAIL, f"the trails of {self._differ_beyond} more jobs differ")

    async def _wait_for(self, late: dict[str, str], patience: Patience) -> AsyncIterator[Violation]:
        async for is_last in patience.looks():
            async for job_id, found in self._look_at_all(dict(late)):
                if not found:
                    del late[job_id]
                elif is_last or not found[0].message.startswith(_LATE):
                    del late[job_id]
                    for violation in found:
                        yield violation
            if not late:
                return

    # --- the first pass ---------------------------------------------------------

    async def _compare(self, job_id: str | None) -> None:
        of_job, digest, chain = "", hashlib.sha256(), _Chain()
        first: TrailEvent | None = None
        last: TrailEvent | None = None
        async for page in self._evidence.trail(job_id):
            for entry in page:
                if entry.partition != of_job:
                    self._close(first, last, digest, chain)
                    of_job, digest, first, chain = entry.partition, hashlib.sha256(), entry, _Chain()
                last = entry
                if entry.is_broken or _misplaced(entry):
                    digest.update(b"broken")
                computed = chain_hash(entry.event)
                chain.follow(entry, computed)
                update_digest(digest, entry.event, entry.trace_id, computed)
        self._close(first, last, digest, chain)

    def _close(
        self,
        first: TrailEvent | None,
        last: TrailEvent | None,
        digest: "hashlib._Hash",
        chain: "_Chain",
    ) -> None:
        if first is None or last is None:
            return
        job_id, partition = first.partition, lock_partition(first.event.lock_name)
        facts = self._scratch.job(partition, job_id)
        if facts is None:
            removed = known_removed(self._scratch, job_id)
            if removed is not None:
                self._scratch.execute("UPDATE removed_jobs SET in_trail = 1 WHERE job_id = ?", job_id)
                if not removed.contradicts(last, is_whole=chain.is_whole):
                    return
            if self._is_lost(first):
                self._note(job_id, partition)
            return
        self._scratch.execute(
            "UPDATE jobs SET in_trail = 1 WHERE job_id = ? AND partition = ?", job_id, partition
        )
        if facts.in_scope and facts.digest != digest.digest():
            self._note(job_id, partition)

    def _is_lost(self, first: TrailEvent) -> bool:
        """Return whether the trail of a job that is not known is of the scope, by the job's first event."""
        at, lock = first.event.timestamp, first.event.lock_name
        is_chosen = not self._scope.locks or lock in self._scope.locks
        known = self._scratch.one("SELECT partition FROM jobs WHERE job_id = ?", first.partition)
        return known is None and is_chosen and self._scope.holds(at, at)

    def _note(self, job_id: str, partition: str) -> None:
        if len(self._differ) < _MOST_CLOSE_LOOKS:
            self._differ[job_id] = partition
        else:
            self._differ_beyond += 1

    # --- the close look ---------------------------------------------------------

    async def _look_at_all(self, jobs: Mapping[str, str]) -> AsyncIterator[tuple[str, list[Violation]]]:
        for some in batches(jobs, _AT_ONCE):
            looks = (self._look_closely(job_id, jobs[job_id]) for job_id in some)
            for job_id, found in zip(some, await asyncio.gather(*looks), strict=True):
                yield job_id, found

    async def _look_closely(self, job_id: str, partition: str) -> list[Violation]:
        """Read a job again from both; the trail first, as it can only lag behind."""
        trail = [entry async for page in self._evidence.trail(job_id) for entry in page]
        journal = []
        for stored in await self._evidence.job(partition, job_id):
            if stored.key.startswith("event|"):
                try:
                    journal.append(read_event(stored.values))
                except UnreadableRowError:
                    continue
        removed = None if journal else await read_removed(self._evidence, partition, job_id)
        if removed is not None:
            end = RemovedEnd(removed.seq, removed.event_hash, removed.has_trail)
            if not trail and not removed.has_trail:
                return []
            if trail and not end.contradicts(trail[-1], is_whole=_is_whole(trail)):
                return []
            what = (
                "the trail of an archived job is not whole, or does not end as the job did"
                if removed.has_trail
                else "the trail of a removed job does not end as the job did"
            )
            return [Violation(Invariant.TRAIL, what, removed.lock_name, job_id)]
        lock = (journal or [entry.event for entry in trail])[0].lock_name if journal or trail else None
        by_seq = {entry.event.seq: entry for entry in trail}
        found = [
            f"the trail has event {entry.event.seq} a second time, in the row {entry.key}"
            for entry in trail
            if entry is not by_seq[entry.event.seq]
        ]
        for event in journal:
            entry = by_seq.pop(event.seq, None)
            what = f"{_LATE} {event.seq}, {event.status}" if entry is None else _difference(event, entry)
            if what and entry is None and by_seq and event.seq < max(by_seq):
                what = f"the trail skips event {event.seq}, {event.status}"
            if what:
                found.append(what)
        found += [
            f"the trail has event {seq}, {entry.event.status}, which the journal does not have"
            for seq, entry in by_seq.items()
        ]
        return [
            Violation(Invariant.TRAIL, what, lock, job_id)
            for what in sorted(found, key=lambda what: what.startswith(_LATE))[:3]
        ]


class _Chain:
    """Follows the events of one trail, as far as each carries the hash of the one before."""

    def __init__(self) -> None:
        self.is_whole = True
        self._seq, self._hash = 0, ""

    def follow(self, entry: TrailEvent, computed: str) -> None:
        """Take the next event; `computed` is the hash that it should have."""
        event = entry.event
        fits = (event.seq, event.previous_hash, event.hash) == (self._seq + 1, self._hash, computed)
        self.is_whole = self.is_whole and fits and not (entry.is_broken or _misplaced(entry))
        self._seq, self._hash = event.seq, event.hash


def _is_whole(trail: Sequence[TrailEvent]) -> bool:
    chain = _Chain()
    for entry in trail:
        chain.follow(entry, chain_hash(entry.event))
    return chain.is_whole


def _misplaced(entry: TrailEvent) -> bool:
    event = entry.event
    return entry.partition != event.job_id or entry.key != f"{event.job_id}-{event.seq:06d}"


def _difference(event: EventRow, entry: TrailEvent) -> str:
    if _misplaced(entry):
        return f"the trail has event {event.seq} in the row {entry.key}"
    kept = replace(event, op_id=entry.event.op_id, traceparent=entry.event.traceparent)
    names = [name for name, value in kept.values().items() if value != entry.event.values()[name]]
    if trace_id_of(event.traceparent) != entry.trace_id:
        names.append("trace id")
    if names:
        return f"the trail and the journal differ in event {event.seq}: {', '.join(names)}"
    if entry.is_broken:
        return f"the projector found that event {event.seq} does not follow from the one before"
    return ""
