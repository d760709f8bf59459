"""One run: who submits what, what becomes of it, and the verdict in the end."""

import itertools
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import gevent
from gevent.event import Event
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from loadtest import hand_overs, histories, proof, storage_calls
from loadtest.book import Answer, Book, Entry
from loadtest.effects import part_since, read_effects, size_of
from loadtest.faults import FaultError, StackFaults
from loadtest.figures import Figures, measure
from loadtest.follower import READERS, Follower
from loadtest.histories import History
from loadtest.plan import Plan
from loadtest.proof import Proof
from loadtest.scenario import Asked, Scenario, discover
from loadtest.thresholds import EVERY, Thresholds, read_thresholds
from loadtest.verdict import Evidence, Verdict, findings
from loadtest.viewers import Viewers

_TICK_SECONDS = 0.2


class LoadRun:
    """A run of one scenario, or of several at once, as the web page allows."""

    def __init__(self, plan: Plan, scenarios: Sequence[type[Scenario]], environment: Environment) -> None:
        self.plan = plan
        self.name = f"{datetime.now(UTC):%H%M%S}-{Random().randrange(16**4):04x}"
        self.book = Book()
        self.stage = "submitting"
        self.verdict: Verdict | None = None
        self._environment = environment
        self._random = Random(plan.seed)
        self._scenarios = {kind: kind() for kind in scenarios}
        self._left = {kind: plan.jobs or kind.jobs for kind in scenarios}
        self.since = datetime.now(UTC)
        self._began = self._last_answer = time.monotonic()
        # On the web page one run follows another.
        self._ledger_start = size_of(Path(plan.ledger))
        self._calls = storage_calls.count(plan.metrics)
        self._hand_overs = hand_overs.read(plan.metrics.get("worker", ()))
        viewers = sum(kind.viewers for kind in scenarios) if plan.dashboard else 0
        self._viewers = Viewers(plan.dashboard or "", viewers, Path(plan.results))
        # Of its own, so that a seed does the same harm independent of the submissions.
        self._harm = Random(plan.seed)
        self.faults = StackFaults(plan.runtime, plan.workers, self._harm) if plan.runtime else None
        self._trouble: str | None = None
        self._is_over = Event()
        self._disturbing = [gevent.spawn(self._disturb, scenario) for scenario in self._scenarios.values()]
        session = FastHttpSession(
            plan.url, environment.events.request, None, network_timeout=60.0, concurrency=READERS
        )
        self.follower = Follower(session, self._has_ended)

    # --- while submissions are sent ---------------------------------------------------------------

    def next(self, kind: type[Scenario]) -> Asked | None:
        """Return what to submit next; None when there is no more."""
        if not self._left.get(kind) or self._is_time_over() or not self._is_due(kind):
            return None
        self._left[kind] -= 1
        return self._scenarios[kind].ask(self._random)

    def answered(self, entry: Entry, answer: Answer) -> None:
        """Note an answer."""
        entry.answers.append(answer)
        self._last_answer = time.monotonic()

    def lock(self, kind: type[Scenario], asked: Asked) -> str:
        """Return the lock's name, which no other run uses."""
        return f"load-{self.name}-{kind.name()}-{asked.lock}"

    def is_submitting(self) -> bool:
        """Return whether there is more to submit."""
        return any(self._left.values()) and not self._is_time_over()

    # --- afterwards -----------------------------------------------------------------------------------

    def finish(self) -> Verdict:
        """Wait until all accepted jobs have ended, and judge the run."""
        lasted = self._last_answer - self._began
        title = ", ".join(kind.title() for kind in self._scenarios)
        names = ", ".join(kind.name() for kind in self._scenarios)
        try:
            evidence, figures, limits = self._evidence(lasted)
        except (proof.ProofError, FaultError) as error:
            self.verdict = Verdict(names, title, [], unusable=str(error))
        else:
            document = {**figures.document(), "take_over_by_cause": dict(evidence.proof.take_overs)}
            document["faults"] = [f"{at:%H:%M:%S} {what}" for at, what in self._done()]
            self.verdict = Verdict(names, title, findings(evidence, figures, limits), document)
        self.follower.close()
        self._viewers.stop()
        self.stage = "done"
        return self.verdict

    def counts(self) -> dict[str, Any]:
        """Return where the run stands, for those who watch."""
        promised = len(self.book.promised())
        return {
            "stage": self.stage,
            "submitted": len(self.book.entries),
            "accepted": promised,
            "ended": len(self.follower.ended),
            "answers": dict(self.book.statuses()),
            "faults": [what for _, what in self._done()],
        }

    def _evidence(self, lasted: float) -> tuple[Evidence, Figures, Thresholds]:
        self.stage = "waiting for jobs to end"
        self._is_over.set()
        gevent.joinall(self._disturbing)
        patience = max(kind.patience_seconds for kind in self._scenarios)
        if self.faults is not None and self.faults.log:
            self.faults.mend()
        if self._trouble is not None:
            raise FaultError(self._trouble)
        self.follower.wait(patience)
        calls = storage_calls.difference(self._calls, storage_calls.count(self.plan.metrics))
        handed_over = hand_overs.between(
            self._hand_overs, hand_overs.read(self.plan.metrics.get("worker", ()))
        )
        watched_minutes = (time.monotonic() - self._began) / 60
        watched = self._viewers.stop()
        self.stage = "having turnstile verify look at it"
        ledger = part_since(Path(self.plan.ledger), self._ledger_start, Path(self.plan.results))
        found = self._prove(ledger, patience)
        figures = measure(
            self.book,
            self.follower.ended.values(),
            submitting_seconds=lasted,
            killed=self._killed(),
            storage_calls=calls,
            hand_overs=handed_over,
            watched=watched,
            minutes=watched_minutes,
        )
        self._fire_distances(figures)
        evidence = Evidence(
            self.book,
            self.follower.ended,
            read_effects(ledger),
            found,
            interrupts=any(kind.interrupts for kind in self._scenarios),
            harm=[what for _, what in self._done()]
            if any(kind.disturbs() for kind in self._scenarios)
            else None,
            patience_seconds=patience,
            watched=watched,
        )
        names = [kind.name() for kind in self._scenarios]
        limits = read_thresholds(Path(self.plan.thresholds), [*discover()])
        # Several at once have only the thresholds that all scenarios have.
        return evidence, figures, limits[names[0] if len(names) == 1 else EVERY]

    def _prove(self, ledger: Path, patience: float) -> Proof:
        promised = self.book.promised()
        if not promised:
            return Proof(holds=False)
        results = Path(self.plan.results)
        accepted = results / "accepted.txt"
        accepted.write_text("".join(f"{entry.job_id}\n" for entry in promised))
        return proof.verify(
            self.plan.verify,
            self.since,
            accepted,
            ledger,
            results / "verify.html",
            patience=timedelta(seconds=patience),
        )

    def _killed(self) -> dict[str, datetime]:
        ends = self.faults.killed if self.faults is not None else {}
        workers = {run.worker for history in self.follower.ended.values() for run in history.runs}
        return {name: at for end, at in ends.items() for name in workers if name.endswith(end)}

    def _done(self) -> list[tuple[datetime, str]]:
        return self.faults.log if self.faults is not None else []

    def _is_time_over(self) -> bool:
        return time.monotonic() - self._began > max(map(self._seconds, self._scenarios))

    def _is_due(self, kind: type[Scenario]) -> bool:
        if not kind.is_spread:
            return True
        jobs = self.plan.jobs or kind.jobs
        return jobs - self._left[kind] <= jobs * (time.monotonic() - self._began) / self._seconds(kind)

    def _seconds(self, kind: type[Scenario]) -> float:
        return self.plan.seconds or kind.seconds

    def _disturb(self, scenario: Scenario) -> None:
        if not scenario.disturbs():
            return
        if self.faults is None:
            self._trouble = f"{scenario.name()} does harm, which is done only to a stack of this folder."
            return
        try:
            for pause in scenario.disturb(self.faults, self._harm):
                if self._is_over.wait(pause):
                    break
        except FaultError as error:
            self._trouble = str(error)

    # --- Locust's statistics --------------------------------------------------------------------------

    def _has_ended(self, history: History) -> None:
        for run in history.runs:
            self._fire("time in line", (run.start - run.waiting_since).total_seconds())

    def _fire_distances(self, figures: Figures) -> None:
        for seconds in figures.take_over_seconds:
            self._fire("take-over", seconds)
        busiest = max(histories.runs_by_lock(self.follower.ended.values()).values(), key=len, default=[])
        for earlier, later in itertools.pairwise(busiest):
            self._fire("job through the busiest lock", (later.end - earlier.end).total_seconds())

    def _fire(self, name: str, seconds: float) -> None:
        fire: Any = self._environment.events.request.fire
        fire(
            request_type="JOB",
            name=name,
            response_time=1000 * seconds,
            response_length=0,
            exception=None,
            context={},
            response=None,
            url=None,
            start_time=time.time(),
        )


def watch(run: LoadRun, say: Any) -> None:
    """Report where the run stands every few seconds, until it is done."""
    last = 0.0
    while run.stage != "done":
        if time.monotonic() - last > 5:
            last = time.monotonic()
            counts = run.counts()
            say(f"{counts['stage']}: {counts['accepted']} accepted, {counts['ended']} ended")
        gevent.sleep(_TICK_SECONDS)
