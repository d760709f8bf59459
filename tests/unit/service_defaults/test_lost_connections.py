"""A connection that aio-pika gives up is an error to whoever waits on it, and never a cancellation."""

import asyncio
import contextlib
from typing import Any, Self, cast

import pytest
from faststream.rabbit import RabbitBroker

from service_defaults.broker import ConsumerWatchdog, connection, lost_connections_as_errors, make_broker
from service_defaults.settings import ServiceSettings


class GivenUp:
    """A connection that is there, and given up while anybody waits on it."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.asked = 0

    def channel(self) -> Self:
        self.asked += 1
        return self

    async def __aenter__(self) -> Self:
        raise asyncio.CancelledError

    async def __aexit__(self, *_: object) -> None:
        return

    async def reconnect(self) -> None:
        raise asyncio.CancelledError


async def given_up(*_: Any) -> None:
    raise asyncio.CancelledError


async def test_waiting_on_a_connection_that_is_given_up_is_a_connection_error() -> None:
    with pytest.raises(ConnectionError), lost_connections_as_errors():
        await given_up()


async def test_a_real_cancellation_passes() -> None:
    async def wait() -> None:
        with lost_connections_as_errors():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("swallow", [True, False], ids=["returns", "raises"])
async def test_a_cancellation_that_the_body_loses_is_raised_again(swallow: bool) -> None:
    """aio-pika may raise an error in its place, and `asyncio.wait_for` may return."""

    async def lose_it() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not swallow:
                raise RuntimeError("the connection is closed") from None

    async def go_on() -> None:
        # Not for ever, so that the test fails where the cancellation is lost, and does not hang.
        for _ in range(2):
            with contextlib.suppress(RuntimeError), lost_connections_as_errors():
                await lose_it()

    task = asyncio.create_task(go_on())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=1)
    was_cancelled = task.cancelled()
    task.cancel()
    assert was_cancelled


async def test_an_earlier_cancellation_does_not_end_what_comes_after_it() -> None:
    async def clean_up() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            with lost_connections_as_errors():
                await asyncio.sleep(0)
            cleaned.append(True)
        return "never"

    cleaned: list[bool] = []
    task = asyncio.create_task(clean_up())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert cleaned


async def test_a_timeout_stays_one() -> None:
    with pytest.raises(TimeoutError), lost_connections_as_errors():
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()


async def test_the_watchdog_lives_on_when_the_connection_is_given_up_under_it() -> None:
    class Broker:
        _connection = GivenUp()
        subscribers = ()

    gave_up: list[bool] = []
    watchdog = ConsumerWatchdog(cast("RabbitBroker", Broker()), lambda: gave_up.append(True))
    for _ in range(3):
        await watchdog.check()
    assert Broker._connection.asked == 3
    assert not gave_up


async def test_a_broker_whose_connection_is_given_up_while_it_starts_says_so(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "declare_topology", given_up)
    with pytest.raises(ConnectionError):
        await make_broker(settings).start()


async def test_a_broker_that_does_not_answer_can_be_left(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    class Connection:
        is_closed = False

        async def close(self) -> None:
            self.is_closed = True

    monkeypatch.setattr(connection, "_CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(RabbitBroker, "stop", never)
    broker = make_broker(settings, graceful_timeout=0.0)
    there = Connection()
    monkeypatch.setattr(broker, "_connection", there)
    async with asyncio.timeout(5):
        await broker.stop()
    assert there.is_closed
