"""turnstile submit: submit a job, and watch it or wait for its result if asked to."""

# ruff: noqa: PLC0415

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from command_line.exit_codes import BY_STATUS
from command_line.output import connected, console, print_json, print_link, remark, safe
from command_line.shared_options import (
    DEFAULT_URL,
    Actor,
    DashboardUrl,
    Json,
    Priority,
    Url,
    seconds,
    some_seconds,
)

EPILOG = (
    "Example: `turnstile submit ten-steps --lock ledger -p steps=5 -p seconds=0.5 --watch`  \n"
    "Example: `turnstile submit checksum-file -p path=ledger.csv --wait > digest.json`  \n"
    "Example: `turnstile submit checksum-file --parameters @job.json --priority 0`"
)


class OnConflict(StrEnum):
    """What to do when a job of the lock waits or runs."""

    QUEUE = "queue"
    REJECT = "reject"
    SKIP = "skip"
    REPLACE_WAITING = "replace-waiting"
    CANCEL_RUNNING = "cancel-running"


def submit(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="Kind of the job; `turnstile kinds` lists all kinds.")
    ],
    lock: Annotated[
        str | None,
        typer.Option(
            help="Jobs with the same lock run one at a time. Without it, the lock that the kind makes of the "
            "parameters, else `default`."
        ),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="KEY=VALUE", help="A parameter; its value may be JSON."),
    ] = None,
    parameters: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE", help="All parameters; @- reads them from standard input."),
    ] = None,
    name: Annotated[str, typer.Option(help="Title of the job, for people.")] = "",
    description: Annotated[str, typer.Option(help="Description of the job, for people.")] = "",
    priority: Priority = 5,
    job_id: Annotated[
        str | None,
        typer.Option(
            metavar="UUID", help="Your own job id; a repeated submission with it does not run twice."
        ),
    ] = None,
    expires_in: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            parser=some_seconds,
            help="The job ends as Expired if it has not started by then.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            parser=some_seconds,
            help="Longest attempt; can only shorten that of the kind.",
        ),
    ] = None,
    cancel_grace: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            parser=seconds,
            help="Time to stop in; can only shorten that of the worker.",
        ),
    ] = None,
    on_conflict: Annotated[
        OnConflict | None,
        typer.Option(help="What to do when a job of the lock waits or runs; queue by default."),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="Your own name for this submission; repeated with it, it is the same job."
        ),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="KEY=VALUE", help="A property to find the job by; repeatable."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Watch the job until it ends.")] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait until the job ends, and print nothing but its result, as JSON."),
    ] = False,
    dashboard_url: DashboardUrl = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Submit a job. With --watch or --wait the exit code is its outcome.

    Where the job is there already, by its id, its key or --on-conflict skip, the command says so: with --json
    as `"existing": true`, with --watch and --wait on stderr.
    """
    from command_line.parameters import read_parameters, read_properties
    from contracts.identifiers import new_id

    body: dict[str, Any] = {
        "kind": kind,
        "parameters": read_parameters(parameters, pairs or []),
        "name": name,
        "description": description,
        "priority": priority,
        "properties": read_properties(properties or []),
    }
    limits: dict[str, Any] = {
        "lock": lock,
        "expires_in": expires_in,
        "timeout": timeout,
        "cancel_grace": cancel_grace,
        "on_conflict": on_conflict,
    }
    body |= {option: value for option, value in limits.items() if value is not None}
    if idempotency_key is None:
        body["job_id"] = job_id or new_id()
    elif job_id is not None:
        raise typer.BadParameter("cannot be given together with --job-id", param_hint="--idempotency-key")
    else:
        body["idempotency_key"] = idempotency_key
    if watch and wait:
        raise typer.BadParameter("cannot be given together with --watch", param_hint="--wait")
    with connected(url, as_json=as_json, actor=actor) as api:
        accepted = api.submit(body)
        is_there = _is_there(accepted, body, is_own_id=job_id is not None)
        if is_there and (wait or watch):
            remark(there(accepted))
        if wait:
            from command_line.results import print_result

            print_result(api, accepted["job_id"], None, as_json=as_json, more={"existing": is_there})
        elif watch:
            from command_line.watching import watch_job

            if not as_json:
                print_link(dashboard_url, accepted["job_id"])
            job = watch_job(api, accepted["job_id"], as_json=as_json)
            raise typer.Exit(BY_STATUS[job["status"]])
        elif as_json:
            print_json({key: accepted[key] for key in ("job_id", "lock", "status")} | {"existing": is_there})
        else:
            from command_line.done import print_accepted

            console().print(safe(there(accepted)), soft_wrap=True) if is_there else print_accepted(accepted)
            print_link(dashboard_url, accepted["job_id"])


def _is_there(accepted: Mapping[str, Any], body: Mapping[str, Any], *, is_own_id: bool) -> bool:
    """Return whether the job was there before this command."""
    if "job_id" in body and accepted["job_id"] != body["job_id"]:
        return True
    # An id that this command made is of no earlier job. A publisher of an earlier release says nothing.
    is_repeatable = is_own_id or "idempotency_key" in body
    return is_repeatable and bool(accepted.get("existing"))


def there(accepted: Mapping[str, Any]) -> str:
    """Return the sentence that the job was there before."""
    job, lock, status = accepted["job_id"], accepted["lock"], accepted["status"]
    return f"Nothing was submitted: job {job} is there on lock {lock} ({status})."
