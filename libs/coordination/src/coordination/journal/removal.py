"""What stays in the journal of jobs that were removed: a small row for each, and one mark per lock.

The row stands in the place of the job's row. So its id stays in use: a submission that comes late finds the
row and is refused, as a tombstone refuses it. The row also has what a checker needs to prove the rest: the
hash of the job's last event and the fences of its runs. The mark counts the lock's removed jobs and has a
digest over all of them, in the order of their removal. It changes in the transaction that removes a job.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow, JobRow, Record, join_text, split_text
from coordination.ports import Value, Values

#: Key of the mark in the partition of its lock. It sorts behind all else: a reader that goes through a
#: partition in the order of its keys reads the mark last.
MARK_KEY = "removed|mark"


class UsedFence(NamedTuple):
    """The fence of a run, and whether a take-over that started no job may have used the next one, too."""

    fence: int
    #: A run that another holder found cut off: its take-over moved the fence, and perhaps started nothing.
    may_skip: bool = False


def used_fences(events: Iterable[EventRow]) -> list[UsedFence]:
    """Return the fences of a job's runs, by its events."""
    found: list[UsedFence] = []
    for event in events:
        if event.status == EventStatus.STARTED:
            found.append(UsedFence(event.fence or 0))
        elif event.status == EventStatus.INTERRUPTED and found and '"died":true' not in event.data:
            found[-1] = found[-1]._replace(may_skip=True)
    return found


def write_fences(fences: Sequence[UsedFence]) -> str:
    """Return fences as text: `4-6,9+` are 4, 5, 6 and 9, the last of which may skip."""
    parts: list[str] = []
    for used in fences:
        first, _, last = parts[-1].partition("-") if parts else ("", "", "")
        end = last or first
        if used.may_skip or not end.isdecimal() or int(end) + 1 != used.fence:
            parts.append(f"{used.fence}{'+' * used.may_skip}")
        else:
            parts[-1] = f"{first}-{used.fence}"
    return ",".join(parts)


def read_fences(text: str) -> Iterator[UsedFence]:
    """Read fences back. Raises ValueError for another text."""
    for part in text.split(",") if text else ():
        first, is_range, last = part.partition("-")
        if is_range:
            yield from (UsedFence(fence) for fence in range(int(first), int(last) + 1))
        else:
            yield UsedFence(int(part.removesuffix("+")), part.endswith("+"))


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

    @classmethod
    def of(cls, job: JobRow, fences: Sequence[UsedFence], number: int) -> "RemovedJob":
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
        )

    def values(self) -> dict[str, Value | None]:
        """Return the values to store."""
        kept: dict[str, Value | None] = dict(vars(self))
        del kept["fences"]
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
    #: All runs up to this fence are removed.
    fence: int = 0
    digest: str = ""
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

    def count(self, job: RemovedJob, runs: int) -> "RemovalMark":
        """Return the mark with one more job."""
        return replace(
            self,
            jobs=self.jobs + 1,
            runs=self.runs + runs,
            events=self.events + job.seq,
            digest=follow(self.digest, job),
            last_end=max(self.last_end, job.finished_at),
        )


def follow(digest: str, job: RemovedJob) -> str:
    """Return the digest of a mark with one more job."""
    facts = [digest, job.number, job.job_id, job.outcome]
    facts += [job.seq, job.event_hash, job.finished_at, job.fences]
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()
