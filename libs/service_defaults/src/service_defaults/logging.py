"""Logs: the standard library's logging, rendered as one JSON object per line or, on a terminal, for people.

Code logs constant messages with the data in `extra`; what is bound by `log_context` (job id, lock, attempt,
fence) and the ids of the active span are added to every line. Names are those of `contracts.telemetry`.
"""

import logging
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from contracts.telemetry import attributes as at
from contracts.telemetry import resource
from service_defaults.secrets import Redaction, redaction_for
from service_defaults.settings import ServiceSettings

#: These log much, and little that is new.
_QUIET = {
    **dict.fromkeys(("aio_pika", "aiormq", "azure", "urllib3", "uvicorn.access", "asyncio"), logging.WARNING),
    # Each repeats what aio_pika.robust_connection logs about a lost connection.
    **dict.fromkeys(("aio_pika.tools", "aiormq.connection", "aiormq.channel"), logging.CRITICAL),
}


_SELDOM_SECONDS = 60.0


def configure_logging(settings: ServiceSettings, stream: IO[str] | None = None) -> logging.Handler:
    """Send all logs of this process to the stream (default: standard output); return the handler."""
    stream = stream or sys.stdout
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    handler = logging.StreamHandler(stream)
    formatter = _formatter(settings.service_name, as_json=as_json, colors=stream.isatty())
    handler.setFormatter(_Redacting(formatter, redaction_for(settings)))
    handler.addFilter(_Seldom())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, root.level))
    # FastStream brings a handler of its own.
    faststream = logging.getLogger("faststream")
    faststream.handlers, faststream.propagate = [], True
    faststream.setLevel(logging.NOTSET)
    logging.captureWarnings(capture=True)
    return handler


def log_context(values: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Add values to every log line written within this context, by this task and those it starts."""
    return structlog.contextvars.bound_contextvars(**values)


def current_log_context() -> dict[str, Any]:
    """Return the values added to log lines now."""
    return structlog.contextvars.get_contextvars()


class _Redacting(logging.Formatter):
    """Masks secrets in finished lines: errors of libraries repeat addresses and headers."""

    def __init__(self, formatter: logging.Formatter, redaction: Redaction) -> None:
        super().__init__()
        self._formatter = formatter
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        return self._redaction.text(self._formatter.format(record))


class _Seldom(logging.Filter):
    """Lets OpenTelemetry log the same once a minute: it would complain about every batch it cannot send."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("opentelemetry"):
            return True
        now, said = time.monotonic(), (record.name, str(record.msg))
        if now - self._said.get(said, -_SELDOM_SECONDS) < _SELDOM_SECONDS:
            return False
        self._said[said] = now
        return True


def _formatter(service: str, *, as_json: bool, colors: bool) -> logging.Formatter:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(),
        _add_span,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    ]
    rendering: Iterable[Processor]
    if as_json:

        def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
            event[resource.SERVICE_NAME] = service
            return event

        rendering = [
            structlog.processors.format_exc_info,
            add_service,
            structlog.processors.EventRenamer("message"),
            _lead,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ]
    else:
        rendering = [structlog.dev.ConsoleRenderer(colors=colors)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )


def _add_span(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    # A line about a job belongs to that job's trace, also while another message is handled.
    trace_id = trace.format_trace_id(span.trace_id)
    if span.is_valid and event.setdefault(at.TRACE_ID, trace_id) == trace_id:
        event[at.SPAN_ID] = trace.format_span_id(span.span_id)
    return event


def _lead(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)
    first = ("timestamp", "level", "logger", "message", resource.SERVICE_NAME)
    return {name: event[name] for name in first if name in event} | dict(event)
