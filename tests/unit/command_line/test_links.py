"""Links to the dashboard, where a user has named one."""

import json

import httpx
import pytest
from tests.unit.command_line.scripted_api import Document, MakeEvent, Run, ScriptedApi

JOBS = "/api/v1/jobs"
JOB = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
LINK = f"https://ops.example/turnstile/job?id={JOB}"


@pytest.fixture
def submitted(scripted: ScriptedApi, job: Document, event: MakeEvent) -> None:
    """Answer as a publisher with one job, which has ended."""
    accepted = {"job_id": JOB, "lock": "ledger", "status": "Queued"}
    message = f"event: job_event\ndata: {json.dumps(event(1, 'Completed'))}\nid: 1\n\n"
    headers = {"content-type": "text/event-stream"}
    scripted.on("POST", JOBS, httpx.Response(202, json=accepted))
    scripted.on("GET", f"{JOBS}/{JOB}", httpx.Response(200, json=job))
    scripted.on("GET", f"{JOBS}/{JOB}/stream", httpx.Response(200, text=message, headers=headers))


@pytest.mark.parametrize("words", [["submit", "k"], ["submit", "k", "--watch"], ["watch", JOB]])
@pytest.mark.usefixtures("submitted")
def test_the_job_is_linked_to_where_a_dashboard_is_known(
    run: Run, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "job?id=" not in run(*words).stdout
    assert LINK in run(*words, "--dashboard-url", "https://ops.example/turnstile/").stdout
    monkeypatch.setenv("TURNSTILE_DASHBOARD_URL", "https://ops.example/turnstile")
    assert LINK in run(*words).stdout


@pytest.mark.parametrize("words", [["submit", "k"], ["submit", "k", "--watch"], ["watch", JOB]])
@pytest.mark.usefixtures("submitted")
def test_a_program_gets_one_document_and_no_link(run: Run, words: list[str]) -> None:
    result = run(*words, "--json", "--dashboard-url", "https://ops.example")
    assert json.loads(result.stdout)["job_id"] == JOB


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("TURNSTILE_DASHBOARD_URL", ["submit", "k"]),
        ("TURNSTILE_DASHBOARD_URL", ["watch", JOB]),
        ("TURNSTILE_JAEGER_URL", ["trace", JOB]),
        ("TURNSTILE_GRAFANA_URL", ["trace", JOB]),
    ],
)
def test_an_address_that_is_no_link_is_refused_by_its_name(
    run: Run, scripted: ScriptedApi, variable: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "ops.example")
    monkeypatch.setenv("COLUMNS", "200")
    result = run(*words)
    assert result.exit_code == 2
    assert variable in result.stderr
    assert "must start with http:// or https://" in result.stderr
    assert scripted.requests == []
