"""Answering health checks from the first moment, while the application still waits for what it needs."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from faststream.asgi import AsgiResponse

from service_defaults.health import LIVE, READY


class EarlyAnswers:
    """An application around another, which lets the server listen before that one has started.

    A service whose port is closed while the storage is away cannot be told from one that is dead, and would
    be killed for it. Until the application has started, it gets health checks only; other requests are
    answered with 503.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._has_started = False
        self._is_stopping = False
        #: Whether the application ended before it had started, although no one asked it to.
        self.has_failed_to_start = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or live from the server's start to its stop."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._has_started or scope["type"] != "http" or scope["path"] in {LIVE, READY}:
            await self._app(scope, receive, send)
        else:
            headers = {"retry-after": "1", "cache-control": "no-store"}
            await AsgiResponse(b"The service is starting.\n", 503, headers)(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        stop = asyncio.Event()
        living = asyncio.create_task(self._run(scope, stop), name="application")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._is_stopping = True
        if self._has_started:
            stop.set()
        else:
            living.cancel()
        await asyncio.wait([living])
        await send({"type": "lifespan.shutdown.complete"})

    async def _run(self, scope: Any, stop: asyncio.Event) -> None:
        """Stand between the server and the application, from its start to its end."""
        has_begun = False

        async def receive() -> dict[str, str]:
            nonlocal has_begun
            if not has_begun:
                has_begun = True
                return {"type": "lifespan.startup"}
            await stop.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: dict[str, str]) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._has_started = True

        try:
            # What it raises is logged where it is caught first; the server ends in order all the same.
            with suppress(Exception):
                await self._app(scope, receive, send)
        finally:
            self.has_failed_to_start = not self._has_started and not self._is_stopping
