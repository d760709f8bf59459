"""turnstile pin and turnstile unpin: whether a job stays, whatever time is set for it."""

# ruff: noqa: PLC0415

from typing import Annotated
from urllib.parse import quote

import typer

from command_line.output import connected, print_json
from command_line.shared_options import DEFAULT_URL, JobId, Json, Url

PIN_EPILOG = (
    "Example: `turnstile pin 018f6c3e-7b1a-7c4e-9d3a-0123456789ab --reason 'the auditors ask for it'`"
)
UNPIN_EPILOG = "Example: `turnstile unpin 018f6c3e-7b1a-7c4e-9d3a-0123456789ab`"

_Reason = Annotated[str, typer.Option(help="Why; it is kept in the audit trail.")]


def pin(job_id: JobId, reason: _Reason = "", url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Keep a job that has ended, whatever time is set for it, until it is unpinned."""
    _send(job_id, "pin", reason, url, "The job is pinned and stays until it is unpinned.", as_json=as_json)


def unpin(job_id: JobId, reason: _Reason = "", url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Let a job that was pinned go when its time is over."""
    _send(job_id, "unpin", reason, url, "The job goes when its time is over.", as_json=as_json)


def _send(job_id: str, action: str, reason: str, url: str, said: str, *, as_json: bool) -> None:
    from command_line.output import console

    with connected(url, as_json=as_json) as api:
        body = {"reason": reason} if reason else None
        job = api.post(f"/api/v1/jobs/{quote(job_id, safe='')}/{action}", body)
        print_json(job) if as_json else console().print(said)
