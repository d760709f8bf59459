"""API keys: what they look like, how they are kept, and the file that names the clients that have them.

```toml
[clients.billing]
role = "submitter"
scopes = ["cancel"]
locks = ["ledger-"]

[[clients.billing.keys]]
id = "k3m9x2ab"
sha256 = "…"
created = 2026-11-30T13:00:00Z
expires = 2027-11-30T13:00:00Z
```

A key has 256 random bits, so no one can find it from a plain SHA-256: a slow hash would protect nothing more.
"""

import hashlib
import hmac
import re
import secrets
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.access import CLIENT_NAME, CLIENT_NAME_IN_WORDS, OF_ALL_LOCKS, Client, Role, Scope, scopes_of
from contracts.field_words import in_words

#: What a key looks like: `ts_`, its id, and the secret.
KEY = re.compile(r"ts_(?P<id>[a-z0-9]{8})_[A-Za-z0-9_-]{43}")

#: Keys of one client that are good at the same time: the one in use, and the one that replaces it.
MOST_LIVE = 2

_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH = 8
_SECRET_BYTES = 32

#: Compared with when no key has the id, so that the answer takes as long.
_OF_NO_KEY = bytes(32)


class KeyFileError(ValueError):
    """The file cannot be used; the message names the place and the reason."""


class UnknownKeyError(Exception):
    """No client has the key, or its time is over."""


class StoredKey(BaseModel):
    """A key as the file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=f"^[a-z0-9]{{{_ID_LENGTH}}}$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    created: AwareDatetime
    #: None for a key that is good until it is revoked.
    expires: AwareDatetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Return whether its time is not over."""
        return self.expires is None or now < self.expires


class StoredClient(BaseModel):
    """A client as the file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role | None = None
    scopes: tuple[Scope, ...] = ()
    locks: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    kinds: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    rate: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    burst: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    keys: tuple[StoredKey, ...] = ()

    @property
    def is_limited(self) -> bool:
        """Whether it may use some locks or kinds only."""
        return self.locks is not None or self.kinds is not None

    @model_validator(mode="after")
    def _scopes_fit_the_limits(self) -> "StoredClient":
        if self.locks is not None and not all(prefix.strip() for prefix in self.locks):
            raise ValueError("locks must have no empty text; leave locks out to allow all")
        wide = sorted(OF_ALL_LOCKS.intersection(self.scopes)) if self.is_limited else []
        if wide:
            raise ValueError(f"scopes: {wide[0]} is about all locks; leave it out, or locks and kinds")
        return self

    def client(self, name: str) -> Client:
        """Return the client with what it may do."""
        return Client(
            name=name,
            scopes=scopes_of(self.role, self.scopes, is_limited=self.is_limited),
            locks=None
            if self.locks is None
            else tuple(unicodedata.normalize("NFC", prefix) for prefix in self.locks),
            kinds=None if self.kinds is None else frozenset(self.kinds),
            rate=self.rate,
            burst=self.burst,
        )


@dataclass(frozen=True)
class NewKey:
    """A key, which is shown once, and what is kept of it."""

    text: str
    stored: StoredKey


def new_key(now: datetime, expires: datetime | None) -> NewKey:
    """Make a random key."""
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
    text = f"ts_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return NewKey(text, StoredKey(id=key_id, sha256=_digest(text).hex(), created=now, expires=expires))


class KeyRing:
    """The keys of all clients."""

    def __init__(self, clients: Mapping[str, StoredClient]) -> None:
        self._keys = {
            key.id: (bytes.fromhex(key.sha256), key, stored.client(name))
            for name, stored in clients.items()
            for key in stored.keys
        }

    def client(self, key: str, now: datetime) -> Client:
        """Return the client that has a key. Raises UnknownKeyError, whatever is wrong with it."""
        form = KEY.fullmatch(key)
        digest = _digest(key)
        expected, stored, client = self._keys.get(
            "" if form is None else form["id"], (_OF_NO_KEY, None, None)
        )
        is_right = hmac.compare_digest(digest, expected)
        if client is None or stored is None or not is_right or not stored.is_live(now):
            raise UnknownKeyError
        return client


def read_clients(path: Path) -> Mapping[str, StoredClient]:
    """Return the clients of a file by name. Raises KeyFileError or OSError."""
    return clients_of(path, path.read_bytes())


def clients_of(path: Path, content: bytes) -> Mapping[str, StoredClient]:
    """Return the clients that the content of a file names. Raises KeyFileError."""
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} is not TOML: {error}") from None
    unknown = sorted(document.keys() - {"clients"})
    tables = document.get("clients", {})
    if unknown or not isinstance(tables, dict):
        found = f", and not {unknown[0]!r}" if unknown else ""
        raise KeyFileError(f"{path} has tables [clients.NAME]{found}")
    clients = {name: _client(path, name, table) for name, table in sorted(tables.items())}
    _check_keys(path, clients)
    return clients


def _client(path: Path, name: str, table: Any) -> StoredClient:
    if not re.fullmatch(CLIENT_NAME, name):
        raise KeyFileError(f"{path}: {name!r} cannot name a client; use {CLIENT_NAME_IN_WORDS}")
    try:
        return StoredClient.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("clients", name, *first["loc"]))
        raise KeyFileError(f"{path}: {place}: {in_words(first, StoredClient)}") from None


def _check_keys(path: Path, clients: Mapping[str, StoredClient]) -> None:
    now = datetime.now(UTC)
    owners: dict[str, str] = {}
    for name, client in clients.items():
        for key in client.keys:
            if key.id in owners:
                raise KeyFileError(f"{path}: clients.{name}: {owners[key.id]} has the key {key.id} already")
            owners[key.id] = name
        if sum(key.is_live(now) for key in client.keys) > MOST_LIVE:
            raise KeyFileError(
                f"{path}: clients.{name}: has more than {MOST_LIVE} keys that are good; revoke one"
            )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
