"""Checks that a server runs for its viewers: each in a process of its own, few at once, results kept."""

import json
import logging
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from contracts.telemetry import attributes as at
from proof.asked import Asked
from verification import Phase, Progress

logger = logging.getLogger(__name__)

#: A check ends when its standard input does, which the system closes however the server ends.
COMMAND = (sys.executable, "-P", "-m", "proof", "--ends-with-input")

#: Results kept at most: each may have some megabytes of runs.
_MOST_KEPT = 24

_END_SECONDS = 5.0

_BEGINNING = Progress(Phase.JOURNAL, 0)


class State(StrEnum):
    """Where a check stands."""

    #: Others run; it begins when one of them ends.
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    NOTHING = "nothing"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Check:
    """A check as it stands."""

    asked: Asked
    state: State
    #: When it began to read; until then, when it was asked for.
    began_at: datetime
    progress: Progress = _BEGINNING
    ended_at: datetime | None = None
    #: As `proof.result.result_document` returns it, if it is done.
    result: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Why there is no result.
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.ended_at is not None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return 0.0 if self.ended_at is None else (self.ended_at - self.began_at).total_seconds()


class Checks:
    """Starts, follows and stops checks by their keys; for any number of threads."""

    def __init__(
        self,
        *,
        at_most: int = 2,
        keep: timedelta = timedelta(minutes=10),
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._at_most = at_most
        self._keep = keep
        #: None for that of this process.
        self._environment = environment
        self._command = command
        self._now = now
        self._guard = threading.RLock()
        self._current: dict[str, _Running] = {}
        self._waiting: deque[_Running] = deque()
        self._over: dict[str, Check] = {}
        self._is_closed = False

    def start(self, key: str, asked: Asked) -> Check:
        """Start a check, or return the one that is under way for this key."""
        with self._guard:
            running = self._current.get(key)
            if running is None:
                running = _Running(key, Check(asked, State.WAITING, self._now()))
                self._current[key] = running
                self._waiting.append(running)
                self._start_next()
            return running.check

    def under_way(self, key: str) -> Check | None:
        """Return the check that waits or runs for this key."""
        with self._guard:
            running = self._current.get(key)
            return None if running is None else running.check

    def last(self, key: str) -> Check | None:
        """Return the check for this key that ended last, for as long as it is kept."""
        with self._guard:
            self._forget_old()
            return self._over.get(key)

    def stop(self, key: str) -> None:
        """Stop the check that is under way for this key, if there is one."""
        with self._guard:
            running = self._current.get(key)
            if running is None:
                return
            running.is_stopped = True
            if running.process is not None:
                running.process.kill()
            elif running in self._waiting:
                self._waiting.remove(running)
                self._end(running, {})

    def close(self) -> None:
        """Stop all, and start no more."""
        with self._guard:
            self._is_closed = True
            threads = [each.thread for each in self._current.values() if each.thread is not None]
            for key in list(self._current):
                self.stop(key)
        for thread in threads:
            thread.join(_END_SECONDS)

    def _start_next(self) -> None:
        while self._waiting and not self._is_closed:
            if len(self._current) - len(self._waiting) >= self._at_most:
                return
            running = self._waiting.popleft()
            running.check = replace(running.check, state=State.RUNNING, began_at=self._now())
            running.thread = threading.Thread(target=self._follow, args=[running], daemon=True, name="check")
            running.thread.start()

    def _follow(self, running: "_Running") -> None:
        outcome: Mapping[str, Any] = {"failed": "the check could not be started"}
        try:
            outcome = self._run(running)
        except OSError as error:
            outcome = {"failed": f"the check could not be started: {error}"}
        finally:
            with self._guard:
                self._end(running, outcome)

    def _run(self, running: "_Running") -> Mapping[str, Any]:
        """Start the process, and read what it prints until it ends."""
        command = [*self._command, *running.check.asked.words]
        outcome: Mapping[str, Any] = {}
        with subprocess.Popen(  # noqa: S603 - words of ours, and no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment
        ) as process:
            with self._guard:
                running.process = process
                if running.is_stopped:
                    process.kill()
            for line in process.stdout or ():
                said = _read(line)
                if "progress" in said:
                    with self._guard:
                        running.check = replace(running.check, progress=_progress(said["progress"]))
                else:
                    outcome = said or outcome
        if not outcome:
            ended = f"the check ended with code {process.returncode} and without a result"
            return {"failed": f"{ended}; the log of this server says why"}
        return outcome

    def _end(self, running: "_Running", outcome: Mapping[str, Any]) -> None:
        del self._current[running.key]
        check = _ended(running, outcome, self._now())
        logger.info(
            "check ended",
            extra={
                at.LOCK_NAME: check.asked.lock,
                at.CHECK_STATE: check.state.value,
                at.CHECK_SECONDS: check.seconds,
            },
        )
        # A check that was stopped leaves the result before it.
        if check.state is not State.STOPPED or running.key not in self._over:
            self._over.pop(running.key, None)
            self._over[running.key] = check
        self._forget_old()
        self._start_next()

    def _forget_old(self) -> None:
        oldest = self._now() - self._keep
        for key, check in list(self._over.items()):
            too_many = len(self._over) > _MOST_KEPT
            if too_many or (check.ended_at is not None and check.ended_at <= oldest):
                del self._over[key]


@dataclass(eq=False)
class _Running:
    key: str
    check: Check
    is_stopped: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    thread: threading.Thread | None = None


def _ended(running: _Running, outcome: Mapping[str, Any], now: datetime) -> Check:
    check = replace(running.check, ended_at=now)
    if "result" in outcome:
        return replace(check, state=State.DONE, result=outcome["result"])
    if running.is_stopped:
        return replace(check, state=State.STOPPED, message="the check was stopped")
    if "nothing" in outcome:
        return replace(check, state=State.NOTHING, message=str(outcome["nothing"]))
    return replace(check, state=State.FAILED, message=str(outcome.get("failed", "")))


def _read(line: bytes) -> Mapping[str, Any]:
    """Return what the process says; nothing for a line that is cut off."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _progress(values: Mapping[str, Any]) -> Progress:
    return Progress(Phase(values["phase"]), int(values["rows"]))
