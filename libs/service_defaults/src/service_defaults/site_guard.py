"""Refuses what pages of other sites let a browser send, and says to browsers what they may do with answers.

A browser sends a request to this machine, or to its network, for any page that it shows. A page can also have
its own host name point here (DNS rebinding), and would then read the answers: such a request names the page's
host, not this one.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from service_defaults.health import LIVE, READY

#: Names by which a machine reaches itself.
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

App = Callable[[Any, Any, Any], Awaitable[None]]
#: Answers a request that is refused: scope, receive, send, and why: WRONG_HOST or CROSS_SITE.
Refuse = Callable[[Any, Any, Any, str], Awaitable[None]]

WRONG_HOST, CROSS_SITE = "wrong_host", "cross_site_request"

#: Asked by address, by what sees whether a service lives; they show nothing of what it does.
_FOR_ALL = {LIVE, READY}

_Headers = tuple[tuple[bytes, bytes], ...]

_HEADERS: _Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
#: Answers about jobs are for the one who asks alone.
_OF_API = (*_HEADERS, (b"cache-control", b"no-store"))
_API = "/api/"


class SiteGuard:
    """Middleware that checks where a request comes from, and adds headers to its answer."""

    def __init__(self, app: App, *, hosts: Iterable[str] | None, refuse: Refuse) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(hosts)
        self._refuse = refuse

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with(send, _OF_API if scope["path"].startswith(_API) else _HEADERS)
        problem = None if scope["path"] in _FOR_ALL else self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await self._refuse(scope, receive, send, problem)

    def _problem(self, scope: Any) -> str | None:
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value.decode("latin-1").strip().lower())
        named = headers.get(b"host", [])
        # Without one it is no request of a browser (HTTP/1.0).
        if len(named) > 1 or (named and not self._is_accepted(_host_of(named[0]))):
            return WRONG_HOST
        for origin in headers.get(b"origin", []):
            place = origin.partition("://")[2]
            if place not in named and not self._is_set(_host_of(place)):
                return CROSS_SITE
        sites = headers.get(b"sec-fetch-site", [])
        is_opened = headers.get(b"sec-fetch-mode") == ["navigate"]
        if b"origin" not in headers and not is_opened and not {"same-origin", "none"}.issuperset(sites):
            return CROSS_SITE
        return None

    def _is_accepted(self, host: str) -> bool:
        if self._hosts is None or host in self._hosts:
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def _is_set(self, host: str) -> bool:
        """Return whether a host is that of a proxy, by which browsers reach this service."""
        return self._hosts is not None and host in self._hosts - LOOPBACK_HOSTS


def _host_of(place: str) -> str:
    """Return the host of a host and a port."""
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0].rstrip(".")


def _with(send: Any, headers: _Headers) -> Any:
    """Add headers to an answer, but for those that it has."""

    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", []))
            names = {name.lower() for name, _ in given}
            message = {**message, "headers": [*given, *(pair for pair in headers if pair[0] not in names)]}
        await send(message)

    return sending
