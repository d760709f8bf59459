"""A receiver of OTLP over HTTP that keeps what comes and who sent it, and can be as bad as collectors are."""

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeVar

from deploy.processes.ports import LOOPBACK, Reservation
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.e2e.telemetry import otlp_reading
from tests.e2e.telemetry.received import LogRecord, Metric, Received, Span
from tests.e2e.waiting import until

T = TypeVar("T")

#: `slow` answers late, `hanging` never, `refusing` with 503, `away` not even with a connection.
Mood = Literal["well", "slow", "hanging", "refusing", "away"]

_REQUESTS: dict[str, Callable[[], Any]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class OtlpReceiver:
    """Runs from `start` to `close` on one port, which it keeps while it is away."""

    #: How late it answers when it is slow, in seconds.
    delay = 2.0

    def __init__(self) -> None:
        self._reservation = Reservation(1)
        self.endpoint = f"http://{LOOPBACK}:{self._reservation.ports[0]}"
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._mood: Mood = "well"
        self._server: _Server | None = None
        self._spans: list[Span] = []
        self._metrics: dict[str, Metric] = {}
        self._logs: list[LogRecord] = []
        #: What came, unpacked but not parsed.
        self.bodies: list[bytes] = []
        #: Those of them with spans.
        self.trace_bodies: list[bytes] = []
        self._takers: list[Callable[[bytes], None]] = []
        #: How many requests came, answered or not.
        self.requests = 0
        #: Attributes of the senders' resources by `service.instance.id`.
        self.resources: dict[str, dict[str, Any]] = {}
        #: Which of traces, metrics and logs came, by `service.name`.
        self.signals: dict[str, set[str]] = {}

    # --- life -----------------------------------------------------------------

    def start(self) -> None:
        """Listen."""
        self._server = _Server(self, self._reservation.ports[0])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """End for good."""
        self._stop()
        self._reservation.release()

    @contextmanager
    def being(self, mood: Mood) -> Iterator[None]:
        """Be bad for a while; whoever waits for an answer then gets none."""
        self._become(mood)
        try:
            yield
        finally:
            self._become("well")

    def _become(self, mood: Mood) -> None:
        self._mood = mood
        self._changed.set()
        self._changed = threading.Event()
        if mood == "away":
            self._stop()
        elif self._server is None:
            self.start()

    def _stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    # --- what came --------------------------------------------------------------

    @property
    def spans(self) -> list[Span]:
        """Every span so far."""
        with self._lock:
            return list(self._spans)

    @property
    def metrics(self) -> list[Metric]:
        """Every series so far, each once."""
        with self._lock:
            return list(self._metrics.values())

    @property
    def logs(self) -> list[LogRecord]:
        """Every log record so far."""
        with self._lock:
            return list(self._logs)

    @property
    def received(self) -> Received:
        """Everything so far."""
        return Received(self.spans, self.metrics, self.logs)

    def until(self, condition: Callable[[list[Span]], T], what: str, within: float = 15) -> T:
        """Wait until a condition on the spans holds; returns its value."""
        return until(lambda: condition(self.spans), within, what)

    @contextmanager
    def forwarding(self, take: Callable[[bytes], None]) -> Iterator[None]:
        """Hand on every request with spans, those before first, until the block ends."""
        with self._lock:
            before = list(self.trace_bodies)
            self._takers.append(take)
        for body in before:
            take(body)
        try:
            yield
        finally:
            self._takers.remove(take)

    # --- requests ---------------------------------------------------------------

    def admit(self) -> int | None:
        """Return the status to answer a request with, when it is time to; None to hang up."""
        with self._lock:
            self.requests += 1
        mood, changed = self._mood, self._changed
        if mood == "hanging":
            changed.wait()
            return None
        if mood == "slow":
            changed.wait(self.delay)
        return {"well": 200, "slow": 200, "refusing": 503, "away": None}[mood]

    def keep(self, path: str, body: bytes) -> None:
        """Keep what a request brought."""
        request = _REQUESTS[path]()
        request.ParseFromString(body)
        with self._lock:
            self.bodies.append(body)
            for resource in otlp_reading.resources(request):
                self.resources[resource["service.instance.id"]] = resource
                self.signals.setdefault(resource["service.name"], set()).add(path.removeprefix("/v1/"))
            if path == "/v1/traces":
                self.trace_bodies.append(body)
                self._spans += otlp_reading.spans(request)
            elif path == "/v1/logs":
                self._logs += otlp_reading.logs(request)
            else:
                self._metrics |= {repr(metric): metric for metric in otlp_reading.metrics(request)}
            takers = list(self._takers) if path == "/v1/traces" else []
        for take in takers:
            take(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, receiver: OtlpReceiver, port: int) -> None:
        self.receiver = receiver
        super().__init__((LOOPBACK, port), _Request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of senders that hung up: some are killed."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        status = self.server.receiver.admit()
        if status is None:
            self.close_connection = True
            return
        if status == 200:
            self.server.receiver.keep(self.path, body)
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
