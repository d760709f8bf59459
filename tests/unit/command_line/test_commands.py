"""Commands that ask or say one thing."""

import json
import os
import pty
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.command_line.scripted_api import Document, MakeEvent, Problem, Run, ScriptedApi

import command_line.api
from command_line.exit_codes import BY_STATUS
from command_line.publishing import publish_by_keys
from contracts.statuses import JobStatus

JOBS = "/api/v1/jobs"


def accepted(job_id: str = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab") -> httpx.Response:
    return httpx.Response(202, json={"job_id": job_id, "lock": "ledger", "status": "Queued"})


def test_every_terminal_status_has_an_exit_code_of_its_own() -> None:
    assert set(BY_STATUS) == {status for status in JobStatus if status.is_terminal}
    assert len(set(BY_STATUS.values())) == len(BY_STATUS)


def test_submitting_sends_what_was_typed(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("POST", JOBS, accepted())
    words = "ten-steps --lock ledger -p steps=5 -p note=plain -p both={} --priority 0"
    words += " --name Title --property team=a --job-id 018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
    result = run("submit", *words.split(), "--parameters", '{"steps": 1, "seconds": 0.5}')

    assert result.exit_code == 0
    assert "Submitted 018f6c3e-7b1a-7c4e-9d3a-0123456789ab on lock ledger." in result.stdout
    body = scripted.bodies()[0]
    assert body["parameters"] == {"steps": 5, "seconds": 0.5, "note": "plain", "both": {}}
    assert (body["kind"], body["lock"], body["priority"]) == ("ten-steps", "ledger", 0)
    assert (body["name"], body["properties"]) == ("Title", {"team": "a"})
    assert uuid.UUID(body["job_id"]).version == 7


def test_parameters_are_read_from_a_file_or_the_input(
    scripted: ScriptedApi, run: Run, tmp_path: Path
) -> None:
    scripted.on("POST", JOBS, accepted())
    file = tmp_path / "job.json"
    file.write_text('{"a": 1}')
    run("submit", "k", "--parameters", f"@{file}")
    run("submit", "k", "--parameters", "@-", typed='{"b": 2}')

    assert [body["parameters"] for body in scripted.bodies()] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    "words",
    [
        ["-p", "novalue"],
        ["-p", "=1"],
        ["--parameters", "{"],
        ["--parameters", "[1]"],
        ["--parameters", "@/nowhere.json"],
        ["--property", "novalue"],
        ["--priority", "10"],
        ["--idempotency-key", "k", "--job-id", "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"],
    ],
)
def test_what_cannot_be_understood_is_refused_before_anything_is_sent(
    scripted: ScriptedApi, run: Run, words: list[str]
) -> None:
    result = run("submit", "k", *words)

    assert result.exit_code == 2
    assert words[0].split("=")[0] in result.stderr
    assert scripted.requests == []


def test_a_lost_answer_is_asked_for_again_under_the_same_id(
    scripted: ScriptedApi, run: Run, a_problem: Problem, job: Document
) -> None:
    used = a_problem(409, "job_id_used", "used", job_id=job["job_id"], same_request=True)
    scripted.on("POST", JOBS, httpx.ReadError("gone"), used)
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=job))
    result = run("submit", "ten-steps")

    assert result.exit_code == 0
    first, second = (body["job_id"] for body in scripted.bodies())
    assert first == second


