"""The timelines of the jobs that are looked at: read on from where they were, and drawn when that shows.

A job may have thousands of events, and its page refreshes every two seconds.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from dashboard.folding import folded
from dashboard.reading.job import JobView
from dashboard.timeline import Timeline
from dashboard.waterfall import Reading
from read_models import TrailEntry

#: A timeline that grows is drawn again once it is longer by this part, which is some pixels.
_GROWS_BY = 1 / 300

#: Jobs that are remembered.
_MOST_REMEMBERED = 50


class Timelines:
    """Timelines for all viewers of a process, each in a thread of its own."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def of(self, view: JobView, now: datetime, step: str, lease_seconds: float | None) -> Timeline:
        """Return the timeline of a job, folded; `step` and `lease_seconds` are as for `waterfall`."""
        with self._turn:
            job_id = view.job.job_id
            known = self._known.get(job_id)
            if known is None or not known.continues(view, lease_seconds):
                known = self._known[job_id] = _Known(lease_seconds)
            self._known.move_to_end(job_id)
            while len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
            return known.timeline(view, now, step)


@dataclass(frozen=True)
class _Drawn:
    entries: Sequence[TrailEntry]
    step: str
    now: datetime
    timeline: Timeline

    def shows(self, view: JobView, now: datetime, step: str) -> bool:
        """Return whether it shows a job as it is, but for less than can be seen."""
        if self.entries != view.entries or self.step != step:
            return False
        start = self.timeline.start
        grows = timedelta() if start is None else (self.now - start) * _GROWS_BY
        return view.job.is_terminal or now - self.now <= grows


class _Known:
    def __init__(self, lease_seconds: float | None) -> None:
        self._lease_seconds = lease_seconds
        self._reading = Reading(lease_seconds)
        #: How many events of the audit trail were read, and the last of them.
        self._count = 0
        self._last: TrailEntry | None = None
        self._drawn: _Drawn | None = None

    def continues(self, view: JobView, lease_seconds: float | None) -> bool:
        """Return whether a job's events begin with those that were read."""
        if self._lease_seconds != lease_seconds or view.projected < self._count:
            return False
        return self._count == 0 or view.entries[self._count - 1] == self._last

    def timeline(self, view: JobView, now: datetime, step: str) -> Timeline:
        """Return the timeline of a job whose events begin with those that were read."""
        if self._drawn is not None and self._drawn.shows(view, now, step):
            return self._drawn.timeline
        for entry in view.entries[self._count : view.projected]:
            self._reading.read(entry.event)
        self._count = view.projected
        self._last = view.entries[view.projected - 1] if view.projected else None
        # What the trail does not have yet may stand differently in it.
        reading = self._reading.fork()
        for entry in view.entries[view.projected :]:
            reading.read(entry.event)
        timeline = folded(reading.timeline(now, step))
        self._drawn = _Drawn(view.entries, step, now, timeline)
        return timeline
