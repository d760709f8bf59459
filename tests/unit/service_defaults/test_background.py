"""Work beside the application."""

import asyncio

import pytest

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