def test_a_key_takes_the_place_of_an_id(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("POST", JOBS, accepted())
    run("submit", "ten-steps", "--idempotency-key", "march")

    (body,) = scripted.bodies()
    assert (body["idempotency_key"], "job_id" in body) == ("march", False)


def test_a_job_that_is_there_already_is_named(scripted: ScriptedApi, run: Run) -> None:
    there = {"job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab", "lock": "ledger", "status": "Running"}
    scripted.on("POST", JOBS, httpx.Response(200, json=there))
    result = run("submit", "ten-steps", "--on-conflict", "skip")

    assert result.exit_code == 0
    assert f"Nothing was submitted: job {there['job_id']} is there on lock ledger (Running)." in result.stdout


def test_time_in_line_and_what_to_do_on_a_conflict_are_sent_when_they_are_given(
    scripted: ScriptedApi, run: Run
) -> None:
    scripted.on("POST", JOBS, accepted())
    limits = ["--expires-in", "60", "--timeout", "5", "--cancel-grace", "0"]
    run("submit", "ten-steps", *limits, "--on-conflict", "replace-waiting")
    run("submit", "ten-steps")

    first, second = scripted.bodies()
    assert (first["expires_in"], first["on_conflict"]) == (60.0, "replace-waiting")
    assert (first["timeout"], first["cancel_grace"]) == (5.0, 0.0)
    assert not {"expires_in", "on_conflict", "timeout", "cancel_grace"} & second.keys()


def test_an_id_used_for_something_else_is_an_error(
    scripted: ScriptedApi, run: Run, a_problem: Problem
) -> None:
    scripted.on(
        "POST",
        JOBS,
        a_problem(
            409, "job_id_used", "Used before, with different content; use a new job_id.", same_request=False
        ),
    )
    result = run("submit", "ten-steps", "--job-id", str(uuid.uuid4()))

    assert result.exit_code == 2
    assert "Used before, with different content; use a new job_id." in result.stderr


def test_wrong_fields_are_named_in_one_sentence(scripted: ScriptedApi, run: Run, a_problem: Problem) -> None:
    errors = [{"field": "parameters.steps", "message": "is required"}]
    scripted.on("POST", JOBS, a_problem(422, "invalid_fields", "x", errors=errors))
    result = run("submit", "ten-steps")

    assert result.exit_code == 2
    assert result.stderr == "Error: parameters.steps: is required.\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("failure", "code", "sentence"),
    [
        (httpx.ConnectError("refused"), 5, "make up"),
        (httpx.ReadTimeout("late"), 5, "did not answer in time"),
        (httpx.Response(200, text="<html>"), 5, "not like Turnstile"),
        (httpx.Response(404, json={"detail": 7} | {"detail": "Nope."}), 2, "Nope."),
    ],
)
def test_every_failure_is_one_sentence(
    scripted: ScriptedApi, run: Run, failure: Any, code: int, sentence: str
) -> None:
    scripted.on("GET", "/api/v1/kinds", failure)
    result = run("kinds")

    assert result.exit_code == code
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_json_stays_json_when_something_is_wrong(scripted: ScriptedApi, run: Run, a_problem: Problem) -> None:
    scripted.on("GET", "/api/v1/kinds", a_problem(503, "storage_unavailable", "The storage does not answer."))
    result = run("kinds", "--json")

    assert result.exit_code == 5
    assert json.loads(result.stdout)["type"].endswith("storage_unavailable")


def test_an_address_without_a_scheme_is_explained(run: Run) -> None:
    result = run("kinds", "--url", "localhost:8000")

    assert result.exit_code == 2
    assert "http://127.0.0.1:8000" in result.stderr


def test_lists_are_read_to_their_end(scripted: ScriptedApi, run: Run) -> None:
    lock = {
        "holder": "w",
        "job_id": "j",
        "fence": 1,
        "since": "2026-01-01T00:00:00Z",
        "line": [],
        "waiting": 0,
    }
    pages = [
        httpx.Response(200, json={"items": [lock | {"lock": "a"}], "next": "c"}),
        httpx.Response(200, json={"items": [lock | {"lock": "b"}], "next": None}),
    ]
    scripted.on("GET", "/api/v1/locks", *pages)
    result = run("locks", "--json")

    assert [one["lock"] for one in json.loads(result.stdout)["items"]] == ["a", "b"]
    assert scripted.requests[1].url.params["cursor"] == "c"


def test_a_lock_is_asked_for_by_its_spelling(scripted: ScriptedApi, run: Run) -> None:
    lock = {
        "lock": "a/b",
        "holder": None,
        "job_id": None,
        "fence": 1,
        "since": None,
        "line": ["x", "y"],
        "waiting": 3,
    }
    scripted.on("GET", "/api/v1/locks/a%2Fb%20%2E%2E", httpx.Response(200, json=lock))
    result = run("locks", "a/b ..")

    assert result.exit_code == 0
    assert "free" in result.stdout
    assert "   2  y" in result.stdout
    assert "and 1 more" in result.stdout
    scripted.on("GET", "/api/v1/locks/ledger", httpx.Response(200, json=lock | {"waiting": 1001}))
    assert "and more than 998 more" in run("locks", "ledger").stdout


