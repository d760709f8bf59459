"""Reading W3C trace context, which is stored with a job and carried by every message about it."""


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace id within a `traceparent`, if there is one (www.w3.org/TR/trace-context)."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None
