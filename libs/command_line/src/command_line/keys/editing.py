"""Changing the file of keys: what its keeper wrote around the change stays, comments too."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from contracts.access import Role, Scope
from contracts.api_keys import KeyFileError, NewKey, StoredKey, clients_of

#: Of a new file: what is in it could be tried against guesses, and says who may do what.
_MODE = 0o600


class NoSuchKeyError(Exception):
    """No client has a key with the id."""


@dataclass(frozen=True)
class Grant:
    """What a client is to have; what is None or empty stays as it is."""

    role: Role | None = None
    scopes: Sequence[Scope] = ()
    locks: Sequence[str] = ()
    kinds: Sequence[str] = ()


def add_key(path: Path, client: str, grant: Grant, key: NewKey) -> None:
    """Add a key of a client, which may be new, and what it is granted. Raises KeyFileError or OSError."""

    def edit(document: Any) -> None:
        clients = document.setdefault("clients", tomlkit.table(is_super_table=True))
        table = clients.setdefault(client, tomlkit.table())
        if grant.role is not None:
            table["role"] = str(grant.role)
        for name, values in (("scopes", grant.scopes), ("locks", grant.locks), ("kinds", grant.kinds)):
            if values:
                table[name] = [str(value) for value in values]
        if not (table.get("role") or table.get("scopes")):
            raise KeyFileError(f"client {client} is new: say what it may do, with --role or --scope")
        table.setdefault("keys", tomlkit.aot()).append(_table(key.stored))

    _change(path, edit)


def remove_key(path: Path, key_id: str) -> str:
    """Remove a key, and return its client. Raises NoSuchKeyError, KeyFileError or OSError."""
    owner = ""

    def edit(document: Any) -> None:
        nonlocal owner
        for name, table in document.get("clients", {}).items():
            for number, key in enumerate(table.get("keys", ())):
                if key["id"] == key_id:
                    del table["keys"][number]
                    if not table["keys"]:
                        # An empty list of tables would be written as one of values.
                        del table["keys"]
                    owner = name
                    return
        raise NoSuchKeyError

    _change(path, edit)
    return owner


def _table(key: StoredKey) -> Any:
    table = tomlkit.table()
    table["id"] = key.id
    table["sha256"] = key.sha256
    table["created"] = key.created
    if key.expires is not None:
        table["expires"] = key.expires
    table.add(tomlkit.nl())
    return table


def _change(path: Path, edit: Callable[[Any], None]) -> None:
    """Change the file as one: a reader sees it as it was, or as it is then, and two changes do not mix."""
    with _alone(path.parent):
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        clients_of(path, old.encode())
        document = tomlkit.parse(old)
        edit(document)
        new = tomlkit.dumps(document).encode()
        clients_of(path, new)
        _replace(path, new)


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else _MODE
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
