"""Messages as spans and measurements, by OpenTelemetry's conventions for RabbitMQ.

The instrumentation of aio-pika carries the context in headers. Its own spans have old names and attributes,
and record no errors, so it gets a tracer that makes none, and `MessageTelemetry` makes them instead.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

from faststream.exceptions import AckMessage
from faststream.middlewares import BaseMiddleware
from faststream.rabbit import RabbitMessage
from faststream.rabbit.response import RabbitPublishCommand
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram
from opentelemetry.trace import NonRecordingSpan, Span, SpanKind, Status, StatusCode, Tracer, TracerProvider
from yarl import URL

from contracts import topology as names
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from service_defaults.measures import histogram

_SCOPE = "turnstile"
_SEND, _PROCESS = "send", "process"


@contextmanager
def without_span() -> Generator[None]:
    """Let no span be the current one: tasks started within outlive the message that led to them."""
    token = context.attach(trace.set_span_in_context(trace.INVALID_SPAN))
    try:
        yield
    finally:
        context.detach(token)


class PassthroughTracerProvider(TracerProvider, Tracer):
    """Makes an instrumentation use the current context instead of a new span."""

    def get_tracer(self, *_: Any, **__: Any) -> Tracer:
        """Return itself."""
        return self

    def start_span(self, name: str, context: Context | None = None, *_: Any, **__: Any) -> Span:
        """Return what names the current span and cannot be ended."""
        return NonRecordingSpan(trace.get_current_span(context).get_span_context())

    @contextmanager
    def start_as_current_span(self, name: str, *_: Any, **__: Any) -> Generator[Span]:  # type: ignore[override]
        """Return the same."""
        yield self.start_span(name)


class MessageTelemetry:
    """Makes the middleware of a broker: spans `send …` and `process …`, and their durations."""

    def __init__(self, address: URL) -> None:
        self._about: dict[str, str | int] = {
            at.MESSAGING_SYSTEM: "rabbitmq",
            at.SERVER_ADDRESS: address.host or "",
            at.SERVER_PORT: address.port or (5671 if address.scheme == "amqps" else 5672),
        }
        self._sent = histogram(metrics.MESSAGING_OPERATION_DURATION)
        self._processed = histogram(metrics.MESSAGING_PROCESS_DURATION)

    def __call__(self, message: Any, /, *, context: Any) -> "_Middleware":
        """Make the middleware for one message."""
        return _Middleware(message, self, context=context)

    @contextmanager
    def sending(self, command: RabbitPublishCommand) -> Generator[None]:
        """Record a message from before it is sent until the broker has confirmed it, or has not."""
        exchange, key = command.exchange.name, command.destination
        about: dict[str, Any] = {
            at.MESSAGING_MESSAGE_ID: command.message_options.get("message_id"),
            at.MESSAGING_CONVERSATION_ID: command.correlation_id,
            at.MESSAGING_BODY_SIZE: _size(command.body),
        }
        with self._recording(SpanKind.PRODUCER, exchange, key, "", about, self._sent):
            yield

    @contextmanager
    def processing(self, message: RabbitMessage, subscriber: Any) -> Generator[None]:
        """Record a message while its handler has it."""
        about: dict[str, Any] = {
            at.MESSAGING_MESSAGE_ID: message.raw_message.message_id,
            at.MESSAGING_CONVERSATION_ID: message.raw_message.correlation_id,
            at.MESSAGING_BODY_SIZE: len(message.body),
        }
        exchange, queue = subscriber.exchange.name, subscriber.queue
        with self._recording(
            SpanKind.CONSUMER, exchange, queue.routing_key, queue.name, about, self._processed
        ):
            yield

    @contextmanager
    def _recording(
        self,
        kind: SpanKind,
        exchange: str,
        key: str,
        queue: str,
        about: dict[str, Any],
        into: Histogram,
    ) -> Generator[None]:
        operation = _SEND if kind is SpanKind.PRODUCER else _PROCESS
        labels: dict[str, str] = {
            at.MESSAGING_SYSTEM: "rabbitmq",
            at.MESSAGING_OPERATION_NAME: operation,
            at.MESSAGING_DESTINATION: ":".join(filter(None, (exchange, key))) or "amq.default",
        }
        attributes: dict[str, Any] = {
            **self._about,
            **labels,
            at.MESSAGING_OPERATION_TYPE: operation,
            at.MESSAGING_DESTINATION: ":".join(filter(None, (exchange, key, queue))) or "amq.default",
            at.MESSAGING_ROUTING_KEY: key or None,
            **about,
        }
        attributes = {name: value for name, value in attributes.items() if value is not None}
        span = trace.get_tracer(_SCOPE).start_span(
            f"{operation} {_place(exchange, key)}", kind=kind, attributes=attributes
        )
        started = time.perf_counter()
        # The measurement is taken while the span is current: it leads to the span.
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield
            except AckMessage:
                raise
            except BaseException as error:
                labels[at.ERROR_TYPE] = _fail(span, error, kind)
                raise
            finally:
                into.record(time.perf_counter() - started, labels)


class _Middleware(BaseMiddleware[RabbitPublishCommand, Any]):
    """Records one message."""

    def __init__(self, message: Any, telemetry: MessageTelemetry, *, context: Any) -> None:
        super().__init__(message, context=context)
        self._telemetry = telemetry

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        with self._telemetry.processing(msg, self.context.get("handler_")):
            return await call_next(msg)

    async def publish_scope(
        self, call_next: Callable[[RabbitPublishCommand], Awaitable[Any]], cmd: RabbitPublishCommand
    ) -> Any:
        with self._telemetry.sending(cmd):
            return await call_next(cmd)


def _fail(span: Span, error: BaseException, kind: SpanKind) -> str:
    """Set on the span what failed, and return the error's type."""
    failure = type(error).__qualname__
    if not isinstance(error, asyncio.CancelledError):
        span.record_exception(error)
    elif kind is SpanKind.PRODUCER:
        # The publishing task gave up waiting, or aio-pika ended the wait because the connection was lost.
        failure = "NotConfirmedError"
    span.set_attribute(at.ERROR_TYPE, failure)
    span.set_status(Status(StatusCode.ERROR, str(error) or None))
    return failure


def _place(exchange: str, key: str) -> str:
    """Return the logical name of a destination: without the installation's name space, keys and ids."""
    place = exchange.rpartition(".")[2]
    return "submissions" if place == "jobs" and key == names.SUBMIT else place or "default"


def _size(body: object) -> int | None:
    return len(body) if isinstance(body, bytes) else None
