"""The order of service: the job that is started sorts first among those that wait for the lock.

It sorts by priority, then by its place in line, then by its id. There are two moments: a worker reads the
line, and later its transaction starts what it has read. A job that came in between may be overtaken; a job
that stood in line when the line was read may not, unless it lets others pass until its next attempt, even
when the worker knows only the kinds of those behind it: then that worker starts none. A job that holds its
place until its next attempt takes a slot from those behind it, the last one first. A job whose run the
transaction itself ends is back in line before the next one is chosen. What a worker has read it may start
from for a short while only.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tests.simulation.judges.writes import Tell, Write

from contracts.statuses import EventStatus, JobStatus
from coordination.holder.upcoming import BELIEVED_SECONDS
from coordination.journal.rows import EventRow, JobRow

#: Where a job stands in line: priority, order, id.
Place = tuple[int, str, str]


class Waiting(NamedTuple):
    """A job that waits."""

    place: Place
    #: When its next attempt is due; empty when it need not wait for that.
    due_at: str
    #: Whether it holds its place until then.
    holds: bool


@dataclass(frozen=True)
class Reading:
    """What a worker's reading of a line showed."""

    #: Who waited then.
    waiting: frozenset[Waiting]
    #: How many slots the lock had then.
    limit: int
    #: When the answer came, in the storage's time.
    at: float
    #: When it was asked for, by the worker's own time of day.
    asked_at: str


def place_of(job: JobRow) -> Place:
    """Return a job's place in line, which it keeps for its whole life."""
    return job.priority, job.order, job.job_id


class Order:
    """Follows the lines of all locks, transaction by transaction."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        #: Who waits, by partition and job.
        self._waiting: dict[str, dict[str, Waiting]] = {}
        self._places: dict[str, Place] = {}
        #: What was read of the line, and how long before, by the transaction that followed from it.
        self._read: dict[str, tuple[Reading, float]] = {}
        #: Starts that had a choice.
        self.judged = 0
        #: Starts that passed a job that waits for its next attempt, and one that holds its place.
        self.passed = self.passed_held = 0

    def waiting(self, partition: str) -> frozenset[Waiting]:
        """Return all who wait now."""
        return frozenset(self._waiting.get(partition, {}).values())

    def follows(self, op_id: str, reading: Reading, age: float) -> None:
        """Note what was read of the line that a transaction was made from, `age` seconds before."""
        self._read.setdefault(op_id, (reading, age))

    def see(self, write: Write) -> None:
        """Judge a transaction, then take it in."""
        waiting = self._waiting.setdefault(write.partition, {})
        for job_id, job in write.jobs.items():
            self._places.setdefault(job_id, place_of(job))
            if self._places[job_id] != place_of(job):
                self._tell("order", f"{job_id} has lost its place {self._places[job_id]}")
        if write.started is not None:
            self._judge(write, waiting.values())
        for job_id, job in write.jobs.items():
            if job.status == JobStatus.QUEUED:
                waiting[job_id] = _waits(job)
            else:
                waiting.pop(job_id, None)

    def _judge(self, write: Write, waiting: Collection[Waiting]) -> None:
        started = write.started
        assert started is not None
        goes_on = {EventStatus.INTERRUPTED, EventStatus.ATTEMPT_FAILED}
        back = {
            _waits(write.jobs[event.job_id])
            for event in write.events
            if event.status in goes_on and not write.jobs[event.job_id].is_terminal
        }
        candidates = {job.place for job in back if not job.due_at}
        own = self._places[started.job_id]
        if started.op_id not in self._read:
            self._tell("order", f"{started.job_id} was started by a worker that had not read the line")
        else:
            reading, age = self._read[started.op_id]
            still = reading.waiting.intersection(waiting)
            candidates |= {job.place for job in still if job.due_at <= reading.asked_at}
            # One that was due only a moment later may be passed, and need not be.
            candidates |= {job.place for job in still if job.place == own and job.due_at <= started.timestamp}
            held = {job for job in back | still if job.holds and job.due_at > reading.asked_at}
            self._judge_held(started, reading.limit, [job for job in held if job.place < own])
            if json.loads(started.data)["chained"] and age > BELIEVED_SECONDS:
                self._tell("order", f"{started.job_id} was started by a line read {age:.1f} s before")
        self.judged += len(waiting) > 1
        self.passed += any(
            job.place < own and job.due_at > started.timestamp and not job.holds for job in waiting
        )
        first = min(candidates, default=None)
        if first is None or started.job_id != first[2]:
            self._tell("order", f"{started.job_id} was started, and {first} was first in line")

    def _judge_held(self, started: EventRow, limit: int, held: Collection[Waiting]) -> None:
        """Judge a start that passes jobs which hold their places."""
        slot = int(json.loads(started.data).get("slot", 0))
        self.passed_held += bool(held)
        if held and slot >= limit - len(held):
            told = f"{len(held)} before it hold their places, and the lock has {limit} slots"
            self._tell("order", f"{started.job_id} was started in slot {slot}: {told}")


def _waits(job: JobRow) -> Waiting:
    return Waiting(place_of(job), job.due_at or "", bool(job.holds_place))


def overtaken(writes: Iterable[Write], jobs: Mapping[str, JobRow], patience: float) -> list[str]:
    """Say which jobs were started before jobs that had long been first, by what is stored of a lock.

    What is stored does not show when a worker read the line. So a start is judged by those that had waited
    for `patience` seconds then: longer than any worker may hold on to what it has read.
    """
    since: dict[str, float] = {}
    found = []
    for write in writes:
        own = jobs.get(write.started.job_id) if write.started is not None else None
        if own is not None:
            for job_id, began in since.items():
                first = jobs.get(job_id)
                if first is None or began >= write.at - patience:
                    continue
                if place_of(first) < place_of(own):
                    waited = write.at - began
                    found.append(
                        f"{own.job_id} was started before {job_id}, in line since {waited:.1f} s and ahead"
                    )
        for event in write.events:
            status = EventStatus(event.status)
            if status in {EventStatus.SUBMITTED, EventStatus.INTERRUPTED}:
                since[event.job_id] = write.at
            elif status is EventStatus.ATTEMPT_FAILED:
                since[event.job_id] = write.at + json.loads(event.data)["delay"]
            elif status is EventStatus.STARTED or status.is_terminal:
                since.pop(event.job_id, None)
    return found
