"""Keys of the read models' rows; those of lists put the newest row first."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

from read_models.ordering import job_order
from read_models.rare_states import RareState

_EPOCH, _MINUTE = datetime(1970, 1, 1, tzinfo=UTC), timedelta(minutes=1)
_LAST_MINUTE = 9_999_999_999

_NOT_IN_KEYS = re.compile(r"[/\\#?%]")


def inverted_minute(moment: datetime) -> str:
    """Return a partition key that sorts later minutes first, so that no list has to look into old ones.

    A partition is what the storage cannot part between servers, and the emulator searches it row by row.
    """
    return f"{_LAST_MINUTE - (moment - _EPOCH) // _MINUTE:010d}"


def summary_key(job_id: str, submitted_at: datetime) -> tuple[str, str]:
    """Return partition and row key of a job's summary."""
    return inverted_minute(submitted_at), job_order(submitted_at, job_id)


def event_key(job_id: str, seq: int) -> str:
    """Return the row key of an event in the audit trail, which is its id."""
    return f"{job_id}-{seq:06d}"


def rare_prefix(state: RareState) -> str:
    """Return the start of the partition keys of the jobs in a rare state; sorts behind the minutes."""
    return f"state|{state.value}|"


def fence_key(fence: int) -> str:
    """Return the row key of a lock run."""
    return f"{fence:018d}"


def name_key(name: str) -> str:
    """Return the row key for a name, which may contain what a key may not."""
    key = _NOT_IN_KEYS.sub("_", name)
    return key if key == name else f"{key}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
