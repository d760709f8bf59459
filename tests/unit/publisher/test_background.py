"""What the publisher does beside answering requests."""

import asyncio
import contextlib
import signal
import threading
from typing import cast

import pytest
from aio_pika.exceptions import AMQPConnectionError
from faststream.rabbit import RabbitBroker

from contracts.telemetry import attributes as at
from publisher.deferred_consumer import DeferredConsumer
from publisher.stopping import ShutdownSignal
from service_defaults.broker.consumers import NotConsumingError
from service_defaults.health import NotReadyError


class StubbornBroker:
    """Starts only after some failures."""

    _connection = None

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.starts = 0

    async def start(self) -> None:
        self.starts += 1
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no time pass; returns for how long it was waited."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("publisher.deferred_consumer.asyncio.sleep", sleep)
    return waited


async def test_connecting_goes_on_every_second_whatever_the_connection_does(pauses: list[float]) -> None:
    broker = StubbornBroker(AMQPConnectionError(), asyncio.CancelledError(), ConnectionResetError())
    await DeferredConsumer(cast("RabbitBroker", broker)).start()

    assert (broker.starts, pauses) == (4, [1.0, 1.0, 1.0])


async def test_consuming_is_started_once(caplog: pytest.LogCaptureFixture, pauses: list[float]) -> None:
    broker = StubbornBroker(AMQPConnectionError("away"))
    consumer = DeferredConsumer(cast("RabbitBroker", broker))
    await consumer.start()
    await consumer.start()

    assert (broker.starts, pauses) == (2, [1.0])
    logged = [(record.message, vars(record)[at.ERROR_MESSAGE]) for record in caplog.records]
    assert logged == [("not consuming yet", repr(AMQPConnectionError("away")))]


async def test_a_failure_that_is_no_lost_connection_is_not_waited_out(pauses: list[float]) -> None:
    broker = StubbornBroker(ValueError("a wrong setting"))
    with pytest.raises(ValueError, match="a wrong setting"):
        await DeferredConsumer(cast("RabbitBroker", broker)).start()

    assert (broker.starts, pauses) == (1, [])


def test_a_publisher_is_ready_only_while_its_subscribers_consume(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(
        "publisher.deferred_consumer.rabbitmq_check",
        lambda broker, *, consumes: asked.append((broker, consumes)),
    )
    broker = StubbornBroker()
    DeferredConsumer(cast("RabbitBroker", broker))

    assert asked == [(broker, True)]


async def test_a_stop_ends_connecting() -> None:
    forever = asyncio.Event()

    class WaitingBroker(StubbornBroker):
        async def start(self) -> None:
            await forever.wait()

    task = asyncio.create_task(DeferredConsumer(cast("RabbitBroker", WaitingBroker())).start())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_publisher_is_not_ready_before_consuming_has_begun_nor_when_it_has_stopped() -> None:
    broker = StubbornBroker()
    consumer = DeferredConsumer(cast("RabbitBroker", broker))
    with pytest.raises(NotReadyError, match="not connected to RabbitMQ"):
        await consumer.check()

    await consumer.start()
    # From here on, the connection is asked.
    with pytest.raises(NotConsumingError, match="not connected to RabbitMQ"):
        await consumer.check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_noticed_and_passed_on(number: signal.Signals) -> None:
    heard: list[tuple[int, bool]] = []
    notice = ShutdownSignal()
    before = signal.signal(number, lambda number, frame: heard.append((number, notice.received)))
    try:
        handler = signal.getsignal(number)
        with notice.awaited():
            assert not notice.received
            signal.raise_signal(number)
            assert notice.received
        assert signal.getsignal(number) is handler
        signal.raise_signal(number)
    finally:
        signal.signal(number, before)

    assert heard == [(number, True), (number, True)]


def test_a_stop_that_is_to_be_ignored_is_noticed_all_the_same() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        notice = ShutdownSignal()
        with notice.awaited():
            signal.raise_signal(signal.SIGTERM)
            assert notice.received
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("failure", [None, ValueError])
def test_a_server_that_ends_by_itself_stops_its_streams_too(failure: type[Exception] | None) -> None:
    notice = ShutdownSignal()
    with contextlib.suppress(ValueError), notice.awaited():
        if failure is not None:
            raise failure
    assert notice.received


def test_signals_are_left_alone_outside_of_the_main_thread() -> None:
    notice, during = ShutdownSignal(), []

    def serve() -> None:
        with notice.awaited():
            during.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()

    assert during == [before]
