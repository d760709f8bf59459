"""What a browser may load for these pages: nothing of another host."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_Message = MutableMapping[str, Any]
_Send = Callable[[_Message], Awaitable[None]]

#: The page of Streamlit has scripts and styles in itself, and makes workers of blobs.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    )
)

#: Headers of an answer that are no longer true when its body is changed.
_CHANGED = {b"content-length", b"etag"}

_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)

#: Streamlit's page asks for its own address when it was opened at a page's address; this tells it.
_HEAD = b"<head>"
_ADDRESS = b"<head><script>window.__streamlit={BACKEND_BASE_URL:location.origin+'%s'}</script>"


class PageSecurity:
    """Middleware that adds the headers, and the server's address to Streamlit's page."""

    def __init__(self, app: Callable[..., Awaitable[None]], base_path: str = "") -> None:
        self._app = app
        self._head = _ADDRESS % (f"/{base_path}/".encode() if base_path else b"/")

    async def __call__(self, scope: _Message, receive: Any, send: _Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The page must not arrive compressed, as it is changed here.
        headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        is_page = any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
        answer = _Answer(send, self._head) if is_page else _Answer(send, None)
        await self._app({**scope, "headers": headers} if is_page else scope, receive, answer.send)


class _Answer:
    """One answer on its way."""

    def __init__(self, send: _Send, head: bytes | None) -> None:
        self._send = send
        self._head = head
        self._start: _Message | None = None
        self._body = bytearray()

    async def send(self, message: _Message) -> None:
        """Pass a message on, with what is added."""
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_HEADERS]
            if self._head is not None and _is_html(message):
                self._start = message
                return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            body = bytes(self._body).replace(_HEAD, self._head or _HEAD, 1)
            kept = [pair for pair in self._start["headers"] if pair[0].lower() not in _CHANGED]
            self._start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": body})


def _is_html(message: _Message) -> bool:
    types = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    return any(value.startswith(b"text/html") for value in types)
