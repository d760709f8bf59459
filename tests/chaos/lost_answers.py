"""Case: every kind of write is carried out, but its answer is lost; some arrive late, twice or never."""

import time
from collections import Counter
from functools import partial

from tests.chaos.case import Case
from tests.chaos.proxy import LOST_ANSWERS, Fault
from tests.chaos.requests import Kind, Request
from tests.chaos.verdict import Verdict
from tests.e2e.waiting import until

#: Share of the writes whose answers are lost, as long as more are wanted; more of the rare ones.
_SHARE = {
    Kind.RENEW: 0.6,
    Kind.RELEASE: 0.8,
    Kind.END_AND_START: 0.8,
    Kind.INTERRUPT: 0.8,
    Kind.CANCEL: 0.8,
}
_USUAL_SHARE = 0.4

#: How far a kind may be ahead of the rarest one: each lost answer costs seconds, for which that one waits.
_LEAD = 10

#: Requests of a kind in a row to which a service may get no answer: after more it rightly takes the storage
#: for away.
_IN_A_ROW = 2

#: What else networks do, and to how many requests. Held back, they arrive when their sender has given up.
_STRAYS = (Fault.TWICE, Fault.TWICE, Fault.LATE, Fault.LOST)
_STRAY_SHARE = 0.02
_LATE_SECONDS = 3.0

#: Jobs that a client wants cancelled, waiting or running.
_CANCELLED_SHARE = 0.3

_MOST_SECONDS = 2400.0
_REPORT_SECONDS = 30.0


class LostAnswers(Case):
    name = "lost-answers"

    def play(self) -> None:
        self._lost = self.stack.network.seen.lost_answers
        self._in_a_row: Counter[tuple[str, Kind]] = Counter()
        self._told = time.monotonic()
        links = self.stack.network.links(
            [service.name for service in self.stack.services()], wanted=("blob", "table")
        )

        def prepare(link) -> None:
            link.decide, link.late_by = partial(self._decide, link.service), _LATE_SECONDS

        self.stack.network.switch(links, prepare)
        wanted = self.sizes.lost_answers
        with self.load(
            None, 8, _errand, locks=8, budget=self.steady(32), cancelled_share=_CANCELLED_SHARE
        ) as load:
            until(lambda: self._report() >= wanted, _MOST_SECONDS, f"{wanted} lost answers of each kind")
            load.stop()

    def _decide(self, service: str, request: Request, kind: Kind | None) -> Fault | None:
        if kind is None:
            return None
        fault = self._choose(kind) if self._in_a_row[service, kind] < _IN_A_ROW else None
        self._in_a_row[service, kind] += 1
        if fault in {None, Fault.TWICE}:
            self._in_a_row[service, kind] = 0
        return fault

    def _choose(self, kind: Kind) -> Fault | None:
        most = min(self.sizes.lost_answers, self._fewest()[0] + _LEAD)
        if self._lost[kind] < most and self.chance.random() < _SHARE.get(kind, _USUAL_SHARE):
            return self.chance.choice(LOST_ANSWERS)
        return self.chance.choice(_STRAYS) if self.chance.random() < _STRAY_SHARE else None

    def _report(self) -> int:
        fewest, kind = self._fewest()
        if time.monotonic() - self._told > _REPORT_SECONDS:
            self._told = time.monotonic()
            self.say(f"fewest lost answers: {fewest}, {kind}; {len(self.accepted)} jobs accepted")
        return fewest

    def _fewest(self) -> tuple[int, str]:
        return min((self._lost[kind], kind.value) for kind in Kind)

    def assess(self, verdict: Verdict) -> None:
        self.figures["lost_answers"] = {kind.value: self._lost[kind] for kind in Kind}
        strays: Counter[str] = Counter()
        for (_, what), count in self.stack.network.seen.faults.items():
            if what in _STRAYS:
                strays[what.value] += count
        self.figures["strays"] = dict(strays)
        cut_off = [
            job.id
            for job in self.accepted.values()
            if not job.parameters["deaths"]
            and any(
                event.status == "Interrupted" and event.job_id == job.id
                for event in verdict.journals[job.lock]
            )
        ]
        self.figures["falsely_cut_off"] = len(cut_off)
        self.expect(not cut_off, f"jobs cut off although nothing but answers was lost: {cut_off[:5]}")


def _errand(chance):
    long = chance.random() < 0.25
    return {
        "steps": 2,
        "seconds": 3.0 if long else round(chance.uniform(0.05, 0.5), 2),
        "saves": True,
        "deaths": int(chance.random() < 0.3),
    }
