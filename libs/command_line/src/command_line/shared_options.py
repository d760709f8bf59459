"""Options and arguments that several commands have."""

from typing import Annotated

import typer

#: Where the publisher is unless an option or a variable says otherwise.
DEFAULT_URL = "http://127.0.0.1:8000"


def checked_link(value: str) -> str:
    """Return the address of a page, or an empty text, as it is. Raises BadParameter for anything else."""
    if value and not value.startswith(("http://", "https://")):
        raise typer.BadParameter("must start with http:// or https://")
    return value


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
