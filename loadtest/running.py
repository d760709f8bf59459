"""One run: who submits what, what becomes of it, and the verdict in the end."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import gevent
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from loadtest import hand_overs, proof, storage_calls
from loadtest.actions import ActionError, Actions
from loadtest.asked import Asked
from loadtest.book import Answer, Book, Entry
from loadtest.companions import Companions
from loadtest.effects import part_since, read_effects, size_of
from loadtest.evidence import Evidence
from loadtest.faults import FaultError, StackFaults
from loadtest.figures import Figures, measure
from loadtest.follower import READERS, Follower
from loadtest.job_times import JobTimes
from loadtest.plan import Plan
from loadtest.proof import Proof
from loadtest.scenario import Scenario, discover
from loadtest.schedules import find_jobs
from loadtest.thresholds import EVERY, Thresholds, read_thresholds
from loadtest.verdict import Verdict, findings
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
        harm = Random(plan.seed)
        self.faults = StackFaults(plan.runtime, plan.workers, harm) if plan.runtime else None
        self._session = FastHttpSession(
            plan.url, environment.events.request, None, network_timeout=60.0, concurrency=READERS
        )
        self._times = JobTimes(environment)
        self.follower = Follower(self._session, self._times.add)
        self._companions = Companions(self._scenarios.values(), self._actions, self.faults, harm, plan.seed)
        self._is_prepared = False

    # --- while submissions are sent ---------------------------------------------------------------

    def next(self, kind: type[Scenario]) -> Asked | None:
        """Return what to submit next; None when there is no more."""
        if not (self._left.get(kind) and self._has_begun()):
            return None
        if self._is_time_over() or not self._is_due(kind):
            return None
        self._left[kind] -= 1
        return self._scenarios[kind].ask(self._random)

    def answered(self, entry: Entry, answer: Answer) -> None:
        """Note an answer."""
        entry.answers.append(answer)
        self._last_answer = time.monotonic()

    def lock(self, kind: type[Scenario], asked: Asked) -> str:
        """Return the lock's name, which no other run uses."""
        return f"{self._prefix(kind)}{asked.lock}"

    def is_submitting(self) -> bool:
        """Return whether there is more to submit."""
        if self._companions.trouble is not None:
            return False
        return not self._has_begun() or (any(self._left.values()) and not self._is_time_over())

    # --- afterwards -----------------------------------------------------------------------------------

    def finish(self) -> Verdict:
        """Wait until all accepted jobs have ended, and judge the run."""
        lasted = self._last_answer - self._began
        title = ", ".join(kind.title() for kind in self._scenarios)
        names = ", ".join(kind.name() for kind in self._scenarios)
        try:
            evidence, figures, limits = self._evidence(lasted)
        except (proof.ProofError, FaultError, ActionError) as error:
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
        self._companions.stop()
        patience = max(kind.patience_seconds for kind in self._scenarios)
        if self.faults is not None and self.faults.log:
            self.faults.mend()
        if self._companions.trouble is not None:
            raise FaultError(self._companions.trouble)
        self._wait_for_jobs(patience)
        done = self._companions.actions
        known = [entry.job_id for entry in self.book.turned_away() if done[0].knows(entry.job_id)]
        limits_of_locks = {lock: limits for one in done for lock, limits in one.recorded_limits().items()}
        schedules = [record for one in done for record in one.schedules]
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
            limits=limits_of_locks,
            schedules=schedules,
        )
        self._times.add_distances(figures, self.follower.ended.values())
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
            known=known,
            limits=limits_of_locks,
            set_limits={lock: limits for one in done for lock, limits in one.set_limits.items()},
            schedules=schedules,
        )
        names = [kind.name() for kind in self._scenarios]
        limits = read_thresholds(Path(self.plan.thresholds), [*discover()])
        # Several at once have only the thresholds that all scenarios have.
        return evidence, figures, limits[names[0] if len(names) == 1 else EVERY]

    def _actions(self, scenario: Scenario) -> Actions:
        kind = type(scenario)
        jobs = self.plan.jobs or kind.jobs
        return Actions(self._session, self.name, self._prefix(kind), self.plan.sink, jobs)

    def _prefix(self, kind: type[Scenario]) -> str:
        return f"load-{self.name}-{kind.name()}-"

    def _has_begun(self) -> bool:
        """Return whether the stack is prepared; the time counts from when it was."""
        if not self._is_prepared and self._companions.are_prepared:
            self._is_prepared = True
            self._began = self._last_answer = time.monotonic()
        return self._is_prepared

    def _wait_for_jobs(self, patience: float) -> None:
        known = -1
        # A list may have a job of a schedule a little later.
        while known < len(self.book.entries):
            known = len(self.book.entries)
            for actions in self._companions.actions:
                for entry in find_jobs(actions, self.book):
                    self.follower.add(entry.job_id)
            self.follower.wait(patience)

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


def watch(run: LoadRun, say: Any) -> None:
    """Report where the run stands every few seconds, until it is done."""
    last = 0.0
    while run.stage != "done":
        if time.monotonic() - last > 5:
            last = time.monotonic()
            counts = run.counts()
            say(f"{counts['stage']}: {counts['accepted']} accepted, {counts['ended']} ended")
        gevent.sleep(_TICK_SECONDS)
