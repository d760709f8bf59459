"""What the notifier leaves out once a message was not confirmed, and when it publishes again."""

import asyncio
import logging
import time

import pytest
from aio_pika.exceptions import DeliveryError
from pamqp.commands import Basic
from tests.unit.captured import capturing
from tests.unit.service_defaults.scripted_broker import ScriptedBroker, events, make_notifier, raising

from contracts.messages import Hint
from contracts.telemetry import metrics
from coordination.ports import WakeUp
from service_defaults.broker import NotConfirmedError, RabbitNotifier, publishing_watch
from service_defaults.broker import notifier as notifier_module

HINT = Hint(what="cancel_requested", lock="ledger", job_id="j")


@pytest.fixture(autouse=True)
def quick_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing_watch, "_PROBE_SECONDS", 0.05)
    monkeypatch.setattr("coordination.broker_watch._AGAIN", 0.01)


async def silenced(broker: ScriptedBroker) -> RabbitNotifier:
    """Make a notifier that has waited in vain for a confirmation."""
    broker.answers.append(lambda: asyncio.sleep(60))
    broker.confirms_probes.clear()
    notifier = make_notifier(broker, timeout=0.05)
    assert not await notifier.notify(WakeUp("ledger"))
    # The call that was shared may end a moment later than the one that waited for it.
    await until_answering(notifier, is_answering=False)
    return notifier


async def until_answering(notifier: RabbitNotifier, *, is_answering: bool = True) -> None:
    async with asyncio.timeout(30):
        while notifier.watch.is_answering is not is_answering:  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.005)


async def test_after_one_wake_up_that_was_not_confirmed_no_caller_waits() -> None:
    broker = ScriptedBroker()
    notifier = await silenced(broker)
    began = time.monotonic()
    for number in range(100):
        assert not await notifier.notify(WakeUp(f"lock {number}"))
    await notifier.hint(HINT)
    with pytest.raises(NotConfirmedError):
        await notifier.defer(WakeUp("ledger"))
    # A hundred that wait take 5 s.
    assert time.monotonic() - began < 1
    assert broker.published == []
    await notifier.aclose()


async def test_once_a_probe_is_confirmed_wake_ups_are_published_again() -> None:
    broker = ScriptedBroker()
    notifier = await silenced(broker)
    broker.confirms_probes.set()
    await until_answering(notifier)
    assert await notifier.notify(WakeUp("ledger"))
    assert len(broker.published) == 1


async def test_probes_go_on_until_one_is_confirmed() -> None:
    broker = ScriptedBroker()
    notifier = await silenced(broker)
    async with asyncio.timeout(30):
        while broker.probes < 3:  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.005)
    assert not notifier.watch.is_answering
    await notifier.aclose()


async def test_without_a_connection_no_probe_is_sent() -> None:
    broker = ScriptedBroker()
    broker.restored.clear()
    notifier = make_notifier(broker, timeout=0.02)
    assert not await notifier.notify(WakeUp("ledger"))
    await until_answering(notifier, is_answering=False)
    await asyncio.sleep(0.05)
    assert broker.probes == 0
    broker.restored.set()
    await until_answering(notifier)
    assert broker.probes == 1


async def test_what_was_left_out_is_counted_and_only_the_change_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with capturing() as captured:
        broker = ScriptedBroker()
        notifier = await silenced(broker)
        for _ in range(10):
            await notifier.notify(WakeUp("ledger"))
        broker.confirms_probes.set()
        await until_answering(notifier)
        assert captured.values(metrics.MESSAGES_UNCONFIRMED) == {("wake_up",): 11}
    loggers = {module.__name__ for module in (notifier_module, publishing_watch)}
    assert [record.message for record in caplog.records if record.name in loggers] == [
        "RabbitMQ does not confirm messages, wake-ups are left to the sweeper",
        "wake-up not confirmed",
        "RabbitMQ confirms messages again",
    ]


async def test_announcements_that_are_confirmed_show_that_the_broker_is_back() -> None:
    broker = ScriptedBroker()
    notifier = await silenced(broker)
    notifier.announce(events())
    await until_answering(notifier)
    assert await notifier.notify(WakeUp("ledger"))
    await notifier.aclose()


async def test_a_broker_that_refuses_a_message_is_not_silent() -> None:
    broker = ScriptedBroker(raising(DeliveryError(None, Basic.Nack())))
    notifier = make_notifier(broker)
    assert not await notifier.notify(WakeUp("ledger"))
    assert notifier.watch.is_answering
    assert await notifier.notify(WakeUp("ledger"))


async def test_a_notifier_that_is_closed_probes_no_more() -> None:
    broker = ScriptedBroker()
    notifier = await silenced(broker)
    await notifier.aclose()
    probes = broker.probes
    await asyncio.sleep(0.1)
    assert broker.probes == probes
