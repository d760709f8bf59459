"""Health checks over HTTP: is the process alive, and can it do its work."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from faststream.rabbit import RabbitBroker

from coordination.ports import CoordinationError
from service_defaults.broker.consumers import NotConsumingError, probe

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiRoute = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Returns when what it checks can be used; raises NotReadyError, CoordinationError or OSError otherwise.
Check = Callable[[], Awaitable[None]]

LIVE, READY = "/health/live", "/health/ready"


class NotReadyError(Exception):
    """Something the service needs cannot be used; the message says what."""


class Health:
    """The readiness of a service: every check by name, each given so many seconds."""

    def __init__(self, checks: Mapping[str, Check], timeout: float = 2.0) -> None:
        self._checks = dict(checks)
        self._timeout = timeout

    async def problems(self) -> dict[str, str]:
        """Return what is wrong, by the name of the check; empty when the service can do its work."""
        results = await asyncio.gather(*(self._problem(check) for check in self._checks.values()))
        return {
            name: problem for name, problem in zip(self._checks, results, strict=True) if problem is not None
        }

    def routes(self) -> list[tuple[str, AsgiRoute]]:
        """Return the ASGI routes, for `AsgiFastStream(asgi_routes=...)` or an application's router."""
        return [(LIVE, _Live()), (READY, _Ready(self))]

    async def report(self) -> tuple[int, dict[str, Any]]:
        """Return the HTTP status and body that say whether the service is ready."""
        problems = await self.problems()
        status = "not ready" if problems else "ready"
        checks = {name: problems.get(name, "ok") for name in self._checks}
        return (503 if problems else 200), {"status": status, "checks": checks}

    async def _problem(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._timeout):
                await check()
        except TimeoutError:
            return f"no answer within {self._timeout:g} s"
        except (NotReadyError, NotConsumingError, CoordinationError, OSError) as error:
            return str(error) or type(error).__name__
        return None


def rabbitmq_check(broker: RabbitBroker, *, consumes: bool = False) -> Check:
    """Check that RabbitMQ answers and, when the service consumes, that all its subscribers do."""

    async def check() -> None:
        await probe(broker, consumes=consumes)

    return check


class _Live:
    """Answers as long as the event loop turns."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(send, 200, {"status": "alive"})


class _Ready:
    """Answers whether the service can do its work."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(send, *await self._health.report())


async def _answer(send: Send, status: int, body: Mapping[str, Any]) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
