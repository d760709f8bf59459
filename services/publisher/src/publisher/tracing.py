"""The trace a job belongs to: the caller's when it sends one, otherwise a new one."""

import secrets
from collections.abc import Mapping
from typing import Any

from opentelemetry import context, propagate, trace
from opentelemetry.propagators.textmap import Getter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADER = "traceparent"


class RequestTrace:
    """Makes a request's handling a span, in the trace that its headers name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request within a span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = propagate.extract(scope, getter=_Headers())
        with trace.get_tracer(__name__).start_as_current_span(
            scope["method"], caller, trace.SpanKind.SERVER, {"http.request.method": scope["method"]}
        ) as span:

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = getattr(scope.get("route"), "path", None)
                    if route is not None:
                        span.update_name(f"{scope['method']} {route}")
                        span.set_attribute("http.route", route)
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, send_noted)


def current_traceparent() -> str:
    """Give the current trace context in W3C form; a new one when there is none, so that every job has one."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get(_HEADER) or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def traceparent_of(headers: Mapping[str, Any]) -> str:
    """Give a message's trace context: the one it is handled in, else the one it carries, else a new one."""
    if trace.get_current_span().get_span_context().is_valid:
        return current_traceparent()
    token = context.attach(propagate.extract({key: str(value) for key, value in headers.items()}))
    try:
        return current_traceparent()
    finally:
        context.detach(token)


class _Headers(Getter[Scope]):
    def get(self, carrier: Scope, key: str) -> list[str] | None:
        wanted = key.lower().encode()
        return [value.decode("latin-1") for name, value in carrier["headers"] if name == wanted] or None

    def keys(self, carrier: Scope) -> list[str]:
        return [name.decode("latin-1") for name, _ in carrier["headers"]]
