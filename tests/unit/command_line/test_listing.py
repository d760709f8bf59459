"""turnstile jobs and turnstile events."""

import json
from typing import Any

import httpx
import pytest
from tests.unit.command_line.scripted_api import Document, MakeEvent, Problem, Run, ScriptedApi

from command_line.output import clock_time

JOBS, EVENTS = "/api/v1/jobs", "/api/v1/events"


def page(items: list[Any], cursor: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"items": items, "next": cursor})


def asked(scripted: ScriptedApi) -> list[dict[str, list[str]]]:
    """Return the questions of all requests, by parameter."""
    return [
        {name: request.url.params.get_list(name) for name in request.url.params}
        for request in scripted.requests
    ]


@pytest.fixture
def listed(job: Document) -> Document:
    left_out = ("description", "step", "progress", "position", "waiting_for", "result", "cancel_requested")
    return {name: value for name, value in job.items() if name not in left_out} | {"name": "Close the month"}


def test_jobs_are_listed(scripted: ScriptedApi, run: Run, listed: Document) -> None:
    scripted.on("GET", JOBS, page([listed, listed | {"job_id": "other", "status": "Queued"}]))
    result = run("jobs")

    assert result.exit_code == 0
    for expected in (
        listed["job_id"],
        "other",
        "Completed",
        "Queued",
        "ledger",
        "Close the month",
        "worker-1",
    ):
        assert expected in result.stdout
    assert "more" not in result.stdout
    assert asked(scripted) == [{"limit": ["30"]}]


def test_every_filter_is_sent(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("GET", JOBS, page([]))
    words = "--status Failed --status timedout --kind k --kind l --lock ledger --worker w --name Close"
    words += " --name-contains year --property team=accounts --property a=b=c --since 2026-11-29T08:00+02:00"
    words += " --until 2026-11-30T00:00Z --limit 5 --taken-over"
    result = run("jobs", *words.split())

    assert result.exit_code == 0
    assert asked(scripted) == [
        {
            "status": ["Failed", "TimedOut"],
            "kind": ["k", "l"],
            "lock": ["ledger"],
            "worker": ["w"],
            "name_prefix": ["Close"],
            "name_contains": ["year"],
            "property": ["team:accounts", "a:b=c"],
            "taken_over": ["true"],
            "submitted_from": ["2026-11-29T06:00:00Z"],
            "submitted_before": ["2026-11-30T00:00:00Z"],
            "limit": ["5"],
        }
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "There are no jobs yet; submit a job with: turnstile submit ten-steps --watch"),
        (["--status", "Failed"], "No job fits these filters."),
    ],
)
def test_an_empty_list_says_whether_filters_made_it_empty(
    scripted: ScriptedApi, run: Run, words: list[str], said: str
) -> None:
    scripted.on("GET", JOBS, page([]))
    result = run("jobs", *words)

    assert (result.exit_code, result.stdout.strip()) == (0, said)


def test_pages_are_read_until_there_are_enough(scripted: ScriptedApi, run: Run, listed: Document) -> None:
    scripted.on("GET", JOBS, page([listed] * 200, "second"), page([listed] * 50, "third"))
    result = run("jobs", "--limit", "250", "--kind", "ten-steps", "--json")

    document = json.loads(result.stdout)
    assert (len(document["items"]), document["has_more"]) == (250, True)
    assert asked(scripted) == [
        {"kind": ["ten-steps"], "limit": ["200"]},
        {"kind": ["ten-steps"], "limit": ["50"], "cursor": ["second"]},
    ]
    assert "There are more jobs; --limit shows more of them." in run("jobs", "--limit", "50").stdout


def test_the_last_page_ends_the_list(scripted: ScriptedApi, run: Run, listed: Document) -> None:
    scripted.on("GET", JOBS, page([listed], "second"), page([listed]))
    document = json.loads(run("jobs", "--json").stdout)

    assert document == {"items": [listed, listed], "has_more": False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--status", "Done"], "'Done' is not one of"),
        (["--property", "team"], "write 'team' as key=value"),
        (["--since", "yesterday"], "'yesterday' is not a timestamp; write it like 2026-11-21T08:00Z"),
        (["--limit", "0"], "'0' is not a whole number, from 1 to 10,000"),
    ],
)
def test_a_wrong_filter_is_named_before_anything_is_asked(
    scripted: ScriptedApi, run: Run, words: list[str], said: str
) -> None:
    result = run("jobs", *words)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert words[0] in result.stderr
    assert scripted.requests == []


