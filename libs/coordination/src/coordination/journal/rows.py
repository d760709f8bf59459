"""The journal's rows: what is in a lock's partition, and under which keys."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, ClassVar, Self

from contracts.policies import JobPolicy
from contracts.statuses import JobStatus
from coordination.ports import Row, Value, Values

#: Version of this layout and of the rules of writing it. A worker refuses a lock row with a higher one.
PROTOCOL = 1

#: Everything a take-over must see is one short range.
LINE = "line|"
LOCKS = "line|lock|"
TICKETS = "line|ticket|"

#: The lock rows of all slots but slot 0. They are apart from the line, of which earlier releases know only
#: slot 0 and the tickets.
SLOTS = "slot|"

#: Tickets of jobs that the others in line may pass until they are due. Not in the line: workers of releases
#: that know no due times would start them early.
DUE = "next|"

#: The state rows of all jobs that the lock ever had.
JOBS = "job|"

#: Events of a job after which runs record no more steps and no more state: keys count with six digits, and
#: what ends a job needs room, too.
LAST_RECORD = 990_000

#: Parameters up to this many characters travel in the job row and its ticket; larger ones have their own row.
INLINE_CHARACTERS = 2_000

#: Characters per value of a row that holds a long text (a stored string may have 32 Ki UTF-16 units).
_CHUNK = 15_000


def lock_key(slot: int = 0) -> str:
    """Key of the lock row of a slot."""
    return f"{SLOTS}{slot:02d}" if slot else f"{LOCKS}{slot:02d}"


#: Row that submissions write which look at the lock's other jobs first: two of them cannot both be right.
SUBMISSION_GUARD = "guard|submission"


def job_key(job_id: str) -> str:
    """Key of a job's state row."""
    return f"{JOBS}{job_id}"


def ticket_key(priority: int, order: str, job_id: str) -> str:
    """Key of a job's ticket: smaller sorts, and so runs, first."""
    return f"{TICKETS}{priority:02d}|{order}|{job_id}"


def due_key(due_at: str, priority: int, order: str, job_id: str) -> str:
    """Key of the ticket of a job that others may pass until it is due: the first one due sorts first."""
    return f"{DUE}{due_at}|{priority:02d}|{order}|{job_id}"


def place_of(ticket: Row) -> str:
    """Return the key under which a ticket stands, or would stand, in the line."""
    if not ticket.key.startswith(DUE):
        return ticket.key
    values = ticket.values
    return ticket_key(int(values["priority"] or 0), str(values["order"]), str(values["job_id"]))


def event_prefix(job_id: str) -> str:
    """Start of the keys of a job's events."""
    return f"event|{job_id}|"


def event_key(job_id: str, seq: int) -> str:
    """Key of a job's event."""
    return f"{event_prefix(job_id)}{seq:06d}"


def data_prefix(job_id: str) -> str:
    """Start of the keys of what a job keeps: parameters, history, saved state, results of steps."""
    return f"data|{job_id}|"


def parameters_key(job_id: str) -> str:
    """Key of a job's parameters, when they are long."""
    return f"{data_prefix(job_id)}parameters"


def state_key(job_id: str) -> str:
    """Key of a job's saved state."""
    return f"{data_prefix(job_id)}state"


def result_key(job_id: str) -> str:
    """Key of a job's result, when it is long."""
    return f"{data_prefix(job_id)}result"


def traceback_key(job_id: str) -> str:
    """Key of the traceback of a job's error."""
    return f"{data_prefix(job_id)}traceback"


def history_key(job_id: str) -> str:
    """Key of the row that names the jobs with whose recorded steps and saved state a retry continues."""
    return f"{data_prefix(job_id)}history"


def step_prefix(job_id: str) -> str:
    """Start of the keys of a job's recorded steps."""
    return f"{data_prefix(job_id)}step|"


def step_key(job_id: str, number: int) -> str:
    """Key of the record of a job's step, numbered from 1 in the order of recording."""
    return f"{step_prefix(job_id)}{number:06d}"


def split_text(text: str) -> dict[str, Value | None]:
    """Spread a long text over several values of one row."""
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)] or [""]
    return {"text_chunks": len(chunks)} | {f"text_{number}": chunk for number, chunk in enumerate(chunks)}


def join_text(values: Values) -> str:
    """Read back a long text."""
    count = values["text_chunks"]
    return "".join(str(values[f"text_{number}"]) for number in range(int(count or 0)))


