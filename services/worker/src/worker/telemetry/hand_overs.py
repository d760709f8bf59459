"""How long locks are between two handlers, by when each was called and returned."""

from dataclasses import dataclass
from datetime import datetime

from contracts.telemetry import attributes as at
from coordination.observations import HandOverCause, RunStarted


@dataclass(frozen=True)
class AwaitedHandler:
    """A run that a hand-over led to, and whose handler has yet to say when it was called."""

    cause: HandOverCause
    #: Seconds since the epoch: when the handler before returned.
    since: float


def awaited_handler(seen: RunStarted, returned: float | None) -> AwaitedHandler | None:
    """Return which hand-over led to a run; None when none did, or when it is unknown since when.

    `returned` is when the handler of this worker's run before returned. Of a lock that was released only the
    journal knows since when it is free.
    """
    if seen.hand_over is None or seen.hand_over.cause.value not in at.HAND_OVER_CAUSE.values:
        return None
    cause, freed = seen.hand_over.cause, seen.hand_over.since
    since = returned if cause is HandOverCause.CHAINED else _seconds(freed)
    queued = _seconds(seen.job.queued_at)
    if since is None or (queued is not None and queued > since):
        return None  # in the second case the lock was idle, and no job waited for it
    return AwaitedHandler(cause, since)


def is_plausible(start: float, began: float, ended: float, now: float) -> bool:
    """Return whether a run that started at `start` can have had such a handler, which is over `now`.

    NaN and infinity compare as false here.
    """
    return start <= began <= ended <= now


def _seconds(moment: str) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None
