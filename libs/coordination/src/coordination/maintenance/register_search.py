"""Reading the active jobs while messages about them do not arrive: the broker is away, silent or full.

As long as the broker confirms messages, no request goes to the storage. While nothing is active, only the
marks of the processes that submit jobs are read (`clients.submission_marks`), with one request.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from coordination.clients.submission_marks import FRESH_SECONDS
from coordination.ports import ActiveJob, Clock, JobRegister, UnknownOutcomeError

#: Seconds between two searches; by chance, so that processes do not search at the same moment.
_SHORTEST, _LONGEST = 1.0, 3.0

#: A search takes at most this part of a process's time, however long the list of active jobs is, unless it
#: takes so long that the pause would be longer than this, in seconds: a job waits for both.
_SHARE = 0.25
_LONGEST_SHARE_PAUSE = 4.0

#: Seconds after which all jobs are read even though no process seems to have submitted any.
_LONGEST_REST = 30.0

#: Seconds from when a mark was seen until a search finds all that was registered under it.
_SETTLED_AFTER = 2 * FRESH_SECONDS


class RegisterSearch:
    """Reads the active jobs again and again while it is needed, and has them looked at.

    `is_needed` returns whether messages may not arrive now, and something can be done about it. `look_at` is
    given at least one job; an UnknownOutcomeError that it raises ends one search.
    """

    def __init__(
        self,
        register: JobRegister,
        clock: Clock,
        is_needed: Callable[[], bool],
        look_at: Callable[[Sequence[ActiveJob]], Awaitable[None]],
    ) -> None:
        self._register = register
        self._clock = clock
        self._is_needed = is_needed
        self._look_at = look_at
        self._marks: Mapping[str, str] = {}
        self._marked_at = 0.0
        #: When the latest search that found nothing active began; None when the latest found something.
        self._nothing_at: float | None = None
        #: When the next job is due that is not active yet, as far as the latest search looked ahead.
        self._next_due: datetime | None = None

    async def keep_searching(self) -> None:
        """Search again and again while it is needed, until cancelled. Silent storage ends one search."""
        pause = 0.0
        while True:
            await self._clock.sleep(max(pause, self._clock.jitter(_SHORTEST, _LONGEST)))
            if not self._is_needed():
                self._nothing_at = None
                continue
            began = self._clock.boot()
            with suppress(UnknownOutcomeError):
                await self._search()
            pause = min((self._clock.boot() - began) * (1 / _SHARE - 1), _LONGEST_SHARE_PAUSE)

    async def _search(self) -> None:
        if await self._is_settled():
            return
        began = self._clock.boot()
        self._nothing_at = None
        now = self._clock.now()
        found = [job async for job in self._register.active(now + timedelta(seconds=_LONGEST_REST))]
        times = [job.due_at for job in found if job.due_at is not None and job.due_at > now]
        self._next_due = min(times, default=None)
        active = [job for job in found if job.due_at is None or job.due_at <= now]
        if active:
            await self._look_at(active)
        elif all(job.is_postponed for job in found):
            self._nothing_at = began

    async def _is_settled(self) -> bool:
        """Return whether nothing was active, and no job can have been registered since."""
        if self._nothing_at is None:
            return False
        marks = await self._register.marks()
        now = self._clock.boot()
        if marks != self._marks:
            self._marks, self._marked_at = marks, now
        is_due = self._next_due is not None and self._next_due <= self._clock.now()
        is_rested = is_due or now - self._nothing_at >= _LONGEST_REST
        return not is_rested and self._marked_at + _SETTLED_AFTER <= self._nothing_at
