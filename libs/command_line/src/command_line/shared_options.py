"""Options and arguments that several commands have."""

import math
from typing import Annotated

import typer

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
            f"{text!r} is no number of seconds: write a number, {least}, such as 90 or 0.5"
        )
    return number


Url = Annotated[
    str, typer.Option("--url", envvar="TURNSTILE_URL", help="Address of the publisher.", metavar="URL")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.")]
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
