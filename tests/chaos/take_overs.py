"""How long it took from a kill until the lock's next run had started."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.proxy import LeaseTry
from tests.chaos.running_jobs import RunningJob
from tests.e2e.records import Recorded

from contracts import lock_names

#: Seconds that a request may have been on its way when its sender was killed. No process that was killed is
#: back sooner.
_ON_THE_WAY = 0.5


@dataclass(frozen=True)
class Kill:
    """A run that was hit; `at` is the time of day at which the signal was sent."""

    victim: RunningJob
    what: str
    at: float


@dataclass(frozen=True)
class TakeOver:
    """A kill that cut a run off, and the seconds until the next start under its lock.

    They count from the last fault: where a worker that got the lease was killed before its run started, from
    then on, as the lease of the second has to run out, too.
    """

    kill: Kill
    seconds: float
    #: Kills of those who were taking over.
    hits: int
    #: The tries for the lease in between.
    tries: Sequence[LeaseTry]

    def tell_tries(self) -> str:
        """Say who tried, when after the kill, and what came of it."""
        return ", ".join(
            f"{one.service} {one.asked - self.kill.at:.1f} s{'' if one.is_granted else ' held'}"
            for one in self.tries
        )


def take_overs(
    kills: Sequence[Kill], journals: Mapping[str, Sequence[Recorded]], lease_tries: Iterable[LeaseTry]
) -> list[TakeOver]:
    """Measure the kills that cut a run off whose job continued; others were too late, or the last."""
    tries_of: dict[str, list[LeaseTry]] = {}
    for one in lease_tries:
        tries_of.setdefault(one.partition, []).append(one)
    found = []
    for kill in kills:
        events = journals.get(kill.victim.lock, [])
        after = [event for event in events if event.status == "Started" and event.fence > kill.victim.fence]
        of_run = [event for event in events if event.job_id == kill.victim.job_id]
        attempt = next(event.attempt for event in of_run if event.fence == kill.victim.fence)
        is_cut_off = any(event.status == "Interrupted" and event.attempt == attempt for event in of_run)
        goes_on = any(event.status == "Started" and event.attempt > attempt for event in of_run)
        if is_cut_off and goes_on and after:
            started = min(event.committed for event in after)
            tries = tries_of.get(lock_names.partition(kill.victim.lock), [])
            between = [one for one in tries if kill.at < one.asked < started]
            hits = _hits(between, kills, started)
            found.append(TakeOver(kill, started - max([kill.at, *hits]), len(hits), between))
    return found


def _hits(tries: Iterable[LeaseTry], kills: Iterable[Kill], started: float) -> list[float]:
    """Return when workers were killed that had got the lease."""
    of_workers = [kill for kill in kills if kill.what != "runner"]
    return [
        kill.at
        for one in tries
        if one.is_granted
        for kill in of_workers
        if kill.victim.worker.name == one.service and one.asked - _ON_THE_WAY < kill.at < started
    ]
