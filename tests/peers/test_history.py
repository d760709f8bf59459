"""A store that is filled with finished jobs, as `make bench` does for its workload with a history."""

from pathlib import Path

import pytest
from bench.contestants.turnstile_history import write_history
from deploy.servers import private
from tests.e2e.stack import Stack
from tests.e2e.trails import wait_for_trail

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


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
