"""Names of recorded steps, so that a second record is noticed."""

import json

from verification.scratch_database import ScratchDatabase

#: Names of one job's steps that are held in memory before they go to the scratch database.
_MOST_HELD = 50_000


class Steps:
    """Remembers the steps of one job after the other; with `keeps_all`, also all in the scratch database."""

    def __init__(self, scratch: ScratchDatabase, *, keeps_all: bool) -> None:
        self._scratch = scratch
        self._keeps_all = keeps_all
        self._job = ""
        self._names: set[str] = set()
        self._has_spilled = False

    def remember(self, job_id: str, name: str, fence: int, attempt: int, recorded_at: str) -> bool:
        """Note that a step was recorded, and return whether it was not known."""
        if job_id != self._job:
            self._job, self._has_spilled = job_id, False
            self._names.clear()
        if name in self._names or (self._has_spilled and self._is_spilled(name)):
            return False
        self._names.add(name)
        if self._keeps_all:
            self._scratch.add("steps", (job_id, name, fence, attempt, recorded_at))
        if len(self._names) >= _MOST_HELD:
            for held in () if self._keeps_all else self._names:
                self._scratch.add("steps", (job_id, held, fence, attempt, recorded_at))
            self._names.clear()
            self._has_spilled = True
        return True

    def forget(self) -> None:
        """Start again with the next job."""
        self._job = ""

    def _is_spilled(self, name: str) -> bool:
        found = self._scratch.one("SELECT 1 FROM steps WHERE job_id = ? AND name = ?", self._job, name)
        return found is not None


def number_of(data: str) -> int | None:
    """Return the number under which a step's event was recorded; None when it has none."""
    try:
        return int(json.loads(data)["number"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
