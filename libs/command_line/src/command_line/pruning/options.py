"""Options of `turnstile prune`; what it needs is loaded only when it runs."""

# ruff: noqa: PLC0415

from typing import Annotated

import typer

from command_line.exit_codes import USAGE
from command_line.output import complain

_INSTALL = "install turnstile-cli[verify]"

EPILOG = (
    "Example: `turnstile prune --older-than 30d` shows what would go; with `--yes` it goes.  \n"
    "Needs the extra `turnstile-cli[verify]`. "
    "Changes the storage that TURNSTILE_STORAGE_CONNECTION_STRING and TURNSTILE_STORAGE_NAMESPACE name.  \n"
    "Exit codes: 0 done or nothing to do, 1 some locks were left alone, 2 invalid options, "
    "5 the storage does not answer: repeat the command."
)


def prune(
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Only jobs that ended longer ago: 30d, 12h; s, m, h, d or w.")
    ],
    locks: Annotated[
        list[str] | None, typer.Option("--lock", help="Only jobs of this lock; repeatable.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them. Without it, nothing changes.")] = False,
    actor: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Who removes them, for the record; by default `cli:` and the name of the user.",
        ),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> None:
    """Remove old jobs that have ended, so that the storage stops growing; what stays is still provable.

    Goes from the beginning of each lock's history, as far as all jobs are old enough, after a check of that
    history. Ids of removed jobs stay in use.
    """
    try:
        from command_line.pruning.command import Asked, run
    except ModuleNotFoundError as missing:
        complain(f"prune needs packages that are not installed, such as {missing.name}: {_INSTALL}")
        raise typer.Exit(USAGE) from None

    run(Asked(older_than, locks or [], actor), is_carried_out=yes, as_json=as_json)
