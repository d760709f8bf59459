"""Messages as spans: whose child each is, what it says, and what becomes of failures."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from deploy.servers import private
from deploy.servers.private import RabbitMQ
from faststream import AckPolicy
from faststream.rabbit import Channel
from faststream.rabbit.annotations import RabbitMessage
from opentelemetry import metrics as otel
from opentelemetry import trace
from opentelemetry.instrumentation.aio_pika import AioPikaInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from tests.integration.broker.rig import Rig, connected, settings_for
from tests.waiting import until
from yarl import URL

from contracts.messages import Hint, RunJob
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from contracts.telemetry.names import SpanName
from coordination.ports import Announcement, UnknownOutcomeError, WakeUp
from service_defaults.broker import control_exchange, control_queue, jobs_exchange, jobs_queue
from service_defaults.broker.tracing import PassthroughTracerProvider, without_span

pytestmark = pytest.mark.integration

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
DECLARED = {name for name in vars(spans).values() if isinstance(name, SpanName)}


@dataclass
class Seen:
    """What was told."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    tracer: trace.Tracer

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """The spans by name; none may be there twice."""
        found = self.exporter.get_finished_spans()
        names = [span.name for span in found]
        assert len(names) == len(set(names)), names
        return dict(zip(names, found, strict=True))

    def measured(self) -> dict[str, list[Any]]:
        """What was measured so far; exemplars only since the last time."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, metric: str) -> list[Any]:
        return self.measured().get(metric, [])


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    AioPikaInstrumentor().instrument(tracer_provider=PassthroughTracerProvider())
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    metering = MeterProvider([reader], shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracing)
    monkeypatch.setattr(otel, "get_meter", metering.get_meter)
    yield Seen(exporter, reader, tracing.get_tracer("test"))
    AioPikaInstrumentor().uninstrument()
    metering.shutdown()


@pytest.fixture
async def told(seen: Seen, rabbitmq: RabbitMQ) -> AsyncIterator[Rig]:
    """A rig whose messages are told of."""
    async with connected(settings_for(rabbitmq.url)) as rig:
        await rig.broker.start()
        yield rig


async def listen(rig: Rig, inside: list[trace.SpanContext]) -> None:
    """Answer wake-ups as a worker does."""
    subscriber = rig.broker.subscriber(
        jobs_queue(rig.topology),
        jobs_exchange(rig.topology),
        channel=Channel(prefetch_count=1),
        ack_policy=AckPolicy.REJECT_ON_ERROR,
    )

    async def on_wake_up(message: RabbitMessage) -> None:
        inside.append(trace.get_current_span().get_span_context())
        body = await rig.reader.parse(message, RunJob)
        if body is not None and body.lock == "bug":
            raise ValueError("a bug")

    subscriber(on_wake_up)
    await subscriber.start()


def described(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def until_told(seen: Seen, *names: str) -> None:
    await until(lambda: set(names) <= set(seen.spans))


async def test_a_wake_up_is_told_from_the_wake_up_to_the_answer_in_the_jobs_own_trace(
    seen: Seen, told: Rig, rabbitmq: RabbitMQ
) -> None:
    inside: list[trace.SpanContext] = []
    await listen(told, inside)
    with seen.tracer.start_as_current_span("something else"):
        await told.notifier.notify(WakeUp("ledger", "j", traceparent=TRACE, reason="submitted"))
    await until_told(seen, spans.SEND_JOBS, spans.PROCESS_JOBS)
    sent, processed = seen.spans[spans.SEND_JOBS], seen.spans[spans.PROCESS_JOBS]
    assert (sent.kind, processed.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert sent.context is not None
    assert sent.parent is not None
    assert processed.parent is not None
    assert f"{sent.context.trace_id:032x}" == TRACE.split("-")[1]
    assert f"{sent.parent.span_id:016x}" == TRACE.split("-")[2]
    assert processed.parent.span_id == sent.context.span_id
    assert inside == [processed.context]
    exchange, queue = told.topology.jobs_exchange, told.topology.jobs_queue
    ids = described(sent)[at.MESSAGING_MESSAGE_ID], described(sent)[at.MESSAGING_CONVERSATION_ID]
    common = {
        "messaging.system": "rabbitmq",
        "messaging.rabbitmq.destination.routing_key": "run",
        "messaging.message.id": ids[0],
        "messaging.message.conversation_id": ids[1],
        "messaging.message.body.size": described(sent)[at.MESSAGING_BODY_SIZE],
        "server.address": "127.0.0.1",
        "server.port": URL(rabbitmq.url).port,
    }
    assert described(sent) == common | {
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": f"{exchange}:run",
    }
    assert described(processed) == common | {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": f"{exchange}:run:{queue}",
    }
    assert all(ids)
    assert all(span.status.status_code is not StatusCode.ERROR for span in (sent, processed))
    assert set(described(sent)) | set(described(processed)) <= set(spans.SEND_JOBS.attributes)
    measured = seen.measured()
    for metric, operation in (
        (metrics.MESSAGING_OPERATION_DURATION, "send"),
        (metrics.MESSAGING_PROCESS_DURATION, "process"),
    ):
        (point,) = measured[metric]
        assert point.count == 1
        assert dict(point.attributes) == {
            "messaging.system": "rabbitmq",
            "messaging.operation.name": operation,
            "messaging.destination.name": f"{exchange}:run",
        }
        assert point.exemplars[0].trace_id == sent.context.trace_id
    (notified,) = measured[metrics.WAKE_UPS_SENT]
    assert (dict(notified.attributes), notified.value) == ({at.WAKE_UP_REASON: "submitted"}, 1)


async def test_a_handler_that_fails_is_an_error_with_its_exception(seen: Seen, told: Rig) -> None:
    await listen(told, [])
    await told.notifier.notify(WakeUp("bug"))
    await until_told(seen, spans.PROCESS_JOBS)
    processed = seen.spans[spans.PROCESS_JOBS]
    assert processed.status.status_code is StatusCode.ERROR
    assert described(processed)[at.ERROR_TYPE] == "ValueError"
    (raised,) = processed.events
    assert (raised.attributes or {})["exception.message"] == "a bug"
    (point,) = seen.points(metrics.MESSAGING_PROCESS_DURATION)
    assert point.attributes[at.ERROR_TYPE] == "ValueError"


async def test_a_message_set_aside_is_a_moment_and_a_message_of_its_own(seen: Seen, told: Rig) -> None:
    await listen(told, [])
    await told.broker.publish(b"hello", exchange=jobs_exchange(told.topology), routing_key="run")
    await until_told(seen, spans.PROCESS_JOBS, spans.SEND_QUARANTINE)
    processed, set_aside = seen.spans[spans.PROCESS_JOBS], seen.spans[spans.SEND_QUARANTINE]
    (moment,) = processed.events
    assert moment.name == spans.QUARANTINED
    assert "not JSON" in str((moment.attributes or {})[at.REASON])
    assert set_aside.parent is not None
    assert processed.context is not None
    assert set_aside.parent.span_id == processed.context.span_id
    (counted,) = seen.points(metrics.MESSAGES_QUARANTINED)
    assert counted.value == 1


async def test_events_hints_and_deferrals_have_names_without_ids(seen: Seen, told: Rig) -> None:
    subscriber = told.broker.subscriber(
        control_queue(told.topology, "worker-1"),
        control_exchange(told.topology),
        channel=Channel(prefetch_count=1),
    )

    async def on_hint(message: RabbitMessage) -> None:
        await told.reader.parse(message, Hint)

    subscriber(on_hint)
    await subscriber.start()
    told.notifier.announce([Announcement("ledger", "j", 1, 1, TRACE)])
    await told.notifier.hint(Hint(what="cancel_requested", lock="ledger", job_id="j"))
    await told.notifier.defer(WakeUp("ledger"))
    expected = {spans.SEND_EVENTS, spans.SEND_CONTROL, spans.PROCESS_CONTROL, spans.SEND_JOBS}
    await until_told(seen, *expected)
    assert set(seen.spans) == expected <= DECLARED
    assert all(span.status.status_code is not StatusCode.ERROR for span in seen.spans.values())
    queue = f"{told.topology.control_exchange}.worker-1"
    destination = f"{told.topology.control_exchange}:{queue}"
    assert described(seen.spans[spans.PROCESS_CONTROL])[at.MESSAGING_DESTINATION] == destination
    (point,) = seen.points(metrics.MESSAGING_PROCESS_DURATION)
    assert point.attributes[at.MESSAGING_DESTINATION] == told.topology.control_exchange
    (notified,) = seen.points(metrics.WAKE_UPS_SENT)
    assert dict(notified.attributes) == {at.WAKE_UP_REASON: "deferred"}


async def test_what_the_broker_does_not_confirm_is_an_error(
    seen: Seen, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with private.rabbitmq(tmp_path_factory.mktemp("broker")) as broker:
        async with connected(settings_for(broker.url), timeout=0.3) as rig:
            await rig.broker.start()
            broker.pause()
            with pytest.raises(UnknownOutcomeError):
                await rig.notifier.defer(WakeUp("ledger"))
            broker.resume()
    sent = seen.spans[spans.SEND_JOBS]
    assert sent.status.status_code is StatusCode.ERROR
    assert described(sent)[at.ERROR_TYPE] == "NotConfirmedError"
    (point,) = seen.points(metrics.MESSAGES_UNCONFIRMED)
    assert (dict(point.attributes), point.value) == ({at.MESSAGE_TYPE: "deferred_wake_up"}, 1)
    (sending,) = seen.points(metrics.MESSAGING_OPERATION_DURATION)
    assert sending.attributes[at.ERROR_TYPE] == "NotConfirmedError"
    assert not seen.points(metrics.WAKE_UPS_SENT)


async def test_a_message_that_comes_after_a_lost_connection_is_told_once(
    seen: Seen, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inside: list[trace.SpanContext] = []
    with private.rabbitmq(tmp_path_factory.mktemp("broker")) as broker:
        async with connected(settings_for(broker.url)) as rig:
            await listen(rig, inside)
            await rig.broker.start()
            broker.kill()
            broker.start()

            async def is_heard() -> bool:
                await rig.notifier.notify(WakeUp("ledger"))
                return bool(inside)

            await until(is_heard)
            await asyncio.sleep(0)
    processed = [span for span in seen.exporter.get_finished_spans() if span.name == spans.PROCESS_JOBS]
    assert len(processed) == len(inside)
    sent = {span.context.span_id for span in seen.exporter.get_finished_spans() if span.context}
    assert all(span.parent is not None and span.parent.span_id in sent for span in processed)


async def test_a_task_started_without_span_is_no_part_of_the_message_that_led_to_it(seen: Seen) -> None:
    async def work() -> None:
        with seen.tracer.start_as_current_span("work"):
            pass

    with seen.tracer.start_as_current_span("message") as message:
        with without_span():
            task = asyncio.create_task(work())
        assert trace.get_current_span() is message
    await task
    assert seen.spans["work"].parent is None
