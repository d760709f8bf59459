"""Jobs that wait for others on the running stack: they start afterwards, whatever lock they are under."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.api import Job
from tests.e2e.services import ROOT
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e


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


def proved(stack: Stack, *jobs: Job) -> None:
    """See that the checker finds nothing wrong, with the locks of these jobs."""
    active = stack.records.active_jobs
    until(lambda: not {job.id for job in jobs} & set(active()), 60, "the jobs to be projected")
    locks = [word for job in jobs for word in ("--lock", job.lock)]
    turnstile(stack, "verify", *locks)


def test_jobs_of_three_locks_run_one_after_the_other(stack: Stack) -> None:
    stack.crew(2)
    one = stack.api.submit("visit", stack.new_lock(), {"seconds": 1})
    two = stack.api.submit("visit", stack.new_lock(), {"seconds": 1})
    both = stack.api.submit("nothing", stack.new_lock(), after=[one.id, two.id], expires_in=60)
    last = stack.api.submit("nothing", stack.new_lock(), after=[both.id])
    assert set(both.state()["waiting_for"]["after"]) == {one.id, two.id}
    assert one.state()["followers"] == [both.id]
    passing = stack.api.submit("nothing", both.lock)
    assert passing.wait_for_end()["status"] == "Completed"
    for job in (one, two, both, last):
        assert job.wait_for_end()["status"] == "Completed"
    ends = [job.state() for job in (one, two, both, last)]
    assert max(ends[0]["finished_at"], ends[1]["finished_at"]) < ends[2]["started_at"]
    assert ends[2]["finished_at"] < ends[3]["started_at"]
    assert ends[2]["expires_at"] is not None
    assert both.statuses()[:3] == ["Submitted", "PredecessorEnded", "PredecessorEnded"]
    proved(stack, one, two, both, last)


def test_what_waits_for_a_job_that_fails_ends_with_it(stack: Stack) -> None:
    stack.expected_tracebacks.append("RuntimeError: out of order")
    stack.crew(1)
    one = stack.api.submit("raises", stack.new_lock())
    failing = stack.api.submit("nothing", stack.new_lock(), after=[one.id])
    skipped = stack.api.submit("nothing", stack.new_lock(), after=[failing.id], after_failure="skip")
    assert one.wait_for_end()["status"] == "Failed"
    assert failing.wait_for_end()["error"]["type"] == "PredecessorFailed"
    assert skipped.wait_for_end()["status"] == "Cancelled"
    assert failing.id in skipped.state()["cancel_reason"]
    proved(stack, one, failing, skipped)
