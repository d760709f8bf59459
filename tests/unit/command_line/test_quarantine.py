"""turnstile quarantine."""

import json
from typing import Any

import httpx
from tests.unit.command_line.scripted_api import Problem, Run, ScriptedApi

PATH = "/api/v1/quarantine"
MESSAGE: dict[str, Any] = {
    "reason": "lock: Field required",
    "quarantined_at": "2026-01-01T00:00:00Z",
    "queue": "turnstile.jobs",
    "exchange": "turnstile.jobs",
    "routing_key": "run",
    "message_id": "m-1",
    "content_type": "text/plain",
    "sender": "legacy",
    "trace_id": None,
    "headers": {"x-tenant": "7"},
    "body": "one\n\x1b[31mtwo [red]",
    "size": 9000,
    "truncated": True,
}


def page(*messages: dict[str, Any], total: int = 1) -> httpx.Response:
    return httpx.Response(200, json={"items": messages, "next": None, "total": total})


def test_messages_are_shown_with_the_reason_and_as_they_came(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("GET", PATH, page(MESSAGE, total=1200))
    result = run("quarantine", "--limit", "1")

    assert result.exit_code == 0
    assert "1,200 in quarantine, the oldest 1 of them:" in result.stdout
    assert "lock: Field required" in result.stdout
    for fact in ("from turnstile.jobs", "id m-1", "sent by legacy", "type text/plain", "headers x-tenant=7"):
        assert fact in result.stdout
    assert "  one\n  �[31mtwo [red]\n  … 9,000 bytes in total\n" in result.stdout
    assert scripted.requests[0].url.params["limit"] == "1"


def test_a_message_without_anything_is_shown(scripted: ScriptedApi, run: Run) -> None:
    nothing = dict.fromkeys(MESSAGE) | {"reason": "unknown", "headers": {}, "body": "", "size": 0}
    scripted.on("GET", PATH, page(nothing))
    result = run("quarantine")

    assert result.stdout == "1 in quarantine, the oldest first:\n\nunknown\nno properties\n  (empty body)\n"


def test_an_empty_quarantine_is_said(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("GET", PATH, page(total=0))
    assert run("quarantine").stdout == "Nothing is in quarantine.\n"


def test_programs_get_json(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("GET", PATH, page(MESSAGE))
    assert json.loads(run("quarantine", "--json").stdout)["items"] == [MESSAGE]


def test_a_broker_that_is_away_is_an_error(scripted: ScriptedApi, run: Run, a_problem: Problem) -> None:
    scripted.on("GET", PATH, a_problem(503, "broker_unavailable", "RabbitMQ does not answer."))
    result = run("quarantine")

    assert (result.exit_code, "RabbitMQ does not answer" in result.stderr) == (5, True)
