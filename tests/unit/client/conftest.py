"""Both clients over a scripted publisher, in time that passes when they wait."""

import asyncio
import functools
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from tests.unit.client.both import FakeTime, Make, make_async, make_sync
from tests.unit.command_line.scripted_api import ScriptedApi


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    for module in ("calls", "batches", "following", "synchronous"):
        monkeypatch.setattr(f"turnstile.client.{module}.time", fake)
    monkeypatch.setattr("turnstile.client.asynchronous.asyncio", SimpleNamespace(sleep=fake.sleep_async))
    # No chance in the pauses.
    monkeypatch.setattr("turnstile.client.calls.random.uniform", lambda shortest, longest: 1.0)
    return fake


@pytest.fixture
def publisher(time: FakeTime) -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    if request.param == "sync":
        yield make_sync
        return
    with asyncio.Runner() as runner:
        yield functools.partial(make_async, runner)
