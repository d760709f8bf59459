"""The effect sink: stands for the world outside, knows nothing of Turnstile, and judges by fences alone.

python -m loadtest.effect_sink <file for the ledger>

Prints its port, then takes effects by POST until it is told to stop; /metrics tells Prometheus how many.
Independent on purpose: what it has seen is evidence that no part of the tested system could have forged.
"""

import json
import signal
import sys
import threading
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from loadtest.effect_sink.ledger import Ledger


class _Handler(BaseHTTPRequestHandler):
    # A client that was frozen in the middle of a request must not keep the others waiting, hence the threads.
    timeout = 120

    def __init__(self, ledger: Ledger, *arguments: Any) -> None:
        self._ledger = ledger
        super().__init__(*arguments)

    def do_POST(self) -> None:
        effect = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_accepted = self._ledger.apply(effect)
        self.send_response(HTTPStatus.NO_CONTENT if is_accepted else HTTPStatus.CONFLICT)
        self.end_headers()

    def do_GET(self) -> None:
        if self.path != "/metrics":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self._ledger.metrics().encode())

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name is inherited
        """Say nothing: the ledger has it all."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main(path: Path) -> None:
    """Serve until SIGTERM."""
    server = _Server(("127.0.0.1", 0), partial(_Handler, Ledger(path)))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(server.server_port, flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
