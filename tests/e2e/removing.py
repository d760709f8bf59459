"""What tests of jobs that leave do on a real installation."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.services import ROOT
from tests.e2e.stack import Stack
from tests.e2e.waiting import until


def turnstile(stack: Stack, *words: str, code: int = 0) -> Any:
    """Run a command with --json as somebody at a terminal would, and give its document."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("turnstile")), *words, "--json"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TURNSTILE_URL": stack.publisher.url, **stack.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def rebuild(stack: Stack) -> None:
    """Derive the read models again from the journal."""
    subprocess.run(
        [sys.executable, "-m", "audit_projector.rebuild"],
        env={**os.environ, **stack.environment},
        check=True,
        capture_output=True,
        timeout=120,
    )


def run_jobs(stack: Stack, lock: str, count: int) -> list[str]:
    """Run jobs, wait until the audit trail has all of them, and return their ids."""
    jobs = [stack.api.submit("ten-steps", lock, {"steps": 3, "seconds": 0}) for _ in range(count)]
    # If the test fails, whoever tidies up must not ask for a job that was removed.
    stack.api.submitted.clear()
    for job in jobs:
        assert job.wait_for_end()["status"] == "Completed"
    ids = [job.id for job in jobs]
    until(lambda: not set(ids) & set(stack.records.active_jobs()), 20, "the jobs to be projected")
    return ids
