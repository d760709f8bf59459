"""A small comparison with the other systems."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("system", "name", "workload"),
    [
        ("procrastinate", "procrastinate, lock", "one-lock"),
        ("procrastinate", "procrastinate, lock", "ten-steps"),
        ("procrastinate", "procrastinate, lock", "long-history"),
        ("celery", "Celery, Redis lock", "one-lock"),
        ("celery", "Celery, Redis lock", "ten-steps"),
    ],
)
def test_another_system_does_all_jobs_once_and_none_overlap(
    tmp_path: Path, system: str, name: str, workload: str
) -> None:
    chosen = ("--only", workload, "--systems", system, "--jobs", "12", "--quick")
    command = [sys.executable, "-m", "bench", *chosen, "--results", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (file,) = tmp_path.iterdir()
    (result,) = json.loads(file.read_text())["results"]
    figures = result["contestants"][name]
    assert (figures["overlaps"], figures["repeated"]) == (0, 0)
    assert 0 < figures["gaps_p50_ms"] <= figures["gaps_p99_ms"]
    assert sum(figures["processor_ms_per_job"].values()) > 0
    assert all(memory > 0 for memory in figures["memory_mib"].values())
