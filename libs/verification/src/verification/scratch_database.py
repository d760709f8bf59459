"""What is remembered of a history while it is read: on disk, so that memory does not grow with it."""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from coordination.ports import CoordinationError
from verification.events import storable

#: Rows written at a time, and kibibytes of the file that stay in memory.
_BATCH, _CACHE = 2000, 16_000


class SpoolError(CoordinationError):
    """What was read cannot be kept; perhaps the disk is full."""


@dataclass(slots=True)
class Run:
    """One attempt at a job, as its events show it; times are text of the writers' clocks."""

    partition: str
    lock: str
    fence: int
    job_id: str
    attempt: int
    worker: str
    #: When the job began to wait for this run.
    queued_at: str
    began_at: str
    begun_in: str
    #: The storage's times of the first and the last event that was written for it, but for its end.
    began_commit: float | None
    last_commit: float | None
    #: Its holder's last own event.
    last_at: str
    ended_at: str = ""
    ended_in: str = ""
    outcome: str = ""
    ended_by: str = ""
    died: bool = False
    #: The storage's time of its end.
    ended_commit: float | None = None
    #: Time of the last event that was written for it before its end.
    wrote_at: str = ""
    tenure: str = ""
    #: The slot of the lock in which it ran; each has fences of its own.
    slot: int = 0

    @property
    def place(self) -> str:
        """The partition in which the list of runs has it: each slot has one."""
        return f"{self.partition}-{self.slot:02d}" if self.slot else self.partition


@dataclass(slots=True)
class JobFacts:
    """What a job's events add up to."""

    partition: str
    job_id: str
    lock: str
    #: From its submission; None where it does not say.
    kind: str | None
    priority: int | None
    status: str
    events: int
    hash: str
    fence: int
    attempts: int
    interruptions: int
    deaths: int
    steps: int
    worker: str
    cancel_requested: bool
    submitted_at: str
    ended_at: str
    #: The digest of its events, to be compared with the audit trail.
    digest: bytes
    in_scope: bool
    has_row: bool = False
    in_trail: bool = False
    #: Its place in line, by its row.
    ticket_key: str = ""
    #: The highest number of an event, by its events and its row.
    last_seq: int = 0
    #: Whether its events are numbered and chained by hash as they should be.
    is_chain_intact: bool = True
    #: What else its row must say, as JSON.
    told: str = "{}"
    #: Characters of the traceback that is kept of its error.
    traceback: int = 0
    #: What the lists must say of it once it has ended, as JSON; empty until its row was read.
    listed: str = ""
    #: What it retries by its submission, as JSON; empty for none.
    retry: str = ""
    #: Which job it retries, and which one retries it, by its row.
    retry_of: str = ""
    retried_by: str = ""


_RUN_FIELDS = [field.name for field in fields(Run)]
_JOB_FIELDS = [field.name for field in fields(JobFacts)]

_SCHEMA = f"""
CREATE TABLE jobs ({", ".join(_JOB_FIELDS)}, PRIMARY KEY (job_id, partition)) WITHOUT ROWID;
CREATE INDEX jobs_of_lock ON jobs (partition, status);
CREATE TABLE runs ({", ".join(_RUN_FIELDS)});
CREATE INDEX runs_of_lock ON runs (partition, slot, fence);
CREATE INDEX runs_of_job ON runs (job_id);
CREATE TABLE tickets (partition, job_id, PRIMARY KEY (partition, job_id)) WITHOUT ROWID;
CREATE TABLE steps (job_id, name, fence, attempt, recorded_at, PRIMARY KEY (job_id, name)) WITHOUT ROWID;
CREATE TABLE samples (partition, measure, seconds);
CREATE INDEX samples_of_lock ON samples (partition);
CREATE TABLE neighbours (partition, compared, overlaps, in_one_transaction, gap, earlier, later);
CREATE INDEX neighbours_of_lock ON neighbours (partition);
CREATE TABLE accepted (job_id PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE registered (job_id PRIMARY KEY, partition) WITHOUT ROWID;
CREATE TABLE active (job_id PRIMARY KEY, partition) WITHOUT ROWID;
CREATE TABLE listed_jobs (job_id, place, PRIMARY KEY (job_id, place)) WITHOUT ROWID;
CREATE TABLE listed_runs (partition, slot, fence, PRIMARY KEY (partition, slot, fence)) WITHOUT ROWID;
CREATE TABLE removed_jobs (
    partition, job_id, number, outcome, seq, event_hash, finished_at, fences, has_trail, in_trail,
    PRIMARY KEY (job_id, partition)
) WITHOUT ROWID;
CREATE INDEX removed_of_lock ON removed_jobs (partition, number);
CREATE TABLE removed_runs (partition, slot, fence, may_skip, job_id);
CREATE INDEX removed_runs_of_lock ON removed_runs (partition, slot, fence);
CREATE TABLE forgotten_jobs (partition PRIMARY KEY, jobs) WITHOUT ROWID;
CREATE TABLE forgotten_runs (partition, slot, first, last, may_skip);
CREATE INDEX forgotten_runs_of_lock ON forgotten_runs (partition, slot, first);
CREATE TABLE closed_ids (job_id PRIMARY KEY, partition) WITHOUT ROWID;
CREATE TABLE blamed (job_id PRIMARY KEY) WITHOUT ROWID;
"""


