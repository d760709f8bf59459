"""The users: each submits jobs of its scenario, one after another, and notes what is answered."""

import time
import uuid
from http import HTTPStatus
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser, task

from loadtest.book import Answer, Entry
from loadtest.running import LoadRun
from loadtest.scenario import Scenario
from loadtest.telemetry import request_span

_ROUTE = "/api/v1/jobs"
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
        """Submit the next job, if there is one."""
        run: LoadRun = self.environment.load_run
        asked = run.next(self.scenario)
        if asked is None:
            gevent.sleep(_IDLE_SECONDS)
            return
        entry = run.book.open(str(uuid.uuid4()), run.lock(self.scenario, asked), asked)
        self._send_all(run, entry)
        for _ in range(_REPEATS):
            if entry.is_promised or not all(answer.is_unavailable for answer in entry.answers):
                break
            gevent.sleep(_REPEAT_SECONDS)
            self._send(run, entry)
        if entry.is_promised:
            run.follower.add(entry.job_id)

    def _send_all(self, run: LoadRun, entry: Entry) -> None:
        if entry.asked.copies == 1:
            self._send(run, entry)
        else:
            sending = [gevent.spawn(self._send, run, entry) for _ in range(entry.asked.copies)]
            gevent.joinall(sending, raise_error=True)

    def _send(self, run: LoadRun, entry: Entry) -> None:
        body = {
            "kind": "send-effects",
            "lock": entry.lock,
            "job_id": entry.job_id,
            "name": f"load {run.name}",
            "priority": entry.asked.priority,
            "parameters": _parameters(run, entry),
        }
        began = time.perf_counter()
        with (
            request_span("POST", _ROUTE, entry.job_id, entry.lock) as sending,
            self.client.request(
                "POST", _ROUTE, name=_ROUTE, json=body, headers=sending.headers, catch_response=True
            ) as response,
        ):
            answer = Answer(
                response.status_code,
                time.perf_counter() - began,
                same_request=_is_same(response),
                trace_id=sending.answered(response.status_code, response.headers),
            )
            run.answered(entry, answer)
            if answer.same_request:
                # Not a failure in Locust's statistics either: it is the right answer to a repetition.
                response.success()


def user_class(of: type[Scenario]) -> type[Publisher]:
    """Make the users of a scenario."""

    class _Users(Publisher):
        scenario = of

    _Users.__name__ = _Users.__qualname__ = of.__name__
    _Users.__doc__ = of.__doc__
    return _Users


def _parameters(run: LoadRun, entry: Entry) -> dict[str, Any]:
    asked = entry.asked
    found = {"sink": run.plan.sink, "steps": asked.steps, "seconds": asked.step_seconds}
    return {**found, "fail_at": asked.steps} if asked.fails else found


def _is_same(response: Any) -> bool:
    if response.status_code != HTTPStatus.CONFLICT:
        return False
    try:
        return response.json().get("same_request") is True
    except ValueError:
        return False
