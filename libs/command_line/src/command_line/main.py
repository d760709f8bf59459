"""The turnstile command. What a command needs is imported when it runs, so that help comes at once."""

# ruff: noqa: PLC0415

from typing import Annotated
from urllib.parse import quote

import typer

from command_line import (
    applying,
    batches,
    draining,
    listing,
    locking,
    pinning,
    quarantine,
    results,
    retrying,
    schedules,
    submitting,
    workers,
)
from command_line.exit_codes import BY_STATUS
from command_line.output import connected, print_json, print_link
from command_line.pruning import options as pruning
from command_line.shared_options import (
    DEFAULT_URL,
    Actor,
    DashboardUrl,
    JobId,
    Json,
    Reason,
    Url,
    checked_link,
    whole_number,
)
from command_line.verifying import options

app = typer.Typer(
    name="turnstile",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Run long jobs one at a time per lock, and follow them.",
    epilog="Exit codes: 0 done (`watch`, `result`: Completed), 1 Failed, 2 invalid, refused or not found, "
    "3 Cancelled, 4 TimedOut, 5 unreachable, 6 Expired, 7 not ended.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"turnstile {version('turnstile-cli')}")
        raise typer.Exit


@app.callback()
def turnstile(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run long jobs one at a time per lock, and follow them."""


app.command(epilog=submitting.EPILOG)(submitting.submit)


@app.command(epilog="Example: `turnstile watch 018f6c3e-7b1a-7c4e-9d3a-0123456789ab && echo done`")
def watch(
    job_id: JobId, dashboard_url: DashboardUrl = "", url: Url = DEFAULT_URL, as_json: Json = False
) -> None:
    """Watch a job until it ends; the exit code is its outcome.

    0 Completed, 1 Failed, 3 Cancelled, 4 TimedOut, 6 Expired. Ctrl-C stops watching; the job continues.
    """
    from command_line.watching import watch_job

    with connected(url, as_json=as_json) as api:
        if not as_json:
            print_link(dashboard_url, job_id)
        job = watch_job(api, job_id, as_json=as_json)
        raise typer.Exit(BY_STATUS[job["status"]])


app.command(epilog=results.EPILOG)(results.result)
app.command(epilog=batches.EPILOG)(batches.submit_file)
app.command(epilog=listing.JOBS_EPILOG)(listing.jobs)
app.command(epilog=listing.EVENTS_EPILOG)(listing.events)


@app.command(epilog="Example: `turnstile show 018f6c3e-7b1a-7c4e-9d3a-0123456789ab`")
def show(job_id: JobId, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show a job: its status, its result and its events; while it waits, also when it is likely to start.

    The start is estimated from the progress of the running job, once it runs for 60 s, and from at least 3
    completed jobs of each kind ahead of it.
    """
    with connected(url, as_json=as_json) as api:
        path = f"/api/v1/jobs/{quote(job_id, safe='')}"
        job = api.get(path)
        events = api.items(f"{path}/events")
        if as_json:
            print_json(job | {"events": events})
        else:
            from command_line.reports import print_job

            print_job(job, events)


@app.command(epilog="Example: `turnstile trace 018f6c3e-7b1a-7c4e-9d3a-0123456789ab --follow`")
def trace(
    job_id: JobId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Update the picture until the job ends.")
    ] = False,
    shows_all: Annotated[
        bool, typer.Option("--all", help="Show every step, even if there are very many.")
    ] = False,
    jaeger_url: Annotated[
        str,
        typer.Option(
            envvar="TURNSTILE_JAEGER_URL",
            help="Address of Jaeger, for a link to the trace.",
            metavar="URL",
            callback=checked_link,
        ),
    ] = "",
    grafana_url: Annotated[
        str,
        typer.Option(
            envvar="TURNSTILE_GRAFANA_URL",
            help="Address of Grafana, for a link to the dashboard.",
            metavar="URL",
            callback=checked_link,
        ),
    ] = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Draw a job's trace from its events: where its time went, attempt by attempt, step by step.

    Needs no tracing backend, and shows a job while it runs. With --follow the exit code is its outcome, as
    for `watch`.
    """
    from command_line.tracing import Tracing

    with connected(url, as_json=as_json) as api:
        tracing = Tracing(api, job_id, jaeger_url=jaeger_url, grafana_url=grafana_url)
        if follow:
            tracing.follow(is_shown=not as_json, shows_all=shows_all)
        tracing.print(as_json=as_json, shows_all=shows_all)
        if follow:
            raise typer.Exit(BY_STATUS[tracing.job["status"]])


app.command(epilog=locking.EPILOG)(locking.locks)


@app.command(epilog="Example: `turnstile cancel 018f6c3e-7b1a-7c4e-9d3a-0123456789ab --reason 'wrong month'`")
def cancel(
    job_id: JobId,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Cancel a job: a waiting job at once, a running job at its next check."""
    from command_line.done import print_cancelled

    with connected(url, as_json=as_json, actor=actor) as api:
        body = {"reason": reason} if reason else None
        job = api.post(f"/api/v1/jobs/{quote(job_id, safe='')}/cancel", body)
        print_json(job) if as_json else print_cancelled(job)


app.command(epilog=retrying.EPILOG)(retrying.retry)


@app.command(
    epilog="Example: `turnstile finalize 018f6c3e-7b1a-7c4e-9d3a-0123456789ab --reason 'booked by hand'`"
)
def finalize(
    job_id: JobId,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Say that a job that ended without completing needs no attention: lists leave it out.

    The first one counts: the command says if the job was finalized before, with --json as `"existing": true`.
    """
    from command_line.done import print_finalized

    with connected(url, as_json=as_json, actor=actor) as api:
        job = api.finalize(job_id, reason)
        print_json(job) if as_json else print_finalized(job)


app.command(epilog=pinning.PIN_EPILOG)(pinning.pin)
app.command(epilog=pinning.UNPIN_EPILOG)(pinning.unpin)


@app.command(epilog="Example: `turnstile kinds --json`")
def kinds(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """List the kinds of jobs that workers know, with their parameters."""
    from command_line.reports import print_kinds

    with connected(url, as_json=as_json) as api:
        found = api.items("/api/v1/kinds")
        print_json({"items": found}) if as_json else print_kinds(found)


@app.command(epilog="Example: `turnstile publish`")
def publish(
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number(0),
            help="Seed of the random choices; the same seed sends the same jobs.",
        ),
    ] = None,
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Send a random demonstration job for every key press; q quits. Needs a terminal."""
    from command_line.publishing import publish_by_keys

    with connected(url, as_json=as_json, actor=actor) as api:
        publish_by_keys(api, seed, as_json=as_json)


app.add_typer(schedules.app)
app.command(epilog=applying.EPILOG)(applying.apply)
app.command(epilog=workers.EPILOG)(workers.workers)
app.command(epilog=draining.DRAIN_EPILOG)(draining.drain)
app.command(epilog=draining.RESUME_EPILOG)(draining.resume)
app.command(epilog=quarantine.EPILOG)(quarantine.quarantine)
app.command(epilog=options.EPILOG)(options.verify)
app.command(epilog=pruning.EPILOG)(pruning.prune)
