"""Options of `turnstile verify`; the checker itself is loaded only when it runs."""

# ruff: noqa: PLC0415

from pathlib import Path
from typing import Annotated

import typer

from command_line.exit_codes import USAGE
from command_line.output import complain
from command_line.shared_options import seconds, whole_number

_INSTALL = "install turnstile-cli[verify]"

EPILOG = (
    "Example: `turnstile verify --since 2026-11-21T08:00Z --html verdict.html`  \n"
    "Needs the extra `turnstile-cli[verify]`. "
    "Reads the storage that TURNSTILE_STORAGE_CONNECTION_STRING and TURNSTILE_STORAGE_NAMESPACE name.  \n"
    "Exit codes: 0 all checks passed, 1 a check failed, 2 invalid options or nothing to check, "
    "5 the storage does not answer."
)


def verify(
    locks: Annotated[
        list[str] | None, typer.Option("--lock", help="Check only this lock; repeatable.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="ISO", help="Only jobs that were active at or after this time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="ISO", help="Only jobs that were active before this time.")
    ] = None,
    sink: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ledger of the effect sink (JSON lines).")
    ] = None,
    accepted: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File of job ids that must have ended, one per line.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write an HTML page with a picture of all runs.")
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(metavar="SECONDS", parser=seconds, help="Allowed difference between clocks."),
    ] = 5.0,
    patience: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            parser=seconds,
            help="How long to wait for the audit trail, leases and lists to catch up.",
        ),
    ] = 30.0,
    late_effects: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole_number(0),
            help="Allowed late effects per interrupted run (a call already in progress).",
        ),
    ] = 1,
    take_over_within: Annotated[
        list[str] | None,
        typer.Option(metavar="CAUSE=SECONDS", help="Limit for runner_died, worker_stopped or worker_lost."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> None:
    """Check from the records that all guarantees were kept, or show the violations."""
    try:
        from command_line.verifying.command import Asked, run
    except ModuleNotFoundError as missing:
        complain(f"verify needs packages that are not installed, such as {missing.name}: {_INSTALL}")
        raise typer.Exit(USAGE) from None

    asked = Asked(
        locks or [],
        since,
        until,
        sink,
        accepted,
        html,
        tolerance,
        patience,
        late_effects,
        take_over_within or [],
    )
    run(asked, as_json=as_json)
