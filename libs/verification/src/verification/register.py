"""The register of ids, and the ids that were accepted, against the journal."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

from contracts import identifiers
from contracts.statuses import JobStatus
from verification.evidence import Evidence, Place
from verification.findings import Invariant, Violation
from verification.history import JobHistory, lock_partition
from verification.removals import read_removed
from verification.removed_fences import forgotten_jobs
from verification.scope import Scope
from verification.scratch_database import JobFacts, ScratchDatabase
from verification.waiting import batches

#: Accepted jobs without an end that are read again; of more, only their number is reported.
_MOST_READ_AGAIN = 2000

_AT_ONCE = 16


async def check_register(
    evidence: Evidence, scratch: ScratchDatabase, job_ids: Sequence[str] | None
) -> AsyncIterator[Violation]:
    """See that the jobs in the journal are registered, each once and where it lives.

    Looks these jobs up, or goes through the whole register. It must be read after the journal: an id is
    registered before its job is written.
    """
    if job_ids is None:
        async for page in evidence.registered():
            _keep(scratch, page)
    else:
        for some in batches(job_ids, _AT_ONCE):
            places = await asyncio.gather(*map(evidence.find, some))
            _keep(scratch, [place for place in places if place is not None])
    query = (
        "SELECT jobs.job_id, jobs.lock, registered.partition FROM jobs LEFT JOIN registered USING (job_id)"
        " WHERE in_scope AND (registered.partition IS NULL OR registered.partition != jobs.partition)"
    )
    for job_id, lock, partition in scratch.query(query):
        what = "is not in the register" if partition is None else f"is registered under partition {partition}"
        yield Violation(Invariant.ONE_END, f"it {what}", lock, job_id)


def _keep(scratch: ScratchDatabase, places: Iterable[Place]) -> None:
    for place in places:
        scratch.add("registered", (place.job_id, place.partition))


async def check_missing(
    evidence: Evidence, scratch: ScratchDatabase, scope: Scope
) -> AsyncIterator[Violation]:
    """See that every registered id that is not active has a row in the journal, if only one that closes it.

    The whole register and the active jobs must have been read. An id is active from its registration on,
    until its job has ended, or it has been closed.
    """
    chosen = {lock_partition(name) for name in scope.locks}
    lacking = scratch.query(
        "SELECT job_id, partition FROM registered WHERE job_id NOT IN (SELECT job_id FROM jobs)"
        " AND job_id NOT IN (SELECT job_id FROM removed_jobs)"
        " AND job_id NOT IN (SELECT job_id FROM closed_ids)"
        " AND job_id NOT IN (SELECT job_id FROM active)"
    )
    wanted = (row for row in lacking if not chosen or row[1] in chosen)
    looked_at = 0
    for some in batches(wanted, _AT_ONCE):
        found = await asyncio.gather(*(evidence.job(partition, job_id) for job_id, partition in some))
        for (job_id, _), rows in zip(some, found, strict=True):
            if not rows:
                what = "it is registered and not active, but the journal has nothing of it"
                yield Violation(Invariant.REMOVALS, what, None, job_id)
        looked_at += len(some)
        if looked_at >= _MOST_READ_AGAIN:
            return


async def check_accepted(
    evidence: Evidence, scratch: ScratchDatabase, lines: Iterable[str]
) -> AsyncIterator[Violation]:
    """See that every accepted id, one a line, has exactly one terminal record."""
    for line in lines:
        if not line.strip():
            continue
        try:
            scratch.add("accepted", (identifiers.normalise_job_id(line.strip()),))
        except identifiers.JobIdError as error:
            yield Violation(Invariant.ONE_END, f"an accepted id is not a job id: {error}")
    # A removed job had ended: without its end, it would not have been removed.
    unclear = (
        "FROM accepted WHERE job_id NOT IN (SELECT job_id FROM jobs WHERE ended_at != '')"
        " AND job_id NOT IN (SELECT job_id FROM removed_jobs)"
    )
    query = f"SELECT job_id {unclear} ORDER BY job_id LIMIT {_MOST_READ_AGAIN}"
    # Nothing tells which these were: as many ids may be unknown as jobs are forgotten.
    forgotten = forgotten_jobs(scratch)
    for some in batches(list(scratch.query(query)), _AT_ONCE):
        places = await asyncio.gather(*(evidence.find(job_id) for (job_id,) in some))
        looks = (_judge(evidence, job_id, place) for (job_id,), place in zip(some, places, strict=True))
        for place, violation in zip(places, await asyncio.gather(*looks), strict=True):
            if place is None and forgotten:
                forgotten -= 1
            elif violation is not None:
                yield violation
    more = scratch.count(f"SELECT count(*) {unclear}") - _MOST_READ_AGAIN - forgotten
    if more > 0:
        yield Violation(Invariant.ONE_END, f"{more} more accepted jobs had no terminal record")


async def _judge(evidence: Evidence, job_id: str, place: Place | None) -> Violation | None:
    """Read an accepted job that had no end, or was not seen at all."""
    unknown = Violation(Invariant.ONE_END, "it was accepted, but is not in the journal", None, job_id)
    if place is None:
        return unknown
    facts = await read_facts(evidence, place.partition, job_id)
    if facts is None and await read_removed(evidence, place.partition, job_id):
        return None
    if facts is None:
        return unknown
    if not facts.ended_at:
        what = f"it was accepted, but has no terminal record: it is {facts.status}"
        return Violation(Invariant.ONE_END, what, facts.lock, job_id)
    return None


async def read_facts(evidence: Evidence, partition: str, job_id: str) -> JobFacts | None:
    """Read a job as it stands now; None when it is not in the journal."""
    history = JobHistory(partition, job_id, lambda *_: True)
    for stored in await evidence.job(partition, job_id):
        if stored.key.startswith("event|"):
            history.feed(stored)
    facts = history.facts(Scope())
    return facts if facts.events else None


def is_over(facts: JobFacts) -> bool:
    """Return whether nothing can happen to the job any more."""
    return JobStatus(facts.status).is_terminal
