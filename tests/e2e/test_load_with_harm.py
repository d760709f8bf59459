"""The load test where it does harm: to a stack as `make up` starts it, which it may kill parts of."""

import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

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


def test_every_promise_is_kept_while_workers_are_killed(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    thresholds = tmp_path / "thresholds.toml"
    thresholds.write_text("[kill_while_loaded]\ntake_over_max_seconds = 45\n")
    words = ["--scenario", "kill_while_loaded", "--workers", str(_WORKERS), "--seed", str(_SEED), "--json"]
    words += ["--users", "4", "--jobs", "65", "--time", "13s"]
    words += ["--thresholds", str(thresholds), "--results", str(tmp_path / "results")]
    with (tmp_path / "stderr.txt").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "loadtest", *words],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    code, verdicts = outcome(process, tmp_path)
    verdict = verdicts["kill_while_loaded"]
    assert verdict["unusable"] is None
    assert broken(verdict) == []
    assert code == 0
    kills = [what for what in verdict["figures"]["faults"] if "killed worker-" in what]
    assert len(kills) >= 2
    (harm,) = [one["seen"] for one in verdict["findings"] if one["promised"] == "the scenario did its harm"]
    assert " 0 runs were cut off" not in harm
    assert verdict["figures"]["take_over_seconds"]["count"] >= 1
