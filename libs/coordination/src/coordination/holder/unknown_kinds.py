"""Patience with jobs of kinds that this worker does not know: another worker may, or soon will."""

from datetime import datetime

from coordination.journal.rows import JobRow
from coordination.ports import Clock

#: A job that was not met for this many times the patience is forgotten: among many workers, its wake-up may
#: take long to come back to this one.
_REMEMBERED = 60


class UnknownKinds:
    """Decides when jobs of kinds unknown here have waited long enough to fail for it.

    A job's age is the difference of two machines' times of day, and may be wrong by hours. So this worker
    counts by its own boot clock, from when it first met the job. Once one job of a kind has exceeded the
    patience, the age of other jobs of that kind is trusted for the same time, so that a line of them need not
    wait one by one.
    """

    def __init__(self, clock: Clock, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        #: First and last meeting with each job, in boot time; the one met last comes last.
        self._met: dict[str, tuple[float, float]] = {}
        #: When a job of a kind was last waited out, in boot time.
        self._waited_out: dict[str, float] = {}

    def waited_enough(self, job: JobRow) -> bool:
        """Meet a job whose kind is not known; return whether to stop waiting for a worker that knows it."""
        now = self._clock.boot()
        if now - self._meet(job.job_id, now) > self._patience:
            self._waited_out[job.kind] = now
            return True
        if now - self._waited_out.get(job.kind, float("-inf")) > self._patience:
            return False
        age = self._clock.now() - datetime.fromisoformat(job.submitted_at)
        return age.total_seconds() > self._patience

    def _meet(self, job_id: str, now: float) -> float:
        """Return when the job was first met."""
        first, _ = self._met.pop(job_id, (now, now))
        self._met[job_id] = (first, now)
        for oldest, (_, last) in list(self._met.items()):
            if now - last <= self._patience * _REMEMBERED:
                break
            del self._met[oldest]
        return first
