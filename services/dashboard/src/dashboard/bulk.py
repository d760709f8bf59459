"""Doing one thing to many jobs: what was done is known at every moment, and the rest can be repeated."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.publisher_api import NotFoundError, PublisherAwayError, RefusedError

#: Requests to the publisher at the same time.
_AT_ONCE = 4


@dataclass(frozen=True)
class Chosen:
    """A job that was chosen from a list, as it was shown there."""

    job_id: str
    title: str
    status: str
    lock: str


@dataclass(frozen=True)
class Done:
    """What became of one job that was not refused."""

    #: Whether it was so before, by an earlier request: nothing was changed.
    was_done: bool = False
    #: More about it, for people.
    said: str = ""
    #: The new job, where one was made.
    job_id: str | None = None


#: Carries out the action for one job. Raises RefusedError, NotFoundError or PublisherAwayError.
Act = Callable[[Chosen], Done]


@dataclass(frozen=True)
class Standing:
    """How far a bulk action is."""

    total: int
    #: Jobs that were not refused, in the order of their answers.
    done: Sequence[tuple[Chosen, Done]]
    refused: Sequence[tuple[Chosen, str]]
    #: Jobs that nothing was done to, or of which it is not known; doing it again is harmless.
    left: Sequence[Chosen]
    is_running: bool
    #: Why it stopped although jobs are left; empty when a person stopped it.
    away: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every job was done or refused."""
        return not self.left and not self.is_running


class BulkAction:
    """Acts on jobs in threads of its own; any thread may ask how far it is."""

    def __init__(self, jobs: Sequence[Chosen], act: Act) -> None:
        self._act = act
        self._mutex = threading.Lock()
        self._left = deque(jobs)
        self._total = len(jobs)
        self._done: list[tuple[Chosen, Done]] = []
        self._refused: list[tuple[Chosen, str]] = []
        self._under_way: dict[str, Chosen] = {}
        self._away = ""
        self._threads: list[threading.Thread] = []
        self._is_stopped = False

    def start(self) -> None:
        """Begin, or continue with what is left."""
        self.wait()
        self._is_stopped, self._away = False, ""
        self._threads = [
            threading.Thread(target=self._run, name=f"bulk action {number}", daemon=True)
            for number in range(min(_AT_ONCE, len(self._left)))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing more; what is under way comes to its end."""
        self._is_stopped = True

    def wait(self, seconds: float | None = None) -> None:
        """Wait until nothing is under way."""
        for thread in self._threads:
            thread.join(seconds)

    @property
    def standing(self) -> Standing:
        """How far it is now."""
        is_running = any(thread.is_alive() for thread in self._threads)
        with self._mutex:
            left = (*self._under_way.values(), *self._left)
            done, refused = tuple(self._done), tuple(self._refused)
            return Standing(self._total, done, refused, left, is_running, self._away)

    def _run(self) -> None:
        while (job := self._take()) is not None:
            try:
                done = self._act(job)
            except (RefusedError, NotFoundError) as refused:
                with self._mutex:
                    self._refused.append((job, str(refused)))
            except PublisherAwayError as away:
                self._give_back(job, str(away))
                return
            except Exception as error:
                self._give_back(job, f"{type(error).__name__}: {error}")
                raise
            else:
                with self._mutex:
                    self._done.append((job, done))
            finally:
                with self._mutex:
                    self._under_way.pop(job.job_id, None)

    def _take(self) -> Chosen | None:
        with self._mutex:
            if self._is_stopped or self._away or not self._left:
                return None
            job = self._left.popleft()
            self._under_way[job.job_id] = job
            return job

    def _give_back(self, job: Chosen, why: str) -> None:
        with self._mutex:
            self._away = self._away or why
            self._under_way.pop(job.job_id)
            self._left.append(job)
