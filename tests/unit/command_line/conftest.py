"""The commands over a scripted API."""

import functools

import httpx
import pytest
from tests.unit.command_line.scripted_api import Document, MakeEvent, Problem, Run, ScriptedApi, problem
from typer.testing import CliRunner, Result

import command_line.api
from command_line.main import app


@pytest.fixture
def a_problem() -> Problem:
    return problem


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedApi:
    script = ScriptedApi()
    api = functools.partial(command_line.api.Api, transport=httpx.MockTransport(script))
    monkeypatch.setattr(command_line.api, "Api", api)
    monkeypatch.setattr("turnstile.client.synchronous.time.sleep", lambda seconds: None)
    return script


@pytest.fixture
def run() -> Run:
    runner = CliRunner()

    def run_command(*words: str, typed: str | None = None) -> Result:
        return runner.invoke(app, list(words), input=typed)

    return run_command


@pytest.fixture
def job() -> Document:
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
def event() -> MakeEvent:
    def make(seq: int, status: str, message: str = "") -> Document:
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
