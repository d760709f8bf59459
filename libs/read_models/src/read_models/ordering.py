"""Texts that sort as the lists do: the newest first."""

from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MICROSECOND = 9_999_999_999_999_999
_LAST_FENCE, _LAST_SEQ = 10**18 - 1, 999_999


def inverted_time(moment: datetime) -> str:
    """Return the start of a text that sorts later moments first, to the microsecond."""
    elapsed = moment - _EPOCH
    microseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    return f"{_LAST_MICROSECOND - microseconds:016d}"


def job_order(submitted_at: datetime, job_id: str) -> str:
    """Return the place of a job among all jobs: by the time of its submission."""
    return f"{inverted_time(submitted_at)}|{job_id}"


def event_order(moment: datetime, fence: int | None, job_id: str, seq: int) -> str:
    """Return the place of an event among all events.

    The events of one transaction have one time and go by fence, then by number.
    """
    return f"{inverted_time(moment)}|{_LAST_FENCE - (fence or 0):018d}|{job_id}|{_LAST_SEQ - seq:06d}"
