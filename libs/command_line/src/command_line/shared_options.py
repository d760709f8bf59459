"""Options and arguments that several commands have."""

# ruff: noqa: PLC0415

import math
import re
from collections.abc import Callable
from typing import Annotated

import typer

from contracts.path_names import wrong_name

#: Characters of the name of an actor.
LONGEST_ACTOR = 100

#: Where the publisher is unless an option or a variable says otherwise.
DEFAULT_URL = "http://127.0.0.1:8000"


def checked_link(value: str) -> str:
    """Return the address of a page, or an empty text, as it is. Raises BadParameter for anything else."""
    if value and not value.startswith(("http://", "https://")):
        raise typer.BadParameter("must start with http:// or https://")
    return value


def seconds(text: str) -> float:
    """Read a number of seconds, 0 or more. Raises BadParameter."""
    return _seconds(text, "0 or more")


def some_seconds(text: str) -> float:
    """Read a number of seconds that is more than 0. Raises BadParameter."""
    number = _seconds(text, "more than 0")
    if not number:
        raise typer.BadParameter("must be more than 0")
    return number


def _seconds(text: str, least: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise typer.BadParameter(
            f"{text!r} is not a number of seconds: write a number, {least}, such as 90 or 0.5"
        )
    return number


def whole_number(least: int, most: int | None = None) -> Callable[[object], int]:
    """Return what reads a whole number within limits, and raises BadParameter for anything else."""

    def read(value: object) -> int:
        text = str(value)
        number = int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None
        if number is None or number < least or (most is not None and number > most):
            limits = f"{least} or more" if most is None else f"from {least} to {most:,}"
            raise typer.BadParameter(f"{text!r} is not a whole number, {limits}")
        return number

    return read


def checked_name(name: str | None) -> str | None:
    """Return a name or an id for the path of a request. Raises BadParameter for what can be none."""
    wrong = None if name is None else wrong_name(name)
    if wrong is not None:
        raise typer.BadParameter(wrong)
    return name


def usual_actor(actor: str) -> str:
    """Return who asks for something: the actor that was named, or `cli:` and the name of the user."""
    if actor:
        return actor
    import getpass

    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        # A container may run as a user that has no name.
        return "cli"
    return f"cli:{user}"[:LONGEST_ACTOR] if user.isprintable() else "cli"


Url = Annotated[
    str, typer.Option("--url", envvar="TURNSTILE_URL", help="Address of the publisher.", metavar="URL")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Actor = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Who asks for it, for the audit trail; by default `cli:` and the name of the user.",
    ),
]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the audit trail.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.", callback=checked_name)]
Priority = Annotated[
    int, typer.Option(metavar="0..9", parser=whole_number(0, 9), help="0 runs first, 9 last.")
]
DashboardUrl = Annotated[
    str,
    typer.Option(
        "--dashboard-url",
        envvar="TURNSTILE_DASHBOARD_URL",
        help="Address of the dashboard, for a link to the job.",
        metavar="URL",
        callback=checked_link,
    ),
]
