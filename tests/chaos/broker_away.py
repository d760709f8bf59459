"""Case: RabbitMQ is away for long: dead, frozen, or full. Jobs come in and start all the while."""

import time
from collections.abc import Callable

import httpx
from tests.chaos.case import Case
from tests.chaos.load import Accepted
from tests.chaos.verdict import Verdict
from tests.e2e.waiting import until

from contracts.identifiers import new_id

_FIRST_JOBS = 10

#: Seconds within which a job starts whose lock is free.
_STARTS_WITHIN = 10.0

#: Seconds that a publisher waits for a wake-up to be confirmed, before it waits for none.
_WAKE_UP_SECONDS = 2.0

#: Seconds between two jobs on locks of their own.
_BETWEEN = 2.0

_BACK_SECONDS = 60.0


class BrokerAway(Case):
    name = "broker-away"
    patience = 150.0

    def play(self) -> None:
        broker = self.stack.rabbitmq
        outages: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "dead": (broker.kill, broker.start),
            "frozen": (broker.pause, broker.resume),
            "full": (lambda: broker.limit_disk("900GB"), lambda: broker.limit_disk("200MB")),
        }
        #: Jobs on locks of their own, by the outage in which they were submitted.
        self._alone: dict[str, list[str]] = {}
        self._answered: dict[str, list[float]] = {}
        with self.load(None, 3, _errand) as load:
            until(lambda: len(self.accepted) > _FIRST_JOBS, 30, "the first jobs")
            for outage, (begin, end) in outages.items():
                self._alone[outage], self._answered[outage] = [], []
                begin()
                try:
                    self._submit_alone(outage, self.sizes.broker_away / len(outages))
                finally:
                    end()
                until(self._is_consumed, _BACK_SECONDS, "the workers to listen again")
                self.say(f"{outage}; {len(self.accepted)} jobs accepted")
            load.stop()

    def _is_consumed(self) -> bool:
        return self.stack.consumers(self.stack.broker.topology.jobs_queue) > 0

    def _submit_alone(self, outage: str, seconds: float) -> None:
        """Submit jobs whose locks are free, for so long."""
        ends = time.monotonic() + seconds
        with httpx.Client(base_url=self.stack.publisher.url, timeout=30) as client:
            while time.monotonic() < ends:
                job = Accepted(
                    new_id(), f"alone {outage} {len(self._alone[outage])}", {"steps": 1, "seconds": 0.1}
                )
                asked = {"job_id": job.id, "kind": "errand", "lock": job.lock, "parameters": job.parameters}
                began = time.monotonic()
                answer = client.post("/api/v1/jobs", json=asked)
                self._answered[outage].append(time.monotonic() - began)
                assert answer.status_code == httpx.codes.ACCEPTED, f"{answer.status_code} {answer.text[:500]}"
                self.accepted[job.id] = job
                self._alone[outage].append(job.id)
                time.sleep(min(_BETWEEN, max(0.0, ends - time.monotonic())))

    def assess(self, verdict: Verdict) -> None:
        happened = {
            (event.job_id, event.status): event.committed
            for events in verdict.journals.values()
            for event in events
        }
        for outage, jobs in self._alone.items():
            started = [happened[job, "Started"] - happened[job, "Submitted"] for job in jobs]
            answered = self._answered[outage]
            self.figures[outage] = {
                "alone": len(jobs),
                "started_s": round(max(started), 1),
                "answered_s": round(max(answered[1:], default=0.0), 2),
            }
            limit = _STARTS_WITHIN * self.sizes.slack
            late = f"{outage}: a job under a free lock started after {max(started):.1f} s, not {limit:g} s"
            self.expect(max(started) <= limit, late)
            # The first may have waited for the confirmation that did not come.
            slow = f"{outage}: submissions were answered after {[round(each, 1) for each in answered]} s"
            self.expect(all(each < _WAKE_UP_SECONDS for each in answered[1:]), slow)


def _errand(chance):
    return {"steps": 2, "seconds": round(chance.uniform(0.05, 0.4), 2)}
