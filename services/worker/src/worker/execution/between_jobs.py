"""Puts back, between two jobs of a runner, what the first one changed in their process."""

import asyncio
import os
import resource
from collections.abc import Callable

from worker.execution import process_state
from worker.execution.forks import PolledFiles
from worker.execution.logging_state import remember_logging
from worker.execution.process_state import PutBack

#: What is remembered, by the name that the worker's log has for it.
_PARTS: dict[str, Callable[[], PutBack]] = {
    "logging": remember_logging,
    "warnings": process_state.warning_filters,
    "environment": process_state.environment,
    "locale": process_state.locale_settings,
    "working directory": process_state.folder,
    "umask": process_state.umask,
    "signals": process_state.signals,
    "limits of resources": process_state.limits,
    "standard streams": process_state.standard_streams,
    "interpreter": process_state.interpreter,
}


class BetweenJobs:
    """Remembers the state of the process before a job, and puts it back afterwards.

    Not put back is what modules keep in their variables: caches and connections are meant to stay.
    Must be made and called in the thread of the running event loop.
    """

    def __init__(self) -> None:
        self._polled = PolledFiles(asyncio.get_running_loop())
        self._ways: dict[str, PutBack] = {}
        #: How many files the process had open before its first job.
        self._files = _open_files()

    def remember(self) -> None:
        """Remember how it is now."""
        self._ways = {name: part() for name, part in _PARTS.items()}

    def put_back_logging(self) -> None:
        """Put only the configuration of logging back, for what is to be logged about the job itself."""
        self._ways["logging"]()

    def put_back(self) -> list[str]:
        """Put all back, and return what makes the process useless for another job."""
        reasons = []
        for name, put_back in self._ways.items():
            try:
                put_back()
            except Exception as error:  # noqa: BLE001 - for whatever reason, the process is replaced
                reasons.append(f"it changed what cannot be put back: {name} ({error})")
        if self._polled.are_changed:
            reasons.append("a process that it forked changed what the event loop waits for")
        files, (limit, _) = _open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)
        if files > self._files and files > limit / 2:
            reasons.append(f"{files} files are open, more than half of the limit of {limit}")
        return reasons


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough
