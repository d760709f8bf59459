"""The commands over a scripted API."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

import command_line.api
from command_line.main import app

Answer = httpx.Response | Exception


@dataclass
class ScriptedApi:
    """Answers by method and path; keeps what was asked."""

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answer a path in this order; the last answer is repeated."""
        self.answers[method, path] = list(answers)

    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.content]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.raw_path.decode().partition("?")[0]
        waiting = self.answers.get((request.method, path))
        if not waiting:
            return problem(404, "no_such_job", "There is no such job.")
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, name: str, detail: str, **more: Any) -> httpx.Response:
    body = {
        "type": f"urn:turnstile:problem:{name}",
        "title": name,
        "status": status,
        "detail": detail,
        **more,
    }
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


@pytest.fixture
def a_problem() -> Callable[..., httpx.Response]:
    return problem


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedApi:
    script = ScriptedApi()
    api = functools.partial(command_line.api.Api, transport=httpx.MockTransport(script))
    monkeypatch.setattr(command_line.api, "Api", api)
    monkeypatch.setattr("command_line.api.time.sleep", lambda seconds: None)
    return script


@pytest.fixture
def run() -> Callable[..., Result]:
    runner = CliRunner()
    return lambda *words, **more: runner.invoke(app, list(words), **more)


@pytest.fixture
def job() -> dict[str, Any]:
    return {
        "job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
        "kind": "ten-steps",
        "name": "",
        "description": "",
        "lock": "ledger",
        "priority": 5,
        "properties": {},
        "status": "Completed",
        "attempt": 1,
        "interruptions": 0,
        "fence": 7,
        "worker": "worker-1",
        "step": None,
        "progress": {"value": 10.0, "limit": 10.0},
        "cancel_requested": False,
        "position": None,
        "waiting_for": None,
        "result": {"digest": "abc"},
        "error": None,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "submitted_at": "2026-01-01T00:00:00Z",
        "started_at": "2026-01-01T00:00:01Z",
        "finished_at": "2026-01-01T00:00:11Z",
    }


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    def make(seq: int, status: str, message: str = "") -> dict[str, Any]:
        job_id = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
        return {
            "job_id": job_id,
            "seq": seq,
            "event_id": f"{job_id}-{seq:06d}",
            "status": status,
            "message": message,
            "timestamp_utc": "2026-01-01T00:00:00Z",
            "attempt": 1,
            "fence": 7,
            "worker": "worker-1",
            "lock": "ledger",
            "actor": "api",
            "trace_id": None,
            "data": {},
        }

    return make
