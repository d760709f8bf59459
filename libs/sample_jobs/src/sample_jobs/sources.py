"""Files and blobs, read by ranges and known by a version, so that a change in between is noticed."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from turnstile import FailJob


@dataclass(frozen=True)
class Version:
    """Which content was read: its size in bytes, and a tag that changes with it."""

    size: int
    tag: str


class Source(Protocol):
    """Something to read from. Every method raises FailJob with the reason when that cannot go well."""

    def __enter__(self) -> Self:
        """Open it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""

    def version(self) -> Version:
        """Return what is there now."""

    def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes; fewer only where the content has become shorter."""


class FileSource:
    """A regular file under the input folder."""

    def __init__(self, folder: Path | None, path: str) -> None:
        if folder is None:
            raise FailJob("no input folder is configured here (TURNSTILE_INPUT_FOLDER)")
        self._path = path
        self._folder = folder
        self._fd = -1

    def __enter__(self) -> Self:
        """Open the file, wherever symbolic links lead, as long as that is under the folder."""
        root = self._folder.resolve()
        try:
            target = (root / self._path).resolve()
            self._require_inside(target, root)
            # Not blocking, because opening a named pipe would wait for a writer.
            self._fd = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise FailJob(f"file {self._path!r} does not exist") from None
        except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
            raise FailJob(f"file {self._path!r} cannot be read: {_reason(error)}") from None
        try:
            # Once more on what was opened: a link may have been changed since it was resolved.
            self._require_inside(Path(f"/proc/self/fd/{self._fd}").resolve(), root)
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise FailJob(f"{self._path!r} is not a regular file")
        except BaseException:
            os.close(self._fd)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        os.close(self._fd)

    def version(self) -> Version:
        """Return the file's size and time of modification."""
        found = os.fstat(self._fd)
        return Version(found.st_size, str(found.st_mtime_ns))

    def read(self, offset: int, length: int) -> bytes:
        """Read from the file."""
        parts = []
        while length > 0:
            part = os.pread(self._fd, length, offset)
            if not part:
                break
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return b"".join(parts)

    def _require_inside(self, target: Path, root: Path) -> None:
        if not target.is_relative_to(root):
            raise FailJob(f"path {self._path!r} is not under the input folder")


def _reason(error: OSError | RuntimeError) -> str:
    # An OSError's own text would show where the input folder lies.
    return (isinstance(error, OSError) and error.strerror) or "its links lead in a circle"
