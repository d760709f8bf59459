"""Case: the storage refuses a third of all requests, and then all of them."""

import time

from tests.chaos.case import Case
from tests.chaos.proxy import Link, Mishap
from tests.chaos.requests import Kind, Request
from tests.chaos.verdict import Verdict

_SHARE = 0.3

#: Requests per second while the storage is away, compared with before: more would be a storm of our own.
_MOST_REQUESTS = 2.0


class Storm(Case):
    name = "storm"
    patience = 150.0

    def play(self) -> None:
        network = self.town.network
        links = network.links([service.name for service in self.town.services()], wanted=("blob", "table"))
        refused = 0.0

        def decide(request: Request, kind: Kind | None) -> Mishap | None:
            return Mishap.REFUSED if self.dice.random() < refused else None

        def prepare(link: Link) -> None:
            link.decide = decide

        with self.load(None, 4, _errand) as load:
            time.sleep(3)
            usual = self._rate(4.0)
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
            while len(self.accepted) < count + 5:
                time.sleep(0.05)
            self.figures["accepts_again_after"] = round(time.monotonic() - began, 1)
            load.stop()
        self.figures["requests_per_second"] = {
            "usual": round(usual),
            "storm": round(some),
            "blackout": round(all_),
        }
        self.expect(all_ <= _MOST_REQUESTS * usual, f"{all_:.0f} requests/s while away, usually {usual:.0f}")

    def _rate(self, seconds: float) -> float:
        before = self.town.network.seen.requests
        time.sleep(seconds)
        return (self.town.network.seen.requests - before) / seconds

    def assess(self, verdict: Verdict) -> None:
        refused = self.town.network.seen.mishaps
        self.figures["refused"] = sum(n for (_, what), n in refused.items() if what is Mishap.REFUSED)


def _errand(dice):
    return {"steps": 3, "seconds": round(dice.uniform(0.05, 0.4), 2)}
