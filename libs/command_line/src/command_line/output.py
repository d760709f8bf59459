"""What commands print: tables and sentences for people, or one JSON document for programs.

Loads the terminal and the HTTP client only when they are needed, so that help comes at once.
"""

# ruff: noqa: PLC0415

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import typer

from command_line.exit_codes import STOPPED
from command_line.shared_options import usual_actor

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from command_line.api import Api

#: Columns of what is read by no terminal: enough to wrap no line that matters.
_PLAIN_WIDTH = 200

_STYLES = {
    "Queued": "yellow",
    "Submitted": "yellow",
    "Running": "cyan",
    "Started": "cyan",
    "LeaseAcquired": "blue",
    "Completed": "green",
    "Failed": "red",
    "Interrupted": "magenta",
    "CancelRequested": "magenta",
    "Cancelled": "magenta",
    "TimedOut": "red",
    "Expired": "red",
    "AttemptFailed": "red",
    "Finalized": "blue",
    "Pinned": "blue",
    "Unpinned": "blue",
}


@contextmanager
def connected(url: str, *, as_json: bool, actor: str | None = None) -> Iterator["Api"]:
    """Connect for the time of a command; errors end it with a sentence on stderr and their exit code.

    A command that changes something has an actor; an empty one stands for the user.
    """
    from command_line.api import Api, ApiError

    try:
        with Api(url, actor="" if actor is None else usual_actor(actor)) as api:
            yield api
    except ApiError as error:
        if as_json:
            print_json(error.problem)
        complain(str(error))
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None
    except BrokenPipeError:
        # The reader closed the pipe; keeps the interpreter from reporting that at its exit.
        sys.stdout = None
        raise typer.Exit(0) from None


def complain(sentence: str) -> None:
    """Print an error to stderr."""
    console(stderr=True).print(safe(f"Error: {sentence}"), style="red", soft_wrap=True)


def remark(sentence: str) -> None:
    """Print to stderr what is worth knowing, and is not an error."""
    console(stderr=True).print(safe(sentence), soft_wrap=True)


def console(*, stderr: bool = False) -> "Console":
    """Make the console; it honours NO_COLOR and writes plain text to anything that is not a terminal."""
    from rich.console import Console

    screen = Console(stderr=stderr, highlight=False)
    if not screen.is_terminal:
        screen.width = _PLAIN_WIDTH
    return screen


def print_json(document: Any) -> None:
    """Print one JSON document."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(document, indent=2, ensure_ascii=not is_unicode))


def safe(text: object) -> "Text":
    """Make a text printable that comes from others: no markup, no control sequences."""
    from rich.text import Text

    return Text("".join(character if character.isprintable() else "\ufffd" for character in str(text)))


def print_link(dashboard_url: str, job_id: str) -> None:
    """Print where the dashboard shows a job, if there is a dashboard."""
    if dashboard_url:
        link = f"{dashboard_url.rstrip('/')}/job?id={quote(job_id, safe='')}"
        console().print(safe(link), style="dim", soft_wrap=True)


def styled_status(status: str) -> "Text":
    """Return a status in its colour."""
    text = safe(status)
    text.stylize(_STYLES.get(status, ""))
    return text


def counted(number: int, named: int = 0) -> str:
    """Return a number of waiting jobs, without those that were named, as far as the API counts them."""
    from contracts.jobs import MOST_COUNTED

    more_than = "more than " if number > MOST_COUNTED else ""
    return f"{more_than}{min(number, MOST_COUNTED) - named:,}"


def clock_time(timestamp: str | None, *, with_date: bool = False) -> str:
    """Return a timestamp of the API as local time."""
    if not timestamp:
        return ""
    local = datetime.fromisoformat(timestamp).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S" if with_date else "%H:%M:%S")


def duration(start: str | None, end: str | None) -> str:
    """Return the time between two timestamps of the API."""
    if not start or not end:
        return ""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
