"""Reading the rows of many jobs of one lock in few requests."""

import asyncio
from collections.abc import Sequence

from coordination.journal import rows
from coordination.journal.rows import JobRow
from coordination.ports import Journal

#: Up to so many jobs are read one by one.
_FEW = 3

#: Rows read at a time.
_CHUNK = 1000

#: Where fewer than one row in so many is wanted, the rest is read one by one.
_SPARSE = 8

#: Rows read one by one at the same time.
_AT_ONCE = 8


async def read_jobs(journal: Journal, partition: str, job_ids: Sequence[str]) -> dict[str, JobRow]:
    """Read the rows of jobs by their ids; an id that has no row is left out. Raises UnknownOutcomeError.

    The ids that Turnstile makes begin with the time, so that jobs submitted after each other are neighbours.
    Ids of the caller's own may lie anywhere between those of all jobs that the lock ever had.
    """
    found: dict[str, JobRow] = {}
    left = sorted(job_ids)
    while len(left) > _FEW:
        limit = min(len(left) + len(left) // 2, _CHUNK)
        # Nothing has the key that ends one character before the first: all behind it is the first, or later.
        stored = await journal.read_range(partition, rows.JOBS, limit, after=rows.job_key(left[0])[:-1])
        read = {row.key: row for row in stored}
        end = stored[-1].key if len(stored) == limit else None
        wanted = [job_id for job_id in left if end is None or rows.job_key(job_id) <= end]
        hits = [job_id for job_id in wanted if rows.job_key(job_id) in read]
        found |= {job_id: JobRow.from_row(read[rows.job_key(job_id)]) for job_id in hits}
        left = left[len(wanted) :]
        if len(hits) * _SPARSE < limit:
            break
    for start in range(0, len(left), _AT_ONCE):
        keys = [rows.job_key(job_id) for job_id in left[start : start + _AT_ONCE]]
        single = await asyncio.gather(*(journal.read(partition, key) for key in keys))
        found |= {job.job_id: job for row in single if row is not None for job in [JobRow.from_row(row)]}
    return found
