"""Cursors: opaque texts that continue a list where a page ended."""

import base64
import binascii
import json
import re

_PART = re.compile(r"[0-9a-z|_-]{1,300}")
_LONGEST_CURSOR = 2_000


class CursorError(ValueError):
    """The cursor was not given by an earlier answer."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one that an earlier answer gave")


def write_cursor(*parts: str) -> str:
    """Return an opaque text that stands for the place where a page ended."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(cursor: str, *counts: int) -> list[str]:
    """Return the parts of a cursor that has one of these numbers of parts. Raises CursorError for others."""
    try:
        if len(cursor) > _LONGEST_CURSOR:
            raise CursorError
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, RecursionError, ValueError):
        raise CursorError from None
    usable = (
        isinstance(found, list)
        and len(found) in counts
        and all(isinstance(part, str) and _PART.fullmatch(part) for part in found)
    )
    if not usable:
        raise CursorError
    return [str(part) for part in found]