def test_what_the_api_refuses_is_said(scripted: ScriptedApi, run: Run, a_problem: Problem) -> None:
    errors = [{"field": "lock", "message": "a lock name must not be empty"}]
    scripted.on("GET", JOBS, a_problem(422, "invalid_fields", "x", errors=errors))
    result = run("jobs", "--lock", " ")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "lock: a lock name must not be empty." in result.stderr


def test_a_publisher_that_does_not_answer_is_exit_code_five(scripted: ScriptedApi, run: Run) -> None:
    for path, command in ((JOBS, "jobs"), (EVENTS, "events")):
        scripted.on("GET", path, httpx.ConnectError("refused"))
        assert run(command).exit_code == 5


def test_recent_events_are_listed(scripted: ScriptedApi, run: Run, event: MakeEvent) -> None:
    scripted.on(
        "GET", EVENTS, page([event(2, "Started", "started"), event(1, "Submitted", "submitted by api")])
    )
    result = run("events", "--limit", "2")

    assert result.exit_code == 0
    assert result.stdout.index("Started") < result.stdout.index("Submitted")
    assert asked(scripted) == [{"limit": ["2"]}]
    assert json.loads(run("events", "--json").stdout)["has_more"] is False


def test_the_events_of_one_job_are_listed_to_the_last(
    scripted: ScriptedApi, run: Run, job: Document, event: MakeEvent
) -> None:
    path = f"{JOBS}/{job['job_id']}/events"
    scripted.on("GET", path, page([event(1, "Submitted")], "1"), page([event(2, "Completed")]))
    result = run("events", job["job_id"], "--json")

    assert [one["seq"] for one in json.loads(result.stdout)["items"]] == [1, 2]
    scripted.on("GET", path, page([event(1, "Submitted", "submitted by api")], "1"))
    shown = run("events", job["job_id"], "--limit", "1").stdout
    assert "submitted by api" in shown
    assert "There are more events" in shown


def test_a_job_that_does_not_exist_has_no_events(scripted: ScriptedApi, run: Run) -> None:
    result = run("events", "nonsense/../x")

    assert result.exit_code == 2
    assert "The job does not exist" in result.stderr
    assert scripted.requests[0].url.raw_path == b"/api/v1/jobs/nonsense%2F..%2Fx/events"


def test_without_events_the_next_step_is_named(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("GET", EVENTS, page([]))

    assert "There are no events yet; submit a job with: turnstile submit" in run("events").stdout


@pytest.mark.parametrize("command", ["jobs", "events"])
def test_nothing_a_job_says_reaches_the_terminal_as_a_command(
    scripted: ScriptedApi, run: Run, listed: Document, event: MakeEvent, command: str
) -> None:
    evil = "\x1b[2Jgone [bold]x[/bold]"
    scripted.on("GET", JOBS, page([listed | {"name": evil}]))
    scripted.on("GET", EVENTS, page([event(1, "Submitted", evil)]))
    result = run(command)

    assert "\x1b" not in result.stdout
    assert "[bold]" in result.stdout


def test_a_job_that_waits_for_its_next_attempt_says_why_and_until_when(
    scripted: ScriptedApi, run: Run, job: Document
) -> None:
    waits: Document = {"lock": "ledger", "holder": None, "running": None, "ahead": [], "expected_start": None}
    due: Document = {
        "status": "Queued",
        "waiting_for": waits,
        "next_attempt_at": "2026-01-01T00:01:00Z",
        "retries": 2,
    }
    due |= {"last_failure": {"type": "OSError", "message": "no route"}, "finished_at": None, "result": None}
    until = f"until {clock_time('2026-01-01T00:01:00Z', with_date=True)} for its next attempt"
    for position, says in ((None, until), (1, f"{until}, number 1 in the line of ledger")):
        scripted.on(
            "GET", f"{JOBS}/{job['job_id']}", httpx.Response(200, json=job | due | {"position": position})
        )
        scripted.on("GET", f"{JOBS}/{job['job_id']}/events", page([]))
        shown = " ".join(run("show", job["job_id"]).stdout.split())
        assert says in shown
        assert "failed 2, last: OSError: no route" in shown


def test_the_list_says_until_when_a_job_waits_for_its_next_attempt(
    scripted: ScriptedApi, run: Run, listed: Document
) -> None:
    due = {"status": "Queued", "next_attempt_at": "2026-01-01T00:01:00Z"}
    scripted.on("GET", JOBS, page([listed | due, listed | {"status": "Queued"}]))
    shown = run("jobs").stdout
    assert shown.count("Queued") == 2
    assert shown.count(f"Queued until {clock_time('2026-01-01T00:01:00Z')}") == 1
