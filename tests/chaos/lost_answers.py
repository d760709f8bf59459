"""Case: every kind of write is carried out, but its answer is lost, in one way or another."""

from collections import Counter

from tests.chaos.case import Case
from tests.chaos.proxy import LOST_ANSWERS, Mishap
from tests.chaos.requests import Kind, Request
from tests.chaos.verdict import Verdict
from tests.e2e.waiting import until

#: Share of the writes whose answers are lost, as long as more are wanted.
_SHARE = {
    Kind.SUBMIT: 0.4,
    Kind.REGISTER: 0.4,
    Kind.RENEW: 0.5,
    Kind.RELEASE: 0.7,
    Kind.TAKE_OVER: 0.5,
    Kind.END_AND_START: 0.7,
    Kind.INTERRUPT: 0.7,
}
_USUAL_SHARE = 0.3

#: Requests that arrive once more, later, as networks do; beside those whose answers are lost.
_TWINS = 0.01

_MOST_SECONDS = 1500.0


class LostAnswers(Case):
    name = "lost-answers"

    def play(self) -> None:
        self._lost: Counter[Kind] = Counter()
        links = self.town.network.links(
            [service.name for service in self.town.services()], wanted=("blob", "table")
        )

        def prepare(link) -> None:
            link.decide, link.late_by = self._decide, 3.0

        self.town.network.switch(links, prepare)
        wanted = self.sizes.lost_answers
        with self.load(None, 8, _errand, locks=8, budget=self.steady(24)) as load:
            until(lambda: self._report() >= wanted, _MOST_SECONDS, f"{wanted} lost answers of each kind")
            load.stop()

    def _decide(self, request: Request, kind: Kind | None) -> Mishap | None:
        if kind is None:
            return None
        share = _SHARE.get(kind, _USUAL_SHARE)
        if self._lost[kind] < self.sizes.lost_answers and self.dice.random() < share:
            self._lost[kind] += 1
            return self.dice.choice(LOST_ANSWERS)
        return Mishap.TWICE if self.dice.random() < _TWINS else None

    def _report(self) -> int:
        fewest, kind = min((self._lost[kind], kind.value) for kind in Kind)
        self._told = getattr(self, "_told", 0) + 1
        if self._told % 100 == 0:
            self.say(f"fewest lost answers: {fewest}, {kind}; {len(self.accepted)} jobs accepted")
        return fewest

    def assess(self, verdict: Verdict) -> None:
        self.figures["lost_answers"] = {kind.value: self._lost[kind] for kind in Kind}
        twins = self.town.network.seen.mishaps
        self.figures["late_twins"] = sum(count for (_, what), count in twins.items() if what is Mishap.TWICE)
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


def _errand(dice):
    long = dice.random() < 0.25
    return {
        "steps": 2,
        "seconds": 3.0 if long else round(dice.uniform(0.05, 0.5), 2),
        "saves": True,
        "deaths": int(dice.random() < 0.2),
    }
