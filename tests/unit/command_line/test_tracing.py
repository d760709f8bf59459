"""turnstile trace."""

import io
import json

import httpx
import pytest
from rich.console import Console
from tests.unit.command_line.scripted_api import Document, Run, ScriptedApi
from tests.unit.command_line.trails import COMPLETED, JOB_ID, TAKEN_OVER

from contracts.telemetry.names import Source

PATH = f"/api/v1/jobs/{JOB_ID}"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def completed(scripted: ScriptedApi, job: Document, monkeypatch: pytest.MonkeyPatch) -> ScriptedApi:
    for name in ("TURNSTILE_JAEGER_URL", "TURNSTILE_GRAFANA_URL"):
        monkeypatch.delenv(name, raising=False)
    scripted.on("GET", PATH, httpx.Response(200, json=job))
    scripted.on("GET", f"{PATH}/events", httpx.Response(200, json={"items": COMPLETED, "next": None}))
    return scripted


def test_the_trace_is_drawn_below_its_id(completed: ScriptedApi, run: Run) -> None:
    result = run("trace", JOB_ID)

    assert result.exit_code == 0
    first, second, *rest = result.stdout.splitlines()
    assert first == f"Completed  ten-steps on lock ledger, job {JOB_ID}"
    assert second == f"trace {TRACE_ID}"
    assert [line for line in rest if line.startswith("  step load")]
    assert "http" not in result.stdout


def test_links_lead_to_where_one_says_that_more_can_be_seen(completed: ScriptedApi, run: Run) -> None:
    words = ["--jaeger-url", "http://127.0.0.1:16686", "--grafana-url", "http://127.0.0.1:3000/"]
    result = run("trace", JOB_ID, *words)

    assert f"jaeger http://127.0.0.1:16686/trace/{TRACE_ID}\n" in result.stdout
    # What was projected of it is in traces of the projector's own.
    tags = f"%7B%22job.id%22%3A%20%22{JOB_ID}%22%7D"
    found = (
        f"http://127.0.0.1:16686/search?service={Source.AUDIT_PROJECTOR.service_name}&lookback=2d&tags={tags}"
    )
    assert f"projections {found}\n" in result.stdout
    assert f"grafana http://127.0.0.1:3000/d/one-job?var-job={JOB_ID}\n" in result.stdout


def test_programs_get_every_span_with_its_parent(completed: ScriptedApi, run: Run) -> None:
    result = run("trace", JOB_ID, "--json")

    document = json.loads(result.stdout)
    assert document["trace_id"] == TRACE_ID
    assert document["links"] == {}
    assert len(document["spans"]) == 14
    assert document["spans"][0] == {
        "name": "submit job",
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-01T00:00:00+00:00",
        "parent": None,
        "attempt": None,
        "outcome": None,
        "reason": "submitted by api",
    }
    (step,) = (span for span in document["spans"] if span["name"] == "step book")
    assert (step["parent"], step["attempt"], step["start"]) == (
        "run job",
        2,
        "2026-01-01T00:00:34+00:00",
    )
    assert document["attempts"][1] == {
        "attempt": 2,
        "worker": "worker-2",
        "fence": 8,
        "after": "worker worker-1 was lost",
    }


@pytest.fixture
def failing(completed: ScriptedApi, job: Document) -> ScriptedApi:
    """Return a job that runs, and fails while it is followed."""
    running, failed = job | {"status": "Running", "step": "report"}, job | {"status": "Failed"}
    completed.on("GET", PATH, httpx.Response(200, json=running), httpx.Response(200, json=failed))
    events = [*TAKEN_OVER, COMPLETED[-1] | {"status": "Failed", "seq": len(COMPLETED)}]
    pages = [httpx.Response(200, json={"items": items, "next": None}) for items in (TAKEN_OVER, events)]
    completed.on("GET", f"{PATH}/events", *pages)
    stream = "".join(
        f"event: job_event\ndata: {json.dumps(event)}\nid: {event['seq']}\n\n" for event in events
    )
    headers = {"content-type": "text/event-stream"}
    completed.on("GET", f"{PATH}/stream", httpx.Response(200, text=stream, headers=headers))
    return completed


@pytest.mark.usefixtures("failing")
def test_following_goes_on_to_the_end_whose_outcome_is_the_exit_code(run: Run) -> None:
    result = run("trace", JOB_ID, "--follow")

    assert result.exit_code == 1
    assert result.stdout.startswith("Failed")
    assert "fail job" in result.stdout
    assert result.stdout.count("submit job") == 1


@pytest.mark.usefixtures("failing")
def test_a_terminal_shows_the_latest_while_it_is_followed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, height=9)
    monkeypatch.setattr("command_line.tracing.console", lambda: screen)
    result = run("trace", JOB_ID, "--follow")

    assert result.exit_code == 1
    assert isinstance(screen.file, io.StringIO)
    meanwhile, _, at_last = screen.file.getvalue().rpartition("on lock ledger")
    assert "on lock ledger" in meanwhile
    assert "fail job" in meanwhile
    assert "submit job" not in meanwhile
    assert "submit job" in at_last


def test_a_job_that_nobody_knows_is_an_error(scripted: ScriptedApi, run: Run) -> None:
    result = run("trace", "nothing")

    assert result.exit_code == 2
    assert result.stderr == "Error: The job does not exist; check its id.\n"
    assert result.stdout == ""
