"""What a worker goes by: the world as it sees it, the rules it keeps, and how it treats its locks."""

from dataclasses import dataclass, field

from coordination.journal.transactions import InterruptionLimits
from coordination.ports import Clock, Journal, Leases, NewId, Notifier, random_id
from coordination.times import LeaseTimes


@dataclass(frozen=True)
class Ports:
    """The world as the protocol sees it."""

    leases: Leases
    journal: Journal
    notifier: Notifier
    clock: Clock
    new_id: NewId = random_id


@dataclass(frozen=True)
class HolderSettings:
    """What one worker goes by."""

    worker: str
    times: LeaseTimes
    limits: InterruptionLimits = field(default_factory=InterruptionLimits)
    #: Seconds for one journal call.
    call_timeout: float = 2.0
    #: Progress is written at most once in so many seconds.
    flush_seconds: float = 1.0


@dataclass(frozen=True)
class WorkerPolicy:
    """How one worker treats its locks. Times are in seconds."""

    #: Runs at the same time, each of another lock.
    capacity: int
    #: How long a deferred wake-up stays away.
    deferral: float = 5.0
    #: How long an empty line is polled before its lock is given back.
    linger: float = 0.0
    #: After this a lock with a long line is passed on when other work waits for a free place.
    longest_tenure: float = 60.0
    #: Locks held by others that are watched at a time.
    watches: int = 64
    #: How long a job of a kind nobody here knows may wait for a worker that does, before it fails.
    patience_for_kinds: float = 60.0
