"""turnstile schedules and turnstile apply, against the publisher's application itself."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.command_line.scripted_api import Problem, Run, ScriptedApi

URL = "/api/v1/schedules/nightly"
FIRING = {
    "due_at": "2026-01-01T01:00:00Z",
    "trigger": "due",
    "outcome": "submitted",
    "detail": "",
    "job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
    "at": "2026-01-01T01:00:01Z",
}
SCHEDULE: dict[str, Any] = {
    "name": "nightly",
    "state": "active",
    "description": "",
    "cron": "0 1 * * *",
    "words": "At 01:00 every day",
    "zone": "UTC",
    "interval": None,
    "start": None,
    "end": None,
    "misfire": "once",
    "misfire_limit": 10,
    "misfire_after": 60.0,
    "job": {"kind": "report", "lock": "reports"},
    "next": ["2026-01-02T01:00:00Z"],
    "last": FIRING,
    "created_at": "2026-01-01T00:00:00Z",
    "created_by": "ada",
    "changed_at": "2026-01-01T00:00:00Z",
    "changed_by": "ada",
    "paused_at": None,
    "paused_by": None,
    "pause_reason": None,
    "last_status": "Completed",
    "history": [FIRING],
}
EVENT = {
    "id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
    "schedule": "nightly",
    "action": "changed",
    "actor": "bob",
    "reason": "summer",
    "timestamp_utc": "2026-01-01T00:00:00Z",
    "data": {"changes": {"cron": {}}},
}


def answer(document: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=document)


def page(*items: Any) -> httpx.Response:
    return answer({"items": list(items), "next": None})


def test_a_list_says_when_each_is_due_and_what_became_of_the_latest(scripted: ScriptedApi, run: Run) -> None:
    paused = {**SCHEDULE, "name": "other", "state": "paused", "next": [], "last": None}
    scripted.on("GET", "/api/v1/schedules", page(SCHEDULE, paused))
    done = run("schedules", "list")
    assert done.exit_code == 0
    assert "At 01:00 every day" in done.stdout
    assert "submitted 018f6c3e-7b1a-7c4e-9d3a-0123456789ab" in done.stdout
    assert "paused" in done.stdout
    assert json.loads(run("schedules", "list", "--json").stdout)["items"][1] == paused


def test_no_schedules_are_no_empty_table(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("GET", "/api/v1/schedules", page())
    assert "There are no schedules" in run("schedules", "list").stdout


def test_a_schedule_is_shown_with_its_trail(scripted: ScriptedApi, run: Run) -> None:
    scripted.on(
        "GET", URL, answer({**SCHEDULE, "state": "paused", "paused_by": "ada", "pause_reason": "why"})
    )
    scripted.on("GET", f"{URL}/events", page(EVENT))
    shown = run("schedules", "show", "nightly").stdout
    assert "ada: why" in shown
    assert "changed by bob: summer (cron)" in shown
    assert json.loads(run("schedules", "show", "nightly", "--json").stdout)["events"] == [EVENT]


def test_put_sends_all_of_it(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("PUT", URL, answer(SCHEDULE, 201))
    done = run(
        "schedules",
        "put",
        "nightly",
        "report",
        "--cron",
        "0 1 * * *",
        "--zone",
        "Europe/Berlin",
        "-p",
        "day=1",
        "--lock",
        "reports",
        "--on-conflict",
        "skip",
        "--misfire",
        "all",
        "--misfire-limit",
        "3",
        "--reason",
        "why",
    )
    assert done.exit_code == 0
    assert scripted.bodies() == [
        {
            "cron": "0 1 * * *",
            "zone": "Europe/Berlin",
            "misfire": "all",
            "misfire_limit": 3,
            "misfire_after": 60,
            "description": "",
            "reason": "why",
            "job": {
                "kind": "report",
                "lock": "reports",
                "parameters": {"day": 1},
                "name": "",
                "priority": 5,
                "on_conflict": "skip",
                "properties": {},
            },
        }
    ]


@pytest.mark.parametrize("what", ["pause", "resume"])
def test_pause_and_resume_send_the_reason(scripted: ScriptedApi, run: Run, what: str) -> None:
    scripted.on("POST", f"{URL}:{what}", answer(SCHEDULE))
    assert run("schedules", what, "nightly", "--reason", "why").exit_code == 0
    assert scripted.bodies() == [{"reason": "why"}]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("submitted", "Submitted job 018f"),
        ("skipped", "the lock has job 018f"),
        ("pending", "a scheduler submits"),
    ],
)
def test_a_run_says_what_became_of_it(scripted: ScriptedApi, run: Run, outcome: str, said: str) -> None:
    scripted.on("POST", f"{URL}:run", httpx.ReadError("gone"), answer({**FIRING, "outcome": outcome}, 202))
    done = run("schedules", "run", "nightly")
    assert said in done.stdout
    first, second = scripted.bodies()
    # The answer was lost: the same key again.
    assert first == second
    assert first["idempotency_key"]


def test_delete_sends_the_reason(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("DELETE", URL, answer(SCHEDULE))
    assert run("schedules", "delete", "nightly", "--reason", "over").exit_code == 0
    assert scripted.requests[0].url.params["reason"] == "over"


def test_a_refusal_is_one_sentence(scripted: ScriptedApi, run: Run, a_problem: Problem) -> None:
    scripted.on("PUT", URL, a_problem(422, "invalid_fields", "zone: 'Mars' is not an IANA time zone"))
    done = run("schedules", "put", "nightly", "report", "--cron", "@daily", "--zone", "Mars")
    assert (done.exit_code, "not an IANA time zone" in done.stderr) == (2, True)


FILE = """
[schedules.nightly]
cron = "30 1 * * *"
job = { kind = "report", lock = "reports" }

