"""The connection of a client to a publisher."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from turnstile.client.arguments import encoded, mapping_of
from turnstile.client.calls import Request
from turnstile.client.errors import ClosedError, InvalidArgumentError

#: Where the publisher of `make up` is.
DEFAULT_URL = "http://127.0.0.1:8000"

#: Longest name of a caller, as the publisher has it.
_LONGEST_ACTOR = 100


def options(url: str, actor: str, headers: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the options of an HTTP client.

    Raises InvalidArgumentError for what is not an address of a publisher, a name of an actor, or a header.
    """
    address = url.rstrip("/") if isinstance(url, str) else ""
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise InvalidArgumentError("url", f"{url!r} is not an address of a publisher, such as {DEFAULT_URL}")
    if not isinstance(actor, str) or len(actor) > _LONGEST_ACTOR or not actor.isprintable():
        wanted = f"must have 1 to {_LONGEST_ACTOR} printable characters"
        raise InvalidArgumentError("actor", f"{str(actor)[:_LONGEST_ACTOR]!r} {wanted}")
    return {
        "base_url": address,
        # HTTP libraries refuse a text that is not ASCII; the publisher reads UTF-8.
        "headers": _checked(headers or {}) | ({"X-Actor": actor.encode()} if actor else {}),
        # A proxy is for other machines.
        "trust_env": parsed.host not in {"127.0.0.1", "localhost", "::1"},
    }


def given(query: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters of a query that have a value. Raises InvalidArgumentError."""
    asked = mapping_of("query", query or {})
    return {name: value for name, value in asked.items() if value is not None and value != []}


def built(http: httpx.Client | httpx.AsyncClient, asked: Request) -> httpx.Request:
    """Return a request as it is sent. Raises InvalidArgumentError for what no request can be."""
    content = None if asked.body is None else encoded(asked.body)
    headers = {} if content is None else {"Content-Type": "application/json"}
    try:
        return http.build_request(
            asked.method,
            asked.path,
            params=asked.query,
            content=content,
            headers=headers,
            timeout=asked.seconds,
        )
    except (TypeError, ValueError, AttributeError, httpx.InvalidURL) as error:
        raise InvalidArgumentError("request", f"{asked.path!r} cannot be asked for: {error}") from error


@contextmanager
def open_client(http: httpx.Client | httpx.AsyncClient) -> Iterator[None]:
    """Raise ClosedError where a client is used after it was closed."""
    try:
        yield
    except RuntimeError as error:
        if http.is_closed:
            raise ClosedError from error
        raise


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in mapping_of("headers", headers).items():
        for text in (name, value):
            if not (isinstance(text, str) and text.isascii() and text.isprintable()):
                raise InvalidArgumentError(
                    "headers", f"{text!r} must be a text of printable ASCII characters"
                )
    return dict(headers)
