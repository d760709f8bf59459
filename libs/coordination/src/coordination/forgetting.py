"""When what the worker directory says is not true any more: kinds without a worker, processes long gone."""

from collections.abc import Collection
from datetime import datetime, timedelta

from contracts.heartbeats import Beating
from contracts.jobs import Kind, Worker

#: Time for which a worker that is silent, or was stopped, still stands for its kinds: another one that knows
#: them may come in its place.
KEPT_FOR = timedelta(minutes=10)

#: Time after which a kind that no row lists is gone: an earlier version publishes kinds before its row.
_UNLISTED_FOR = timedelta(seconds=30)

#: Time after which the row of a process that was not heard any more is deleted.
ROW_KEPT_FOR = timedelta(days=7)

#: A worker's property: the modules that it has loaded, in the words of its setting.
JOBS = "jobs"


def is_kind_gone(kind: Kind, workers: Collection[Worker], now: datetime) -> bool:
    """Return whether no worker knows a kind, and none that may come back did.

    A worker that was stopped in order counts no more as soon as a later one with the same modules does not
    know the kind: then the kind was taken out of them.
    """
    listing = [worker for worker in workers if kind.kind in worker.kinds]
    if not listing:
        return now - kind.published_at >= _UNLISTED_FOR
    return not any(_stands_for(worker, kind.kind, workers, now) for worker in listing)


def is_published_by(worker: Worker, kind: str, workers: Collection[Worker], now: datetime) -> bool:
    """Return whether it is this worker that publishes a kind: the one that was started last of those alive.

    So an older one does not put back the schema of its version while a newer one runs beside it.
    """
    return not any(
        kind in other.kinds and _is_kept(other, now) and _is_later(other, worker) for other in workers
    )


def is_row_outdated(process: Beating, now: datetime) -> bool:
    """Return whether the row of a process says nothing any more that is of use."""
    return now - max(process.seen_at, process.stopped_at or process.seen_at) >= ROW_KEPT_FOR


def _stands_for(worker: Worker, kind: str, workers: Collection[Worker], now: datetime) -> bool:
    if worker.stopped_at is None:
        return _is_kept(worker, now)
    has_left_it_out = any(
        kind not in other.kinds
        and _is_kept(other, now)
        and _is_later(other, worker)
        and other.properties.get(JOBS) is not None
        and other.properties.get(JOBS) == worker.properties.get(JOBS)
        for other in workers
    )
    return not has_left_it_out and now - worker.stopped_at < KEPT_FOR


def _is_kept(worker: Worker, now: datetime) -> bool:
    """Return whether a worker runs, or may still run."""
    return worker.stopped_at is None and now - worker.seen_at < KEPT_FOR


def _is_later(other: Worker, worker: Worker) -> bool:
    if other.started_at is None or worker.started_at is None:
        return False
    return (other.started_at, other.worker) > (worker.started_at, worker.worker)