def test_everything_about_a_job_is_shown(
    scripted: ScriptedApi, run: Run, job: Document, event: MakeEvent
) -> None:
    events = [event(1, "Submitted", "submitted by api"), event(2, "Completed", "completed")]
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=job))
    scripted.on(
        "GET", f"{JOBS}/{job['job_id']}/events", httpx.Response(200, json={"items": events, "next": None})
    )
    result = run("show", job["job_id"])

    assert result.exit_code == 0
    for expected in ("Completed", '{"digest": "abc"}', "after 10.0 s", "10 of 10 (100%)", "submitted by api"):
        assert expected in result.stdout
    as_json = json.loads(run("show", job["job_id"], "--json").stdout)
    assert as_json["events"] == events
    assert as_json["status"] == "Completed"


@pytest.mark.parametrize(("reason", "shown"), [("wrong month", "ada: wrong month"), (None, "ada\n")])
def test_who_requested_a_cancellation_is_shown_with_the_reason(
    scripted: ScriptedApi, run: Run, job: Document, reason: str | None, shown: str
) -> None:
    cancelled = job | {"cancel_requested_by": "ada", "cancel_reason": reason}
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=cancelled))
    scripted.on(
        "GET", f"{JOBS}/{job['job_id']}/events", httpx.Response(200, json={"items": [], "next": None})
    )

    shown_lines = [line.rstrip() + "\n" for line in run("show", job["job_id"]).stdout.splitlines()]
    assert any(f"requested by {shown}" in line for line in shown_lines)


def test_kinds_show_what_they_need(scripted: ScriptedApi, run: Run) -> None:
    schema = {
        "properties": {
            "path": {"type": "string"},
            "chunk_bytes": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 65536},
        },
        "required": ["path"],
    }
    kind = {
        "kind": "checksum-file",
        "description": "",
        "parameters": schema,
        "published_at": "2026-01-01T00:00:00Z",
    }
    scripted.on("GET", "/api/v1/kinds", httpx.Response(200, json={"items": [kind], "next": None}))
    result = run("kinds")

    assert "required" in result.stdout
    assert "integer or null" in result.stdout
    assert "65536" in result.stdout


@pytest.mark.parametrize(
    ("status", "said"), [("Cancelled", "The job is cancelled."), ("Running", "Asked worker-1")]
)
def test_cancelling_says_what_came_of_it(
    scripted: ScriptedApi, run: Run, job: Document, status: Any, said: str
) -> None:
    answer = httpx.Response(202, json=job | {"status": status})
    scripted.on("POST", f"{JOBS}/{job['job_id']}/cancel", answer)

    assert said in run("cancel", job["job_id"]).stdout


def test_a_cancellation_sends_its_reason_if_it_has_one(
    scripted: ScriptedApi, run: Run, job: Document
) -> None:
    answer = httpx.Response(202, json=job)
    scripted.on("POST", f"{JOBS}/{job['job_id']}/cancel", answer, answer)
    run("cancel", job["job_id"], "--reason", "wrong month")
    run("cancel", job["job_id"])

    assert [request.content for request in scripted.requests] == [b'{"reason":"wrong month"}', b""]


def test_a_cancellation_that_comes_too_late_is_an_error(
    scripted: ScriptedApi, run: Run, job: Document, a_problem: Problem
) -> None:
    too_late = a_problem(409, "cancel_too_late", "The job has already ended: Completed.")
    scripted.on("POST", f"{JOBS}/{job['job_id']}/cancel", too_late)
    result = run("cancel", job["job_id"])

    assert result.exit_code == 2
    assert "already ended" in result.stderr


def test_a_retry_sends_what_changes_and_names_the_new_job(
    scripted: ScriptedApi, run: Run, job: Document
) -> None:
    path = f"{JOBS}/{job['job_id']}/retry"
    new = {"job_id": "018f6c3e-0000-7000-8000-000000000009", "lock": "ledger", "status": "Queued"}
    scripted.on("POST", path, httpx.ReadError("lost"), httpx.Response(202, json=new))
    result = run(
        "retry", job["job_id"], "--fresh", "-p", "seconds=1", "-p", "path=a", "--reason", "open again"
    )

    assert result.exit_code == 0
    assert new["job_id"] in result.stdout
    body = {"fresh": True, "parameters": {"seconds": 1, "path": "a"}, "reason": "open again"}
    assert scripted.bodies() == [body, body]


def test_a_retry_that_is_refused_is_an_error(
    scripted: ScriptedApi, run: Run, job: Document, a_problem: Problem
) -> None:
    refused = a_problem(409, "cannot_be_retried", "The job is Running: it cannot be retried.")
    scripted.on("POST", f"{JOBS}/{job['job_id']}/retry", refused)
    result = run("retry", job["job_id"])

    assert result.exit_code == 2
    assert "is Running" in result.stderr


