"""A small comparison with the floors, which need nothing but what Turnstile needs, and no other system."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SYSTEMS = {
    "turnstile": "Turnstile",
    "rabbitmq": "RabbitMQ, single active consumer",
    "journal": "journal transactions",
}


def test_a_small_comparison_measures_everything_and_no_runs_overlap(tmp_path: Path) -> None:
    page = (ROOT / "docs/results.md").read_text()
    chosen = (
        "--only",
        "one-lock",
        "--systems",
        ",".join(SYSTEMS),
        "--jobs",
        "12",
        "--clients",
        "1",
        "--quick",
    )
    command = [sys.executable, "-m", "bench", *chosen, "--results", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (file,) = tmp_path.iterdir()
    (result,) = json.loads(file.read_text())["results"]
    found = result["contestants"]
    assert list(found) == list(SYSTEMS.values())
    for name, figures in found.items():
        assert (figures["overlaps"], figures["repeated"]) == (0, 0), name
        assert figures["rate"] > 0, name
        assert 0 < figures["gaps_p50_ms"] <= figures["gaps_p99_ms"], name
        assert sum(figures["processor_ms_per_job"].values()) > 0, name
        assert all(memory > 0 for memory in figures["memory_mib"].values()), name
    ours = found["Turnstile"]
    services = {"publisher", "worker", "audit-projector", "scheduler"}
    assert services | {"runner", "storage", "RabbitMQ", "client"} == set(ours["processor_ms_per_job"])
    assert services == set(ours["requests_per_job"])
    # Registration and transaction, which one client alone shares with no other; one transaction to run a job.
    assert ours["requests_per_job"]["publisher"] >= 2
    assert ours["requests_per_job"]["worker"] >= 1
    assert 0 <= ours["lags_p50_ms"] <= ours["lags_p99_ms"]
    assert (ROOT / "docs/results.md").read_text() == page, "a quick run must not change the page"
