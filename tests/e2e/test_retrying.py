"""Retries by hand and finalized jobs on the running stack, proved by the checker."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.api import Job
from tests.e2e.services import ROOT
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

#: Steps of the job that is cancelled; on a busy machine, too, they take longer than the command that does it.
_STEPS = 40


@pytest.fixture(autouse=True)
def workers(stack: Stack) -> None:
    stack.crew(2)


def turnstile(stack: Stack, *words: str) -> Any:
    """Run a command with --json as somebody at a terminal would, and give its document."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("turnstile")), *words, "--json"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            **stack.environment,
            "TURNSTILE_URL": str(stack.api.client.base_url),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def cancelled_after(stack: Stack, lock: str, steps: int) -> Job:
    """Return a job that was cancelled after so many recorded steps, or one more."""
    job = stack.api.submit("effects", lock, {"count": _STEPS, "seconds": 0.3})
    until(lambda: job.statuses().count("Step") >= steps, 30, "the steps to be recorded")
    turnstile(stack, "cancel", job.id, "--reason", "wrong month")
    assert job.wait_for_end()["status"] == "Cancelled"
    return job


def test_a_retry_continues_where_the_cancelled_job_ended(stack: Stack) -> None:
    lock = stack.new_lock()
    old = cancelled_after(stack, lock, 2)
    recorded = old.statuses().count("Step")
    words = ("retry", old.id, "-p", "seconds=0", "--reason", "open again")
    answers = [turnstile(stack, *words) for _ in range(2)]
    assert answers[0]["job_id"] == answers[1]["job_id"], "to repeat a retry is harmless"
    new = stack.api.job(answers[0]["job_id"], lock)
    state = new.wait_for_end()
    assert (state["status"], state["attempt"], state["retry_of"]) == ("Completed", 1, old.id)
    result = state["result"]
    assert (result["effects"], result["done_before"], result["found"]) == (
        _STEPS,
        recorded,
        {"reached": recorded},
    )
    assert old.state()["retried_by"] == new.id
    effects = [effect.step for effect in stack.sink.effects(lock, new.id)]
    assert effects == [f"effect {number}" for number in range(recorded + 1, _STEPS + 1)]
    until(lambda: new.id not in stack.records.active_jobs(), 30, "the job to be projected")
    assert turnstile(stack, "verify", "--lock", lock)["holds"] is True


def test_a_fresh_retry_begins_from_the_beginning(stack: Stack) -> None:
    lock = stack.new_lock()
    old = cancelled_after(stack, lock, 1)
    answer = turnstile(stack, "retry", old.id, "--fresh", "-p", "seconds=0", "-p", "count=2")
    state = stack.api.job(answer["job_id"], lock).wait_for_end()
    assert state["result"] == {"effects": 2, "done_before": 0, "found": None}


def test_a_finalized_job_leaves_the_lists_and_is_proved(stack: Stack) -> None:
    stack.expected_tracebacks.append("RuntimeError: out of order")
    lock = stack.new_lock()
    job = stack.api.submit("raises", lock)
    assert job.wait_for_end()["status"] == "Failed"

    def listed(*words: str) -> list[str]:
        found = turnstile(stack, "jobs", "--lock", lock, "--status", "Failed", *words)["items"]
        return [one["job_id"] for one in found]

    until(lambda: listed() == [job.id], 30, "the job to be listed")
    assert turnstile(stack, "finalize", job.id, "--reason", "known")["finalized_by"]
    until(lambda: listed() == [], 30, "the job to leave the list")
    assert listed("--finalized") == [job.id]
    until(lambda: job.id not in stack.records.active_jobs(), 30, "the event to be projected")
    assert turnstile(stack, "verify", "--lock", lock)["holds"] is True
