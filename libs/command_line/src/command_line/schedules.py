"""turnstile schedules: list, show, create, change, pause, resume, run and delete recurring jobs."""

# ruff: noqa: PLC0415

from enum import StrEnum
from typing import Annotated, Any

import typer

from command_line.output import connected, print_json
from command_line.shared_options import (
    DEFAULT_URL,
    Actor,
    Json,
    Priority,
    Reason,
    Url,
    checked_name,
    some_seconds,
    whole_number,
)
from command_line.submitting import OnConflict

app = typer.Typer(name="schedules", no_args_is_help=True, rich_markup_mode="markdown", help="Recurring jobs.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.", callback=checked_name)]


class Misfire(StrEnum):
    """What becomes of due times that were missed."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


@app.command("list", epilog="Example: `turnstile schedules list`")
def list_schedules(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """List the schedules by name, with the next due time and what became of the latest one."""
    from command_line.schedule_reports import print_schedules
    from turnstile.client.schedules import SCHEDULES

    with connected(url, as_json=as_json) as api:
        found = api.items(SCHEDULES)
        print_json({"items": found}) if as_json else print_schedules(found)


@app.command(epilog="Example: `turnstile schedules show close-of-day`")
def show(name: Name, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show a schedule: its next due times, what became of the latest ones, and who changed it."""
    from command_line.schedule_reports import print_schedule
    from turnstile.client.schedules import schedule_path

    with connected(url, as_json=as_json) as api:
        schedule = api.get(schedule_path(name))
        events = api.items(schedule_path(name, "/events"))
        print_json(schedule | {"events": events}) if as_json else print_schedule(schedule, events)


@app.command(
    epilog="Example: `turnstile schedules put close-of-day ten-steps --cron '30 2 * * MON-FRI' "
    "--zone Europe/Berlin --lock ledger --on-conflict skip`  \n"
    "Example: `turnstile schedules put digest checksum-file --every 900 -p path=ledger.csv --misfire skip`"
)
def put(
    name: Name,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="Kind of the job; `turnstile kinds` lists all kinds.")
    ],
    cron: Annotated[
        str | None, typer.Option(metavar="EXPRESSION", help="5 fields, 6 with the seconds first, or @daily.")
    ] = None,
    zone: Annotated[str, typer.Option(help="IANA time zone of the expression.")] = "UTC",
    every: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            parser=some_seconds,
            help="Time between two due times, instead of --cron.",
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="ISO", help="Nothing is due before this time; it needs an offset.")
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="ISO", help="Nothing is due after this time; it needs an offset.")
    ] = None,
    misfire: Annotated[Misfire, typer.Option(help="What becomes of due times that were missed.")] = (
        Misfire.ONCE
    ),
    misfire_limit: Annotated[
        int,
        typer.Option(
            metavar="1..100", parser=whole_number(1, 100), help="Most due times that `all` makes up for."
        ),
    ] = 10,
    misfire_after: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            parser=some_seconds,
            help="Time after which a due time counts as missed.",
        ),
    ] = 60,
    lock: Annotated[str, typer.Option(help="Jobs with the same lock run one at a time.")] = "default",
    pairs: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="KEY=VALUE", help="A parameter; its value may be JSON."),
    ] = None,
    parameters: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE", help="All parameters; @- reads them from standard input."),
    ] = None,
    title: Annotated[str, typer.Option("--name", help="Title of the jobs, for people.")] = "",
    description: Annotated[str, typer.Option(help="Description of the schedule, for people.")] = "",
    priority: Priority = 5,
    on_conflict: Annotated[
        OnConflict | None,
        typer.Option(help="What to do when a job of the lock waits or runs; queue by default."),
    ] = None,
    expires_in: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            parser=some_seconds,
            help="The job ends as Expired if it has not started by then.",
        ),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="KEY=VALUE", help="A property to find the jobs by; repeatable."),
    ] = None,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Create a schedule, or let it be what is given here, all of it; the same again changes nothing."""
    from command_line.parameters import read_parameters, read_properties
    from command_line.schedule_reports import print_schedule
    from turnstile.client.schedules import schedule_path

    job: dict[str, Any] = {
        "kind": kind,
        "lock": lock,
        "parameters": read_parameters(parameters, pairs or []),
        "name": title,
        "priority": priority,
        "on_conflict": on_conflict,
        "expires_in": expires_in,
        "properties": read_properties(properties or []),
    }
    times = {"cron": cron, "interval": every, "start": start, "end": end}
    body = {
        **{field: value for field, value in times.items() if value is not None},
        "zone": zone,
        "misfire": misfire,
        "misfire_limit": misfire_limit,
        "misfire_after": misfire_after,
        "description": description,
        "reason": reason,
        "job": {field: value for field, value in job.items() if value is not None},
    }
    with connected(url, as_json=as_json, actor=actor) as api:
        schedule = api.ask("PUT", schedule_path(name), body)
        print_json(schedule) if as_json else print_schedule(schedule, [])


@app.command(epilog='Example: `turnstile schedules pause close-of-day --reason "month\'s end"`')
def pause(
    name: Name,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Pause a schedule: nothing is due until it is resumed."""
    _change(name, ":pause", reason, url, actor, as_json=as_json)


@app.command(epilog="Example: `turnstile schedules resume close-of-day`")
def resume(
    name: Name,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Resume a schedule: it is due again from now on."""
    _change(name, ":resume", reason, url, actor, as_json=as_json)


@app.command(epilog="Example: `turnstile schedules run close-of-day --reason 'the numbers are in'`")
def run(
    name: Name,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Submit the job of a schedule now, also of one that is paused; its next due time stays."""
    from command_line.schedule_reports import print_run
    from turnstile.client.schedules import run_body, schedule_path

    with connected(url, as_json=as_json, actor=actor) as api:
        ran = api.ask_twice("POST", schedule_path(name, ":run"), run_body(reason, None))
        print_json(ran) if as_json else print_run(ran)


@app.command(epilog="Example: `turnstile schedules delete close-of-day --reason 'the ledger is closed'`")
def delete(
    name: Name,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Delete a schedule. Its jobs stay, and so does its audit trail."""
    from command_line.output import console
    from turnstile.client.schedules import schedule_path

    with connected(url, as_json=as_json, actor=actor) as api:
        schedule = api.ask("DELETE", schedule_path(name), None, reason=reason or None)
        print_json(schedule) if as_json else console().print("The schedule is deleted.")


def _change(name: str, what: str, reason: str, url: str, actor: str, *, as_json: bool) -> None:
    from command_line.schedule_reports import print_schedule
    from turnstile.client.schedules import reason_body, schedule_path

    with connected(url, as_json=as_json, actor=actor) as api:
        schedule = api.post(schedule_path(name, what), reason_body(reason))
        print_json(schedule) if as_json else print_schedule(schedule, [])
