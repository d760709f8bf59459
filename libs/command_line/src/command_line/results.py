"""turnstile result, and submit --wait: the result on stdout, and how far the job is on stderr."""

# ruff: noqa: PLC0415

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from command_line.exit_codes import STOPPED
from command_line.output import complain, connected, console, print_json, safe
from command_line.shared_options import DEFAULT_URL, JobId, Json, Url, seconds

if TYPE_CHECKING:
    from rich.text import Text

    from command_line.api import Api

EPILOG = (
    "Example: `turnstile result 018f6c3e-7b1a-7c4e-9d3a-0123456789ab --wait 600 > result.json`  \n"
    "Exit codes: 0 Completed, 1 Failed, 3 Cancelled, 4 TimedOut, 6 Expired, 7 not ended, and those of all "
    "commands."
)


def result(
    job_id: JobId,
    wait: Annotated[
        float,
        typer.Option(parser=seconds, metavar="SECONDS", help="How long to wait for the end of the job."),
    ] = 0,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Print the result of a job as JSON; wait for its end if asked to.

    With --json it prints one document: the status and the result, or the problem that says why there is none.
    """
    with connected(url, as_json=as_json) as api:
        print_result(api, job_id, wait, as_json=as_json)


def print_result(
    api: "Api", job_id: str, seconds: float | None, *, as_json: bool, more: Mapping[str, Any] | None = None
) -> None:
    """Wait for the end of a job and print its result. Raises ApiError, whose exit code is how it ended.

    A JSON document has `more`, too.
    """
    screen = console(stderr=True)
    try:
        if screen.is_terminal and seconds != 0:
            with screen.status("Waiting for the job ...") as line:
                found = api.result(job_id, seconds, lambda job: line.update(_progress_line(job)))
        else:
            found = api.result(job_id, seconds)
    except KeyboardInterrupt:
        complain(f"stopped waiting; job {job_id} continues.")
        raise typer.Exit(STOPPED) from None
    document = {"job_id": job_id, "status": "Completed", **(more or {}), "result": found}
    print_json(document if as_json else found)


def _progress_line(job: Mapping[str, Any]) -> "Text":
    from command_line.reports import progress_text, waiting_text

    parts = [job["status"], waiting_text(job), progress_text(job["progress"]), job["step"] or ""]
    return safe(" · ".join(part for part in parts if part))
