"""Log records on their way to the OpenTelemetry SDK."""

import logging
import re
import traceback

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.log_utils import std_to_otel
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from contracts.telemetry import attributes as at
from service_defaults.log_attributes import MOST_OF_A_LINE, bounded, cut
from service_defaults.logging import current_log_context
from service_defaults.secrets import Redaction

_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")

_NOT_EXTRA = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}


class OtlpHandler(logging.Handler):
    """Hands log records to the OpenTelemetry SDK, with their extra fields and the log context."""

    def __init__(self, provider: LoggerProvider, redaction: Redaction | None = None) -> None:
        super().__init__()
        self._provider = provider
        self._redaction = redaction or Redaction()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over one record; what the exporter itself logs is left out, or it would feed itself."""
        if record.name.startswith("opentelemetry"):
            return
        extra = {name: value for name, value in vars(record).items() if name not in _NOT_EXTRA}
        attributes = {
            name: self._clean(value)
            for name, value in (current_log_context() | extra | _exception(record)).items()
            if value is not None
        }
        # The record has fields for them.
        trace_id, span_id = attributes.pop(at.TRACE_ID, None), attributes.pop(at.SPAN_ID, None)
        self._provider.get_logger(record.name).emit(
            timestamp=int(record.created * 1e9),
            context=_within(trace_id, span_id),
            severity_number=std_to_otel(record.levelno),
            severity_text=record.levelname,
            body=cut(self._redaction.text(record.getMessage()), MOST_OF_A_LINE),
            attributes=bounded(attributes),
        )

    def _clean(self, value: object) -> bool | float | int | str:
        if isinstance(value, (bool, int, float)):
            return value
        return self._redaction.text(str(value))


def _exception(record: logging.LogRecord) -> dict[str, str]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    error = record.exc_info[1]
    return {
        at.EXCEPTION_TYPE: type(error).__qualname__,
        at.EXCEPTION_MESSAGE: str(error),
        at.EXCEPTION_STACKTRACE: "".join(traceback.format_exception(error)),
    }


def _within(trace_id: object, span_id: object) -> Context | None:
    """Return the context of the job that a record is about, where that is not the current one."""
    if not isinstance(trace_id, str) or not _TRACE_ID.fullmatch(trace_id):
        return None
    number = int(trace_id, 16)
    if isinstance(span_id, str) and _SPAN_ID.fullmatch(span_id):
        span = int(span_id, 16)
    elif trace.get_current_span().get_span_context().trace_id == number:
        return None
    else:
        span = trace.INVALID_SPAN_ID
    job = SpanContext(number, span, is_remote=True, trace_flags=TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(job), Context())
