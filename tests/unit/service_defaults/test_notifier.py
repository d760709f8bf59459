"""The wake-up over a broker that confirms, refuses, stays silent or goes away."""

import asyncio
import re

import pytest
from aio_pika.exceptions import ChannelInvalidStateError, DeliveryError
from pamqp.commands import Basic
from tests.unit.captured import capturing
from tests.unit.service_defaults.scripted_broker import (
    TRACE,
    Answer,
    ScriptedBroker,
    make_notifier,
    raising,
)

from contracts.messages import Hint
from contracts.telemetry import metrics
from contracts.traceparent import trace_id_of
from coordination.ports import UnknownOutcomeError, WakeUp
from service_defaults.broker import NotConfirmedError

FAILURES = [
    pytest.param(raising(ChannelInvalidStateError("gone")), id="channel gone"),
    pytest.param(raising(DeliveryError(None, Basic.Nack())), id="refused by the queue"),
    pytest.param(raising(ConnectionResetError()), id="connection reset"),
    # What aio-pika does to everybody who waits for a confirmation when the heartbeat gives up.
    pytest.param(raising(asyncio.CancelledError()), id="cancelled by the library"),
    pytest.param(lambda: asyncio.sleep(60), id="silence"),
]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_wake_up_that_fails_is_no_error(failure: Answer) -> None:
    broker = ScriptedBroker(failure)
    await make_notifier(broker, timeout=0.05).notify(WakeUp("ledger"))
    assert broker.published == []


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_deferral_that_fails_is_an_unknown_outcome(failure: Answer) -> None:
    with pytest.raises(UnknownOutcomeError):
        await make_notifier(ScriptedBroker(failure), timeout=0.05).defer(WakeUp("ledger"))


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_hint_that_fails_is_no_error(failure: Answer) -> None:
    hint = Hint(what="cancel_requested", lock="ledger", job_id="j")
    await make_notifier(ScriptedBroker(failure), timeout=0.05).hint(hint)


async def test_a_caller_that_is_cancelled_stays_cancelled() -> None:
    broker = ScriptedBroker(lambda: asyncio.sleep(60))
    ringing = asyncio.create_task(make_notifier(broker).notify(WakeUp("ledger")))
    await broker.happened.wait()
    ringing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ringing


async def test_a_wake_up_waits_until_the_channel_is_open_again() -> None:
    broker = ScriptedBroker()
    broker.restored.clear()
    notifying = asyncio.create_task(make_notifier(broker).notify(WakeUp("ledger")))
    await broker.asked.wait()
    broker.restored.set()
    await notifying
    assert len(broker.published) == 1


async def test_a_channel_that_stays_closed_leaves_a_wake_up_unconfirmed() -> None:
    broker = ScriptedBroker()
    broker.restored.clear()
    with pytest.raises(UnknownOutcomeError):
        await make_notifier(broker, timeout=0.05).defer(WakeUp("ledger"))
    assert broker.published == []


async def test_a_wake_up_says_what_it_is_about_and_carries_the_jobs_trace() -> None:
    broker = ScriptedBroker()
    await make_notifier(broker).notify(WakeUp("ledger", "j", released=True, traceparent=TRACE))
    (sent,) = broker.published
    assert sent["body"] == {
        "version": 1,
        "lock": "ledger",
        "job_id": "j",
        "is_deferred_copy": False,
        "released": True,
    }
    assert (sent["exchange"].name, sent["routing_key"]) == ("t.jobs", "run")
    assert sent["headers"]["traceparent"] == TRACE
    assert sent["persist"] is True
    assert sent["mandatory"] is True
    assert sent["content_type"] == "application/json"


