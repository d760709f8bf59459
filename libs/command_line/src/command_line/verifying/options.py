"""What can be said after `turnstile verify`; the checker itself is loaded only when it runs."""

# ruff: noqa: PLC0415

from pathlib import Path
from typing import Annotated

import typer

EPILOG = (
    "Example: `turnstile verify --since 2026-11-21T08:00Z --html verdict.html`  \n"
    "Reads the storage that TURNSTILE_STORAGE_CONNECTION_STRING and TURNSTILE_STORAGE_NAMESPACE name.  \n"
    "Exit codes: 0 all holds, 1 it does not, 2 cannot be done, or there is nothing to check, "
    "5 the storage does not answer."
)


def verify(
    locks: Annotated[
        list[str] | None, typer.Option("--lock", help="Only this lock; may be given again.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="ISO", help="What went on then or later.")] = None,
    until: Annotated[str | None, typer.Option(metavar="ISO", help="What went on before.")] = None,
    sink: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ledger of the effect sink (JSON lines).")
    ] = None,
    accepted: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ids that must have ended, one a line.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with the picture of all runs.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How much clocks may differ.")
    ] = 5.0,
    patience: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long trail, leases and lists may catch up.")
    ] = 30.0,
    late_effects: Annotated[
        int, typer.Option(min=0, help="Effects a run may have after the next began, cut off within a call.")
    ] = 1,
    take_over_within: Annotated[
        list[str] | None,
        typer.Option(metavar="CAUSE=SECONDS", help="Limit for runner_died, worker_stopped or worker_lost."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> None:
    """Prove from what was recorded that the promises were kept, or show where they were not."""
    from command_line.verifying.command import Asked, run

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
