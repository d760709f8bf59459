"""A small comparison with all contestants, and a store that is filled with finished jobs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench import contestants
from bench.contestants.turnstile_history import write_history
from deploy.servers import private
from tests.e2e.stack import Stack
from tests.e2e.trails import wait_for_trail

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
JOBS = 12


def measure(folder: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench", "--quick", "--results", str(folder), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (file,) = folder.iterdir()
    return {each["workload"]: each["contestants"] for each in json.loads(file.read_text())["results"]}


def test_all_contestants_do_a_small_backlog_and_none_overlaps(tmp_path: Path) -> None:
    page = (ROOT / "docs/results.md").read_text()
    found = measure(tmp_path, "--workload", "one-lock", "--jobs", str(JOBS))["one-lock"]
    assert list(found) == [contestant.name for contestant in contestants.ALL]
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
    # Registration and transaction; one transaction to run a job.
    assert ours["requests_per_job"]["publisher"] >= 2
    assert ours["requests_per_job"]["worker"] >= 1
    assert 0 <= ours["lags_p50_ms"] <= ours["lags_p99_ms"]
    assert found["procrastinate, lock"]["requests_per_job"]["all"] >= 2
    assert (ROOT / "docs/results.md").read_text() == page, "a quick run must not change the page"


def test_a_store_is_filled_with_finished_jobs_and_works_on(
    tmp_path: Path, rabbitmq: private.RabbitMQ, azurite: private.Azurite
) -> None:
    stack = Stack(rabbitmq, azurite, tmp_path / "stack")
    try:
        stack.start()
        lock = stack.new_lock()
        for job in [stack.api.submit("nothing", lock) for _ in range(3)]:
            assert job.wait_for_end()["status"] == "Completed"
            wait_for_trail(stack, job)
        before = {table: len(stack.records.all_rows(table)) for table in ("JobAuditTrail", "LockRuns")}
        write_history(azurite.connection_string, stack.namespace, 250)
        jobs = [row for row in stack.records.all_rows("Journal") if row["RowKey"].startswith("job|")]
        assert len(jobs) == 253
        assert len({row["PartitionKey"] for row in jobs}) == 101
        trail = stack.records.all_rows("JobAuditTrail")
        assert len({row["PartitionKey"] for row in trail}) == 253
        assert len(trail) - before["JobAuditTrail"] >= 250 * 3
        assert len(stack.records.all_rows("LockRuns")) - before["LockRuns"] == 250
        job = stack.api.job(str(jobs[0]["job_id"]), str(jobs[0]["lock_name"]))
        assert job.state()["status"] == "Completed"
        # A lock with a history goes on with its next fence.
        used = "history 7"
        assert stack.api.submit("nothing", used).wait_for_end()["fence"] == 4
    finally:
        stack.close()
