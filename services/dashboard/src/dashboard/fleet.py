"""Which processes are alive, by their heartbeats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

#: Time without a heartbeat after which a process is silent: it beats every 10 s, and one beat may be late.
SILENT_AFTER = timedelta(seconds=25)

#: Time of silence after which a process is gone for good.
GONE_AFTER = timedelta(days=1)


class Pulse(IntEnum):
    """Whether a process is alive; in the order in which people have to look at them."""

    SILENT = 1
    ALIVE = 2
    GONE = 3


class Beating(Protocol):
    """A process that has a heartbeat."""

    @property
    def seen_at(self) -> datetime:
        """When it was last heard."""


BeatingT = TypeVar("BeatingT", bound=Beating)


def pulse(process: Beating, now: datetime) -> Pulse:
    """Return whether a process is alive."""
    silence = now - process.seen_at
    if silence >= GONE_AFTER:
        return Pulse.GONE
    return Pulse.SILENT if silence >= SILENT_AFTER else Pulse.ALIVE


@dataclass(frozen=True)
class Fleet(Generic[BeatingT]):
    """Processes by their pulse: the silent ones longest first, the others as they came."""

    silent: Sequence[BeatingT] = ()
    alive: Sequence[BeatingT] = ()
    gone: Sequence[BeatingT] = ()

    @property
    def present(self) -> list[BeatingT]:
        """Those that are not gone, with those first that need a look."""
        return [*self.silent, *self.alive]


def fleet(processes: Iterable[BeatingT], now: datetime) -> Fleet[BeatingT]:
    """Sort processes by their pulse."""
    by_pulse: dict[Pulse, list[BeatingT]] = {each: [] for each in Pulse}
    for process in processes:
        by_pulse[pulse(process, now)].append(process)
    silent = sorted(by_pulse[Pulse.SILENT], key=lambda process: process.seen_at)
    gone = sorted(by_pulse[Pulse.GONE], key=lambda process: process.seen_at, reverse=True)
    return Fleet(silent, by_pulse[Pulse.ALIVE], gone)
