"""Processes that a handler forks: they share the runner's files, and must not use its socket or its loop."""

import asyncio
import os
import select
import selectors
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_WANTED = select.EPOLLIN | select.EPOLLOUT


class HomeProcess:
    """Tells the process that made this object from those that were forked from it."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def is_elsewhere(self) -> bool:
        """Whether the calling code runs in a forked process."""
        return os.getpid() != self._pid


def flush_output() -> None:
    """Send what the handler printed on its way."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # user code may have closed or replaced them
            stream.flush()


def leave(failure: BaseException | None) -> NoReturn:
    """End a forked process that returned from the handler: the rest is for the runner alone."""
    code = 0 if failure is None else 1
    if isinstance(failure, SystemExit):
        code = failure.code if isinstance(failure.code, int) else int(failure.code is not None)
    elif failure is not None:
        with suppress(Exception):
            traceback.print_exception(failure)
    flush_output()
    os._exit(code)


class PolledFiles:
    """The files that an event loop waits for, as the kernel knows them.

    A forked process shares the kernel's list (epoll) and can change it, unseen by the loop: the loop then
    spins, or sleeps through what it waits for. Not checked where /proc does not show the list.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # asyncio has no public way to its selector.
        self._selector: selectors.BaseSelector | None = getattr(loop, "_selector", None)
        self._is_shown = self._known() == self._shown()

    @property
    def are_changed(self) -> bool:
        """Whether the kernel's list is not the loop's."""
        return self._is_shown and self._known() != self._shown()

    def _known(self) -> dict[int, int]:
        keys = self._selector.get_map().values() if self._selector is not None else ()
        return {
            key.fd: (select.EPOLLIN if key.events & selectors.EVENT_READ else 0)
            | (select.EPOLLOUT if key.events & selectors.EVENT_WRITE else 0)
            for key in keys
        }

    def _shown(self) -> dict[int, int] | None:
        if not isinstance(self._selector, selectors.EpollSelector):
            return None
        try:
            lines = Path(f"/proc/self/fdinfo/{self._selector.fileno()}").read_text().splitlines()
        except OSError:
            return None
        # tfd:        6 events:       19 data:                6  pos:0 ino:…
        entries = [line.split() for line in lines if line.startswith("tfd:")]
        return {int(entry[1]): int(entry[3], 16) & _WANTED for entry in entries}
