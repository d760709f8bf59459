"""Moments as people type them."""

from datetime import UTC, datetime

import typer


def option_moment(option: str, text: str | None) -> datetime | None:
    """Read the value of an option; without an offset it is local time. Raises typer.BadParameter."""
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"{text!r} is not a timestamp; write it like 2026-11-21T08:00Z"
        raise typer.BadParameter(message, param_hint=option) from None
