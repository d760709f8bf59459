"""Whether the code on disk is still the one that the runners of a pool have loaded."""

import os
import sys
from collections.abc import Iterable


def loaded_files() -> list[str]:
    """Return the files that this process has imported its modules from."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return sorted({file for file in files if isinstance(file, str)})


class CodeVersion:
    """Files with code, as they are when this is made."""

    def __init__(self, files: Iterable[str]) -> None:
        self._stamps = {file: _stamp(file) for file in files}

    def changed_file(self) -> str | None:
        """Return a file that was written again or removed since, or None."""
        return next((file for file, stamp in self._stamps.items() if _stamp(file) != stamp), None)


def _stamp(file: str) -> tuple[int, int] | None:
    """Return when a file was written and its size; None when it is not there."""
    try:
        status = os.stat(file)  # noqa: PTH116 - there are a thousand of them
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
