"""turnstile keys new, list and revoke. As in `main`, what they need is imported when they run."""

# ruff: noqa: PLC0415

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from command_line.exit_codes import USAGE
from command_line.output import clock_time, complain, console, print_json, remark, safe
from command_line.shared_options import Json, whole_number
from contracts.access import Role, Scope

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="API keys, in a file on this machine.",
)

_LONGEST_DAYS = 3650

File = Annotated[
    Path,
    typer.Option(
        "--file",
        envvar="TURNSTILE_KEYS_FILE",
        metavar="FILE",
        help="File of keys (TOML), as the publisher's TURNSTILE_KEYS_FILE names it.",
    ),
]


@app.command(
    epilog="Example: `turnstile keys new billing --role submitter --lock ledger- --file keys.toml > key`"
)
def new(
    client: Annotated[
        str, typer.Argument(metavar="CLIENT", help="Name of the client; actions are recorded under it.")
    ],
    file: File,
    role: Annotated[Role | None, typer.Option(metavar="|".join(Role), help="What the client may do.")] = None,
    scopes: Annotated[
        list[Scope] | None,
        typer.Option("--scope", metavar="SCOPE", help="A scope besides those of the role; repeat it."),
    ] = None,
    locks: Annotated[
        list[str] | None,
        typer.Option(
            "--lock",
            metavar="PREFIX",
            help="Beginning of the names of the locks that the client may use; repeat it. Without it: all.",
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="KIND", help="A kind that the client may submit; repeat it. Without it: all."
        ),
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            metavar=f"0..{_LONGEST_DAYS}",
            parser=whole_number(0, _LONGEST_DAYS),
            help="Days for which the key is good; 0 is for good.",
        ),
    ] = 365,
    as_json: Json = False,
) -> None:
    """Make a key for a client, and print it: once, as only its hash is kept.

    A client has two keys at most that are good, the one in use and the one that replaces it. A client that is
    there keeps what it may do, but for the options that are given.
    """
    from datetime import UTC, datetime, timedelta

    from command_line.keys.editing import Grant, add_key
    from contracts.api_keys import new_key

    now = datetime.now(UTC).replace(microsecond=0)
    key = new_key(now, now + timedelta(days=days) if days else None)
    with _clear_errors():
        add_key(file, client, Grant(role, scopes or (), locks or (), kinds or ()), key)
    if as_json:
        print_json(
            {"client": client, "key": key.text} | key.stored.model_dump(mode="json", exclude={"sha256"})
        )
        return
    typer.echo(key.text)
    until = "for good" if key.stored.expires is None else f"until {key.stored.expires:%Y-%m-%d}"
    remark(f"Key {key.stored.id} of {client}, good {until}. It is not shown again.")


@app.command("list", epilog="Example: `turnstile keys list --file keys.toml`")
def list_keys(file: File, as_json: Json = False) -> None:
    """List the clients of a file, what they may do, and their keys, without the keys themselves."""
    from contracts.api_keys import read_clients

    with _clear_errors():
        found = [_document(name, client) for name, client in read_clients(file).items()]
    print_json({"items": found}) if as_json else _print(found)


@app.command(epilog="Example: `turnstile keys revoke k3m9x2ab --file keys.toml`")
def revoke(
    key: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the key; `turnstile keys list` lists them.")
    ],
    file: File,
    as_json: Json = False,
) -> None:
    """Remove a key from the file. A publisher refuses it within a second or two."""
    from command_line.keys.editing import NoSuchKeyError, remove_key

    with _clear_errors():
        try:
            client = remove_key(file, key)
        except NoSuchKeyError:
            complain(f"no client in {file} has a key {key!r}; `turnstile keys list` lists them")
            raise typer.Exit(USAGE) from None
    if as_json:
        print_json({"client": client, "id": key})
    else:
        console().print(safe(f"Key {key} of {client} is revoked."))


@contextmanager
def _clear_errors() -> Iterator[None]:
    from contracts.api_keys import KeyFileError

    try:
        yield
    except KeyFileError as error:
        complain(str(error))
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}")
    else:
        return
    raise typer.Exit(USAGE)


def _document(name: str, stored: Any) -> dict[str, Any]:
    client = stored.client(name)
    return {
        "client": name,
        "role": stored.role,
        "scopes": sorted(client.scopes),
        "locks": None if client.locks is None else list(client.locks),
        "kinds": None if client.kinds is None else sorted(client.kinds),
        "keys": [key.model_dump(mode="json", exclude={"sha256"}) for key in stored.keys],
    }


def _print(clients: list[dict[str, Any]]) -> None:
    from datetime import UTC, datetime

    screen = console()
    if not clients:
        screen.print("The file names no client.")
    for client in clients:
        screen.print(
            safe(f"{client['client']} may {', '.join(client['scopes']) or 'do nothing'}"), soft_wrap=True
        )
        for name in ("locks", "kinds"):
            if client[name] is not None:
                screen.print(safe(f"  {name}: {', '.join(client[name])}"), soft_wrap=True)
        for key in client["keys"]:
            screen.print(safe(f"  key {key['id']}, {_times(key, datetime.now(UTC).isoformat())}"))
        if not client["keys"]:
            screen.print("  no key")


def _times(key: Mapping[str, Any], now: str) -> str:
    made = f"made {clock_time(key['created'], with_date=True)}"
    if key["expires"] is None:
        return f"{made}, good for good"
    word = "good until" if key["expires"] > now else "not good since"
    return f"{made}, {word} {clock_time(key['expires'], with_date=True)}"