@pytest.mark.parametrize(("slots", "said"), [(1, None), (3, "3")])
async def test_a_wake_up_says_the_slots_of_a_lock_in_a_header_and_only_where_there_are_several(
    slots: int, said: str | None
) -> None:
    broker = ScriptedBroker()
    await make_notifier(broker).notify(WakeUp("ledger", slots=slots))
    (sent,) = broker.published
    # Earlier releases refuse fields that they do not know.
    assert set(sent["body"]) == {"version", "lock", "job_id", "is_deferred_copy", "released"}
    assert sent["headers"].get("turnstile-slots") == said


async def test_not_confirmed_is_an_unknown_outcome() -> None:
    assert issubclass(NotConfirmedError, UnknownOutcomeError)


@pytest.mark.parametrize("text", [None, "", "00-short-b-01", "nonsense"])
def test_a_traceparent_that_is_none_has_no_trace_id(text: str | None) -> None:
    assert trace_id_of(text) is None


@pytest.mark.parametrize(
    "wake_up", [WakeUp("ledger"), WakeUp("ledger", "j", is_deferred_copy=True, released=True)]
)
async def test_a_wake_up_says_no_more_than_is_known(wake_up: WakeUp) -> None:
    broker = ScriptedBroker()
    await make_notifier(broker).notify(wake_up)
    (sent,) = broker.published
    assert sent["body"] == {
        "version": 1,
        "lock": wake_up.lock_name,
        "job_id": wake_up.job_id,
        "is_deferred_copy": wake_up.is_deferred_copy,
        "released": wake_up.released,
    }


async def test_a_deferred_wake_up_waits_in_the_queue_of_its_time_and_keeps_its_trace() -> None:
    broker = ScriptedBroker()
    await make_notifier(broker).defer(WakeUp("ledger", "j", traceparent=TRACE))
    (sent,) = broker.published
    assert (sent["exchange"].name, sent["routing_key"]) == ("t.jobs", "delay.5000")
    assert sent["headers"]["traceparent"] == TRACE
    assert (sent["persist"], sent["mandatory"]) == (True, True)


async def test_a_hint_goes_to_all_who_listen_now_and_to_nobody_else() -> None:
    broker = ScriptedBroker()
    await make_notifier(broker).hint(Hint(what="cancel_requested", lock="ledger", job_id="j"))
    (sent,) = broker.published
    assert (sent["exchange"].name, sent["routing_key"]) == ("t.control", "")
    assert sent["body"] == {"version": 1, "what": "cancel_requested", "lock": "ledger", "job_id": "j"}
    assert (sent["persist"], sent["mandatory"]) == (False, False)


async def test_a_copy_that_goes_round_leaves_no_spans_behind_and_joins_no_others() -> None:
    broker = ScriptedBroker()
    notifier = make_notifier(broker)
    for _ in range(2):
        await notifier.defer(WakeUp("ledger", is_deferred_copy=True, traceparent=TRACE))
    traces = [sent["headers"]["traceparent"] for sent in broker.published]
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", trace) for trace in traces)
    assert len({trace_id_of(trace) for trace in [*traces, TRACE]}) == 3


async def test_the_wake_up_counts_why_it_wake_ups_and_what_was_not_confirmed() -> None:
    lost = raising(ConnectionResetError())
    with capturing() as captured:
        notifier = make_notifier(ScriptedBroker(*[lambda: None] * 3, lost, lost, lost))
        await notifier.notify(WakeUp("ledger", reason="submitted"))
        await notifier.notify(WakeUp("ledger", released=True))
        await notifier.defer(WakeUp("ledger", reason="submitted"))
        await notifier.notify(WakeUp("ledger"))
        with pytest.raises(NotConfirmedError):
            await notifier.defer(WakeUp("ledger"))
        await notifier.hint(Hint(what="cancel_requested", lock="ledger", job_id="j"))
        assert captured.values(metrics.WAKE_UPS_SENT) == {
            ("submitted",): 1,
            ("released",): 1,
            ("deferred",): 1,
        }
        assert captured.values(metrics.MESSAGES_UNCONFIRMED) == {
            ("wake_up",): 1,
            ("deferred_wake_up",): 1,
            ("hint",): 1,
        }