def test_a_job_names_the_one_that_it_retries(scripted: ScriptedApi, run: Run, job: Document) -> None:
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=job | {"retry_of": "old-id"}))
    scripted.on(
        "GET", f"{JOBS}/{job['job_id']}/events", httpx.Response(200, json={"items": [], "next": None})
    )

    assert "old-id" in run("show", job["job_id"]).stdout


def test_finalizing_sends_its_reason_if_it_has_one(scripted: ScriptedApi, run: Run, job: Document) -> None:
    scripted.on("POST", f"{JOBS}/{job['job_id']}/finalize", httpx.Response(202, json=job))
    assert "is finalized" in run("finalize", job["job_id"], "--reason", "booked by hand").stdout
    run("finalize", job["job_id"])

    assert [request.content for request in scripted.requests] == [b'{"reason":"booked by hand"}', b""]


def test_who_finalized_a_job_is_shown_with_the_reason(scripted: ScriptedApi, run: Run, job: Document) -> None:
    finalized = job | {"finalized_by": "ada", "finalize_reason": "booked by hand"}
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=finalized))
    scripted.on(
        "GET", f"{JOBS}/{job['job_id']}/events", httpx.Response(200, json={"items": [], "next": None})
    )

    assert "by ada: booked by hand" in run("show", job["job_id"]).stdout


def test_the_limit_of_a_lock_is_set_with_its_reason(scripted: ScriptedApi, run: Run) -> None:
    lock = {
        "lock": "a/b",
        "holder": None,
        "job_id": None,
        "fence": 4,
        "since": None,
        "line": [],
        "waiting": 0,
        "limit": 2,
        "slots": [
            {"number": 1, "open": False, "holder": "w", "job_id": "j", "fence": 3, "since": None},
        ],
        "limits": [
            {"limit": 2, "previous": 3, "actor": "ada", "reason": "two", "set_at": "2026-11-30T08:00:00Z"}
        ],
    }
    scripted.on("PUT", "/api/v1/locks/a%2Fb", httpx.Response(200, json=lock))
    shown = run("locks", "set", "a/b", "--limit", "2", "--reason", "two").stdout
    assert "slot 1: w runs j, fence 3, above the limit: no more jobs start there" in shown
    assert "limit 2, set by ada" in shown
    assert "before 3: two" in shown
    run("locks", "set", "a/b", "--limit", "2")
    bodies = [request.content for request in scripted.requests]
    assert bodies == [b'{"limit":2,"reason":"two"}', b'{"limit":2}']


@pytest.mark.parametrize(
    "words", [["set", "a"], ["a", "--limit", "2"], ["--limit", "2"], ["a", "b"], ["a", "b", "--limit", "2"]]
)
def test_what_does_not_set_a_limit_is_refused_with_what_does(
    scripted: ScriptedApi, run: Run, words: list[str]
) -> None:
    result = run("locks", *words)
    assert result.exit_code == 2
    assert "turnstile locks set" in result.stderr
    assert scripted.requests == []


def test_publishing_needs_a_terminal(scripted: ScriptedApi, run: Run) -> None:
    result = run("publish")

    assert result.exit_code == 2
    assert "turnstile submit" in result.stderr


def test_every_key_sends_a_job_until_q(
    scripted: ScriptedApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.on("POST", JOBS, accepted())
    master, slave = pty.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        os.write(master, b"ab q")
        publish_by_keys(command_line.api.Api("http://publisher"), 1, as_json=True)
    os.close(master)

    assert len(json.loads(capsys.readouterr().out)["submitted"]) == len(scripted.bodies()) == 3
    assert {body["kind"] for body in scripted.bodies()} == {"ten-steps"}


def test_the_version_comes_at_once_without_loading_a_client() -> None:
    code = "import sys, command_line.main; print('httpx' in sys.modules, 'rich.console' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout == "False False\n"


@pytest.mark.parametrize(
    "command",
    [
        "submit",
        "watch",
        "result",
        "jobs",
        "events",
        "show",
        "locks",
        "cancel",
        "retry",
        "finalize",
        "kinds",
        "workers",
        "publish",
    ],
)
def test_every_command_explains_itself_with_an_example(run: Run, command: Any) -> None:
    result = run(command, "--help")

    assert result.exit_code == 0
    assert "Example" in result.stdout
