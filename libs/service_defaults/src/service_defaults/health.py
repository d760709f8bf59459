"""Health checks over HTTP: is the process alive, and can it do its part of the work."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from faststream.asgi import AsgiResponse, HttpHandler, get
from faststream.rabbit import RabbitBroker

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from coordination.ports import CoordinationError
from service_defaults.broker.consumers import NotConsumingError, probe
from service_defaults.measures import Reading, gauge

#: Returns when what it checks can be used; raises NotReadyError, CoordinationError or OSError otherwise.
Check = Callable[[], Awaitable[None]]

LIVE, READY = "/health/live", "/health/ready"


class NotReadyError(Exception):
    """Something the service needs cannot be used; the message names it."""


class Health:
    """The readiness of a service: every check by name, and the seconds that each may take.

    A service is ready when it can do its part, so only the checks that are `needed` for that count: one that
    were not ready without the broker would get no requests that it could well answer. What the others find
    is shown beside it, and as a metric.
    """

    def __init__(
        self, needed: Mapping[str, Check], shown: Mapping[str, Check] | None = None, timeout: float = 2.0
    ) -> None:
        self._needed = frozenset(needed)
        self._checks = {**needed, **(shown or {})}
        self._timeout = timeout
        #: What the latest look at each check found.
        self._passed: dict[str, bool] = {}
        gauge(metrics.HEALTH_CHECK_PASSED, self._read)

    async def problems(self) -> dict[str, str]:
        """Return what is wrong, by the name of the check; empty when all is well."""
        results = await asyncio.gather(*(self._problem(check) for check in self._checks.values()))
        found = dict(zip(self._checks, results, strict=True))
        self._passed = {name: problem is None for name, problem in found.items()}
        return {name: problem for name, problem in found.items() if problem is not None}

    def routes(self) -> list[tuple[str, HttpHandler]]:
        """Return the ASGI routes, for `AsgiFastStream(asgi_routes=...)` or an application's router."""
        answers = {LIVE: self._live, READY: self._ready}
        return [(path, get(answer, include_in_schema=False)) for path, answer in answers.items()]

    async def _live(self, _: Any) -> AsgiResponse:
        """Answer as long as the event loop turns."""
        return _answer(200, {"status": "alive"})

    async def _ready(self, _: Any) -> AsgiResponse:
        """Answer whether the service can do its part, and what is wrong."""
        problems = await self.problems()
        is_ready = self._needed.isdisjoint(problems)
        status = "ready" if is_ready else "not ready"
        checks = {name: problems.get(name, "ok") for name in self._checks}
        return _answer(200 if is_ready else 503, {"status": status, "checks": checks})

    def _read(self) -> list[Reading]:
        return [Reading(float(passed), {at.CHECK_NAME: name}) for name, passed in self._passed.items()]

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
