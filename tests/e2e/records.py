"""What stands in the tables, read directly, and whether the runs in it kept apart.

Runs are found by their fences and by the times of the storage, independently of `contracts.runs`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.data.tables import TableServiceClient

from contracts import lock_names
from contracts.statuses import EventStatus

#: What only holders write about their runs; other callers may write the rest at any time.
_OF_RUNS = {status for status in EventStatus if status.run_part} - {
    EventStatus.CANCELLED,
    EventStatus.EXPIRED,
}
_OF_RUNS |= {EventStatus.LEASE_ACQUIRED}


@dataclass(frozen=True)
class Recorded:
    """An event as the journal holds it; `committed` is the storage's time of its transaction."""

    job_id: str
    seq: int
    status: str
    message: str
    attempt: int
    fence: int
    worker: str
    committed: float


@dataclass(frozen=True)
class Interval:
    """A run, from its start to the last thing that its holder wrote for it."""

    job_id: str
    attempt: int
    fence: int
    worker: str
    began: float
    ended: float


class Records:
    """Reads the tables of one installation."""

    def __init__(self, connection_string: str, namespace: str) -> None:
        self._namespace = namespace
        self.service = TableServiceClient.from_connection_string(connection_string)

    def journal(self, lock: str) -> list[Recorded]:
        """Return the journal's events of a lock in the order of their transactions."""
        partition = lock_names.partition(lock)
        query = f"PartitionKey eq '{partition}' and RowKey ge 'event|' and RowKey lt 'event}}'"
        found = [_recorded(row) for row in self._table("Journal").query_entities(query)]
        return sorted(found, key=lambda event: (event.committed, event.fence, event.job_id, event.seq))

    def starts(self, lock: str) -> list[Recorded]:
        """Return the starts of all runs under a lock."""
        return [event for event in self.journal(lock) if event.status == "Started"]

    def rows(self, table: str, partition: str) -> list[dict[str, Any]]:
        """Return the rows of a partition by their keys."""
        return [dict(row) for row in self._table(table).query_entities(f"PartitionKey eq '{partition}'")]

    def all_rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a table."""
        return [dict(row) for row in self._table(table).list_entities()]

    def active_jobs(self) -> list[str]:
        """Return the ids of jobs that have not ended, or whose end is not projected yet."""
        # `}` follows `|`.
        found = self._table("JobIndex").query_entities(
            "RowKey ge 'active|' and RowKey lt 'active}'", select=["RowKey"]
        )
        return [row["RowKey"].removeprefix("active|") for row in found]

    def wipe(self, table: str) -> None:
        """Delete all rows of a table."""
        client = self._table(table)
        for row in client.list_entities(select=["PartitionKey", "RowKey"]):
            client.delete_entity(row["PartitionKey"], row["RowKey"])

    def close(self) -> None:
        """Close the connections."""
        self.service.close()

    def _table(self, name: str) -> Any:
        return self.service.get_table_client(f"{self._namespace}{name}")


def intervals(events: Sequence[Recorded]) -> list[Interval]:
    """Return the runs that a lock's events tell of, by their fences."""
    runs: dict[int, list[Recorded]] = {}
    for event in events:
        if event.status in _OF_RUNS and event.fence:
            runs.setdefault(event.fence, []).append(event)
    found = []
    for fence, of_run in sorted(runs.items()):
        start = next(event for event in of_run if event.status == "Started")
        ended = max(event.committed for event in of_run)
        found.append(Interval(start.job_id, start.attempt, fence, start.worker, start.committed, ended))
    return found


def assert_no_overlap(events: Sequence[Recorded]) -> list[Interval]:
    """Fail when two runs of a lock overlap, or one wrote under another's fence; returns the runs."""
    runs = intervals(events)
    _assert_fences_follow(runs, events)
    for earlier, later in itertools.pairwise(runs):
        assert earlier.ended <= later.began, f"two runs overlap: {earlier} and {later}"
    by_fence = {run.fence: run for run in runs}
    for event in events:
        if event.status in _OF_RUNS and event.fence:
            assert event.job_id == by_fence[event.fence].job_id, f"written for another run: {event}"
    for job_id in {event.job_id for event in events}:
        of_job = sorted((event for event in events if event.job_id == job_id), key=lambda event: event.seq)
        assert [event.seq for event in of_job] == list(range(1, len(of_job) + 1)), f"{job_id} has a gap"
        assert sum(EventStatus(event.status).is_terminal for event in of_job) <= 1, (
            f"{job_id} ended more than once"
        )
    return runs


def _assert_fences_follow(runs: Sequence[Interval], events: Sequence[Recorded]) -> None:
    """Fail when a fence is missing. A take-over that ends the job it cut off may have one, and start none."""
    cut_off = {event.fence for event in events if event.status == EventStatus.INTERRUPTED}
    closed = {event.fence for event in events if EventStatus(event.status).is_terminal} & cut_off
    reached = 0
    for run in runs:
        missing = run.fence - reached - 1
        assert missing == 0 or (missing == 1 and reached in closed), f"no run has fence {reached + 1}"
        reached = run.fence


def _recorded(row: Any) -> Recorded:
    return Recorded(
        job_id=row["job_id"],
        seq=row["seq"],
        status=row["status"],
        message=row["message"],
        attempt=row["attempt"],
        fence=row.get("fence") or 0,
        worker=row.get("worker") or "",
        committed=_to_the_millisecond(row.metadata["timestamp"]).timestamp(),
    )


def _to_the_millisecond(moment: datetime) -> datetime:
    """Drop what the emulator makes up beyond that, so that rows of one transaction can seem out of order."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
