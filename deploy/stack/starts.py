"""Whether a program of a stack without containers comes up, and what to print when it does not."""

import json
from pathlib import Path

from contracts.telemetry.log_messages import CANNOT_START
from deploy.processes.supervision import ProcessState

#: A program that ended this often at its start cannot start. Once is enough when it gave the reason.
_MOST_ENDS = 2
#: How often, a tenth of a second apart, supervisord may report that it does not run.
_MOST_SILENCE = 30


class Starts:
    """Counts the processes of one program that have ended since now: a new one is started for each."""

    def __init__(self, name: str, log: Path) -> None:
        self._name = name
        self._log = log
        #: What is in the log from earlier starts.
        self._earlier = log.stat().st_size if log.exists() else 0
        self._processes: set[tuple[int, int]] = set()
        self._is_running = False
        self._silence = 0

    def see(self, state: ProcessState) -> None:
        """Take in what supervisord reports now."""
        self._is_running = state.pid > 0
        if self._is_running:
            self._processes.add((state.pid, state.started_at))
        self._silence += state.state in {"BACKOFF", "FATAL", "EXITED"}

    @property
    def have_failed(self) -> bool:
        """Whether it makes no sense to wait longer."""
        ends = len(self._processes) - self._is_running
        if ends >= _MOST_ENDS or self._silence > _MOST_SILENCE:
            return True
        return ends > 0 and self._reason() is not None

    def complaint(self) -> str:
        """Return why the program is not ready: the reason that it gave itself, or the end of its log."""
        if reason := self._reason():
            return f"{self._name} cannot start: {reason}"
        tail = "\n".join(self._text().splitlines()[-25:]) or "(nothing)"
        return f"{self._name} is not ready. The end of {self._log}:\n{tail}"

    def _reason(self) -> str | None:
        return last_reason(self._text(self._earlier))

    def _text(self, start: int = 0) -> str:
        data = self._log.read_bytes() if self._log.exists() else b""
        return data[start:].decode(errors="replace")


def last_reason(log: str) -> str | None:
    """Return the last reason that a service gave in its log for not starting, or None."""
    return next(filter(None, map(_reason, reversed(log.splitlines()))), None)


def _reason(line: str) -> str | None:
    """Return the reason in a log line of a service that cannot start."""
    if CANNOT_START not in line:
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    return str(entry.get("reason", line))
