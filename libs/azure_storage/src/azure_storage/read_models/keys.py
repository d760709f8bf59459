"""Keys that put the newest row first, and cursors that continue a list."""

import base64
import binascii
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

_EPOCH, _MINUTE = datetime(1970, 1, 1, tzinfo=UTC), timedelta(minutes=1)
_LAST_MINUTE, _LAST_MICROSECOND = 9_999_999_999, 9_999_999_999_999_999
_LAST_FENCE, _LAST_SEQ = 10**18 - 1, 999_999

_KEY = re.compile(r"[0-9a-z|_-]{1,200}")
_NOT_IN_KEYS = re.compile(r"[/\\#?%]")
_LONGEST_CURSOR = 800


class CursorError(ValueError):
    """The cursor was not given by an earlier answer."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one that an earlier answer gave")


def inverted_minute(moment: datetime) -> str:
    """Return a partition key that sorts later minutes first, so that no list has to look into old ones.

    A partition is what the storage cannot part between servers, and the emulator searches it row by row.
    """
    return f"{_LAST_MINUTE - (moment - _EPOCH) // _MINUTE:010d}"


def inverted_time(moment: datetime) -> str:
    """Return the start of a row key that sorts later moments first, to the microsecond."""
    elapsed = moment - _EPOCH
    microseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    return f"{_LAST_MICROSECOND - microseconds:016d}"


def recent_event_key(moment: datetime, fence: int | None, job_id: str, seq: int) -> str:
    """Return the row key of a recent event.

    The events of one transaction have one time and go by fence, then by number.
    """
    return f"{inverted_time(moment)}|{_LAST_FENCE - (fence or 0):018d}|{job_id}|{_LAST_SEQ - seq:06d}"


def fence_key(fence: int) -> str:
    """Return the row key of a lock run."""
    return f"{fence:018d}"


def name_key(name: str) -> str:
    """Return the row key for a name, which may contain what a key may not."""
    key = _NOT_IN_KEYS.sub("_", name)
    return key if key == name else f"{key}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def write_cursor(*parts: str) -> str:
    """Return an opaque text that stands for the last row of a page."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(cursor: str, parts: int) -> list[str]:
    """Read a cursor that consists of so many keys. Raises CursorError for any other text."""
    try:
        if len(cursor) > _LONGEST_CURSOR:
            raise CursorError
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, RecursionError, ValueError):
        raise CursorError from None
    usable = (
        isinstance(found, list)
        and len(found) == parts
        and all(isinstance(part, str) and _KEY.fullmatch(part) for part in found)
    )
    if not usable:
        raise CursorError
    return [str(part) for part in found]
