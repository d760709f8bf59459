"""Case: the storage refuses a third of all requests, and then all of them."""

import time
from collections import deque

from tests.chaos.case import Case
from tests.chaos.proxy import Fault, Link
from tests.chaos.requests import Kind, Request
from tests.chaos.verdict import Verdict
from tests.e2e.waiting import until

_SHARE = 0.3

#: Requests per second while the storage is away, compared with before: more would be a storm of our own.
_MOST_REQUESTS = 2.0

#: The rate of finished jobs that counts as recovered, compared with before, and the seconds until then.
_RECOVERED = 0.9
_RECOVERY_SECONDS = 60.0

#: Seconds over which jobs per second are counted.
_WINDOW = 10.0


class Storm(Case):
    name = "storm"
    patience = 150.0

    def play(self) -> None:
        network = self.stack.network
        links = network.links([service.name for service in self.stack.services()], wanted=("blob", "table"))
        refused = 0.0

        def decide(request: Request, kind: Kind | None) -> Fault | None:
            return Fault.REFUSED if self.chance.random() < refused else None

        def prepare(link: Link) -> None:
            link.decide = decide

        with self.load(None, 4, _errand) as load:
            until(lambda: self._finished() >= 5, 30, "the first jobs to be over")
            finished = self._finished()
            usual = self._rate(_WINDOW)
            usual_jobs = (self._finished() - finished) / _WINDOW
            network.switch(links, prepare)
            refused = _SHARE
            some = self._rate(self.sizes.storm)
            self.say(
                f"after {self.sizes.storm:g} s of refusing {_SHARE:.0%}: {len(self.accepted)} jobs accepted"
            )
            refused = 1.0
            all_ = self._rate(self.sizes.blackout)
            self.say(f"after {self.sizes.blackout:g} s of refusing everything")
            refused = 0.0
            began = time.monotonic()
            count = len(self.accepted)
            until(lambda: len(self.accepted) >= count + 5, _RECOVERY_SECONDS, "jobs to be accepted again")
            self.figures["accepts_again_after"] = round(time.monotonic() - began, 1)
            self._wait_for(_RECOVERED * usual_jobs, began + _RECOVERY_SECONDS - time.monotonic())
            self.figures["jobs_per_second"] = round(usual_jobs, 1)
            self.figures["at_90_percent_after"] = round(time.monotonic() - began, 1)
            load.stop()
        self.figures["requests_per_second"] = {
            "usual": round(usual),
            "storm": round(some),
            "blackout": round(all_),
        }
        self.expect(all_ <= _MOST_REQUESTS * usual, f"{all_:.0f} requests/s while away, usually {usual:.0f}")

    def _finished(self) -> int:
        return len(self.accepted) - len(self.stack.records.active_jobs())

    def _wait_for(self, jobs_per_second: float, within: float) -> None:
        """Wait until as many jobs are over per second, backlog included; fail when that takes too long."""
        seen = deque([(time.monotonic(), self._finished())])

        def is_back() -> bool:
            seen.append((time.monotonic(), self._finished()))
            while seen[1][0] <= seen[-1][0] - _WINDOW:
                seen.popleft()
            (since, before), (now, after) = seen[0], seen[-1]
            return after - before >= jobs_per_second * max(now - since, _WINDOW)

        until(is_back, within, f"{jobs_per_second:.1f} jobs a second, as before the storm")

    def _rate(self, seconds: float) -> float:
        before = self.stack.network.seen.requests
        time.sleep(seconds)
        return (self.stack.network.seen.requests - before) / seconds

    def assess(self, verdict: Verdict) -> None:
        refused = self.stack.network.seen.faults
        self.figures["refused"] = sum(n for (_, what), n in refused.items() if what is Fault.REFUSED)


def _errand(chance):
    return {"steps": 3, "seconds": round(chance.uniform(0.05, 0.4), 2)}
