"""The load test where it does harm: to a stack as `make up` starts it, which it may kill parts of."""

import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from deploy import ROOT
from deploy.processes.ports import is_free, reserved
from tests.e2e.stack import Stack
from tests.e2e.test_load import broken, outcome

pytestmark = pytest.mark.e2e

_WORKERS = 3

#: Kills of three workers, each of which has jobs by then: after some four, six and twelve seconds.
#: No stop in order, which takes long.
_SEED = 10


def _ports_in_a_row(count: int) -> int:
    while True:
        first = random.choice(range(20_000, 32_000 - count))
        if all(map(is_free, range(first, first + count))):
            return first


@pytest.fixture
def environment(shared_stack: Stack, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """What makes commands start, and find, a stack of their own on the shared servers."""
    namespace = f"h{uuid.uuid4().hex[:12]}"
    with reserved(3) as (publisher, projector, scheduler):
        given = {
            **os.environ,
            "RUNTIME": "native",
            "TURNSTILE_DATA_FOLDER": str(tmp_path / "stack"),
            "TURNSTILE_OBSERVABILITY": "none",
            "TURNSTILE_WORKERS": str(_WORKERS),
            "TURNSTILE_PUBLISHER_PORT": str(publisher),
            "TURNSTILE_AUDIT_PROJECTOR_PORT": str(projector),
            "TURNSTILE_SCHEDULER_PORT": str(scheduler),
            "TURNSTILE_WORKER_PORT": str(_ports_in_a_row(_WORKERS)),
            "TURNSTILE_RABBITMQ_URL": shared_stack.environment["TURNSTILE_RABBITMQ_URL"],
            "TURNSTILE_RABBITMQ_NAMESPACE": namespace,
            "TURNSTILE_STORAGE_CONNECTION_STRING": shared_stack.azurite.connection_string,
            "TURNSTILE_STORAGE_NAMESPACE": namespace,
            # As short as the storage allows: what a killed worker held is free that much later.
            "TURNSTILE_LEASE_SECONDS": "15",
            "TURNSTILE_GRACE_SECONDS": "1",
        }
        try:
            yield given
        finally:
            stop = [sys.executable, "-m", "deploy.stack", "down"]
            subprocess.run(stop, cwd=ROOT, env=given, check=True, timeout=60)


def verdict_of(environment: Mapping[str, str], folder: Path, scenario: str, *words: str) -> dict[str, Any]:
    """Run a scenario with harm at small size; return its verdict, which must hold."""
    thresholds = folder / "thresholds.toml"
    thresholds.write_text("[kill_while_loaded]\ntake_over_max_seconds = 45\n")
    command = [sys.executable, "-m", "loadtest", "--scenario", scenario, "--workers", str(_WORKERS), "--json"]
    command += ["--thresholds", str(thresholds), "--results", str(folder / "results"), *words]
    with (folder / "stderr.txt").open("w") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    code, verdicts = outcome(process, folder, within=300)
    verdict = verdicts[scenario]
    assert verdict["unusable"] is None
    assert broken(verdict) == []
    assert code == 0
    return verdict


def harm_in(verdict: dict[str, Any]) -> str:
    """Return what a verdict says of the harm that was done."""
    (harm,) = [one["seen"] for one in verdict["findings"] if one["promised"] == "the scenario did its harm"]
    return str(harm)


@pytest.mark.timeout(400)
def test_every_promise_is_kept_while_workers_are_killed(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    words = ("--seed", str(_SEED), "--users", "4", "--jobs", "65", "--time", "13s")
    verdict = verdict_of(environment, tmp_path, "kill_while_loaded", *words)
    kills = [what for what in verdict["figures"]["faults"] if "killed worker-" in what]
    assert len(kills) >= 2
    assert " 0 runs were cut off" not in harm_in(verdict)
    assert verdict["figures"]["take_over_seconds"]["count"] >= 1


@pytest.mark.timeout(400)
def test_no_due_time_is_lost_while_the_scheduler_is_killed(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    verdict = verdict_of(environment, tmp_path, "scheduler_restart", "--jobs", "30", "--time", "20s")
    assert harm_in(verdict) == "1 times, 0 runs were cut off: killed the scheduler"
    figures = verdict["figures"]
    assert figures["schedules"]["outcomes"]["submitted"] > 20
    # The lease of the one that was killed has to run out.
    assert figures["submission_late_seconds"]["max"] > 3
