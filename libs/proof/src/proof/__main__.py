"""Runs one check: `python -m proof --lock=NAME`. It prints JSON lines, the last of which is the outcome."""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from coordination.ports import CoordinationError
from proof.asked import Asked, read_words
from proof.reading import StorageSettingsError, check
from proof.result import result_document
from service_defaults.settings import ServiceSettings, complaints
from verification import NothingToCheckError, Phase, Progress

#: Seconds between two reports of the same part of the check.
_BETWEEN_REPORTS = 0.25

#: How much the process leaves to others on a busy machine.
_NICENESS = 5


def main() -> None:
    """Check, print the outcome, and end."""
    asked, ends_with_input = read_words()
    if ends_with_input:
        threading.Thread(target=_end_with_input, daemon=True).start()
    os.nice(_NICENESS)
    try:
        settings = ServiceSettings()
    except ValidationError as error:
        _print({"failed": "; ".join(complaints(ServiceSettings, error))})
        return
    _print(asyncio.run(_outcome(settings, asked)))


async def _outcome(settings: ServiceSettings, asked: Asked) -> dict[str, Any]:
    try:
        verdict = await check(settings, asked.question, _Reports().report)
    except NothingToCheckError as error:
        return {"nothing": str(error)}
    except CoordinationError as error:
        return {"failed": f"the storage does not answer: {error}"}
    except StorageSettingsError as error:
        return {"failed": str(error)}
    return {"result": result_document(verdict)}


class _Reports:
    """Prints how far the check is, and not too often."""

    def __init__(self) -> None:
        self._phase: Phase | None = None
        self._next = 0.0

    def report(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.phase is self._phase and now < self._next:
            return
        self._phase, self._next = progress.phase, now + _BETWEEN_REPORTS
        _print({"progress": {"phase": progress.phase.value, "rows": progress.rows}})


def _end_with_input() -> None:
    """End at once when the process that started this one is gone. The scratch database has no file name."""
    # Not by a buffered reader: Python aborts when it ends while a thread waits in one.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


def _print(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
