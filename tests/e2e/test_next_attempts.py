"""Failed attempts on the running stack: the next one comes when it is due, whoever has died by then."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from tests.e2e.api import Job
from tests.e2e.services import ROOT
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

#: Seconds from a failed attempt until the next one is due.
_DELAY = 3.0


@pytest.fixture(autouse=True)
def failures(stack: Stack) -> None:
    stack.expected_tracebacks.append("ConnectionError: no route")


def turnstile(stack: Stack, *words: str) -> str:
    """Run a command as somebody at a terminal would, and return what it prints."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("turnstile")), *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin", **stack.environment, "TURNSTILE_URL": str(stack.api.client.base_url)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def set_limit(stack: Stack, lock: str, limit: int) -> None:
    stack.api.client.put(f"/api/v1/locks/{lock}", json={"limit": limit}).raise_for_status()


def waiting(job: Job) -> dict[str, object]:
    """Wait until the first attempt has failed; return the job then."""
    return job.wait(lambda state: state["next_attempt_at"], 60, "an attempt to fail")


def waits(job: Job) -> list[float]:
    """Return the seconds from each failed attempt to the next start."""
    found, since = [], None
    for event in job.events():
        moment = datetime.fromisoformat(event["timestamp_utc"])
        if event["status"] == "AttemptFailed":
            since = moment
        elif event["status"] == "Started" and since is not None:
            found.append((moment - since).total_seconds())
            since = None
    return found


def proved(stack: Stack, job: Job) -> None:
    until(lambda: job.id not in stack.records.active_jobs(), 60, "the job to be projected")
    turnstile(stack, "verify", "--lock", job.lock)


def test_a_job_is_tried_again_when_it_is_due_and_others_pass_it(stack: Stack) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    job = stack.api.submit("recovers", lock, {"failures": 2})
    state = waiting(job)
    assert (state["status"], state["retries"], state["position"]) == ("Queued", 1, None)
    assert state["last_failure"] == {"type": "ConnectionError", "message": "no route"}
    passing = stack.api.submit("nothing", lock)
    assert passing.wait_for_end()["status"] == "Completed"
    ended = job.wait_for_end()
    assert (ended["status"], ended["attempt"], ended["retries"]) == ("Completed", 3, 2)
    assert ended["result"] == {"failed": 2, "attempt": 3}
    assert ended["error"] is None
    assert job.statuses().count("AttemptFailed") == 2
    assert job.statuses().count("Step") == 1
    for seconds in waits(job):
        assert _DELAY <= seconds < _DELAY + 5
    proved(stack, job)


def test_the_delay_survives_every_worker(stack: Stack) -> None:
    stack.crew(2)
    job = stack.api.submit("recovers", stack.new_lock())
    waiting(job)
    for worker in list(stack.workers):
        worker.kill()
        stack.dismiss([worker])
    stack.crew(1)
    ended = job.wait_for_end()
    assert (ended["status"], ended["attempt"], ended["interruptions"]) == ("Completed", 2, 0)
    assert waits(job)[0] >= _DELAY
    proved(stack, job)


def test_nobody_passes_a_job_that_holds_its_place(stack: Stack) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    first = stack.api.submit("recovers-in-place", lock)
    second = stack.api.submit("nothing", lock)
    assert waiting(first)["position"] == 1
    assert second.wait_for_end()["status"] == "Completed"
    done = first.state()
    assert done["status"] == "Completed"
    assert second.state()["started_at"] >= done["finished_at"]
    proved(stack, first)


def test_a_job_that_waits_for_its_next_attempt_says_so_and_is_cancelled_at_once(stack: Stack) -> None:
    stack.crew(2)
    job = stack.api.submit("recovers", stack.new_lock(), {"later": 3600})
    state = waiting(job)
    assert state["last_failure"] == {"type": "RetryLater", "message": "come back later"}
    text = turnstile(stack, "show", job.id)
    assert "for its next attempt" in text
    assert "RetryLater: come back later" in text
    until(
        lambda: stack.api.client.get("/api/v1/jobs", params={"lock": job.lock}).json()["items"][0][
            "next_attempt_at"
        ],
        30,
        "the list to say when it is tried again",
    )
    turnstile(stack, "cancel", job.id, "--reason", "not needed")
    assert job.state()["status"] == "Cancelled"
    assert job.statuses()[-2:] == ["AttemptFailed", "Cancelled"]
    proved(stack, job)


def test_a_job_in_a_lock_with_two_slots_is_tried_again_beside_a_long_one(stack: Stack) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    set_limit(stack, lock, 2)
    long = stack.api.submit("effects", lock, {"count": 600, "seconds": 0.2})
    long.wait_for_attempt()
    job = stack.api.submit("recovers", lock, {"failures": 2})
    ended = job.wait_for_end()
    assert (ended["status"], ended["attempt"]) == ("Completed", 3)
    assert long.state()["status"] == "Running"
    for seconds in waits(job):
        assert _DELAY <= seconds < _DELAY + 5
    turnstile(stack, "cancel", long.id)
    long.wait_for_end()
    proved(stack, job)


def test_a_job_that_holds_its_place_takes_one_of_two_slots(stack: Stack) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    set_limit(stack, lock, 2)
    first = stack.api.submit("recovers-in-place", lock, {"later": 3600})
    waiting(first)
    second = stack.api.submit("nothing", lock)
    assert second.wait_for_end()["status"] == "Completed"
    set_limit(stack, lock, 1)
    third = stack.api.submit("nothing", lock)
    assert third.state()["position"] == 2
    turnstile(stack, "cancel", first.id)
    assert third.wait_for_end()["status"] == "Completed"
    assert first.state()["status"] == "Cancelled"
    proved(stack, first)