@cache
def _names(record: type[Any]) -> Mapping[str, None]:
    """Return the names of a record's values, in their order and quick to look up."""
    return {field.name: None for field in fields(record)}


class Record:
    """Translates between a dataclass and the values of a row."""

    @classmethod
    def from_values(cls, values: Values) -> Self:
        """Build from stored values; unknown values are ignored, missing ones take their default."""
        names = _names(cls)  # type: ignore[arg-type]
        return cls(**{name: value for name, value in values.items() if value is not None and name in names})

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Build from a stored row."""
        return cls.from_values(row.values)

    def values(self) -> dict[str, Value | None]:
        """Return the values to store."""
        return {name: getattr(self, name) for name in _names(type(self))}  # type: ignore[arg-type]

    def changes(self, earlier: Self) -> dict[str, Value | None]:
        """Return only what differs from an earlier version, as updates merge."""
        before = earlier.values()
        return {name: value for name, value in self.values().items() if before[name] != value}


def has_expired(job: Values, at: str) -> bool:
    """Return whether the job of a row or ticket may not be started at a time, as the journal writes it."""
    expires_at = job.get("expires_at")
    return expires_at is not None and str(expires_at) <= at and not job.get("started_at")


def is_due(job: Values, at: str) -> bool:
    """Return whether the job of a row or ticket is due at a time, as the journal writes it."""
    return str(job.get("due_at") or "") <= at


@dataclass(frozen=True)
class LockRow(Record):
    """The row every holder's write is conditional on."""

    lock_name: str
    #: Rises with every Started; never falls, never repeats.
    fence: int = 0
    #: The lease id of the holder that moved this row last.
    tenure: str = ""
    worker: str = ""
    #: The run in progress; empty when nothing runs.
    job_id: str = ""
    attempt: int = 0
    started_at: str = ""
    #: When, and by what, the last run ended; empty while one is in progress.
    freed_at: str = ""
    freed_by: str = ""
    #: The holder's last transaction.
    op_id: str = ""
    protocol: int = PROTOCOL
    #: Written by those who set limits, and by no holder. In the row of slot 0: how many slots the lock has,
    #: and the number of the record that says so; None where no limit was ever set.
    limit: int | None = None
    limit_number: int | None = None
    #: In the rows of other slots: whether the slot starts nothing.
    is_closed: bool | None = None
    #: In the row of slot 0: no ticket under `DUE` is due before this; None or empty while there is none.
    next_due: str | None = None
    #: In the row of slot 0: how many tickets the holders of other slots have put there; None for none.
    next_number: int | None = None

    def changed_by_others(self, found: "LockRow") -> "LockRow":
        """Return this row with what others than its holder write in it, as it was found."""
        return replace(
            self,
            limit=found.limit,
            limit_number=found.limit_number,
            is_closed=found.is_closed,
            next_due=found.next_due,
            next_number=found.next_number,
        )


