"""Work beside the application."""

import asyncio
from typing import Any

import pytest
from faststream.asgi import AsgiFastStream
from faststream.rabbit import RabbitBroker

from contracts.telemetry import attributes as at
from contracts.telemetry.log_messages import CANNOT_START
from service_defaults import app


async def test_background_work_that_fails_ends_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[str] = []
    monkeypatch.setattr(app, "stop_as_failed", lambda: ends.append("failed"))

    async def fail() -> None:
        raise ValueError

    async def succeed() -> None:
        pass

    async def go_on() -> None:
        await asyncio.Event().wait()

    tasks = [app.in_background(work) for work in (succeed(), go_on(), fail())]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.wait(tasks)
    await asyncio.sleep(0)
    assert ends == ["failed"]


async def test_background_work_that_is_cancelled_from_within_ends_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends: list[str] = []
    monkeypatch.setattr(app, "stop_as_failed", lambda: ends.append("failed"))

    async def wait_on_a_connection_that_is_given_up() -> None:
        raise asyncio.CancelledError

    await asyncio.wait([app.in_background(wait_on_a_connection_that_is_given_up())])
    await asyncio.sleep(0)
    assert ends == ["failed"]


async def run_lifespan(monkeypatch: pytest.MonkeyPatch, broker: RabbitBroker) -> tuple[list[str], list[str]]:
    """Start an application on a broker, stop it a moment later, return what it sent and its ends."""
    sent: list[str] = []
    ends: list[str] = []
    received = iter(["lifespan.startup", "lifespan.shutdown"])
    monkeypatch.setattr(app, "stop_as_failed", lambda: ends.append("failed"))

    async def receive() -> dict[str, str]:
        message = next(received)
        if message == "lifespan.shutdown":
            await asyncio.sleep(0.05)
        return {"type": message}

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    guarded = app._ending_when_broken(AsgiFastStream(broker, logger=None))
    await guarded({"type": "lifespan"}, receive, send)
    return sent, ends


async def test_an_application_whose_start_is_cancelled_from_within_ends_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = RabbitBroker()

    async def start() -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(broker, "start", start)
    sent, ends = await run_lifespan(monkeypatch, broker)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert ends == ["failed"]


async def test_an_application_that_is_told_to_stop_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = RabbitBroker()

    async def start() -> None:
        return

    monkeypatch.setattr(broker, "start", start)
    assert (await run_lifespan(monkeypatch, broker))[1] == []


async def test_a_service_that_cannot_start_logs_the_reason_in_one_line_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ends: list[str] = []
    monkeypatch.setattr(app, "stop_as_failed", lambda: ends.append("failed"))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "Traceback ..."})
        raise app.CannotStartError("jobs module 'a' cannot be imported")

    with pytest.raises(app.CannotStartError):
        await app._ending_when_broken(breaks)({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.failed", "message": ""}]
    (record,) = caplog.records
    assert (record.message, record.exc_info, ends) == (CANNOT_START, None, ["failed"])
    assert vars(record)[at.REASON] == "jobs module 'a' cannot be imported"
