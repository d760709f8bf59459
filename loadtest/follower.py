"""Following accepted jobs to their end over HTTP, while the load lasts and after it."""

import time
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

import gevent
from locust.contrib.fasthttp import FastHttpSession

from loadtest.histories import History, history_of

_ROUTE = "/api/v1/jobs/{job_id}/events"
#: Jobs end roughly in the order of their submission: only the oldest are asked for.
_AT_ONCE = 10
_PAUSE_SECONDS = 0.5
#: Greenlets that ask once there is no load any more.
READERS = 4


class Follower:
    """Knows which jobs have ended. `on_end` is called with each one's history."""

    def __init__(self, session: FastHttpSession, on_end: Callable[[History], None]) -> None:
        self._session = session
        self._on_end = on_end
        self._open: deque[str] = deque()
        self._asked_for = 0
        self.ended: dict[str, History] = {}
        # One alone is a reader's ordinary load; more would take what the submissions should get.
        self._greenlets = [gevent.spawn(self._follow)]

    @property
    def open_count(self) -> int:
        """How many jobs have not ended, as far as is known."""
        return len(self._open) + self._asked_for

    def add(self, job_id: str) -> None:
        """Follow a job."""
        self._open.append(job_id)

    def wait(self, seconds: float) -> bool:
        """Wait until all jobs have ended; return whether they did in time."""
        self._greenlets += [gevent.spawn(self._follow) for _ in range(READERS - 1)]
        deadline = time.monotonic() + seconds
        while self.open_count and time.monotonic() < deadline:
            gevent.sleep(0.1)
        return not self.open_count

    def close(self) -> None:
        """Stop asking."""
        gevent.killall(self._greenlets)

    def _follow(self) -> None:
        while True:
            batch = [self._open.popleft() for _ in range(min(_AT_ONCE, len(self._open)))]
            self._asked_for += len(batch)
            have_ended = [self._look(job_id) for job_id in batch]
            self._asked_for -= len(batch)
            left = [job_id for job_id, has_ended in zip(batch, have_ended, strict=True) if not has_ended]
            # Seldom reordered among themselves: the oldest stay first.
            self._open.extendleft(reversed(left))
            if len(left) == len(batch):
                self._open.rotate(-len(left))
                gevent.sleep(_PAUSE_SECONDS)

    def _look(self, job_id: str) -> bool:
        """Ask for a job; return whether it has ended."""
        with self._session.request(
            "GET", f"/api/v1/jobs/{job_id}/events", name=_ROUTE, catch_response=True
        ) as response:
            if response.status_code != HTTPStatus.OK:
                return False
            history = history_of(job_id, response.json()["items"])
        if history is not None:
            self.ended[job_id] = history
            self._on_end(history)
        return history is not None
