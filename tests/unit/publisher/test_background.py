"""What the publisher does beside answering requests."""

import asyncio
import signal
from typing import cast

import pytest
from aio_pika.exceptions import AMQPConnectionError
from faststream.rabbit import RabbitBroker

from publisher.consumption import Consumption
from publisher.stopping import StopNotice
from service_defaults.health import NotReadyError


class StubbornBroker:
    """Starts only after some failures."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.starts = 0

    async def start(self) -> None:
        self.starts += 1
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("publisher.consumption._RETRY_SECONDS", 0.0)


async def test_connecting_goes_on_whatever_the_connection_does() -> None:
    broker = StubbornBroker(AMQPConnectionError(), asyncio.CancelledError(), ConnectionResetError())
    await Consumption(cast("RabbitBroker", broker)).start()

    assert broker.starts == 4


async def test_a_stop_ends_connecting() -> None:
    forever = asyncio.Event()

    class WaitingBroker(StubbornBroker):
        async def start(self) -> None:
            await forever.wait()

    task = asyncio.create_task(Consumption(cast("RabbitBroker", WaitingBroker())).start())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nobody_is_ready_before_consuming_has_begun() -> None:
    with pytest.raises(NotReadyError):
        await Consumption(cast("RabbitBroker", StubbornBroker())).check()


def test_a_stop_is_noticed_and_passed_on() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        notice = StopNotice()
        with notice.awaited():
            assert not notice.has_come
            signal.raise_signal(signal.SIGTERM)
            assert notice.has_come
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert heard == [signal.SIGTERM, signal.SIGTERM]
