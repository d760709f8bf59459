"""turnstile watch."""

import io
import json
from typing import Any

import httpx
import pytest
from rich.console import Console
from tests.unit.command_line.scripted_api import Answer, Document, MakeEvent, Run, ScriptedApi

JOBS = "/api/v1/jobs"


def stream(*messages: Document) -> httpx.Response:
    """Write messages as the publisher does: events with their number, progress without."""
    text = "retry: 1000\n\n: still here\n\n"
    for content in messages:
        is_event = "seq" in content
        text += f"event: {'job_event' if is_event else 'progress'}\ndata: {json.dumps(content)}\n"
        text += f"id: {content['seq']}\n\n" if is_event else "\n"
    return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})


def progress(value: float, **more: Any) -> Document:
    return {
        "job_id": "j",
        "status": "Running",
        "attempt": 1,
        "worker": "worker-1",
        "step": "load",
        "progress": {"value": value, "limit": 10},
        "position": None,
        "waiting_for": None,
        **more,
    }


@pytest.mark.parametrize(
    ("status", "code"), [("Completed", 0), ("Failed", 1), ("Cancelled", 3), ("TimedOut", 4)]
)
def test_the_exit_code_is_the_outcome(
    scripted: ScriptedApi, run: Run, job: Document, event: MakeEvent, status: Any, code: int
) -> None:
    path = f"{JOBS}/{job['job_id']}"
    error = {"type": "ValueError", "message": "no"} if status == "Failed" else None
    scripted.on("GET", path, httpx.Response(200, json=job | {"status": status, "error": error}))
    scripted.on("GET", f"{path}/stream", stream(event(1, "Submitted"), event(2, "Started"), event(3, status)))
    result = run("watch", job["job_id"])

    assert result.exit_code == code
    assert "on worker-1 with fence 7" in result.stdout
    assert "digest: abc" in result.stdout
    assert ("ValueError: no" in result.stdout) is (status == "Failed")
    as_json = run("watch", job["job_id"], "--json")
    assert (as_json.exit_code, json.loads(as_json.stdout)["status"]) == (code, status)


def test_a_broken_stream_is_taken_up_where_it_was(
    scripted: ScriptedApi, run: Run, job: Document, event: MakeEvent
) -> None:
    path = f"{JOBS}/{job['job_id']}"
    scripted.on("GET", path, httpx.Response(200, json=job))
    answers: list[Answer] = [
        stream(event(1, "Submitted"), event(2, "Started")),
        httpx.ConnectError("restarting"),
        httpx.Response(503, json={"detail": "The storage does not answer."}),
        stream(event(3, "Completed")),
    ]
    scripted.on("GET", f"{path}/stream", *answers)
    result = run("watch", job["job_id"])

    assert result.exit_code == 0
    asked = [
        request.headers.get("last-event-id") for request in scripted.requests if "stream" in request.url.path
    ]
    assert asked == ["0", "2", "2", "2"]


def test_a_publisher_that_stays_away_ends_the_watch(
    scripted: ScriptedApi, run: Run, job: Document, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{JOBS}/{job['job_id']}"
    scripted.on("GET", path, httpx.Response(200, json=job | {"status": "Running"}))
    scripted.on("GET", f"{path}/stream", stream(event(1, "Submitted")), httpx.ConnectError("gone"))
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr("command_line.api.time.monotonic", lambda: next(now))
    result = run("watch", job["job_id"])

    assert result.exit_code == 5
    assert "No server answers" in result.stderr


def test_whoever_comes_after_the_end_is_told_at_once(scripted: ScriptedApi, run: Run, job: Document) -> None:
    path = f"{JOBS}/{job['job_id']}"
    scripted.on("GET", path, httpx.Response(200, json=job))
    scripted.on("GET", f"{path}/stream", httpx.Response(204))

    assert run("watch", job["job_id"]).exit_code == 0


def test_an_unknown_job_cannot_be_watched(scripted: ScriptedApi, run: Run) -> None:
    result = run("watch", "nonsense")

    assert result.exit_code == 2
    assert result.stderr == "Error: The job does not exist; check its id.\n"


def test_on_a_terminal_a_bar_shows_how_far_it_is(
    scripted: ScriptedApi, run: Run, job: Document, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{JOBS}/{job['job_id']}"
    waiting = {"lock": "ledger", "holder": "worker-2", "running": "other", "ahead": ["other"]}
    scripted.on("GET", path, httpx.Response(200, json=job))
    scripted.on(
        "GET",
        f"{path}/stream",
        stream(
            event(1, "Submitted"),
            progress(0, status="Queued", progress=None, position=2, waiting_for=waiting),
            event(2, "Started"),
            progress(4),
            event(3, "Completed"),
        ),
    )
    written = io.StringIO()
    screen = Console(file=written, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr("command_line.watching.console", lambda: screen)
    monkeypatch.setattr("rich.live.Live.update", lambda live, shown, refresh=False: screen.print(shown))
    result = run("watch", job["job_id"])

    shown = written.getvalue()
    assert result.exit_code == 0
    assert "number 2 in the line of ledger, while worker-2 runs other" in shown
    assert "4 of 10 (40%)" in shown
    assert "━" in shown
