"""What nothing that is over may keep: a place among the active jobs, a lease."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from verification.evidence import Evidence
from verification.findings import Invariant, Violation
from verification.register import is_over, read_facts
from verification.scratch_database import ScratchDatabase
from verification.waiting import Patience, batches

#: Jobs that are read again, as they may have ended since; more are not judged.
_MOST_READ_AGAIN = 1000

_AT_ONCE = 16


async def check_active(
    evidence: Evidence, scratch: ScratchDatabase, patience: Patience
) -> AsyncIterator[Violation]:
    """See that the active jobs are those that are not over. A job stays active until it is projected."""
    over = (
        "SELECT job_id, lock, status FROM jobs JOIN active USING (job_id) WHERE ended_at != '' AND in_scope"
    )
    async for is_last in patience.looks():
        scratch.execute("DELETE FROM active")
        async for page in evidence.active():
            for place in page:
                scratch.add("active", (place.job_id, place.partition))
        found = list(scratch.query(f"{over} LIMIT 1000"))
        if is_last:
            for job_id, lock, status in found:
                yield Violation(
                    Invariant.NOTHING_HELD, f"it is {status}, but is listed as active", lock, job_id
                )
        if not found:
            break
    left_out = scratch.query(
        "SELECT job_id, lock, partition FROM jobs WHERE ended_at = '' AND in_scope"
        " AND job_id NOT IN (SELECT job_id FROM active WHERE active.partition = jobs.partition) LIMIT ?",
        _MOST_READ_AGAIN,
    )
    for job_id, lock, partition in list(left_out):
        facts = await read_facts(evidence, partition, job_id)
        if facts is not None and not is_over(facts):
            what = f"it is {facts.status}, but is not listed as active under its lock: no sweep would find it"
            yield Violation(Invariant.NOTHING_HELD, what, lock, job_id)


async def check_leases(
    evidence: Evidence, idle: Iterable[tuple[str, str]], patience: Patience
) -> AsyncIterator[Violation]:
    """Check that the leases of idle locks are free, given by partition and name."""
    held: dict[str, str] = {}
    for some in batches(idle, _AT_ONCE):
        are_free = await asyncio.gather(*(evidence.is_free(partition) for partition, _ in some))
        held |= {
            partition: lock for (partition, lock), is_free in zip(some, are_free, strict=True) if not is_free
        }
    async for is_last in patience.looks():
        for partition in list(held):
            if await evidence.is_free(partition) or not await _is_idle(evidence, partition):
                del held[partition]
        if not held:
            return
        if is_last:
            for lock in held.values():
                yield Violation(Invariant.NOTHING_HELD, "the lease of this idle lock is held", lock)


async def _is_idle(evidence: Evidence, partition: str) -> bool:
    return all(not stored.values.get("job_id") for stored in await evidence.line(partition))
