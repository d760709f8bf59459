"""What a worker goes by: the world as it sees it, the rules it keeps, and how it treats its locks."""

from dataclasses import dataclass, field

from coordination.ports import Bell, Clock, Journal, Leases
from coordination.times import LeaseTimes
from coordination.transactions import Limits


@dataclass(frozen=True)
class Ports:
    """The world as the protocol sees it."""

    leases: Leases
    journal: Journal
    bell: Bell
    clock: Clock


@dataclass(frozen=True)
class Rules:
    """What one worker goes by."""

    worker: str
    times: LeaseTimes
    limits: Limits = field(default_factory=Limits)
    #: Seconds for one journal call.
    call_timeout: float = 2.0
    #: Progress is written at most once in so many seconds.
    flush_seconds: float = 1.0


@dataclass(frozen=True)
class House:
    """How one worker treats its locks. Times are in seconds."""

    #: Runs at the same time, each of another lock.
    capacity: int
    #: How long a deferred bell stays away.
    deferral: float = 5.0
    #: How long an empty line is polled before its lock is given back.
    linger: float = 0.0
    #: After this a lock with a long line is passed on when other work waits for a free place.
    longest_tenure: float = 60.0
    #: Locks held by others that are watched at a time.
    watches: int = 64
    #: How long a job of a kind nobody here knows may wait for a worker that does, before it fails.
    patience_for_kinds: float = 60.0
