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
import typer.main
from tests.unit.command_line.scripted_api import Document, MakeEvent, Problem, Run, ScriptedApi
from typer.core import TyperGroup

import command_line.api
from command_line.exit_codes import BY_STATUS
from command_line.main import app
from command_line.publishing import publish_by_keys
from command_line.shared_options import usual_actor
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
        ["-p", "x=NaN"],
        ["-p", "x=[1, -Infinity]"],
        ["-p", "x=1e999"],
        ["--parameters", '{"x": NaN}'],
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


def test_a_number_that_json_does_not_have_is_refused_with_what_to_write(
    scripted: ScriptedApi, run: Run
) -> None:
    result = run("submit", "k", "-p", "rate=NaN")
    said = " ".join(result.stderr.replace("│", " ").split())
    assert """rate: NaN is not JSON: write null, or as a text -p 'rate="NaN"'""" in said
    scripted.on("POST", JOBS, accepted())
    run("submit", "k", "-p", 'rate="NaN"', "-p", "who=NaNcy", "-p", "war=Infinity War")
    assert scripted.bodies()[0]["parameters"] == {"rate": "NaN", "who": "NaNcy", "war": "Infinity War"}


def test_a_lost_answer_is_asked_for_again_under_the_same_id(
    scripted: ScriptedApi, run: Run, a_problem: Problem, job: Document
) -> None:
    used = a_problem(409, "job_id_used", "used", job_id=job["job_id"], same_request=True)
    scripted.on("POST", JOBS, httpx.ReadError("gone"), used)
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=job))
    result = run("submit", "ten-steps", "--job-id", job["job_id"])

    assert result.exit_code == 0
    assert "Submitted" in result.stdout, "it may have been the first request that added it"
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


THERE = {
    "job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
    "lock": "ledger",
    "status": "Running",
    "existing": True,
}
SAID = f"Nothing was submitted: job {THERE['job_id']} is there on lock ledger (Running)."


@pytest.mark.parametrize("words", [["--on-conflict", "skip"], ["--idempotency-key", "march"]])
def test_scripts_tell_a_job_that_was_there_from_a_new_one(
    scripted: ScriptedApi, run: Run, words: list[str]
) -> None:
    result_path = f"{JOBS}/{THERE['job_id']}/result"
    scripted.on("POST", JOBS, httpx.Response(200, json=THERE))
    scripted.on("GET", result_path, httpx.Response(200, json={"result": 7}))
    shown = run("submit", "ten-steps", *words, "--json")
    assert (shown.exit_code, json.loads(shown.stdout)) == (0, THERE)
    waited = run("submit", "ten-steps", *words, "--wait")
    assert (waited.exit_code, waited.stdout, waited.stderr) == (0, "7\n", f"{SAID}\n")
    document = json.loads(run("submit", "ten-steps", *words, "--wait", "--json").stdout)
    assert (document["existing"], document["result"]) == (True, 7)


def test_a_new_job_is_not_said_to_be_there(scripted: ScriptedApi, run: Run) -> None:
    new = THERE | {"status": "Queued", "existing": False}
    scripted.on("POST", JOBS, httpx.Response(202, json=new))
    scripted.on("GET", f"{JOBS}/{new['job_id']}/result", httpx.Response(200, json={"result": 7}))
    words = ["submit", "ten-steps", "--job-id", str(new["job_id"]), "--on-conflict", "skip"]
    assert json.loads(run(*words, "--json").stdout) == new
    waited = run(*words, "--wait")
    assert (waited.stdout, waited.stderr) == ("7\n", "")


def test_an_equal_submission_with_its_own_id_is_said_to_be_there(
    scripted: ScriptedApi, run: Run, a_problem: Problem, job: Document
) -> None:
    used = a_problem(409, "job_id_used", "used", job_id=job["job_id"], same_request=True)
    scripted.on("POST", JOBS, used)
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=job | {"status": "Running"}))
    result = run("submit", "ten-steps", "--job-id", job["job_id"])
    assert (result.exit_code, result.stdout) == (0, f"{SAID}\n")