#: Tables that are read of each lock.
_OF_LOCKS = (
    "jobs",
    "runs",
    "tickets",
    "samples",
    "neighbours",
    "removed_jobs",
    "removed_runs",
    "forgotten_jobs",
    "forgotten_runs",
    "closed_ids",
)


class ScratchDatabase:
    """A private database in a temporary file, which is gone when it is closed.

    Writes are collected; `query` and `execute` see all of them.
    """

    def __init__(self) -> None:
        # An empty name makes SQLite open a temporary file of its own and delete it at the end.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{_CACHE};"
        )
        self._database.executescript(_SCHEMA)
        # One transaction for everything: no other process reads it, and nothing of it is kept.
        self._database.execute("BEGIN")
        self._waiting: dict[str, list[Sequence[Any]]] = {}

    def add_job(self, facts: JobFacts) -> None:
        """Keep what a job's events add up to."""
        self.add("jobs", _values_of(facts, _JOB_FIELDS))

    def add_run(self, run: Run) -> None:
        """Keep a run."""
        self.add("runs", _values_of(run, _RUN_FIELDS))

    def add(self, table: str, row: Sequence[Any]) -> None:
        """Keep a row; one that is there already stays."""
        waiting = self._waiting.setdefault(table, [])
        waiting.append(_storable(row))
        if len(waiting) >= _BATCH:
            self._write(table)

    def job(self, partition: str, job_id: str) -> JobFacts | None:
        """Return what is known of a job."""
        found = self.one("SELECT * FROM jobs WHERE job_id = ? AND partition = ?", job_id, partition)
        return None if found is None else JobFacts(*found)

    def slots(self, partition: str) -> list[int]:
        """Return the slots of a lock in which jobs ran; slot 0 always."""
        used = self.query("SELECT DISTINCT slot FROM runs WHERE partition = ?", partition)
        return sorted({0, *(slot for (slot,) in used)})

    def runs(self, partition: str, slot: int = 0) -> Iterator[Run]:
        """Go through the runs of a slot by their fences."""
        rows = self.query(
            "SELECT * FROM runs WHERE partition = ? AND slot = ? ORDER BY fence, began_at", partition, slot
        )
        return (Run(*row) for row in rows)

    def forget(self, partition: str) -> None:
        """Forget a lock, to read it again."""
        self.execute(
            "DELETE FROM steps WHERE job_id IN (SELECT job_id FROM jobs WHERE partition = ?)", partition
        )
        for table in _OF_LOCKS:
            self.execute(f"DELETE FROM {table} WHERE partition = ?", partition)  # noqa: S608 - names of ours

    def forget_job(self, partition: str, job_id: str) -> None:
        """Forget one job."""
        self.execute("DELETE FROM steps WHERE job_id = ?", job_id)
        for table in ("jobs", "runs"):
            self.execute(f"DELETE FROM {table} WHERE partition = ? AND job_id = ?", partition, job_id)  # noqa: S608

    def query(self, text: str, *values: object) -> Iterator[Any]:
        """Go through what a query finds."""
        self._flush()
        return self._database.execute(text, _storable(values))

    def one(self, text: str, *values: object) -> Any:
        """Return the first row that a query finds, or None."""
        self._flush()
        return self._database.execute(text, _storable(values)).fetchone()

    def count(self, text: str, *values: object) -> int:
        """Return the number that a query finds."""
        return int(self.one(text, *values)[0] or 0)

    def execute(self, text: str, *values: object) -> None:
        """Change what is kept."""
        self._flush()
        self._database.execute(text, _storable(values))

    def samples(self, measure: str) -> "array[float]":
        """Return the samples of a measure, sorted."""
        rows: Iterable[tuple[float]] = self.query(
            "SELECT seconds FROM samples WHERE measure = ? ORDER BY seconds", measure
        )
        return array("d", (row[0] for row in rows))

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def _flush(self) -> None:
        for table, waiting in self._waiting.items():
            if waiting:
                self._write(table)

    def _write(self, table: str) -> None:
        waiting = self._waiting[table]
        places = ", ".join("?" * len(waiting[0]))
        try:
            self._database.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({places})", waiting)  # noqa: S608
        except sqlite3.OperationalError as error:
            raise SpoolError(f"cannot write the scratch database (is the disk full?): {error}") from error
        waiting.clear()


def _storable(values: Sequence[Any]) -> Sequence[Any]:
    return tuple(storable(value) if isinstance(value, str) else value for value in values)


def _values_of(record: Run | JobFacts, names: Sequence[str]) -> tuple[Any, ...]:
    """Return the values of a record; `dataclasses.astuple` copies them deeply, ten times as slowly."""
    return tuple(getattr(record, name) for name in names)
