"""What a projector remembers of jobs that it has just looked at, so that their next message needs no look-up.

An entry is used for one message only: the one that continues where the last one ended. For a repetition, a
gap (a message was lost, or another projector has it) and events that the sweeper publishes again, the read
models are asked. An entry may be out of date: storage then refuses the summary, as its version differs.
"""

from collections import OrderedDict
from dataclasses import dataclass

from contracts.jobs import JobSummary
from coordination.ports import DueRemoval
from read_models.documents import Watermark

#: Jobs remembered, more than wait in long lines; three kilobytes each. One that is forgotten is looked up.
_MOST = 20_000


@dataclass(frozen=True)
class CachedJob:
    """How far a job is projected, and what was written of it."""

    mark: Watermark
    summary: JobSummary
    #: Number of the last event that the summary takes into account.
    as_of: int
    #: Number of the last event that a message named.
    heard: int = 0
    #: When the job may go, if it has ended and is not kept for good.
    removal: DueRemoval | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the job is over and its last event is projected."""
        return self.mark.seq >= self.as_of and self.summary.status.is_terminal


class ProjectionCache:
    """The jobs looked at last."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, CachedJob] = OrderedDict()
        #: Number of the last event of jobs that are over, wholly projected and no longer active.
        self._ended: OrderedDict[str, int] = OrderedDict()
        #: Jobs that were asked for, also those that nothing is remembered of.
        self._met: OrderedDict[str, None] = OrderedDict()

    def meets(self, job_id: str) -> bool:
        """Return whether a job is asked for that was not asked for before, as far as is remembered."""
        is_new = job_id not in self._met
        self._met[job_id] = None
        self._met.move_to_end(job_id)
        if len(self._met) > _MOST:
            self._met.popitem(last=False)
        return is_new

    def take(self, job_id: str, first: int) -> CachedJob | None:
        """Return what is known of a job if a message with events from `first` on comes next; forget it."""
        known = self._jobs.pop(job_id, None)
        return known if known is not None and known.heard + 1 == first else None

    def has_ended(self, job_id: str, seq: int) -> bool:
        """Return whether nothing is left to do about a job up to an event's number."""
        return self._ended.get(job_id, 0) >= seq

    def end(self, job_id: str, seq: int) -> None:
        """Remember that a job is over, projected up to this number and no longer active."""
        self._ended[job_id] = seq
        self._ended.move_to_end(job_id)
        if len(self._ended) > _MOST:
            self._ended.popitem(last=False)

    def keep(self, job_id: str, known: CachedJob) -> None:
        """Remember a job, unless nothing more will be heard of it, or its summary is older than its mark."""
        if known.mark.seq > known.as_of or (known.is_whole and known.heard >= known.mark.seq):
            return
        self._jobs[job_id] = known
        if len(self._jobs) > _MOST:
            self._jobs.popitem(last=False)
