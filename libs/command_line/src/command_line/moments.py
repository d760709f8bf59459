"""Moments as people type them."""

import re
from datetime import UTC, datetime, timedelta

import typer


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
