"""Case: connections of every service to every server are cut, half open, or slow."""

import time
from collections import Counter

from tests.chaos.case import Case
from tests.chaos.network import SERVERS
from tests.chaos.proxy import Link
from tests.chaos.verdict import Verdict
from tests.e2e.stack import LEASE_SECONDS

_FAULTS = ("cut", "half open", "slow")


class Cuts(Case):
    name = "cuts"
    patience = 150.0

    def play(self) -> None:
        self._done: Counter[str] = Counter()
        names = [service.name for service in self.stack.services()]
        healing: list[tuple[float, Link]] = []
        with self.load(None, 4, _errand, budget=self.steady(16)) as load:
            for number in range(self.sizes.cuts):
                service, server = self.chance.choice(names), SERVERS[number % len(SERVERS)]
                links = self.stack.network.links(
                    [service], SERVERS if self.chance.random() < 0.2 else [server]
                )
                fault = _FAULTS[number % len(_FAULTS)] if number % 2 else self.chance.choice(_FAULTS)
                self._break(links, fault)
                self._done[f"{server}, {fault}"] += 1
                until = time.monotonic() + self.chance.uniform(0.5, self.sizes.longest_cut)
                healing += [(until, link) for link in links]
                time.sleep(min(1.0, self.sizes.longest_cut / 4))
                healing = self._heal(healing)
                if number % 20 == 19:
                    self.say(f"{number + 1} faults, {len(self.accepted)} jobs accepted")
            while healing:
                time.sleep(0.2)
                healing = self._heal(healing)
            load.stop()

    def _break(self, links: list[Link], fault: str) -> None:
        slowness = self.chance.uniform(0.1, 0.6)

        def change(link: Link) -> None:
            match fault:
                case "cut":
                    link.cut()
                case "half open":
                    link.freeze()
                case _:
                    link.delay = slowness

        self.stack.network.switch(links, change)

    def _heal(self, healing: list[tuple[float, Link]]) -> list[tuple[float, Link]]:
        now = time.monotonic()
        later = [(until, link) for until, link in healing if until > now]
        still = {id(link) for _, link in later}
        over = [link for until, link in healing if until <= now and id(link) not in still]
        self.stack.network.switch(over, Link.heal)
        return later

    def assess(self, verdict: Verdict) -> None:
        self.figures["faults"] = dict(sorted(self._done.items()))


def _errand(chance):
    return {"steps": 3, "seconds": round(chance.choice([0.1, 0.3, LEASE_SECONDS / 5]), 2), "saves": True}
