"""Cursors: opaque texts that continue a list where a page ended."""

import base64
import binascii
import hashlib
import json
import re

_PART = re.compile(r"[0-9a-z|_-]{1,300}")
_LONGEST_CURSOR = 2_000
_DIGEST_DIGITS = 12


class CursorError(ValueError):
    """The cursor was not given by an earlier answer."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one that an earlier answer gave")


class ForeignCursorError(CursorError):
    """The cursor belongs to another list, to the same list with other filters, or to an earlier release."""


def list_digest(name: str, *filters: object) -> str:
    """Return a short text that tells a list with its filters from others. Its cursors begin with it."""
    text = json.dumps([name, *filters], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]


def write_cursor(of: str, *parts: str) -> str:
    """Return an opaque text that stands for the place where a page of a list ended."""
    return base64.urlsafe_b64encode(json.dumps([of, *parts]).encode()).decode().rstrip("=")


def read_cursor(of: str, cursor: str, *counts: int) -> list[str]:
    """Return the parts of a cursor of this list that has one of these numbers of parts.

    Raises CursorError for others, and ForeignCursorError for a cursor of another list.
    """
    try:
        if len(cursor) > _LONGEST_CURSOR:
            raise CursorError
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, RecursionError, ValueError):
        raise CursorError from None
    is_cursor = (
        isinstance(found, list)
        and found
        and all(isinstance(part, str) and _PART.fullmatch(part) for part in found)
    )
    if not is_cursor:
        raise CursorError
    if found[0] != of:
        raise ForeignCursorError
    if len(found) - 1 not in counts:
        raise CursorError
    return [str(part) for part in found[1:]]
