"""What the protocol needs from the world: leases, a journal, a register, a notifier and a clock.

Every port has a real adapter and an in-memory double (`coordination.testing.memory`) which pass the same
conformance suite, so that the protocol can be run against faults no real server would produce on demand.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

#: A value the journal can store. None means "not stored": an update overwrites a stored value, or leaves it.
Value = str | int | float | bool
Values = Mapping[str, Value | None]


#: Returns an id that no other call returns. A simulation draws it from its seed.
NewId = Callable[[], uuid.UUID]

#: Ids by chance; what everything but a simulation uses.
random_id: NewId = uuid.uuid4


class CoordinationError(Exception):
    """The protocol could not go on."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n")[0])


class UnknownOutcomeError(CoordinationError):
    """The store did not answer, so the request may or may not have been carried out."""


class AccessDeniedError(UnknownOutcomeError):
    """The store refused the credentials; treated as unknown, and worth an alarm."""


class LeaseHeldError(CoordinationError):
    """Another process holds the lease."""


class LeaseLostError(CoordinationError):
    """The lease is not ours any more, for good."""


class RefusedError(CoordinationError):
    """The transaction was refused: a row was not as expected, or it is our own earlier try."""


class InvalidTransactionError(CoordinationError):
    """The transaction is too large or malformed; repeating it cannot help."""


class AlreadyRegisteredError(CoordinationError):
    """The job id is in use."""


@dataclass(frozen=True)
class Row:
    """A stored row: its key within the partition, its values, and the version it had when read."""

    key: str
    values: Values
    etag: str


@dataclass(frozen=True)
class Insert:
    """Create a row; refused when it exists."""

    key: str
    values: Values


@dataclass(frozen=True)
class Update:
    """Merge values into a row that still has this version."""

    key: str
    values: Values
    etag: str


@dataclass(frozen=True)
class GuardedUpdate:
    """Merge values into a row whose version another operation of the same transaction vouches for.

    A queued job's row changes only together with its ticket, so deleting the ticket at a known version proves
    that the row is the one the ticket copied. This saves reading it before every start.
    """

    key: str
    values: Values
    guard: str


@dataclass(frozen=True)
class Replace:
    """Write a row anew that still has this version: values that are not named are gone."""

    key: str
    values: Values
    etag: str


@dataclass(frozen=True)
class Delete:
    """Remove a row that still has this version."""

    key: str
    etag: str


Operation = Insert | Update | GuardedUpdate | Replace | Delete


@dataclass(frozen=True)
class Transaction:
    """Operations on one partition that are carried out all or not at all, at most 100, each row once.

    `op_id` is in at least one of the rows written, so that a writer can recognise its own earlier try.
    Raises InvalidTransactionError when it names a row twice or a guard is missing.
    """

    op_id: str
    operations: Sequence[Operation]

    def __post_init__(self) -> None:
        keys = [operation.key for operation in self.operations]
        if not keys or len(keys) > 100 or len(set(keys)) != len(keys):
            raise InvalidTransactionError("a transaction names 1 to 100 rows, each once")
        deleted = {operation.key for operation in self.operations if isinstance(operation, Delete)}
        for operation in self.operations:
            if isinstance(operation, GuardedUpdate) and operation.guard not in deleted:
                raise InvalidTransactionError(f"{operation.key} is guarded by a row that is not deleted")


@dataclass(frozen=True)
class Registration:
    """Where a job lives, known before the job itself is written and as long as its id may be asked for."""

    job_id: str
    lock_name: str
    partition: str
    request_hash: str
    registered_at: datetime
    #: When the job is due; None when it is due at once.
    due_at: datetime | None = None
    #: Whether its submitter marks its activity (`JobRegister.mark`); earlier versions did not.
    is_marked: bool = False
    #: When the job expires unless it has started; None when it may wait for ever.
    expires_at: datetime | None = None


@dataclass(frozen=True)
class ActiveJob:
    """A registered job that is not yet both terminal and projected."""

    job_id: str
    lock_name: str
    partition: str
    registered_at: datetime
    #: When the job is due; None when it was due at once.
    due_at: datetime | None = None
    #: Whether its submitter marks its activity.
    is_marked: bool = False
    #: When the job expires unless it has started; None when it may wait for ever.
    expires_at: datetime | None = None


@dataclass(frozen=True)
class DueRemoval:
    """A job that has ended, and when something of it may go."""

    job_id: str
    lock_name: str
    partition: str
    at: datetime
    #: Version of the row that says so; empty where it was not read.
    version: str = field(default="", compare=False)


class Leases(Protocol):
    """The time-limited right to try to work on a lock."""

    async def acquire(self, name: str, duration: float, lease_id: str, timeout: float) -> None:
        """Take the lease for `duration` seconds (15 to 60) under an id of one's own.

        Repeating a call with the same id is harmless, and is how a lost answer is dealt with. Creates what
        the lease is on when it does not exist. Raises LeaseHeldError or UnknownOutcomeError.
        """

    async def renew(self, name: str, lease_id: str, timeout: float) -> None:
        """Start the time of the lease again. Raises LeaseLostError or UnknownOutcomeError."""

    async def release(self, name: str, lease_id: str, timeout: float) -> None:
        """Release the lease; one that is not ours any more is not an error. Raises UnknownOutcomeError."""

    async def is_free(self, name: str, timeout: float) -> bool:
        """Return whether the lease is free now. Raises UnknownOutcomeError."""

    async def free(self, names: Collection[str], timeout: float) -> set[str]:
        """Return which of many leases are free: each as of a moment since the call, in few requests.

        Each request has the same time. Raises UnknownOutcomeError.
        """


