"""Processes by whether they are alive."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from contracts.heartbeats import Beating, Pulse, pulse

BeatingT = TypeVar("BeatingT", bound=Beating)


@dataclass(frozen=True)
class Fleet(Generic[BeatingT]):
    """Processes by their pulse: the silent ones longest first, the stopped and gone ones latest first."""

    silent: Sequence[BeatingT] = ()
    alive: Sequence[BeatingT] = ()
    stopped: Sequence[BeatingT] = ()
    gone: Sequence[BeatingT] = ()

    @property
    def present(self) -> list[BeatingT]:
        """Those that should be alive, with those first that need a look."""
        return [*self.silent, *self.alive]

    @property
    def shown(self) -> list[BeatingT]:
        """Those that are not gone, with those first that need a look, and the stopped ones last."""
        return [*self.present, *self.stopped]


def fleet(processes: Iterable[BeatingT], now: datetime) -> Fleet[BeatingT]:
    """Sort processes by their pulse."""
    by_pulse: dict[Pulse, list[BeatingT]] = {each: [] for each in Pulse}
    for process in processes:
        by_pulse[pulse(process, now)].append(process)
    silent, alive, stopped, gone = (by_pulse[each] for each in Pulse)
    silent.sort(key=lambda process: process.seen_at)
    for ended in (stopped, gone):
        ended.sort(key=lambda process: process.seen_at, reverse=True)
    return Fleet(silent, alive, stopped, gone)