[schedules.new]
interval = 60
start = 2026-01-01T00:00:00+01:00
job.kind = "report"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "schedules.toml"
    path.write_text(FILE)
    return path


def test_apply_shows_the_difference_and_makes_it(scripted: ScriptedApi, run: Run, file: Path) -> None:
    scripted.on("GET", URL, answer(SCHEDULE))
    scripted.on("PUT", URL, answer(SCHEDULE))
    scripted.on("PUT", "/api/v1/schedules/new", answer(SCHEDULE, 201))
    done = run("apply", str(file), "--reason", "why")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "new is created",
        "  + interval = 60.0",
        "  + job = {'kind': 'report'}",
        "  + start = 2025-12-31T23:00:00Z",
        "nightly changes",
        "  - cron = 0 1 * * *",
        "  + cron = 30 1 * * *",
    ]
    bodies = scripted.bodies()
    assert bodies[0] == {
        "interval": 60.0,
        "start": "2025-12-31T23:00:00Z",
        "job": {"kind": "report"},
        "reason": "why",
    }
    assert bodies[1]["cron"] == "30 1 * * *"


def test_a_dry_run_changes_nothing(scripted: ScriptedApi, run: Run, file: Path) -> None:
    scripted.on("GET", URL, answer({**SCHEDULE, "cron": "30 1 * * *"}))
    done = run("apply", str(file), "--dry-run")
    assert [request.method for request in scripted.requests] == ["GET", "GET"]
    assert "new would be created" in done.stdout
    assert "nightly is as the file says" in done.stdout
    shown = json.loads(run("apply", str(file), "--dry-run", "--json").stdout)
    assert [(one["name"], one["action"]) for one in shown["schedules"]] == [
        ("new", "create"),
        ("nightly", "none"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[schedules.a", "is not TOML"),
        ("[other]", "has tables [schedules.NAME], and not 'other'"),
        ("", "has tables [schedules.NAME]"),
        ("[schedules.Big]\ninterval = 1", "cannot name a schedule"),
        ("[schedules.a]\ninterval = 0\njob.kind = 'a'", "schedules.a.interval: must be at least 1 second"),
        ("[schedules.a]\ncron = '@daily'", "schedules.a.job: is required"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_before_anything_is_asked(
    scripted: ScriptedApi, run: Run, tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(content)
    done = run("apply", str(path))
    assert (done.exit_code, scripted.requests) == (2, [])
    assert said in done.stderr
    assert run("apply", str(tmp_path / "none.toml")).exit_code == 2
