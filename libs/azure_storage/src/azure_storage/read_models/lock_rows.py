"""Rows of locks and of their runs: how they are stored, and read back."""

from azure_storage.read_models import keys
from azure_storage.read_models.rows import int64, moment_or_none, without_none
from azure_storage.read_models.stored_rows import StoredRow
from azure_storage.read_models.tables import Entity, plain
from read_models.documents import KnownLock, LockRun, Overlap

#: Start of the names of the values that say which runs a lock run was stored for.
_RUN = "Run_"


def lock_run_row(partition: str, lock_run: LockRun) -> Entity:
    """Return what is known of a lock run; what is not is left as it stands."""
    runs: Entity = {}
    if lock_run.job_id is not None and lock_run.attempt is not None:
        # A value of its own for each run, as merging keeps what another run wrote under the same fence.
        runs[f"{_RUN}{lock_run.job_id.replace('-', '_')}_{lock_run.attempt}"] = True
    return runs | without_none(
        {
            "PartitionKey": partition,
            "RowKey": keys.fence_key(lock_run.fence),
            "Lock": lock_run.lock,
            "Fence": int64(lock_run.fence),
            "JobId": lock_run.job_id,
            "Kind": lock_run.kind,
            "Name": lock_run.name,
            "Attempt": lock_run.attempt,
            "Worker": lock_run.worker,
            "Tenure": lock_run.tenure,
            "From": lock_run.began_at,
            "Until": lock_run.ended_at,
            "Outcome": lock_run.outcome,
            "BegunIn": lock_run.begun_in,
            "EndedIn": lock_run.ended_in,
            "QueuedAt": lock_run.queued_at,
            "LastEventAt": lock_run.last_event_at,
            "EndedBy": lock_run.ended_by,
            "RunnerDied": lock_run.runner_died,
            "Slot": lock_run.slot,
        }
    )


def read_lock_run(row: StoredRow) -> LockRun:
    """Read a lock run back."""
    return LockRun(
        lock=row["Lock"],
        fence=plain(row["Fence"]),
        job_id=row.get("JobId"),
        kind=row.get("Kind"),
        name=row.get("Name"),
        attempt=row.get("Attempt"),
        worker=row.get("Worker"),
        tenure=row.get("Tenure"),
        began_at=moment_or_none(row.get("From")),
        ended_at=moment_or_none(row.get("Until")),
        outcome=row.get("Outcome"),
        begun_in=row.get("BegunIn"),
        ended_in=row.get("EndedIn"),
        queued_at=moment_or_none(row.get("QueuedAt")),
        last_event_at=moment_or_none(row.get("LastEventAt")),
        ended_by=row.get("EndedBy"),
        runner_died=row.get("RunnerDied"),
        slot=row.get("Slot"),
        overlap=row.get("Overlap"),
        runs=frozenset(name for name in row if name.startswith(_RUN)),
        etag=row.etag,
    )


def overlap_row(shelf: str, partition: str, lock_run: LockRun) -> Entity:
    """Return the row that lists a lock run among those that overlapped."""
    return without_none(
        {
            "PartitionKey": shelf,
            "RowKey": f"{partition}|{keys.fence_key(lock_run.fence)}",
            "Lock": lock_run.lock,
            "Fence": int64(lock_run.fence),
            "JobId": lock_run.job_id,
        }
    )


def read_overlap(row: Entity) -> Overlap:
    """Read back which lock run overlapped."""
    return Overlap(row["Lock"], plain(row["Fence"]), row.get("JobId"))


def lock_row(shelf: str, lock: KnownLock) -> Entity:
    """Return the row of a lock."""
    return without_none(
        {
            "PartitionKey": shelf,
            "RowKey": lock.partition,
            "Lock": lock.lock,
            "LastFence": int64(lock.last_fence),
            "UsedAt": lock.used_at,
        }
    )


def read_lock(row: Entity) -> KnownLock:
    """Read a lock back."""
    used_at = moment_or_none(row.get("UsedAt"))
    return KnownLock(row["Lock"], row["RowKey"], plain(row["LastFence"]), used_at)
