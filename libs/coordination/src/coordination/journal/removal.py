"""What stays in the journal of jobs that were removed: a small row for each, and one mark per lock.

The row stands in the place of the job's row. So its id stays in use: a submission that comes late finds the
row and is refused, as a tombstone refuses it. The row also has what a checker needs to prove the rest: the
hash of the job's last event and the fences of its runs. The mark counts the lock's removed jobs and has a sum
over the rows that stand. It changes in the transaction that removes a job.

Once no submission with its id can come any more, a removed job is forgotten: its row goes, and the mark's
counts of forgotten jobs and the ranges of their fences account for it (`coordination.maintenance.retention`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coordination.journal.fences import FenceRanges, UsedFence, read_fences, write_fences
from coordination.journal.rows import JobRow, Record, join_text, split_text
from coordination.ports import Value, Values

#: Key of the mark in the partition of its lock. It sorts behind all else: a reader that goes through a
#: partition in the order of its keys reads the mark last.
MARK_KEY = "removed|mark"


@dataclass(frozen=True)
class RemovedJob:
    """What stays of a removed job. Its names are those of `JobRow` as far as that has them."""

    job_id: str
    lock_name: str
    #: The lock's so many-th removed job.
    number: int
    #: How it ended.
    outcome: str
    #: Number and hash of its last event.
    seq: int
    event_hash: str
    finished_at: str
    #: Of its submission, so that a repeated one is recognised.
    request_hash: str
    #: Of its runs, as `write_fences` writes them.
    fences: str = ""
    #: When it was removed, or later its audit trail; empty in rows of earlier releases.
    removed_at: str = ""
    #: Whether its audit trail stands.
    has_trail: bool = False

    @classmethod
    def of(
        cls,
        job: JobRow,
        fences: Sequence[UsedFence],
        number: int,
        removed_at: str = "",
        *,
        has_trail: bool = False,
    ) -> "RemovedJob":
        """Return what stays of a job."""
        return cls(
            job.job_id,
            job.lock_name,
            number,
            job.status,
            job.seq,
            job.event_hash,
            job.finished_at,
            job.request_hash,
            write_fences(fences),
            removed_at,
            has_trail,
        )

    @property
    def fingerprint(self) -> int:
        """A number of 256 bits that stands for what never changes of it."""
        facts = [self.number, self.job_id, self.outcome, self.seq, self.event_hash]
        return _hashed([*facts, self.finished_at, self.fences])

    def values(self) -> dict[str, Value | None]:
        """Return the values to store."""
        kept: dict[str, Value | None] = dict(vars(self))
        del kept["fences"]
        kept["has_trail"] = self.has_trail or None
        return kept | {"kind": "", "status": JobRow.REMOVED} | split_text(self.fences)

    @classmethod
    def from_values(cls, values: Values) -> "RemovedJob":
        """Read it back. Raises ValueError for values that it never has."""
        try:
            return cls(
                str(values["job_id"]),
                str(values["lock_name"]),
                int(values["number"] or 0),
                str(values["outcome"]),
                int(values["seq"] or 0),
                str(values["event_hash"]),
                str(values["finished_at"]),
                str(values["request_hash"]),
                join_text(values),
                str(values.get("removed_at") or ""),
                bool(values.get("has_trail")),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"it lacks {error}") from None


@dataclass(frozen=True)
class RemovalMark(Record):
    """How much of a lock's history was removed, until when, and by whom."""

    lock_name: str
    jobs: int = 0
    runs: int = 0
    events: int = 0
    #: All runs up to this fence are removed; where `is_apart`, perhaps more.
    fence: int = 0
    #: Over the first `chained` removed jobs, in the order of their removal. Earlier releases chained all.
    digest: str = ""
    chained: int | None = None
    #: Sum of the fingerprints of all removed jobs behind those whose rows stand, as hexadecimal digits.
    sum: str = ""
    #: Whether jobs were removed whatever ran between them.
    is_apart: bool = False
    #: Of the removed jobs, those that were forgotten, and the ranges of their fences (`FenceRanges`).
    forgotten_jobs: int = 0
    forgotten_runs: int = 0
    forgotten_events: int = 0
    forgotten_fences: str = ""
    #: Fences in the ranges that are of no forgotten run.
    forgotten_skips: int = 0
    #: The latest end of a removed job.
    last_end: str = ""
    removed_at: str = ""
    actor: str = ""
    #: JSON list of the jobs removed last, of which rows may be left: in the journal, and in the read models.
    removing: str = "[]"
    op_id: str = ""

    @property
    def unfinished(self) -> list[str]:
        """The ids of the jobs of which rows may be left. Raises ValueError."""
        return [str(job_id) for job_id in json.loads(self.removing)]

    @property
    def last_chained(self) -> int:
        """How many of the removed jobs have the digest; they are never forgotten."""
        return self.jobs if self.chained is None else self.chained

    @property
    def ranges(self) -> FenceRanges:
        """The fences of forgotten runs. Raises ValueError."""
        return FenceRanges(self.forgotten_fences, self.forgotten_skips)

    def count(self, job: RemovedJob, runs: int) -> "RemovalMark":
        """Return the mark with one more job."""
        return replace(
            self,
            jobs=self.jobs + 1,
            runs=self.runs + runs,
            events=self.events + job.seq,
            chained=self.last_chained,
            sum=_added(self.sum, job.fingerprint),
            last_end=max(self.last_end, job.finished_at),
        )

    def forget(self, job: RemovedJob) -> "RemovalMark":
        """Return the mark without the row of a removed job, which is not among the chained ones."""
        ranges, fences = self.ranges, list(read_fences(job.fences))
        for used in fences:
            ranges.add(used)
        return replace(
            self,
            chained=self.last_chained,
            sum=_added(self.sum, -job.fingerprint),
            forgotten_jobs=self.forgotten_jobs + 1,
            forgotten_runs=self.forgotten_runs + len(fences),
            forgotten_events=self.forgotten_events + job.seq,
            forgotten_fences=ranges.text,
            forgotten_skips=ranges.skipped,
        )


def follow(digest: str, job: RemovedJob) -> str:
    """Return the digest of a mark with one more job."""
    facts = [digest, job.number, job.job_id, job.outcome]
    return f"{_hashed([*facts, job.seq, job.event_hash, job.finished_at, job.fences]):064x}"


def _hashed(facts: Sequence[object]) -> int:
    return int(hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest(), 16)


def _added(total: str, number: int) -> str:
    """Return a sum, which does not depend on the order in which numbers are added."""
    return f"{(int(total or '0', 16) + number) % 2**256:064x}"
