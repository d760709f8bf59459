"""Moments as people type them."""

import re
from datetime import UTC, datetime, timedelta

import typer

from contracts.policies import LONGEST_WAIT


def option_moment(option: str, text: str | None) -> datetime | None:
    """Read the value of an option; without an offset it is local time. Raises typer.BadParameter."""
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"{text!r} is not a timestamp; write it like 2026-11-21T08:00Z"
        raise typer.BadParameter(message, param_hint=option) from None


#: There is no older job.
_LONGEST = timedelta(days=36_500)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def option_age(option: str, text: str) -> timedelta:
    """Read an age such as 30d or 12h. Raises typer.BadParameter."""
    found = re.fullmatch(r"([0-9]{1,6})([smhdw])", text.strip())
    age = None if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})
    if age is None or age > _LONGEST:
        message = f"{text!r} is not an age; write a number and s, m, h, d or w, such as 30d"
        raise typer.BadParameter(message, param_hint=option)
    return age


#: Nothing is asked to start later.
_LONGEST_WAIT = timedelta(seconds=LONGEST_WAIT)


def zoned_moment(text: str) -> str:
    """Read a time with an offset, and return it in UTC as the API takes it. Raises typer.BadParameter."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        pass
    message = f"{text!r} is not a time with an offset; write it like 2026-12-01T02:00:00Z or \u2026+01:00"
    raise typer.BadParameter(message)


def time_from_now(text: str) -> str:
    """Read how long to wait, and return when that is over as the API takes it. Raises typer.BadParameter."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhdw]?)", text.strip())
    wait = None if found is None else timedelta(**{_UNITS[found[2] or "s"]: float(found[1])})
    if wait is None or wait > _LONGEST_WAIT:
        message = (
            f"{text!r} is not a time to wait; write seconds, or a number and s, m, h, d or w, such as 90m, "
            f"at most {_LONGEST_WAIT.days}d"
        )
        raise typer.BadParameter(message)
    return (datetime.now(UTC) + wait).isoformat()