@dataclass(frozen=True)
class JobRow(Record):
    """The state of a job. The ticket of a queued job carries a copy of it."""

    job_id: str
    kind: str
    lock_name: str
    status: str = JobStatus.QUEUED.value
    #: Number of the job's last event.
    seq: int = 0
    #: Hash of the job's last event.
    event_hash: str = ""
    priority: int = 5
    #: Its place within a priority: a time-ordered identifier given at submission.
    order: str = ""
    name: str = ""
    description: str = ""
    #: JSON object of text.
    properties: str = "{}"
    #: JSON object, or empty when it has a row of its own.
    parameters: str = ""
    actor: str = ""
    request_hash: str = ""
    traceparent: str | None = None
    #: Fence, slot and worker of the latest attempt; a job that waits is in slot 0.
    fence: int = 0
    slot: int = 0
    worker: str = ""
    attempt: int = 0
    interruptions: int = 0
    #: Interruptions by the death of its runner.
    deaths: int = 0
    #: Interruptions by the loss of its holder since the last recorded step.
    losses: int = 0
    #: Its policy.
    max_runner_crashes: int = JobPolicy.max_runner_crashes
    max_worker_losses: int = JobPolicy.max_worker_losses
    #: JSON object of its policy for further attempts; None when a failed attempt ends it.
    retry: str | None = None
    #: Failed attempts that were followed by another, or will be, and what was raised in the latest of them.
    retries: int | None = None
    failure_type: str | None = None
    failure_message: str | None = None
    #: When its next attempt is due; None or empty when it need not wait for that.
    due_at: str | None = None
    #: Whether those behind it in line must wait until then, too.
    holds_place: bool | None = None
    #: Seconds that one attempt may take, and that its handler may take to stop, as its submission says; those
    #: of its kind and of its worker count where they are shorter.
    timeout: float | None = None
    cancel_grace: float | None = None
    #: Seconds for which it is kept after its end, as its kind says; None where that says nothing.
    keep: float | None = None
    #: Steps recorded so far.
    steps: int = 0
    #: The step that runs now; empty between steps.
    step: str = ""
    progress_value: float | None = None
    progress_limit: float | None = None
    cancel_requested: bool = False
    #: Who requested its cancellation first, and the reason given then.
    cancel_actor: str = ""
    cancel_reason: str = ""
    #: JSON, or empty when there is none or it has a row of its own.
    result: str = ""
    has_long_result: bool = False
    error_type: str = ""
    error_message: str = ""
    #: Whether the traceback of its error has a row.
    has_traceback: bool = False
    submitted_at: str = ""
    #: When it ends as Expired unless a run of it has started; None when it may wait for ever.
    expires_at: str | None = None
    #: When it began to wait for its turn: at its submission, its latest interruption, or when its next
    #: attempt is due.
    queued_at: str = ""
    started_at: str = ""
    finished_at: str = ""
    #: The job that this one retries, and the one that retries it.
    retry_of: str | None = None
    retried_by: str | None = None
    #: The latest retry that continues with what this job keeps. Until that has ended, this job stays.
    read_by: str | None = None
    #: When and by whom it was finalized, so that it needs no attention any more, and the reason given.
    finalized_at: str | None = None
    finalized_by: str | None = None
    finalize_reason: str | None = None
    #: When and by whom it was pinned, so that it stays whatever its time is, and the reason given. Empty
    #: where it is not pinned, as an update overwrites no value with None.
    pinned_at: str | None = None
    pinned_by: str | None = None
    pin_reason: str | None = None

    #: Status of the row that keeps a registered id from being used when its submission never arrived.
    TOMBSTONE: ClassVar[str] = "Tombstone"
    #: Status of the row that stays of a removed job (`coordination.journal.removal`).
    REMOVED: ClassVar[str] = "Removed"

    @property
    def ticket_key(self) -> str:
        """Key of this job's place in line, the same for its whole life."""
        return ticket_key(self.priority, self.order, self.job_id)

    @property
    def waits_at(self) -> str:
        """Key under which its ticket stands while it is queued."""
        if self.due_at and not self.holds_place:
            return due_key(self.due_at, self.priority, self.order, self.job_id)
        return self.ticket_key

    @property
    def policy(self) -> JobPolicy:
        """The policy that its kind had at submission."""
        return JobPolicy(self.max_runner_crashes, self.max_worker_losses)

    @property
    def is_pinned(self) -> bool:
        """Whether it stays until it is unpinned."""
        return bool(self.pinned_at)

    def has_expired(self, at: str) -> bool:
        """Return whether it may not be started at this time: one that has started once does not expire."""
        return self.expires_at is not None and self.expires_at <= at and not self.started_at

    @property
    def is_tombstone(self) -> bool:
        """Whether this row only keeps an id from being used, so that there is no such job."""
        return self.status in {self.TOMBSTONE, self.REMOVED}

    @property
    def is_removed(self) -> bool:
        """Whether there was a job, which ended and was removed."""
        return self.status == self.REMOVED

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self.is_tombstone or JobStatus(self.status).is_terminal

    @classmethod
    def existing(cls, row: Row | None) -> "JobRow | None":
        """Return the job that a row holds; None without a row, for a tombstone and for a removed job."""
        job = cls.from_row(row) if row is not None else None
        return None if job is None or job.is_tombstone else job


@dataclass(frozen=True)
class EventRow(Record):
    """One immutable fact about a job."""

    job_id: str
    lock_name: str
    seq: int
    status: str
    message: str
    timestamp: str
    attempt: int
    actor: str
    op_id: str
    hash: str
    fence: int | None = None
    worker: str | None = None
    traceparent: str | None = None
    #: JSON object.
    data: str = "{}"
    #: Hash of the job's previous event; empty for the first.
    previous_hash: str = ""
