"""turnstile result, and submit --wait."""

import io
import json
from typing import Any

import httpx
import pytest
from rich.console import Console
from tests.unit.command_line.scripted_api import Document, Problem, Run, ScriptedApi

from command_line.exit_codes import BY_STATUS, NOT_ENDED, STOPPED, UNREACHABLE, USAGE
from command_line.output import clock_time

JOBS = "/api/v1/jobs"
JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
RESULT = f"{JOBS}/{JOB_ID}/result"


def accepted(status: str = "Queued") -> httpx.Response:
    return httpx.Response(202, json={"job_id": JOB_ID, "lock": "ledger", "status": status})


def completed(result: Any) -> httpx.Response:
    finished = {"finished_at": "2026-01-01T00:00:11Z"}
    return httpx.Response(200, json={"job_id": JOB_ID, "status": "Completed", "result": result} | finished)


def test_the_codes_of_a_wait_are_no_others() -> None:
    others = {*BY_STATUS.values(), STOPPED, UNREACHABLE, USAGE}
    assert NOT_ENDED not in others


@pytest.mark.parametrize("result", [None, "text", {"digest": "äbc"}, [1, 2]])
def test_the_result_alone_is_on_stdout(scripted: ScriptedApi, run: Run, result: Any) -> None:
    scripted.on("GET", RESULT, completed(result))
    done = run("result", JOB_ID)

    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == result
    assert scripted.requests[0].url.params["wait"] == "0"
    as_json = json.loads(run("result", JOB_ID, "--json").stdout)
    assert as_json == {"job_id": JOB_ID, "status": "Completed", "result": result}


@pytest.mark.parametrize(
    ("status", "name", "code"),
    [
        ("Failed", "job_failed", 1),
        ("Cancelled", "job_cancelled", 3),
        ("TimedOut", "job_timed_out", 4),
        ("Expired", "job_expired", 6),
    ],
)
def test_without_a_result_the_exit_code_is_the_outcome(
    scripted: ScriptedApi, run: Run, a_problem: Problem, status: str, name: str, code: int
) -> None:
    scripted.on("GET", RESULT, a_problem(409, name, f"The job: {status}.", job_status=status))
    done = run("result", JOB_ID, "--wait", "10")

    assert (done.exit_code, done.stdout, done.stderr) == (code, "", f"Error: The job: {status}.\n")
    as_json = run("result", JOB_ID, "--json")
    assert (as_json.exit_code, json.loads(as_json.stdout)["job_status"]) == (code, status)


def test_a_job_that_has_not_ended_has_an_exit_code_of_its_own(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("GET", RESULT, accepted("Running"))
    done = run("result", JOB_ID, "--wait", "1")

    assert (done.exit_code, done.stdout) == (NOT_ENDED, "")
    assert done.stderr == "Error: The job has not ended: it is Running.\n"
    assert scripted.requests[0].url.params["wait"] == "1"
    assert json.loads(run("result", JOB_ID, "--json").stdout)["status"] == "Running"


def test_an_unknown_job_has_no_result(scripted: ScriptedApi, run: Run) -> None:
    done = run("result", "nonsense", "--wait", "10")

    assert (done.exit_code, done.stderr) == (USAGE, "Error: The job does not exist; check its id.\n")


def test_submit_waits_for_the_result_and_prints_nothing_else(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("POST", JOBS, accepted())
    scripted.on("GET", RESULT, accepted(), httpx.ReadError("restarting"), completed({"digest": "abc"}))
    done = run("submit", "checksum-file", "--job-id", JOB_ID, "--wait")

    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"digest": "abc"}
    assert scripted.requests[-1].url.params["wait"] == "50"
    assert (
        json.loads(run("submit", "checksum-file", "--job-id", JOB_ID, "--wait", "--json").stdout)["status"]
        == "Completed"
    )


def test_submit_ends_with_the_outcome_of_the_job(scripted: ScriptedApi, run: Run, a_problem: Problem) -> None:
    scripted.on("POST", JOBS, accepted())
    scripted.on("GET", RESULT, a_problem(409, "job_failed", "The job failed: no.", job_status="Failed"))
    done = run("submit", "checksum-file", "--job-id", JOB_ID, "--wait")

    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Error: The job failed: no.\n")


def test_watching_and_waiting_exclude_each_other(scripted: ScriptedApi, run: Run) -> None:
    done = run("submit", "checksum-file", "--job-id", JOB_ID, "--wait", "--watch")

    assert done.exit_code == USAGE
    assert "--watch" in done.stderr
    assert scripted.requests == []


def test_ctrl_c_ends_the_wait_and_not_the_job(
    scripted: ScriptedApi, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("command_line.api.Client.result", press)
    done = run("result", JOB_ID, "--wait", "10")

    assert done.exit_code == STOPPED
    assert f"job {JOB_ID} continues" in done.stderr


def test_on_a_terminal_a_line_shows_how_far_the_job_is(
    scripted: ScriptedApi, run: Run, job: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = {"lock": "ledger", "holder": "worker-2", "running": "other", "ahead": ["other"]}
    waiting |= {"expected_start": "2026-11-30T14:05:09Z"}
    queued = job | {"status": "Queued", "progress": None, "position": 2, "waiting_for": waiting}
    running = job | {"status": "Running", "progress": {"value": 4, "limit": 10}, "step": "load"}
    scripted.on("GET", RESULT, accepted(), accepted("Running"), completed("done"))
    scripted.on("GET", f"{JOBS}/{JOB_ID}", *(httpx.Response(200, json=each) for each in (queued, running)))
    now = iter(range(10_000))
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    screen = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr("command_line.results.console", lambda stderr: screen)
    shown: list[str] = []
    monkeypatch.setattr("rich.status.Status.update", lambda line, text: shown.append(str(text)))
    done = run("result", JOB_ID, "--wait", "600")

    assert (done.exit_code, json.loads(done.stdout)) == (0, "done")
    start = clock_time("2026-11-30T14:05:09Z")
    assert shown == [
        f"Queued · number 2 in the line of ledger, while worker-2 runs other; likely to start at {start}",
        "Running · 4 of 10 (40%) · load",
    ]


def test_an_answer_of_something_else_is_one_sentence(scripted: ScriptedApi, run: Run) -> None:
    scripted.on("GET", RESULT, httpx.Response(200, json={"x": 1}))
    done = run("result", JOB_ID)

    assert (done.exit_code, done.stdout) == (UNREACHABLE, "")
    assert done.stderr.startswith(
        "Error: The answer is not one of Turnstile, or of a later release: it has no"
    )
