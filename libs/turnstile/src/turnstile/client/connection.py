"""The connection of a client to a publisher."""

from collections.abc import Mapping
from typing import Any

import httpx

#: Where the publisher of `make up` is.
DEFAULT_URL = "http://127.0.0.1:8000"

#: Longest name of a caller, as the publisher has it.
_LONGEST_ACTOR = 100


def options(url: str, actor: str, headers: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the options of an HTTP client.

    Raises ValueError for what is not an address of a publisher, or not a name of an actor.
    """
    address = url.rstrip("/")
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(f"{url!r} is not an address of a publisher, such as {DEFAULT_URL}")
    if len(actor) > _LONGEST_ACTOR or not actor.isprintable():
        wanted = f"must have 1 to {_LONGEST_ACTOR} printable characters"
        raise ValueError(f"the actor {actor[:_LONGEST_ACTOR]!r} {wanted}")
    return {
        "base_url": address,
        # HTTP libraries refuse a text that is not ASCII; the publisher reads UTF-8.
        "headers": dict(headers or {}) | ({"X-Actor": actor.encode()} if actor else {}),
        # A proxy is for other machines.
        "trust_env": parsed.host not in {"127.0.0.1", "localhost", "::1"},
    }


def given(query: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters of a query that have a value."""
    return {name: value for name, value in (query or {}).items() if value is not None and value != []}