class Journal(Protocol):
    """The authoritative table: one partition per lock."""

    async def commit(self, partition: str, transaction: Transaction, timeout: float) -> Mapping[str, str]:
        """Carry out a transaction, and return the new version of every row that is left.

        Raises RefusedError, UnknownOutcomeError, or InvalidTransactionError.
        """

    async def read(self, partition: str, key: str) -> Row | None:
        """Read one row. Raises UnknownOutcomeError."""

    async def read_range(
        self, partition: str, prefix: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        """Read rows whose key starts with `prefix` and sorts behind `after`, in key order.

        Not one snapshot when the range needs several pages. Raises UnknownOutcomeError.
        """


class JobRegister(Protocol):
    """Which jobs exist, where they live, which are active, and when each is due."""

    async def add(self, registration: Registration) -> None:
        """Record a job id as taken and its job as active.

        Raises AlreadyRegisteredError or UnknownOutcomeError.
        """

    async def find(self, job_id: str) -> Registration | None:
        """Look up where a job lives. Raises UnknownOutcomeError."""

    def active(self, due_by: datetime) -> AsyncIterator[ActiveJob]:
        """Go through the active jobs that are due at this moment; those due later are not read.

        Raises UnknownOutcomeError.
        """

    def all(self) -> AsyncIterator[Registration]:
        """Go through all jobs ever registered, in no particular order. Raises UnknownOutcomeError."""

    async def retire(
        self, job_id: str, due_at: datetime | None = None, removal: DueRemoval | None = None
    ) -> None:
        """Remove a job from the active ones; harmless when repeated.

        `due_at` is the job's due time. `removal` is noted in the same request; None for a job that stays for
        good. Raises UnknownOutcomeError.
        """

    async def withdraw(self, registration: Registration) -> None:
        """Remove a registration of which no job was made, and whose id nobody else knows.

        Harmless when repeated. Raises UnknownOutcomeError.
        """

    async def activate(self, registration: Registration) -> None:
        """Record a job, whose id is taken, as active; harmless when it is. Raises UnknownOutcomeError."""

    async def due_removals(self, by: datetime, limit: int) -> list[DueRemoval]:
        """Return removals that are due at a moment: some `limit` of them, and none only when none is due.

        A register that is spread over partitions returns as many of each. Those that are due later are not
        read. Raises UnknownOutcomeError.
        """

    async def move_removal(self, removal: DueRemoval, at: datetime | None) -> None:
        """Let a removal be due at another moment, or no more; harmless where it was noted again since.

        Raises UnknownOutcomeError.
        """

    async def forget(self, job_id: str) -> None:
        """Remove the registration of a job of which nothing is left; harmless when repeated.

        Raises UnknownOutcomeError.
        """

    async def mark(self, submitter: str) -> None:
        """Mark that a process is about to register jobs: its mark gets a new version.

        Raises UnknownOutcomeError.
        """

    async def marks(self) -> Mapping[str, str]:
        """Return the versions of all marks, by submitter. Raises UnknownOutcomeError."""

    async def unmark(self, submitter: str, version: str) -> None:
        """Remove a mark that still has this version; harmless when it has another, or is gone.

        Raises UnknownOutcomeError.
        """


@dataclass(frozen=True)
class WakeUp:
    """A wake-up: the lock has work."""

    lock_name: str
    job_id: str | None = None
    #: A deferred copy, which is deferred again as long as the lock is held.
    is_deferred_copy: bool = False
    #: The lock was just given back: worth trying at once.
    released: bool = False
    traceparent: str | None = None
    #: Why it was sent, for metrics: submitted, released, due, or swept.
    reason: str = "released"
    #: How many slots of the lock are worth a look, as far as its sender knows.
    slots: int = 1


@dataclass(frozen=True)
class RecordedRows:
    """What the journal has of announced events: their values, and the job's as of the last of them."""

    events: Sequence[Values]
    job: Values


@dataclass(frozen=True)
class Announcement:
    """The journal has new events of a job, by the numbers of the first and the last."""

    lock_name: str
    job_id: str
    first: int
    last: int
    traceparent: str | None = None
    #: What is in the journal for certain; None where only the numbers are announced.
    recorded: RecordedRows | None = field(default=None, compare=False, repr=False)


class Notifier(Protocol):
    """Messages to others. All are hints: losing one costs time, never a job."""

    async def notify(self, wake_up: WakeUp) -> bool:
        """Notify the workers that a lock has work; return whether the broker is known to have the message.

        A failure is not raised: the sweeper notifies again.
        """

    async def defer(self, wake_up: WakeUp) -> None:
        """Notify when the deferral time is over. Raises UnknownOutcomeError if not confirmed."""

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Hand over announcements of recorded events for publishing. Never waits and never fails."""


class Clock(Protocol):
    """Time, as one process sees it."""

    def boot(self) -> float:
        """Seconds since some fixed point, counted on while the machine sleeps (CLOCK_BOOTTIME)."""

    def now(self) -> datetime:
        """The time of day in UTC; for people, never for decisions between processes."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def jitter(self, shortest: float, longest: float) -> float:
        """Return a random number of seconds, so that processes do not act at the same moment."""
