"""How long it took from a kill until the lock's next run had started."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.prey import Prey
from tests.e2e.records import Recorded


@dataclass(frozen=True)
class Kill:
    """A run that was hit; `at` is the time of day at which the signal was sent."""

    prey: Prey
    what: str
    at: float


@dataclass(frozen=True)
class TakeOver:
    """A kill that cut a run off, and the seconds until the next start under its lock."""

    kill: Kill
    seconds: float


def take_overs(kills: Iterable[Kill], journals: Mapping[str, Sequence[Recorded]]) -> list[TakeOver]:
    """Measure the kills that cut a run off whose job went on; the others came too late, or were the last."""
    found = []
    for kill in kills:
        events = journals.get(kill.prey.lock, [])
        after = [event for event in events if event.status == "Started" and event.fence > kill.prey.fence]
        of_run = [event for event in events if event.job_id == kill.prey.job_id]
        attempt = next(event.attempt for event in of_run if event.fence == kill.prey.fence)
        is_cut_off = any(event.status == "Interrupted" and event.attempt == attempt for event in of_run)
        goes_on = any(event.status == "Started" and event.attempt > attempt for event in of_run)
        if is_cut_off and goes_on and after:
            found.append(TakeOver(kill, min(event.committed for event in after) - kill.at))
    return found


def quantile(seconds: Sequence[float], share: float) -> float:
    """Give the smallest value that so large a share does not exceed; 0 where there is none."""
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1] if seconds else 0.0
