"""The audit trail tells all that happened, whatever became of the messages that carried the news."""

import subprocess
import sys

import pytest
from tests.e2e.services import ROOT
from tests.e2e.stack import Stack
from tests.e2e.trails import trail, wait_for_trail
from tests.e2e.waiting import until

from contracts import lock_names

pytestmark = pytest.mark.e2e

READ_MODELS = ("JobAuditTrail", "RecentEvents", "JobSummaries", "LockRuns", "Locks")


def test_the_trail_of_a_job_is_complete_with_status_message_and_time(stack: Stack) -> None:
    stack.crew(1)
    job = stack.api.submit("effects", stack.new_lock(), {"count": 2}, name="the books")
    assert job.wait_for_end()["status"] == "Completed"
    rows = wait_for_trail(stack, job)
    statuses = ["Submitted", "LeaseAcquired", "Started", "Step", "Step", "Completed"]
    assert [row["Status"] for row in rows] == statuses
    lock_runs = stack.records.rows("LockRuns", lock_names.partition(job.lock))
    assert [(row["JobId"], row["Outcome"]) for row in lock_runs] == [(job.id, "Completed")]
    recent = stack.api.client.get("/api/v1/events").json()["items"]
    assert [event["status"] for event in recent if event["job_id"] == job.id] == statuses[::-1]


def test_events_lost_on_their_way_to_a_dead_projector_come_into_the_trail_all_the_same(
    stack: Stack,
) -> None:
    stack.crew(1)
    job = stack.api.submit("effects", stack.new_lock(), {"count": 3, "seconds": 0.2})
    until(lambda: trail(stack, job), 15, "the beginning of the trail")
    stack.projector.kill()
    assert job.wait_for_end()["status"] == "Completed"
    queue = stack.broker.topology.projector_queue
    lost = until(lambda: stack.broker.purge(queue), 10, "events that can be lost")
    assert lost > 0
    stack.projector.start()
    wait_for_trail(stack, job, within=30)


def test_the_read_models_can_be_derived_again_from_the_journal(stack: Stack) -> None:
    stack.crew(1)
    lock = stack.new_lock()
    jobs = [stack.api.submit("effects", lock, {"count": 1}) for _ in range(3)]
    for job in jobs:
        job.wait_for_end()
        wait_for_trail(stack, job)
    until(lambda: not stack.records.active_jobs(), 30, "all jobs ever run here to be projected")
    before = {table: stack.records.all_rows(table) for table in READ_MODELS}
    for table in READ_MODELS:
        stack.records.wipe(table)
    done = subprocess.run(
        [sys.executable, "-m", "audit_projector.rebuild"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **stack.projector.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {table: stack.records.all_rows(table) for table in READ_MODELS} == before
