"""What the tests of broken histories share: each history breaks one invariant, and no other must be named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow

Breaks = Callable[[], Records]

#: The jobs of an eventful history.
FIRST, SECOND, THIRD = (job_id(number) for number in range(1, 4))


def without(author: Author, key: str) -> Records:
    """Return the records of a history in which a row is missing, and no other tells of it."""
    del author.rows[key]
    return Records(author)


def rechain(author: Author, job: str) -> None:
    """Compute all hashes of a job again, and let its row and its ticket follow: its chain holds."""
    previous, count = "", 0
    for key in sorted(key for key in author.rows if key.startswith(rows.event_prefix(job))):
        values = author.rows[key][0]
        values["previous_hash"] = previous
        values["hash"] = previous = chain_hash(EventRow.from_values(values))
        count += 1
    for key in (rows.job_key(job), author.jobs[job].ticket_key):
        if key in author.rows:
            author.rows[key][0].update(seq=count, event_hash=previous)


def forge(author: Author, job: str, seq: int, **values: Any) -> None:
    """Change what an event says; all hashes are computed again."""
    author.event(job, seq).update(values)
    rechain(author, job)


def running(worker: str = "w1") -> Author:
    """Return the history of a job that runs."""
    author = Author()
    author.start(author.submit(), worker)
    return author


def append(author: Author, job: str, status: EventStatus, worker: str = "", op_id: str = "") -> None:
    """Append an event to a job's chain, and to nothing else."""
    writer = author._writer(worker)
    author._record(author.jobs[job], status, "forged", replace(writer, op_id=op_id or writer.op_id))
