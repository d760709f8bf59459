"""The users: each submits jobs of its scenario, one request after another, and notes what is answered."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser, task

from loadtest.actions import document_of
from loadtest.book import Answer, Entry
from loadtest.running import LoadRun
from loadtest.scenario import Scenario
from loadtest.telemetry import Sending, request_span

_ROUTE = "/api/v1/jobs"
_BATCH_ROUTE = "/api/v1/jobs:batch"
_IDLE_SECONDS = 0.1

#: How often a submission with an unknown outcome is repeated, with the same id, as the API asks.
_REPEATS = 5
_REPEAT_SECONDS = 1.0


class Publisher(FastHttpUser):
    """A user of the HTTP API."""

    abstract = True
    scenario: ClassVar[type[Scenario]]

    network_timeout = 60.0
    connection_timeout = 10.0

    @task
    def submit(self) -> None:
        """Submit the next job, or the next batch, if there is one."""
        run: LoadRun = self.environment.load_run
        entries = self._next(run)
        if not entries:
            gevent.sleep(_IDLE_SECONDS)
            return
        self._send_all(run, entries)
        for _ in range(_REPEATS):
            unknown = [
                entry
                for entry in entries
                if not entry.is_promised and all(answer.is_unavailable for answer in entry.answers)
            ]
            if not unknown:
                break
            gevent.sleep(_REPEAT_SECONDS)
            self._send(run, unknown)
        for entry in entries:
            if entry.is_promised:
                run.follower.add(entry.job_id)

    def _next(self, run: LoadRun) -> list[Entry]:
        entries: list[Entry] = []
        while len(entries) < self.scenario.batch and (asked := run.next(self.scenario)) is not None:
            entries.append(run.book.open(str(uuid.uuid4()), run.lock(self.scenario, asked), asked))
        return entries

    def _send_all(self, run: LoadRun, entries: list[Entry]) -> None:
        copies = entries[0].asked.copies
        if copies == 1:
            self._send(run, entries)
        else:
            sending = [gevent.spawn(self._send, run, entries) for _ in range(copies)]
            gevent.joinall(sending, raise_error=True)

    def _send(self, run: LoadRun, entries: list[Entry]) -> None:
        if self.scenario.batch == 1:
            self._send_one(run, entries[0])
        else:
            self._send_batch(run, entries)

    def _send_one(self, run: LoadRun, entry: Entry) -> None:
        sent_at, began = datetime.now(UTC), time.perf_counter()
        with (
            request_span("POST", _ROUTE, entry.job_id, entry.lock) as sending,
            self._post(_ROUTE, _body(run, entry), sending) as response,
        ):
            seconds = time.perf_counter() - began
            trace_id = sending.answered(response.status_code, response.headers)
            answer = Answer.of(response.status_code, document_of(response), seconds, sent_at, trace_id)
            run.answered(entry, answer)
            if answer.same_request or entry.turns_away(answer):
                # Not a failure in Locust's statistics either: it is the right answer.
                response.success()

    def _send_batch(self, run: LoadRun, entries: list[Entry]) -> None:
        sent_at, began = datetime.now(UTC), time.perf_counter()
        with (
            request_span("POST", _BATCH_ROUTE, entries[0].job_id, entries[0].lock) as sending,
            self._post(_BATCH_ROUTE, {"jobs": [_body(run, entry) for entry in entries]}, sending) as response,
        ):
            seconds = time.perf_counter() - began
            trace_id = sending.answered(response.status_code, response.headers)
            items = (document_of(response) or {}).get("items") or [{}] * len(entries)
            for entry, item in zip(entries, items, strict=True):
                status = item.get("status", response.status_code)
                said = item.get("problem") or item.get("job")
                run.answered(entry, Answer.of(status, said, seconds, sent_at, trace_id))

    def _post(self, route: str, body: Any, sending: Sending) -> Any:
        return self.client.request(
            "POST", route, name=route, json=body, headers=sending.headers, catch_response=True
        )


def user_class(of: type[Scenario]) -> type[Publisher]:
    """Make the users of a scenario."""

    class _Users(Publisher):
        scenario = of

    _Users.__name__ = _Users.__qualname__ = of.__name__
    _Users.__doc__ = of.__doc__
    return _Users


def _body(run: LoadRun, entry: Entry) -> dict[str, Any]:
    asked = entry.asked.body(entry.lock, f"load {run.name}", run.plan.sink)
    return {**asked, "job_id": entry.job_id}
