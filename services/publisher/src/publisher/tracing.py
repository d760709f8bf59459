"""Trace context: that of a request or message, that of a job, and that of an answer."""

import secrets
from collections.abc import Mapping
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context

_HEADER = "traceparent"


def context_of(headers: Mapping[str, Any]) -> Context | None:
    """Return the context that what came with these headers is handled in.

    It is that of the request's or message's own span, else the one that the headers name; None for the first.
    """
    if trace.get_current_span().get_span_context().is_valid:
        return None
    return propagate.extract({name.lower(): str(value) for name, value in headers.items()})


def current_traceparent() -> str:
    """Return the active span as a W3C traceparent; without a span a new one: every job has a trace."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get(_HEADER) or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def current_trace_id() -> str | None:
    """Return the id of the active trace, for people to quote; None without one."""
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else None


def traceresponse() -> dict[str, str]:
    """Return the header that names the trace of the answer to the caller (W3C Trace Context Level 2)."""
    return {"traceresponse": current_traceparent()} if current_trace_id() else {}
