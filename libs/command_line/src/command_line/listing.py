"""turnstile jobs and turnstile events. As in `main`, what they need is imported when they run."""

# ruff: noqa: PLC0415

from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import typer

from command_line.output import connected, print_json
from command_line.shared_options import DEFAULT_URL, Json, Url, checked_name, whole_number
from contracts.statuses import JobStatus

JOBS_EPILOG = (
    "Example: `turnstile jobs --status Failed --status TimedOut --since 2026-11-29`  \n"
    "Example: `turnstile jobs --lock ledger-2026 --property team=accounts --json`"
)
EVENTS_EPILOG = (
    "Example: `turnstile events --limit 100`  \n"
    "Example: `turnstile events 018f6c3e-7b1a-7c4e-9d3a-0123456789ab`"
)

_RECENT = 30

#: Most items of a list.
_MOST = 10_000


def jobs(
    statuses: Annotated[
        list[JobStatus] | None,
        typer.Option("--status", case_sensitive=False, help="Only jobs with this status; repeatable."),
    ] = None,
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", help="Only jobs of this kind; repeatable.")
    ] = None,
    lock: Annotated[str | None, typer.Option(help="Only jobs of this lock.")] = None,
    worker: Annotated[
        str | None, typer.Option(help="Only jobs that this worker ran last or runs now.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="BEGINNING", help="Only jobs whose name begins with this text.")
    ] = None,
    name_contains: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Only jobs whose name or id contains this text, in any case."),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="KEY=VALUE", help="Only jobs with this property; repeatable."),
    ] = None,
    taken_over: Annotated[
        bool, typer.Option("--taken-over", help="Only jobs that were interrupted and taken over.")
    ] = False,
    finalized: Annotated[
        bool, typer.Option("--finalized", help="Also jobs that were finalized, which are left out otherwise.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="ISO", help="Only jobs submitted at or after this time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="ISO", help="Only jobs submitted before this time.")
    ] = None,
    limit: Annotated[
        int,
        typer.Option(metavar="N", parser=whole_number(1, _MOST), help="Maximum number of jobs."),
    ] = _RECENT,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List jobs, newest first.

    A job must meet all filters. Of several --status, or several --kind, it must meet one. A time without an
    offset is local time. A change appears here shortly after it happened; `turnstile show` knows it at once.
    """
    from command_line.moments import option_moment
    from command_line.parameters import read_properties
    from command_line.reports import print_jobs

    filters = {
        "status": [status.value for status in statuses or []],
        "kind": kinds,
        "lock": lock,
        "worker": worker,
        "name_prefix": name,
        "name_contains": name_contains,
        "property": [
            f"{key}:{value}" for pair in properties or [] for key, value in read_properties([pair]).items()
        ],
        "taken_over": "true" if taken_over else None,
        "finalized": "true" if finalized else None,
        "submitted_from": _in_url(option_moment("--since", since)),
        "submitted_before": _in_url(option_moment("--until", until)),
    }
    given = {key: value for key, value in filters.items() if value not in (None, [])}
    with connected(url, as_json=as_json) as api:
        found = api.listing("/api/v1/jobs", limit, **given)
        if as_json:
            print_json({"items": found.items, "has_more": found.has_more})
        else:
            print_jobs(found.items, has_filters=bool(given), has_more=found.has_more)


def _in_url(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def events(
    job_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB]", help="Id of a job; without it, the events of all jobs.", callback=checked_name
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number(1, _MOST),
            help=f"Maximum number of events.  [default: {_RECENT}; all events of a job]",
            show_default=False,
        ),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List the newest events of all jobs, newest first; or the events of one job, from the first."""
    from command_line.reports import print_events, print_recent_events

    with connected(url, as_json=as_json) as api:
        if job_id is None:
            found = api.listing("/api/v1/events", limit or _RECENT)
        else:
            found = api.listing(f"/api/v1/jobs/{quote(job_id, safe='')}/events", limit)
        if as_json:
            print_json({"items": found.items, "has_more": found.has_more})
        elif job_id is None:
            print_recent_events(found.items, has_more=found.has_more)
        else:
            print_events(found.items, has_more=found.has_more)
