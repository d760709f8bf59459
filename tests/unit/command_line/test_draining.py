"""turnstile drain and turnstile resume."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.unit.command_line.scripted_api import Run, ScriptedApi, problem

from command_line import draining

PATH = "/api/v1/workers/host-1%2F7%2Ea"
NAME = "host-1/7.a"


def worker(seconds: float = 1, **more: Any) -> httpx.Response:
    now = datetime.now(UTC)
    drain = {"since": now.isoformat(), "actor": "maria", "reason": ""}
    seen_at = (now - timedelta(seconds=seconds)).isoformat()
    document = {"worker": NAME, "seen_at": seen_at, "running": [], "drain": drain, "takes_jobs": True, **more}
    return httpx.Response(200, json=document)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "_PAUSE", 0.0)


def test_a_worker_is_told_to_take_no_new_jobs_with_the_reason(run: Run, scripted: ScriptedApi) -> None:
    scripted.on("PUT", PATH, worker())
    done = run("drain", NAME, "--reason", "update")
    assert (done.exit_code, scripted.bodies()) == (0, [{"takes_jobs": False, "reason": "update"}])
    assert "host-1/7.a takes no new jobs from its next heartbeat on." in done.output


def test_waiting_for_a_worker_says_what_it_does_until_it_runs_nothing(
    run: Run, scripted: ScriptedApi
) -> None:
    scripted.on("PUT", PATH, worker(running=["j"]))
    scripted.on(
        "GET",
        PATH,
        worker(running=["j"], takes_jobs=False),
        worker(running=["j"], takes_jobs=False),
        worker(takes_jobs=False),
    )
    done = run("drain", NAME, "--wait")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "host-1/7.a was told; waiting for its next heartbeat",
        "host-1/7.a takes no new jobs and runs 1 job",
        "host-1/7.a is drained: it can be stopped.",
    ]


def test_a_worker_that_does_not_come_to_rest_in_time_has_an_exit_code_of_its_own(
    run: Run, scripted: ScriptedApi
) -> None:
    scripted.on("PUT", PATH, worker(running=["j"]))
    scripted.on("GET", PATH, worker(running=["j"], takes_jobs=False))
    done = run("drain", NAME, "--wait", "--timeout", "0", "--json")
    assert (done.exit_code, json.loads(done.stdout)["running"]) == (7, ["j"])


def test_who_stops_waiting_is_told_that_the_order_stands_and_how_to_take_it_back(
    run: Run, scripted: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(draining, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=interrupt))
    scripted.on("PUT", PATH, worker(running=["j"]))
    done = run("drain", NAME, "--wait", "--json")
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr == (
        f"Error: stopped waiting; the order stands, and {NAME} takes no new jobs. "
        f"To take it back: turnstile resume {NAME}\n"
    )


def test_a_worker_that_is_gone_needs_no_waiting(run: Run, scripted: ScriptedApi) -> None:
    scripted.on("PUT", PATH, worker(2 * 86_400))
    assert run("drain", NAME, "--wait").exit_code == 0


def test_a_worker_is_told_to_take_jobs_again(run: Run, scripted: ScriptedApi) -> None:
    scripted.on("PUT", PATH, worker(drain=None))
    assert "takes jobs again" in run("resume", NAME).output
    assert json.loads(run("resume", NAME, "--json").stdout)["drain"] is None
    assert scripted.bodies() == [{"takes_jobs": True, "reason": ""}] * 2


@pytest.mark.parametrize("command", ["drain", "resume"])
def test_a_worker_that_nobody_knows_is_named(run: Run, scripted: ScriptedApi, command: str) -> None:
    refusal = problem(404, "no_such_worker", f"No worker is called '{NAME}'; list the workers.")
    scripted.on("PUT", PATH, refusal)
    done = run(command, NAME)
    assert done.exit_code == 2
    assert NAME in done.output
