"""Case: runners, supervisors and both are killed in the middle of their jobs."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator, Sequence

from tests.chaos.case import Case
from tests.chaos.running_jobs import RunningJob
from tests.chaos.take_overs import Kill, take_overs
from tests.chaos.verdict import Verdict
from tests.e2e.stack import TAKE_OVER_SECONDS
from tests.e2e.waiting import until

from verification import nearest_rank

_STEPS = 3

#: What is killed; a runner comes back sooner than a whole worker.
_VICTIMS = ("runner", "runner", "supervisor", "both")

#: Kills wait while more workers than this are down: another worker has to be there to take over.
_MOST_DOWN = 2

#: Nor while more jobs than this are not over: a machine without time to spare keeps no times.
_MOST_ACTIVE = 40

#: Seconds between two kills, at least, and how long it may take until the next one is possible.
_PAUSE = 1.0
_LULL_SECONDS = 300.0

#: Seconds within which all but one take-over in a hundred must have happened.
LIMITS = {"runner": 3.0, "supervisor": TAKE_OVER_SECONDS, "both": TAKE_OVER_SECONDS}


class Kills(Case):
    name = "kills"

    def play(self) -> None:
        self.kills: list[Kill] = []
        self._victims = deal(_VICTIMS, self.chance)
        self._bait = 0
        # The load follows the kills, so that also on a slow machine a worker is there to take over.
        with self.load(None, 20, _errand, budget=self._budget) as load:
            while len(self.kills) < self.sizes.kills:
                self._kill_one()
                if len(self.kills) % 20 == 0:
                    self.say(f"{len(self.kills)} kills, {len(self.accepted)} jobs accepted")
            until(
                lambda: len(self.accepted) >= self.sizes.killed_jobs, 600, "the rest of the jobs to come in"
            )
            load.stop()

    def _budget(self) -> float:
        share = (len(self.kills) + 3) / self.sizes.kills
        return self.sizes.killed_jobs * min(share, 1.0) + self._bait

    def _kill_one(self) -> None:
        until(lambda: not self._is_everybody_busy(), _LULL_SECONDS, "workers to be back and jobs to end")
        victim = self._find_prey()
        time.sleep(self.chance.uniform(0, 0.06))
        what = next(self._victims)
        self.kills.append(Kill(victim, what, time.time()))
        _kill(victim, what)
        time.sleep(_PAUSE)

    def _find_prey(self) -> RunningJob:
        deadline = time.monotonic() + _LULL_SECONDS
        while time.monotonic() < deadline:
            victim = self.finder.find(lambda victim: victim.step != f"effect {_STEPS}", within=1)
            if victim is not None:
                return victim
            self._bait += 1
        raise AssertionError("no job runs: nothing can be killed in the middle of one")

    def _is_everybody_busy(self) -> bool:
        if sum(not worker.is_ready for worker in self.stack.workers) > _MOST_DOWN:
            return True
        return len(self.stack.active_jobs()) > _MOST_ACTIVE

    def assess(self, verdict: Verdict) -> None:
        found = take_overs(self.kills, verdict.journals, self.stack.network.seen.lease_tries)
        hit = sum(taken.hits > 0 for taken in found)
        self.figures |= {"kills": len(self.kills), "cut_off": len(found), "hit_again": hit}
        self.expect(len(found) >= 0.8 * len(self.kills), "most kills should have cut a run off")
        for what, promised in LIMITS.items():
            limit = promised * self.sizes.slack
            seconds = sorted(take_over.seconds for take_over in found if take_over.kill.what == what)
            if not seconds:
                self.wrong.append(f"no killed {what} was taken over: this has shown nothing")
                continue
            p99 = nearest_rank(seconds, 0.99)
            figures = {"p50": nearest_rank(seconds, 0.5), "p99": p99, "max": seconds[-1]}
            rounded = {name: round(value, 2) for name, value in figures.items()}
            self.figures[f"take_over_{what}"] = {"count": len(seconds), **rounded}
            self.expect(p99 <= limit, f"take-over of a killed {what}: p99 is {p99:.2f} s, not {limit:g} s")
        for late in (taken for taken in found if taken.seconds > LIMITS[taken.kill.what]):
            victim = late.kill.victim
            about = f"{victim.worker.name} on {victim.lock} with fence {victim.fence}"
            tries = late.tell_tries()
            self.say(f"late: {late.seconds:.1f} s for a killed {late.kill.what}, {about}; tries: {tries}")


def deal(kinds: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Return each kind in turn, as shuffled decks of cards do: also a few are of every kind."""
    while True:
        deck = list(kinds)
        chance.shuffle(deck)
        yield from deck


def _errand(chance):
    return {"steps": _STEPS, "seconds": round(chance.uniform(0.1, 0.25), 2)}


def _kill(victim: RunningJob, what: str) -> None:
    pids = {"runner": [victim.runner_pid], "supervisor": [victim.worker_pid]}
    for pid in pids.get(what, [victim.worker_pid, victim.runner_pid]):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
