"""What happened, checked while it happens: every event that is written, every effect, every acceptance.

The invariants are numbered as in docs/testing/verify.md: I1 events complete, I2 fences rise and runs do not
interleave, I3 one terminal record for each accepted job, I4 and I5 effects, I8 interruptions are followed up,
I9 nothing is left over, I10 steps are recorded once; I12 nothing is sent once the lease may be another's.
Runs of a lock are those of a slot: I2 holds in each, and no run starts in one that a limit has closed.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.simulation.loop import SimulationLoop

from contracts.statuses import EventStatus, JobStatus
from coordination.journal import rows
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow, JobRow, LockRow
from coordination.ports import Delete, Insert, Operation, Row, Values


def _lease_name(partition: str, number: int) -> str:
    return f"{partition}-{number:02d}" if number else partition


class Violation(AssertionError):  # noqa: N818 - it is what the simulation looks for
    """An invariant does not hold."""


@dataclass
class _Lock:
    fence: int = 0
    #: The run in progress: job and fence.
    running: tuple[str, int] | None = None
    #: Whether it is another slot than slot 0, and a limit opened it.
    is_open: bool = False


@dataclass
class _Job:
    seq: int = 0
    hash: str = ""
    ended: str = ""
    is_interrupted: bool = False
    steps: set[str] = field(default_factory=set)


class History:
    """Everything the journal recorded, lock by lock and job by job."""

    def __init__(self, loop: SimulationLoop) -> None:
        self._loop = loop
        #: By the name of the slot's lease.
        self._locks: dict[str, _Lock] = {}
        #: What happened in other slots than slot 0.
        self.slots: Counter[str] = Counter()
        self._jobs: dict[str, _Job] = {}
        #: Jobs whose submitters got the answer that they are accepted, and in which partition.
        self.accepted: dict[str, str] = {}
        #: Jobs whose cancellation was confirmed while they waited.
        self.cancelled: set[str] = set()
        #: Ids that were asked for.
        self.asked: set[str] = set()
        self.violations: list[str] = []
        #: When each event was committed, by its key.
        self.committed_at: dict[str, float] = {}
        self.counts: Counter[str] = Counter()

    def violate(self, invariant: str, message: str) -> None:
        """Note that an invariant does not hold."""
        self.violations.append(f"{invariant} at {self._loop.time():.3f}: {message}")

    def fence_of(self, slot: str) -> int:
        """Return the fence of a slot's latest start, by the name of its lease."""
        lock = self._locks.get(slot)
        return lock.fence if lock is not None else 0

    # --- events as they are written -----------------------------------------

    def committed(self, partition: str, operations: Sequence[Operation]) -> None:
        """Take in a transaction at the instant at which it is carried out."""
        for operation in operations:
            if operation.key.startswith(rows.SLOTS) and not isinstance(operation, Delete):
                is_closed = operation.values.get("is_closed")
                if is_closed is not None:
                    slot = _lease_name(partition, int(operation.key.removeprefix(rows.SLOTS)))
                    self._locks.setdefault(slot, _Lock()).is_open = not is_closed
            if isinstance(operation, Insert) and operation.key.startswith("event|"):
                self.committed_at[operation.key] = self._loop.time()
                self._written(partition, operation.values)

    def _written(self, partition: str, event: Values) -> None:
        job_id, status = str(event["job_id"]), str(event["status"])
        job = self._jobs.setdefault(job_id, _Job())
        self.counts[status] += 1
        if event["seq"] != job.seq + 1 or event["previous_hash"] != job.hash:
            self.violate("I1", f"event {event['seq']} of {job_id} follows event {job.seq}")
        job.seq, job.hash = int(event["seq"] or 0), str(event["hash"])
        if job.ended:
            self.violate("I3", f"{status} of {job_id} after its end, {job.ended}")
        if event["worker"] is not None and status != EventStatus.LEASE_ACQUIRED:
            self._written_by_holder(partition, job_id, job, event)
        if EventStatus(status).is_terminal:
            job.ended, job.is_interrupted = status, False

    def _written_by_holder(self, partition: str, job_id: str, job: _Job, event: Values) -> None:
        number = int(json.loads(str(event["data"])).get("slot", 0))
        lock = self._locks.setdefault(_lease_name(partition, number), _Lock())
        status, fence = str(event["status"]), int(event["fence"] or 0)
        if number:
            self._in_other_slot(lock, status, f"{job_id} in slot {number}")
        if status == EventStatus.STARTED:
            if fence <= lock.fence:
                self.violate("I2", f"{job_id} started with fence {fence} after fence {lock.fence}")
            if lock.running is not None:
                self.violate("I2", f"{job_id} started with fence {fence} while {lock.running} runs")
            lock.fence, lock.running = fence, (job_id, fence)
            job.is_interrupted = False
            return
        is_follow_up = job.is_interrupted and EventStatus(status).is_terminal
        if lock.running != (job_id, fence) and not is_follow_up:
            self.violate("I2", f"{status} of {job_id} under fence {fence} while {lock.running} runs")
        if status == EventStatus.STEP:
            if event["message"] in job.steps:
                self.violate("I10", f"{event['message']} of {job_id} recorded twice")
            job.steps.add(str(event["message"]))
        elif status == EventStatus.INTERRUPTED:
            job.is_interrupted = True
            lock.running = None
        elif EventStatus(status).is_terminal or status == EventStatus.ATTEMPT_FAILED:
            lock.running = None

    def _in_other_slot(self, lock: _Lock, status: str, what: str) -> None:
        self.slots["ran in another slot"] += status == EventStatus.STARTED
        if lock.is_open:
            return
        if status == EventStatus.STARTED:
            self.violate("I2", f"{what} was started, which a limit has closed")
        self.slots["ran on above the limit"] += status in {EventStatus.STEP, EventStatus.COMPLETED}
        self.slots["cut off above the limit"] += status == EventStatus.INTERRUPTED

    # --- at the end ---------------------------------------------------------

    def is_settled(self) -> bool:
        """Return whether every job that was accepted, or got into the journal, has ended."""
        return all(job.ended for job in self._jobs.values()) and all(
            job_id in self._jobs for job_id in self.accepted
        )

    def unfinished(self) -> list[str]:
        """Name the jobs that have not ended, and those that were accepted and are lost."""
        return [job_id for job_id, job in self._jobs.items() if not job.ended] + [
            f"{job_id} (lost)" for job_id in self.accepted if job_id not in self._jobs
        ]

    def check_end(self, partitions: dict[str, dict[str, Row]], done: dict[str, int]) -> None:
        """Check what must stand in the journal once all has ended; `done` is how many steps jobs have."""
        for job_id in self.accepted:
            if job_id not in self._jobs:
                self.violate("I3", f"accepted job {job_id} is lost")
        for job_id in self._jobs.keys() - self.asked:
            self.violate("I3", f"job {job_id} was never submitted")
        for partition, stored in partitions.items():
            for key, row in stored.items():
                if key.startswith((rows.LOCKS, rows.SLOTS)):
                    self._check_lock(LockRow.from_row(row))
                elif key.startswith((rows.TICKETS, rows.DUE)):
                    self.violate("I9", f"{key} is left in {partition}")
                elif key.startswith("job|"):
                    self._check_job(JobRow.from_row(row), stored, done)

    def _check_lock(self, lock: LockRow) -> None:
        if lock.job_id:
            self.violate("I9", f"lock {lock.lock_name} still names {lock.job_id}")

    def _check_job(self, row: JobRow, stored: dict[str, Row], done: dict[str, int]) -> None:
        if row.status == JobRow.TOMBSTONE:
            return
        job = self._jobs.get(row.job_id, _Job())
        if row.seq != job.seq or row.status != job.ended:
            self.violate(
                "I1", f"{row.job_id} says {row.status}, {row.seq}; its events {job.ended}, {job.seq}"
            )
        if job.is_interrupted:
            self.violate("I8", f"nothing follows the interruption of {row.job_id}")
        if row.status == JobStatus.COMPLETED and len(job.steps) != done[row.job_id]:
            self.violate("I10", f"{row.job_id} completed with steps {sorted(job.steps)}")
        if row.job_id in self.cancelled and row.status != JobStatus.CANCELLED:
            self.violate("I3", f"{row.job_id} was cancelled while it waited and ended as {row.status}")
        previous = ""
        for seq in range(1, row.seq + 1):
            found = stored.get(rows.event_key(row.job_id, seq))
            if found is None:
                self.violate("I1", f"event {seq} of {row.job_id} is missing")
                return
            event = EventRow.from_row(found)
            if event.previous_hash != previous or event.hash != chain_hash(event):
                self.violate("I1", f"event {seq} of {row.job_id} does not follow from the one before")
            previous = event.hash
