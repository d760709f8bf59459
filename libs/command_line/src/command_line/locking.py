"""turnstile locks. As in `main`, what it needs is imported when it runs."""

# ruff: noqa: PLC0415

from typing import Annotated
from urllib.parse import quote

import typer

from command_line.output import connected, print_json
from command_line.shared_options import DEFAULT_URL, Actor, Json, Url, checked_name, whole_number

EPILOG = (
    "Examples: `turnstile locks ledger-2026`, "
    "`turnstile locks set ledger-2026 --limit 3 --reason 'three writers'`"
)

#: Highest limit of a lock.
MOST_SLOTS = 64

#: The first word of `turnstile locks set LOCK --limit N`; a lock of that name is shown without a second one.
_SET = "set"


def locks(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Name of a lock; without it, all locks. Or `set`, and a name.",
            callback=checked_name,
        ),
    ] = None,
    to_set: Annotated[
        str | None,
        typer.Argument(
            metavar="[LOCK]", help="After `set`: the lock whose limit is set.", callback=checked_name
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="1..64",
            parser=whole_number(1, MOST_SLOTS),
            help="With `set`: how many jobs of the lock may run at the same time.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="With `set`: why; it is kept with the limit.")] = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show the holder of a lock, its fence, since when it holds it, and the waiting jobs; or set its limit.

    A lower limit ends no job that runs; no more are started above it.
    """
    from command_line.reports import print_lock, print_locks

    _check(name, to_set, limit)
    with connected(url, as_json=as_json, actor=None if to_set is None else actor) as api:
        if name is None:
            found = api.items("/api/v1/locks")
            print_json({"items": found}) if as_json else print_locks(found)
            return
        if to_set is None:
            lock = api.get(_path(name))
        else:
            lock = api.put(_path(to_set), {"limit": limit} | ({"reason": reason} if reason else {}))
        print_json(lock) if as_json else print_lock(lock)


def _check(name: str | None, to_set: str | None, limit: int | None) -> None:
    """Raise BadParameter where the words do not go together."""
    if to_set is not None and name != _SET:
        raise typer.BadParameter(f"only `set` takes a second name: turnstile locks {_SET} {to_set} --limit 3")
    if (to_set is None) != (limit is None):
        raise typer.BadParameter("a limit is set by: turnstile locks set LOCK --limit 3")


def _path(name: str) -> str:
    return f"/api/v1/locks/{quote(name, safe='').replace('.', '%2E')}"