JOB = str(THERE["job_id"])
CHANGES: dict[str, tuple[str, str, list[str]]] = {
    "submit": ("POST", JOBS, ["submit", "k"]),
    "submit-file": ("POST", f"{JOBS}:batch", ["submit-file", "-"]),
    "cancel": ("POST", f"{JOBS}/{JOB}/cancel", ["cancel", JOB]),
    "retry": ("POST", f"{JOBS}/{JOB}/retry", ["retry", JOB]),
    "finalize": ("POST", f"{JOBS}/{JOB}/finalize", ["finalize", JOB]),
    "locks": ("PUT", "/api/v1/locks/a", ["locks", "set", "a", "--limit", "2"]),
    "pin": ("POST", f"{JOBS}/{JOB}/pin", ["pin", JOB]),
    "unpin": ("POST", f"{JOBS}/{JOB}/unpin", ["unpin", JOB]),
    "drain": ("PUT", "/api/v1/workers/a", ["drain", "a"]),
    "resume": ("PUT", "/api/v1/workers/a", ["resume", "a"]),
    "schedules put": ("PUT", "/api/v1/schedules/a", ["schedules", "put", "a", "k", "--cron", "@daily"]),
    "schedules pause": ("POST", "/api/v1/schedules/a:pause", ["schedules", "pause", "a"]),
    "schedules resume": ("POST", "/api/v1/schedules/a:resume", ["schedules", "resume", "a"]),
    "schedules run": ("POST", "/api/v1/schedules/a:run", ["schedules", "run", "a"]),
    "schedules delete": ("DELETE", "/api/v1/schedules/a", ["schedules", "delete", "a"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_who_changes_something_is_named(
    scripted: ScriptedApi, run: Run, a_problem: Problem, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    method, path, words = CHANGES[name]
    monkeypatch.setattr("getpass.getuser", lambda: "maria")
    scripted.on(method, path, a_problem(422, "invalid_fields", "No."))
    typed = '{"kind": "k"}'
    assert run(*words, typed=typed).exit_code == 2
    assert run(*words, "--actor", "nightly build", typed=typed).exit_code == 2
    actors = [request.headers["x-actor"] for request in scripted.requests]
    assert actors == ["cli:maria", "nightly build"]


def test_every_command_that_changes_something_takes_an_actor(run: Run) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    found = set()
    for name, command in group.commands.items():
        within = command.commands if isinstance(command, TyperGroup) else {"": command}
        for rest, one in within.items():
            if any("--actor" in option.opts for option in one.params):
                found.add(f"{name} {rest}".strip())
    assert found == {*CHANGES, "publish", "apply", "prune"}


def test_a_user_without_a_name_and_one_with_an_odd_name_are_still_said_to_use_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody() -> str:
        raise OSError

    assert usual_actor("ann") == "ann"
    monkeypatch.setattr("getpass.getuser", nobody)
    assert usual_actor("") == "cli"
    monkeypatch.setattr("getpass.getuser", lambda: "a\nb")
    assert usual_actor("") == "cli"
    monkeypatch.setattr("getpass.getuser", lambda: "x" * 200)
    assert usual_actor("") == "cli:" + "x" * 96


def test_an_actor_that_cannot_be_one_is_refused_at_once(scripted: ScriptedApi, run: Run) -> None:
    result = run("cancel", JOB, "--actor", "a\nb")
    assert (result.exit_code, scripted.requests) == (2, [])
    assert "--actor: " in result.stderr
    assert "must have 1 to 100 printable characters" in result.stderr


def test_who_only_reads_is_not_named(scripted: ScriptedApi, run: Run) -> None:
    run("locks", "ledger")
    run("show", JOB)
    assert [request.headers.get("x-actor") for request in scripted.requests] == [None, None]


@pytest.mark.parametrize("name", ["", " ", "a\nb"])
@pytest.mark.parametrize(
    "words",
    [
        ("drain",),
        ("resume",),
        ("locks",),
        ("locks", "set"),
        ("show",),
        ("watch",),
        ("result",),
        ("events",),
        ("cancel",),
        ("retry",),
        ("finalize",),
        ("trace",),
        ("schedules", "show"),
        ("schedules", "run"),
    ],
    ids=" ".join,
)
def test_a_name_that_nothing_can_have_is_refused_at_once(
    scripted: ScriptedApi, run: Run, words: tuple[str, ...], name: str
) -> None:
    result = run(*words, name)
    assert (result.exit_code, scripted.requests) == (2, [])
    said = " ".join(result.stderr.replace("│", " ").split())
    assert ("must not contain the control character" if "\n" in name else "must not be empty") in said


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


def test_an_equal_retry_says_that_the_job_was_retried_before(
    scripted: ScriptedApi, run: Run, job: Document
) -> None:
    path, new = f"{JOBS}/{job['job_id']}/retry", "018f6c3e-0000-7000-8000-000000000009"
    document = {"job_id": new, "lock": "ledger", "status": "Queued", "existing": True}
    scripted.on("POST", path, httpx.Response(200, json=document))
    result = run("retry", job["job_id"])
    sentence = f"Nothing was submitted: the job was retried before, by job {new} on lock ledger (Queued).\n"
    assert (result.exit_code, result.stdout) == (0, sentence)
    assert json.loads(run("retry", job["job_id"], "--json").stdout) == document
    # After a lost answer, it may be the first try that retried it.
    scripted.on("POST", path, httpx.ReadError("lost"), httpx.Response(200, json=document))
    assert run("retry", job["job_id"]).stdout == f"Submitted {new} on lock ledger.\n"


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


@pytest.mark.parametrize(
    ("reason", "shown"), [("booked by hand", "by ada: booked by hand"), (None, "by ada")]
)
def test_a_second_finalization_says_who_was_first(
    scripted: ScriptedApi, run: Run, job: Document, reason: str | None, shown: str
) -> None:
    finalized = job | {"finalized_by": "ada", "finalize_reason": reason}
    scripted.on("POST", f"{JOBS}/{job['job_id']}/finalize", httpx.Response(200, json=finalized))
    result = run("finalize", job["job_id"])
    assert (result.exit_code, result.stdout) == (0, f"The job was finalized before, {shown}.\n")
    assert json.loads(run("finalize", job["job_id"], "--json").stdout) == finalized | {"existing": True}
    scripted.on("POST", f"{JOBS}/{job['job_id']}/finalize", httpx.Response(202, json=finalized))
    assert json.loads(run("finalize", job["job_id"], "--json").stdout)["existing"] is False


def test_who_finalized_a_job_is_shown_with_the_reason(scripted: ScriptedApi, run: Run, job: Document) -> None:
    finalized = job | {"finalized_by": "ada", "finalize_reason": "booked by hand"}
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=finalized))
    scripted.on(
        "GET", f"{JOBS}/{job['job_id']}/events", httpx.Response(200, json={"items": [], "next": None})
    )

    assert "by ada: booked by hand" in run("show", job["job_id"]).stdout


def test_pinning_sends_its_reason_if_it_has_one(scripted: ScriptedApi, run: Run, job: Document) -> None:
    for action in ("pin", "unpin"):
        scripted.on("POST", f"{JOBS}/{job['job_id']}/{action}", httpx.Response(202, json=job))
    assert "is pinned" in run("pin", job["job_id"], "--reason", "an audit").stdout
    assert "when its time is over" in run("unpin", job["job_id"]).stdout

    assert [request.content for request in scripted.requests] == [b'{"reason":"an audit"}', b""]


def test_who_pinned_a_job_is_shown_with_the_reason(scripted: ScriptedApi, run: Run, job: Document) -> None:
    pinned = job | {"pinned_by": "ada", "pin_reason": "an audit"}
    scripted.on("GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=pinned))
    scripted.on(
        "GET", f"{JOBS}/{job['job_id']}/events", httpx.Response(200, json={"items": [], "next": None})
    )
    assert "by ada: an audit" in run("show", job["job_id"]).stdout


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
        "pin",
        "unpin",
        "kinds",
        "workers",
        "publish",
    ],
)
def test_every_command_explains_itself_with_an_example(run: Run, command: Any) -> None:
    result = run(command, "--help")

    assert result.exit_code == 0
    assert "Example" in result.stdout
