"""Reads Turnstile's audit trail: when it has what happened to a job, by the storage's clock."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from azure.data.tables import TableServiceClient

from bench.errors import BenchError
from bench.marks import Mark
from contracts.statuses import EventStatus

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 1800.0
#: The last runs to end, all of which must be in the trail before it has caught up.
_LAST = 8
#: At most so many jobs are looked up, evenly spread.
_MOST = 1000


class Trail:
    """The audit trail of one installation."""

    def __init__(self, connection_string: str, namespace: str) -> None:
        service = TableServiceClient.from_connection_string(connection_string)
        self._table = service.get_table_client(f"{namespace}JobAuditTrail")

    def wait_for_submission(self, job_id: str) -> None:
        """Wait until the trail has a job's first event."""
        _wait(lambda: bool(self._rows(job_id)), f"the submission of {job_id}")

    def wait_for_ends(self, marks: Sequence[Mark]) -> None:
        """Wait until the trail has the ends of the runs that ended last."""
        last = sorted(marks, key=lambda mark: mark.ended_ns)[-_LAST:]
        for mark in reversed(last):
            _wait(partial(self._has_end, mark.job_id), f"the end of {mark.job_id}")

    def lags(self, marks: Sequence[Mark]) -> list[float]:
        """Return the seconds between the end of a job and the row that records it in the trail."""
        chosen = marks[:: max(1, len(marks) // _MOST)]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda mark: self._lag(mark.job_id), chosen))
        missing = sum(lag is None for lag in found)
        if missing:
            raise BenchError(f"the audit trail has no end of {missing} jobs")
        return [max(0.0, lag) for lag in found if lag is not None]

    def _has_end(self, job_id: str) -> bool:
        return self._lag(job_id) is not None

    def _lag(self, job_id: str) -> float | None:
        for row in self._rows(job_id):
            if EventStatus(row["Status"]).is_terminal:
                written: datetime = row.metadata["timestamp"]
                return (written - _moment(row["TimestampUtc"])).total_seconds()
        return None

    def _rows(self, job_id: str) -> list[Any]:
        return list(self._table.query_entities(f"PartitionKey eq '{job_id}'"))


def _moment(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _wait(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError(f"the audit trail does not get {what}")
        time.sleep(_POLL_SECONDS)
