"""What a service answers while its application starts, and how both end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from service_defaults.early_answers import EarlyAnswers
from service_defaults.health import LIVE, READY


class Application:
    """An application that starts, and ends, when the test lets it."""

    def __init__(self) -> None:
        self.may_start = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.error: Exception | None = None
        self.happened: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": scope["path"].encode()})
            return
        self.happened.append((await receive())["type"])
        try:
            await self.may_start.wait()
            if self.error is not None:
                raise self.error
            await send({"type": "lifespan.startup.complete"})
            self.happened.append((await receive())["type"])
            await self.may_end.wait()
            await send({"type": "lifespan.shutdown.complete"})
        except asyncio.CancelledError:
            self.happened.append("cancelled")
            raise


@asynccontextmanager
async def served(app: EarlyAnswers) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Live as under a server that has the application's word to listen; yields what stops it."""
    messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    sent: asyncio.Queue[str] = asyncio.Queue()
    messages.put_nowait({"type": "lifespan.startup"})

    async def send(message: dict[str, str]) -> None:
        sent.put_nowait(message["type"])

    living = asyncio.create_task(app({"type": "lifespan"}, messages.get, send))

    async def stop() -> None:
        messages.put_nowait({"type": "lifespan.shutdown"})
        async with asyncio.timeout(5):
            assert await sent.get() == "lifespan.shutdown.complete"
        await living

    async with asyncio.timeout(5):
        assert await sent.get() == "lifespan.startup.complete"
    await asyncio.sleep(0)
    yield stop
    living.cancel()
    await asyncio.wait([living])


async def ask(app: EarlyAnswers, path: str) -> tuple[int, dict[bytes, bytes]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    return sent[0]["status"], dict(sent[0].get("headers", []))


@pytest.mark.parametrize("path", [LIVE, READY])
async def test_health_is_answered_before_the_application_has_started(path: str) -> None:
    app = EarlyAnswers(Application())
    async with served(app):
        assert (await ask(app, path))[0] == 200


async def test_other_requests_are_told_to_come_again_until_it_has_started() -> None:
    application = Application()
    app = EarlyAnswers(application)
    async with served(app):
        status, headers = await ask(app, "/api/v1/jobs")
        assert (status, headers[b"retry-after"]) == (503, b"1")
        application.may_start.set()
        await asyncio.sleep(0.01)
        assert (await ask(app, "/api/v1/jobs"))[0] == 200


async def test_a_stop_is_passed_on_and_its_end_waited_for() -> None:
    application = Application()
    application.may_start.set()
    application.may_end.clear()
    app = EarlyAnswers(application)
    async with served(app) as stop:
        await asyncio.sleep(0.01)
        stopping = asyncio.ensure_future(stop())
        await asyncio.sleep(0.01)
        assert application.happened == ["lifespan.startup", "lifespan.shutdown"]
        assert not stopping.done()
        application.may_end.set()
        await stopping
    assert not app.has_failed_to_start


async def test_a_service_that_still_waits_for_something_ends_at_once_when_it_is_stopped() -> None:
    application = Application()
    app = EarlyAnswers(application)
    async with served(app) as stop:
        await stop()
    assert application.happened == ["lifespan.startup", "cancelled"]
    assert not app.has_failed_to_start


async def test_an_application_that_cannot_start_is_known_to_have_failed() -> None:
    application = Application()
    application.error = ValueError("no such module")
    app = EarlyAnswers(application)
    async with served(app) as stop:
        application.may_start.set()
        await asyncio.sleep(0.01)
        assert app.has_failed_to_start
        await stop()
