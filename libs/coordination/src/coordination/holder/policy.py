"""Configuration of a worker: its ports, its settings as a holder, and how it serves its locks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.policies import DEFAULT_POOL
from coordination.call_tracing import TraceCalls, untraced
from coordination.ports import Clock, Journal, Leases, NewId, Notifier, random_id
from coordination.times import LeaseTimes


@dataclass(frozen=True)
class Ports:
    """What the protocol needs from the world."""

    leases: Leases
    journal: Journal
    notifier: Notifier
    clock: Clock
    new_id: NewId = random_id
    #: Gathers the storage calls of an action for its observation.
    trace_calls: TraceCalls = untraced


@dataclass(frozen=True)
class HolderSettings:
    """How one worker holds locks."""

    worker: str
    times: LeaseTimes
    #: Seconds for one journal call.
    call_timeout: float = 2.0
    #: Least seconds between two writes of progress.
    flush_seconds: float = 1.0
    #: The pools whose jobs it runs; at least one.
    pools: Sequence[str] = (DEFAULT_POOL,)
    #: What it says of itself, by which jobs may be distributed.
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def pools_to_record(self) -> Sequence[str]:
        """The pools as its starts say them: nothing for the pool `default` alone."""
        return () if tuple(self.pools) == (DEFAULT_POOL,) else self.pools


@dataclass(frozen=True)
class WorkerPolicy:
    """Which locks one worker serves, and for how long. Times are in seconds."""

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
    #: How long a job of a kind that this worker does not know may wait for one that does, before it fails.
    patience_for_kinds: float = 60.0
    #: How many jobs of a kind run here at the same time, for kinds that have a limit.
    kind_limits: Mapping[str, int] = field(default_factory=dict)
