"""What ingress emits of the messages that it takes."""

import logging
from collections.abc import Iterator

import pytest
from tests.unit.captured import Captured, capturing
from tests.unit.inputs.post import Outage, Post, configured

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from ingress.telemetry import IngressTelemetry, InputTelemetry
from inputs.message_submission import MessageSubmission, NotNowError
from inputs.port import Delivery, InputUnavailableError, Lag, Refusal, RefusalReason

SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capturing() as captured:
        yield captured


def message(**more: object) -> Delivery:
    return Delivery(**{"body": b'{"tenant": "acme"}', "handle": None, "message_id": "m-1", **more})  # type: ignore[arg-type]


async def submission(post: Post, telemetry: InputTelemetry) -> MessageSubmission:
    await post.kinds.all()
    submitting = post.submission(configured())
    submitting.trace = telemetry.submission
    return submitting


async def test_the_trace_of_a_job_begins_with_its_submission_and_links_to_its_sender(
    captured: Captured,
) -> None:
    post = Post()
    telemetry = IngressTelemetry(lambda _: True).of_input("orders")
    submitting = await submission(post, telemetry)

    await submitting.submit(message(properties={"traceparent": SENDER}))

    (job,) = post.jobs()
    span = captured.span(spans.SUBMIT_KIND.replace(f"{{{at.JOB_KIND}}}", "import-order"))
    assert span.parent is None
    assert job.traceparent == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [SENDER.split("-")[1]]
    about = span.attributes
    assert (about[at.INGRESS_INPUT], about[at.MESSAGING_MESSAGE_ID]) == ("orders", "m-1")
    assert (about[at.JOB_ID], about[at.LOCK_NAME]) == (job.job_id, "tenant:acme")
    assert about[at.JOB_SUBMISSION_OUTCOME] == "accepted"


@pytest.mark.parametrize("sent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
async def test_what_is_no_trace_is_linked_to_nothing(captured: Captured, sent: str) -> None:
    post = Post()
    submitting = await submission(post, IngressTelemetry(lambda _: False).of_input("orders"))

    await submitting.submit(message(properties={"Diagnostic-Id": sent}))

    assert not captured.span(spans.SUBMIT_JOB).links


async def test_a_submission_whose_outcome_is_unknown_is_an_error(captured: Captured) -> None:
    outage = Outage()
    post = Post(outage)
    submitting = await submission(post, IngressTelemetry(lambda _: False).of_input("orders"))
    outage.is_on = True

    with pytest.raises(NotNowError):
        await submitting.submit(message())

    span = captured.span(spans.SUBMIT_JOB)
    assert span.attributes[at.JOB_SUBMISSION_OUTCOME] == "unknown"
    assert not span.status.is_ok


def test_what_becomes_of_messages_is_counted_by_input(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shared = IngressTelemetry(lambda _: True)
    orders, returns = shared.of_input("orders"), shared.of_input("returns")
    assert captured.values(metrics.INGRESS_MESSAGES)["orders", "refused"] == 0

    orders.taken(message(), "accepted", "j-1", 0.5)
    orders.refused(message(), Refusal(RefusalReason.NO_ID, "send one"))
    returns.given_back(message(), "timeout")
    orders.connected()
    orders.behind(Lag(3, 60.0))
    returns.unavailable(InputUnavailableError("away"))

    counts = captured.values(metrics.INGRESS_MESSAGES)
    assert counts["orders", "accepted"] == counts["orders", "refused"] == 1
    assert counts["returns", "given_back"] == 1
    assert captured.values(metrics.INGRESS_REFUSALS)["orders", "NoId"] == 1
    assert captured.values(metrics.INGRESS_CONNECTED) == {("orders",): 1, ("returns",): 0}
    assert captured.values(metrics.INGRESS_WAITING) == {("orders",): 3}
    assert captured.values(metrics.INGRESS_LAG) == {("orders",): 60}
    assert [record.message for record in caplog.records] == [
        "message taken",
        "message refused",
        "message given back",
        "input connected",
        "input unavailable",
    ]


def test_every_reason_for_a_refusal_is_declared() -> None:
    assert tuple(at.INGRESS_REFUSAL.values) == tuple(RefusalReason)
