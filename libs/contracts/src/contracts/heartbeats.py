"""Whether a process is alive, by its row in the worker directory."""

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Protocol

#: Seconds between two heartbeats of a process that has something new to say, and after one that failed.
HEARTBEAT_SECONDS = 10.0

#: Seconds between two heartbeats of a process that says the same.
QUIET_HEARTBEAT_SECONDS = 20.0

#: Time without a heartbeat after which a process is silent, with work and without: one beat may fail, or be
#: late. A worker has to be seen as lost before its leases have run out.
BUSY_SILENT_AFTER, IDLE_SILENT_AFTER = timedelta(seconds=25), timedelta(seconds=35)

#: Time of silence after which a process is gone for good.
GONE_AFTER = timedelta(days=1)

#: Time after which a process that was stopped in order is gone, too: long enough to see what a restart did.
STOPPED_FOR = timedelta(hours=1)


class Pulse(IntEnum):
    """Whether a process is alive; in the order in which people have to look at them."""

    #: Not heard, and it did not say that it stops.
    SILENT = 1
    ALIVE = 2
    #: Stopped in order.
    STOPPED = 3
    GONE = 4


class Beating(Protocol):
    """A process that has a heartbeat."""

    @property
    def seen_at(self) -> datetime:
        """When it was last heard."""

    @property
    def is_busy(self) -> bool:
        """Whether it had work, or leases, when it was last heard."""

    @property
    def stopped_at(self) -> datetime | None:
        """When it was stopped in order; None when it did not say so."""


def silent_after(process: Beating) -> timedelta:
    """Return the time without a heartbeat after which a process is silent."""
    return BUSY_SILENT_AFTER if process.is_busy else IDLE_SILENT_AFTER


def pulse(process: Beating, now: datetime) -> Pulse:
    """Return whether a process is alive."""
    if process.stopped_at is not None:
        return Pulse.STOPPED if now - process.stopped_at < STOPPED_FOR else Pulse.GONE
    silence = now - process.seen_at
    if silence >= GONE_AFTER:
        return Pulse.GONE
    return Pulse.SILENT if silence >= silent_after(process) else Pulse.ALIVE
