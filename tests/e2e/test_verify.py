"""`turnstile verify` on a real installation: all holds, until somebody writes into the tables by hand."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.journeys import bring_under_way
from tests.e2e.services import ROOT
from tests.e2e.stack import Stack

from contracts import lock_names

pytestmark = pytest.mark.e2e


def verify(stack: Stack, *words: str, code: int) -> Any:
    """Run the command as somebody at a terminal would, and give its JSON."""
    return json.loads(call(stack.environment, *words, code=code).stdout)


def call(environment: Mapping[str, str], *words: str, code: int) -> subprocess.CompletedProcess[str]:
    """Run the command, and see that it ends with this code."""
    command = Path(sys.executable).with_name("turnstile")
    done = subprocess.run(
        [str(command), "verify", "--json", *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_all_holds_after_a_killed_worker_and_is_seen_when_a_row_is_forged(
    stack: Stack, tmp_path: Path
) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    run = bring_under_way(stack, "effects", lock, count=8, seconds=0.3)
    waiting = [stack.api.submit("visit", lock) for _ in range(3)]
    run.runner.kill()
    jobs = [run.job, *waiting]
    for job in jobs:
        assert job.wait_for_end()["status"] == "Completed"
    accepted, page = tmp_path / "accepted.txt", tmp_path / "verdict.html"
    accepted.write_text("".join(f"{job.id}\n" for job in jobs))
    evidence = ["--lock", lock, "--sink", str(ledger(stack)), "--accepted", str(accepted)]

    verdict = verify(stack, *evidence, "--html", str(page), "--take-over-within", "runner_died=10", code=0)
    assert verdict["holds"]
    assert verdict["violations"] == []
    assert verdict["counts"] | {"events": 0} == {
        "locks": 1,
        "jobs": 4,
        "unfinished": 0,
        "events": 0,
        "runs": 5,
        "interruptions": 1,
        "effects_accepted": len(stack.sink.effects(lock)),
        "effects_refused": 0,
        "accepted": 4,
    }
    assert verdict["outcomes"] == {"Completed": 4}
    assert verdict["seconds"]["take_over"]["runner_died"]["count"] == 1
    assert run.job.id in page.read_text()

    with forged_start(stack, lock, run.job.id):
        verdict = verify(stack, *evidence, "--patience", "0", code=1)
    assert not verdict["holds"]
    found = {(violation["invariant"], violation["job_id"]) for violation in verdict["violations"]}
    assert {("I1", run.job.id), ("I3", run.job.id)} <= found


def test_everything_since_a_moment_holds_while_jobs_run(stack: Stack) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    since = datetime.now(UTC).isoformat()
    run = bring_under_way(stack, "effects", lock, count=100, seconds=0.1)
    for _ in range(5):
        stack.api.submit("visit", lock)
    verdict = verify(stack, "--since", since, "--sink", str(ledger(stack)), code=0)
    assert verdict["counts"]["unfinished"] > 0
    run.job.cancel()


def test_a_namespace_that_nobody_uses_has_nothing_to_check(stack: Stack) -> None:
    done = call({**stack.environment, "TURNSTILE_STORAGE_NAMESPACE": "nobodys"}, code=2)
    assert done.stdout == ""
    assert "nothing to check: there are no tables; check TURNSTILE_STORAGE_NAMESPACE" in done.stderr


def ledger(stack: Stack) -> Path:
    """Return the file that the stack's effect sink writes."""
    return stack.folder / "effects.jsonl"


@contextmanager
def forged_start(stack: Stack, lock: str, job_id: str) -> Iterator[None]:
    """For a while the journal has an event as no worker would write it: of a job that is over."""
    table = stack.records.service.get_table_client(f"{stack.namespace}Journal")
    partition = lock_names.partition(lock)
    query = f"PartitionKey eq '{partition}' and RowKey ge 'event|{job_id}|' and RowKey lt 'event|{job_id}}}'"
    rows = sorted(table.query_entities(query), key=lambda row: row["RowKey"])
    start = next(row for row in rows if row["status"] == "Started")
    number = len(rows) + 1
    key = f"event|{job_id}|{number:06d}"
    table.create_entity({**start, "RowKey": key, "seq": number})
    try:
        yield
    finally:
        table.delete_entity(partition, key)
