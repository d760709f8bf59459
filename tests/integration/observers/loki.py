"""Stands in for Loki: takes log records as its OTLP end point does, and refuses what Loki 3.7 refuses."""

import gzip
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from deploy.processes.ports import LOOPBACK
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

_MIB = 1024 * 1024
_UNITS = {"KB": 1024, "MB": 1024 * 1024}
#: Attributes of senders that Loki makes labels of; the rest goes to every line.
_LABELS = ("service.name", "service.namespace", "service.instance.id")


@dataclass(frozen=True)
class Limits:
    """Loki's limits, in bytes; the defaults are its own."""

    message: int = 4 * _MIB
    rate: float = 4 * _MIB
    burst: float = 6 * _MIB
    stream_rate: float = 3 * _MIB
    stream_burst: float = 15 * _MIB
    structured_metadata: int = 64 * 1024
    metadata_entries: int = 128
    line: int = 256 * 1024

    @classmethod
    def of(cls, file: Path) -> "Limits":
        """Read them from a configuration."""
        found = yaml.safe_load(file.read_text())
        limits = found["limits_config"]
        return cls(
            message=found["server"]["grpc_server_max_recv_msg_size"],
            rate=limits["ingestion_rate_mb"] * _MIB,
            burst=limits["ingestion_burst_size_mb"] * _MIB,
            stream_rate=_bytes(limits["per_stream_rate_limit"]),
            stream_burst=_bytes(limits["per_stream_rate_limit_burst"]),
            structured_metadata=_bytes(limits["max_structured_metadata_size"]),
        )


@dataclass(frozen=True)
class Line:
    """A line that was taken, with its structured metadata."""

    text: str
    metadata: dict[str, str]


@dataclass
class _Bucket:
    """What may come at once, and per second."""

    rate: float
    burst: float
    left: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = self.burst

    def take(self, size: float) -> bool:
        now = time.monotonic()
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        if size > self.left:
            return False
        self.left -= size
        return True


class Loki(ThreadingHTTPServer):
    """The server. `with Loki(limits) as loki` starts and ends it."""

    daemon_threads = True

    def __init__(self, limits: Limits, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.limits = limits
        self.lines: list[Line] = []
        #: The status of every answer that was not 204, and why.
        self.refusals: list[tuple[int, str]] = []
        self._lock = threading.Lock()
        self._tenant = _Bucket(limits.rate, limits.burst)
        self._streams: dict[str, _Bucket] = {}

    def __enter__(self) -> "Loki":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        """Where log records are sent, without `/v1/logs`."""
        return f"http://{LOOPBACK}:{self.server_port}/otlp"

    def take(self, request: ExportLogsServiceRequest) -> int:
        """Take a request; return the status of the answer."""
        try:
            streams = list(_lines_in(request))
        except ValueError as error:
            return self._refuse(400, str(error))
        size = sum(_size(line) for _, lines in streams for line in lines)
        with self._lock:
            if size > self.limits.message:
                return self._refuse(503, f"message of {size} bytes")
            if not self._tenant.take(size):
                return self._refuse(429, "rate of all")
            status = 204
            for name, lines in streams:
                limits = self.limits
                bucket = self._streams.setdefault(name, _Bucket(limits.stream_rate, limits.stream_burst))
                if not bucket.take(sum(map(_size, lines))):
                    status = self._refuse(429, f"rate of {name}")
                    continue
                for line in lines:
                    reason = self._reason_against(line)
                    if reason:
                        status = self._refuse(400, reason)
                    else:
                        self.lines.append(line)
            return status

    def _reason_against(self, line: Line) -> str:
        if len(line.text.encode()) > self.limits.line:
            return "line too long"
        if len(line.metadata) > self.limits.metadata_entries:
            return "too many attributes"
        if _metadata_size(line) > self.limits.structured_metadata:
            return "structured metadata too large"
        return ""

    def _refuse(self, status: int, reason: str) -> int:
        self.refusals.append((status, reason))
        return status


class _Handler(BaseHTTPRequestHandler):
    server: Loki
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        found = self.path == "/otlp/v1/logs"
        self._answer(self.server.take(ExportLogsServiceRequest.FromString(body)) if found else 404)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def translated(name: str) -> str:
    """Return a name as Loki's translator does (prometheus/otlptranslator 1.0). Raises ValueError."""
    if not name:
        raise ValueError("empty name")
    reserved = len(name) > 4 and name.startswith("__") and name.endswith("__")
    made = re.sub("[^a-zA-Z0-9]+", "_", name[2:-2] if reserved else name)
    made = f"__{made}__" if reserved else made
    made = f"key_{made}" if made[0].isdigit() else made
    if not made.strip("_"):
        raise ValueError(f"invalid name {name!r}")
    return made


def _lines_in(request: ExportLogsServiceRequest) -> Iterable[tuple[str, list[Line]]]:
    for resource in request.resource_logs:
        sender = _translated(resource.resource.attributes)
        labels = {translated(name) for name in _LABELS}
        stream = ",".join(f"{name}={value}" for name, value in sorted(sender.items()) if name in labels)
        of_sender = {name: value for name, value in sender.items() if name not in labels}
        lines = [
            Line(
                record.body.string_value,
                {
                    **of_sender,
                    "scope_name": scope.scope.name,
                    "severity_text": record.severity_text,
                    "severity_number": str(record.severity_number),
                    **_translated(record.attributes),
                    "trace_id": record.trace_id.hex(),
                    "span_id": record.span_id.hex(),
                },
            )
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
        yield stream, lines


def _translated(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {translated(one.key): _text(one.value) for one in attributes}


def _text(value: Any) -> str:
    return str(getattr(value, value.WhichOneof("value") or "string_value"))


def _size(line: Line) -> int:
    return len(line.text.encode()) + _metadata_size(line)


def _metadata_size(line: Line) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in line.metadata.items())


def _bytes(text: str) -> int:
    return int(text[:-2]) * _UNITS[text[-2:]]
