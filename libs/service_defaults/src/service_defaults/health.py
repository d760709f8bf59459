"""Health checks over HTTP: is the process alive, and can it do its work."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from faststream.asgi import AsgiResponse, HttpHandler, get
from faststream.rabbit import RabbitBroker

from coordination.ports import CoordinationError
from service_defaults.broker.consumers import NotConsumingError, probe

#: Returns when what it checks can be used; raises NotReadyError, CoordinationError or OSError otherwise.
Check = Callable[[], Awaitable[None]]

LIVE, READY = "/health/live", "/health/ready"


class NotReadyError(Exception):
    """Something the service needs cannot be used; the message names it."""


class Health:
    """The readiness of a service: every check by name, and the seconds that each may take."""

    def __init__(self, checks: Mapping[str, Check], timeout: float = 2.0) -> None:
        self._checks = dict(checks)
        self._timeout = timeout

    async def problems(self) -> dict[str, str]:
        """Return what is wrong, by the name of the check; empty when the service can do its work."""
        results = await asyncio.gather(*(self._problem(check) for check in self._checks.values()))
        return {
            name: problem for name, problem in zip(self._checks, results, strict=True) if problem is not None
        }

    def routes(self) -> list[tuple[str, HttpHandler]]:
        """Return the ASGI routes, for `AsgiFastStream(asgi_routes=...)` or an application's router."""
        answers = {LIVE: self._live, READY: self._ready}
        return [(path, get(answer, include_in_schema=False)) for path, answer in answers.items()]

    async def _live(self, _: Any) -> AsgiResponse:
        """Answer as long as the event loop turns."""
        return _answer(200, {"status": "alive"})

    async def _ready(self, _: Any) -> AsgiResponse:
        """Answer whether the service can do its work, and what is wrong."""
        problems = await self.problems()
        status = "not ready" if problems else "ready"
        checks = {name: problems.get(name, "ok") for name in self._checks}
        return _answer(503 if problems else 200, {"status": status, "checks": checks})

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


def _answer(status: int, body: Mapping[str, Any]) -> AsgiResponse:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return AsgiResponse(json.dumps(body).encode(), status, headers)
