"""How long an attempt may take, and its handler may take to stop: a submission may only shorten it."""

from dataclasses import dataclass
from datetime import timedelta

from coordination.journal.rows import JobRow


@dataclass(frozen=True)
class TimeLimits:
    """Time limits of one attempt, in seconds."""

    #: How long it may take; None means for ever.
    timeout: float | None
    #: How long its handler may take to stop once it was asked to.
    grace: float


def limits_of(job: JobRow, timeout: timedelta | None, grace: float) -> TimeLimits:
    """Return the limits of a job whose kind has this timeout, on a worker that gives this grace."""
    of_kind = None if timeout is None else timeout.total_seconds()
    known = [limit for limit in (of_kind, job.timeout) if limit is not None]
    if job.cancel_grace is not None:
        grace = min(grace, job.cancel_grace)
    return TimeLimits(min(known, default=None), grace)
