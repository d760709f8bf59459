"""turnstile pin and turnstile unpin: whether a job stays, whatever time is set for it."""

# ruff: noqa: PLC0415

from typing import Any

from command_line.output import connected, print_json
from command_line.shared_options import DEFAULT_URL, Actor, JobId, Json, Reason, Url

PIN_EPILOG = (
    "Example: `turnstile pin 018f6c3e-7b1a-7c4e-9d3a-0123456789ab --reason 'the auditors ask for it'`"
)
UNPIN_EPILOG = "Example: `turnstile unpin 018f6c3e-7b1a-7c4e-9d3a-0123456789ab`"


def pin(
    job_id: JobId,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Keep a job that has ended, whatever time is set for it, until it is unpinned."""
    with connected(url, as_json=as_json, actor=actor) as api:
        _show(api.pin(job_id, reason), "The job is pinned and stays until it is unpinned.", as_json=as_json)


def unpin(
    job_id: JobId,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Let a job that was pinned go when its time is over."""
    with connected(url, as_json=as_json, actor=actor) as api:
        _show(api.unpin(job_id, reason), "The job goes when its time is over.", as_json=as_json)


def _show(job: Any, said: str, *, as_json: bool) -> None:
    from command_line.output import console

    print_json(job) if as_json else console().print(said)
