"""Viewers of the dashboard beside a load.

They have a process of their own, as Locust has another kind of event loop.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy import ROOT

#: Seconds that the viewers get to end.
_END_SECONDS = 30.0


@dataclass(frozen=True)
class Watched:
    """What the viewers saw."""

    viewers: int
    #: Seconds that each refresh took, of all viewers.
    refresh_seconds: Sequence[float]
    #: Exceptions that pages showed.
    exceptions: Sequence[str]
    #: Pages that did not refresh at all, or not any more.
    still: Sequence[str]


class Viewers:
    """A number of viewers, from now until `stop`; there may be none."""

    def __init__(self, url: str, count: int, folder: Path) -> None:
        self._count = count
        self._file = folder / "viewers.json"
        self._watched: Watched | None = None
        self._process: subprocess.Popen[bytes] | None = None
        if count:
            words = [sys.executable, "-m", "loadtest.viewer", url, str(count)]
            with self._file.open("w") as output, (folder / "viewers.log").open("w") as errors:
                self._process = subprocess.Popen(
                    words, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=errors
                )

    def stop(self) -> Watched | None:
        """Close the pages, if they are still open; return what was seen, None without viewers."""
        if self._process is not None:
            self._watched = self._close(self._process)
            self._process = None
        return self._watched

    def _close(self, process: subprocess.Popen[bytes]) -> Watched:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_END_SECONDS)
            return Watched(**json.loads(self._file.read_text()))
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()
            return Watched(self._count, [], ["the viewers ended without a report; see viewers.log"], [])
