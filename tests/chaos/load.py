"""Jobs that come in all the time, from a client that repeats what was not confirmed."""

import itertools
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import httpx

from contracts.identifiers import new_id

_CLIENTS = 4

#: Which jobs may be cancelled: of the latest most still wait or run.
_LATEST = 32

#: Answers after which a request is repeated: the storage is away.
_AWAY = httpx.codes.SERVICE_UNAVAILABLE

_PATIENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Accepted:
    """A job that the publisher has answered for."""

    id: str
    lock: str
    parameters: dict[str, Any]
    #: Whether a client wants it cancelled.
    is_cancelled: bool = False


class Load:
    """Submits `count` jobs, or as many as there is time for, and does not wait for their ends.

    At most `per_second`, and never more than the budget allows so far. A share of them,
    `cancelled_share`, is cancelled soon after, where they have not ended.
    """

    def __init__(
        self,
        url: str,
        locks: Sequence[str],
        parameters: Callable[[random.Random], dict[str, Any]],
        count: int | None,
        per_second: float,
        chance: random.Random,
        budget: Callable[[], float],
        cancelled_share: float = 0.0,
    ) -> None:
        self._budget = budget
        self._cancelled_share = cancelled_share
        self._latest: deque[str] = deque(maxlen=_LATEST)
        self._client = httpx.Client(base_url=url, timeout=15)
        self._locks = locks
        self._parameters = parameters
        self._count = count
        self._pause = 1 / per_second
        self._chance = chance
        self._mutex = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._submit_all, name="load", daemon=True)
        self.accepted: dict[str, Accepted] = {}
        #: What should not have happened, in sentences.
        self.wrong: list[str] = []

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def wait(self) -> None:
        """Wait until all jobs are accepted, or given up after minutes."""
        self._thread.join()

    def stop(self) -> None:
        """Submit no more than what is on its way."""
        self._is_over.set()
        self._thread.join()
        self._client.close()

    def _submit_all(self) -> None:
        due = time.monotonic()
        with ThreadPoolExecutor(_CLIENTS, thread_name_prefix="client") as clients:
            for number in itertools.count() if self._count is None else range(self._count):
                due = max(due + self._pause, time.monotonic() - 1)
                while number >= self._budget() or time.monotonic() < due:
                    if self._is_over.wait(0.02):
                        return
                job = Accepted(new_id(), self._chance.choice(self._locks), self._parameters(self._chance))
                clients.submit(self._insist, job)

    def _insist(self, job: Accepted) -> None:
        """Submit until a publisher accepts, always with the same id."""
        try:
            asked = {"job_id": job.id, "kind": "errand", "lock": job.lock, "parameters": job.parameters}
            answer = self._answer_to("/api/v1/jobs", asked)
            # A conflict with an earlier try, whose answer was lost.
            if answer.status_code != httpx.codes.CONFLICT or not answer.json()["same_request"]:
                assert answer.status_code == httpx.codes.ACCEPTED, f"{answer.status_code} {answer.text[:500]}"
            with self._mutex:
                self.accepted[job.id] = job
            self._latest.append(job.id)
            if self._chance.random() < self._cancelled_share:
                self._cancel(self._chance.choice(self._latest))
        except Exception as error:  # noqa: BLE001 - no task waits for a client's work
            self.wrong.append(f"not expected at job {job.id}: {type(error).__name__}: {error}")

    def _cancel(self, job_id: str) -> None:
        """Have a job cancelled, unless it has ended."""
        with self._mutex:
            self.accepted[job_id] = replace(self.accepted[job_id], is_cancelled=True)
        answer = self._answer_to(f"/api/v1/jobs/{job_id}/cancel")
        if "cancel_too_late" not in answer.text:
            assert answer.status_code == httpx.codes.ACCEPTED, f"{answer.status_code} {answer.text[:500]}"

    def _answer_to(self, path: str, asked: object = None) -> httpx.Response:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                answer = self._client.post(path, json=asked)
                if answer.status_code != _AWAY:
                    return answer
            time.sleep(0.3)
        raise AssertionError(f"no answer for {_PATIENCE_SECONDS:g} s")
