"""A page of metrics like the Collector's, for dashboards that watch it."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deploy.dashboards import foreign
from deploy.dashboards.foreign import Foreign
from deploy.processes.ports import LOOPBACK

_VALUES: dict[Foreign, float] = {
    foreign.SPANS_UNSENT: 3,
    foreign.LINES_UNSENT: 0,
    foreign.SPANS_UNQUEUED: 0,
    foreign.LINES_UNQUEUED: 0,
    foreign.SPANS_REFUSED: 0,
    foreign.LINES_REFUSED: 0,
    foreign.QUEUED_BYTES: 4096,
    foreign.QUEUE_BYTES: 33_554_432,
}


@contextlib.contextmanager
def collector_metrics() -> Iterator[int]:
    """Answer on a port of this machine until the block ends."""
    with ThreadingHTTPServer((LOOPBACK, 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        text = "".join(
            f'{name}{{{name.labels[0]}="otlp"}} {value}\n' for name, value in _VALUES.items()
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass
