"""A service that went deaf connects again once, then ends; one whose broker is away waits for it."""

import asyncio
from typing import cast

import pytest
from aio_pika.exceptions import ChannelInvalidStateError
from faststream.rabbit import RabbitBroker

from service_defaults.broker import ConsumerWatchdog, NotConsumingError, consumers


class Connection:
    """A connection that counts how often it is opened again."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.reconnected = 0
        self.error: Exception | None = None

    async def reconnect(self) -> None:
        self.reconnected += 1
        if self.error:
            raise self.error


class Watched:
    """A watchdog, and what its checks find: "deaf", "silent", "away", or "fine"."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connection = Connection()
        self.gave_up = 0
        self._finds = ""
        broker = type("Broker", (), {"_connection": self.connection})()
        self.watchdog = ConsumerWatchdog(cast("RabbitBroker", broker), self._give_up)
        monkeypatch.setattr(consumers, "probe", self._probe)

    async def check(self, *finds: str) -> tuple[int, int]:
        """Check once for each; return how often the connection was opened again, and the process given up."""
        for self._finds in finds:
            if self._finds == "away":
                self.connection.connected.clear()
            else:
                self.connection.connected.set()
            await self.watchdog.check()
        return self.connection.reconnected, self.gave_up

    def _give_up(self) -> None:
        self.gave_up += 1

    async def _probe(self, _: RabbitBroker, *, consumes: bool) -> None:
        assert consumes
        assert self._finds != "away"
        if self._finds == "deaf":
            raise NotConsumingError
        if self._finds == "silent":
            raise TimeoutError


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


async def test_a_service_that_stays_deaf_connects_again_once_and_then_ends(watched: Watched) -> None:
    assert await watched.check("fine", "deaf") == (0, 0)
    assert await watched.check("deaf") == (1, 0)
    assert await watched.check("deaf") == (1, 0)
    assert await watched.check("deaf") == (1, 1)
    assert await watched.check("deaf") == (1, 2)


@pytest.mark.parametrize("between", ["fine", "away"])
async def test_only_checks_in_a_row_count(watched: Watched, between: str) -> None:
    assert await watched.check("deaf", between, "deaf", between, "deaf") == (0, 0)
    assert await watched.check("deaf", "deaf", between, "deaf") == (1, 0)
    assert await watched.check("deaf") == (2, 0)


async def test_silence_neither_opens_the_connection_again_nor_counts_as_health(watched: Watched) -> None:
    assert await watched.check(*["silent"] * 9) == (0, 0)
    assert await watched.check("deaf", "silent", "deaf") == (1, 0)


@pytest.mark.parametrize("error", [ChannelInvalidStateError("gone"), TimeoutError(), ConnectionResetError()])
async def test_a_connection_that_cannot_be_opened_again_does_not_end_the_watch(
    watched: Watched, error: Exception
) -> None:
    watched.connection.error = error
    assert await watched.check("deaf", "deaf", "deaf", "deaf") == (1, 1)
