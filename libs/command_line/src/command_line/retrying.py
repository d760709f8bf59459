"""`turnstile retry`: submit a job again that did not complete."""

# ruff: noqa: PLC0415

from typing import Annotated, Any
from urllib.parse import quote

import typer

from command_line.output import connected, print_json, print_link
from command_line.shared_options import DEFAULT_URL, Actor, DashboardUrl, JobId, Json, Reason, Url

EPILOG = (
    "Example: `turnstile retry 018f6c3e-7b1a-7c4e-9d3a-0123456789ab --reason 'the ledger is open again'`  \n"
    "Example: `turnstile retry 018f6c3e-7b1a-7c4e-9d3a-0123456789ab --fresh -p seconds=1`"
)


def retry(
    job_id: JobId,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Begin from the beginning, without recorded steps and saved state."),
    ] = False,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", metavar="KEY=VALUE", help="A parameter to change; its value may be JSON."
        ),
    ] = None,
    reason: Reason = "",
    dashboard_url: DashboardUrl = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Retry a job that ended without completing, as a new job that continues where it ended.

    A job is retried once: the same retry again names the new job, and --json says `"existing": true`.
    """
    from command_line.done import print_retried
    from command_line.parameters import read_parameters

    body: dict[str, Any] = {
        "fresh": fresh,
        "parameters": read_parameters(None, pairs or []),
        "reason": reason,
    }
    with connected(url, as_json=as_json, actor=actor) as api:
        # A publisher of an earlier release does not say whether the job was retried before.
        accepted = {"existing": False} | api.retry(f"/api/v1/jobs/{quote(job_id, safe='')}/retry", body)
        if as_json:
            print_json(accepted)
        else:
            print_retried(accepted)
            print_link(dashboard_url, accepted["job_id"])
