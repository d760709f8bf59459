"""The file with the clients and their keys, read again when it has changed."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from contracts.api_keys import KeyFileError, KeyRing, read_clients
from contracts.telemetry import attributes as at

logger = logging.getLogger(__name__)

_Stamp = tuple[int, int, int]


class KeysFile:
    """The keys of a file, which costs a look at the file's times once a second.

    A file that cannot be read, or is wrong, changes nothing: the keys that were read last stay, and the log
    says why.
    """

    def __init__(
        self, path: Path, *, every: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._every = every
        self._monotonic = monotonic
        self._looked_at = monotonic()
        self._stamp = self._look()
        self._ring = KeyRing(read_clients(path))

    @property
    def ring(self) -> KeyRing:
        """The keys as of now, or of a second ago."""
        now = self._monotonic()
        if now - self._looked_at >= self._every:
            self._looked_at = now
            self._reload()
        return self._ring

    def _reload(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._ring = KeyRing(read_clients(self._path))
        except (KeyFileError, OSError) as error:
            logger.error("file of keys cannot be used", extra={at.REASON: str(error)})
        else:
            logger.info("file of keys was read again")

    def _look(self) -> _Stamp | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
