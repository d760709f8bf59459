"""The audit trail as the table has it."""

import itertools
from collections.abc import Sequence
from typing import Any

from tests.e2e.api import TERMINAL, Job
from tests.e2e.stack import Stack
from tests.e2e.waiting import until


def trail(stack: Stack, job: Job) -> list[dict[str, Any]]:
    """Return a job's audit trail as the table has it."""
    return stack.records.rows("JobAuditTrail", job.id)


def wait_for_trail(stack: Stack, job: Job, within: float = 15) -> list[dict[str, Any]]:
    """Wait until the trail has the job's end; fail unless it is complete."""
    rows = until(
        lambda: [row for row in trail(stack, job) if row["Status"] in TERMINAL] and trail(stack, job),
        within,
        f"the whole trail of job {job.id}",
    )
    events = job.events()
    assert [row["RowKey"] for row in rows] == [event["event_id"] for event in events]
    for row, event in zip(rows, events, strict=True):
        assert row["Status"] == event["status"]
        assert row["Message"] == event["message"] != ""
        assert row["TimestampUtc"].isoformat(timespec="microseconds") == event["timestamp_utc"].replace(
            "Z", "+00:00"
        )
        assert (row["Attempt"], row.get("Worker")) == (event["attempt"], event["worker"])
    for earlier, later in itertools.pairwise(rows):
        assert later["PreviousHash"] == earlier["Hash"]
    return rows


def assert_trails_kept_apart(stack: Stack, jobs: Sequence[Job]) -> None:
    """Fail unless the jobs of a lock ran in this order, each after the one before, as their trails tell."""
    began_and_ended = []
    for job in jobs:
        rows = wait_for_trail(stack, job)
        starts = [row["TimestampUtc"] for row in rows if row["Status"] == "Started"]
        began_and_ended.append((starts[0], rows[-1]["TimestampUtc"]))
    for (began, ended), (later, _) in itertools.pairwise(began_and_ended):
        assert began <= ended <= later
