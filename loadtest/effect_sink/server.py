"""The HTTP side of the effect sink."""

import json
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loadtest.effect_sink.ledger import Ledger, MalformedEffectError

_LONGEST_BODY = 64 * 1024


class EffectServer(ThreadingHTTPServer):
    """Takes effects for a ledger, which it closes with itself; `server_port` is its port. Raises OSError."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, ledger: Ledger) -> None:
        self._ledger = ledger
        super().__init__((host, port), partial(_Handler, ledger))

    def server_close(self) -> None:
        """Stop listening."""
        super().server_close()
        self._ledger.close()


class _Handler(BaseHTTPRequestHandler):
    # A client that was frozen in the middle of a request must not keep the others waiting, hence the threads.
    timeout = 120

    def __init__(self, ledger: Ledger, *arguments: Any) -> None:
        self._ledger = ledger
        super().__init__(*arguments)

    def do_POST(self) -> None:
        if self.path != "/effects":
            self._answer(HTTPStatus.NOT_FOUND, "effects are sent to /effects")
            return
        length = self.headers["Content-Length"] or ""
        if not (length.isascii() and length.isdecimal()):
            self._answer(HTTPStatus.LENGTH_REQUIRED, "Content-Length must state the body's length")
            return
        if int(length) > _LONGEST_BODY:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {_LONGEST_BODY} bytes")
            return
        try:
            is_accepted = self._ledger.apply(json.loads(self.rfile.read(int(length))))
        except MalformedEffectError as error:
            self._answer(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except (ValueError, RecursionError):
            self._answer(HTTPStatus.BAD_REQUEST, "the body is not JSON")
        else:
            self._answer(HTTPStatus.NO_CONTENT if is_accepted else HTTPStatus.CONFLICT)

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._answer(HTTPStatus.OK, self._ledger.metrics(), "text/plain; version=0.0.4")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "there is /metrics, and POST /effects")

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name is inherited
        """Log nothing: the ledger has it all."""

    def _answer(self, status: HTTPStatus, text: str = "", media_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
