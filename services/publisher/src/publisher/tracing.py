"""The trace a job belongs to: its submitter's when that names one, otherwise a new one."""

import secrets
from collections.abc import Mapping
from typing import Any

from opentelemetry import context, propagate, trace

_HEADER = "traceparent"


def traceparent_of(headers: Mapping[str, Any]) -> str:
    """Give the W3C trace context for what came with these headers.

    It is the one of the span in which the request or message is handled, else the one that the headers name,
    else a new one, so that every job has a trace.
    """
    if trace.get_current_span().get_span_context().is_valid:
        return _current()
    token = context.attach(propagate.extract({name.lower(): str(value) for name, value in headers.items()}))
    try:
        return _current()
    finally:
        context.detach(token)


def _current() -> str:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get(_HEADER) or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
