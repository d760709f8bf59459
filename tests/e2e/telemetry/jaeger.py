"""Jaeger's query API as Grafana asks it, and a stand-in that answers from what a receiver got."""

import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from deploy.processes.ports import LOOPBACK
from tests.e2e.telemetry.jaeger_documents import document
from tests.e2e.telemetry.received import Span

#: A pair of logfmt whose value is in quotation marks.
_TAG = re.compile(r'(\S+?)="([^"]*)"')


class Grafana:
    """Sends what Grafana's Jaeger data source sends for a query of a panel (pkg/tsdb/jaeger/client.go)."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=10)

    def ask(self, target: Mapping[str, Any], variables: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the traces that a panel shows; none if Jaeger knows none."""
        filled = {name: _filled(value, variables) for name, value in target.items()}
        if filled.get("queryType") == "search":
            tags = json.dumps(dict(_TAG.findall(filled["tags"])), separators=(",", ":"))
            asked = {"limit": str(filled["limit"]), "service": filled["service"], "tags": tags}
            return self._get("/api/traces", asked)
        return self._get(f"/api/traces/{urllib.parse.quote_plus(filled['query'])}", {})

    def _get(self, path: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        answer = self._client.get(path, params=dict(sorted(asked.items())))
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
        return found


class JaegerStandIn(ThreadingHTTPServer):
    """Answers searches by service and tags, and for a trace; runs within a `with` block."""

    daemon_threads = True

    def __init__(self, spans: Callable[[], list[Span]]) -> None:
        super().__init__((LOOPBACK, 0), _Request)
        self.spans = spans
        self.url = f"http://{LOOPBACK}:{self.server_port}"

    def __enter__(self) -> "JaegerStandIn":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """Return a trace, as far as tests look at it."""
        spans = [span for span in self.spans() if span.trace_id == trace_id]
        return [document(trace_id, spans)] if spans else []

    def operations(self, service: str) -> list[str]:
        """Return the names of a service's spans."""
        return sorted({span.name for span in self.spans() if span.service == service})

    def search(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the traces with a span of the service that has all tags."""
        tags: dict[str, str] = json.loads(asked["tags"])
        found = {
            span.trace_id
            for span in self.spans()
            if span.service == asked["service"]
            and all(_has(span, name, value) for name, value in tags.items())
        }
        return [
            trace
            for trace_id in sorted(found)[: int(asked.get("limit", 100))]
            for trace in self.trace(trace_id)
        ]


class _Request(BaseHTTPRequestHandler):
    server: JaegerStandIn

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/api/traces":
            found = self.server.search(dict(urllib.parse.parse_qsl(url.query)))
            self._answer(200, {"data": found})
            return
        if url.path.startswith("/api/services/"):
            service = url.path.removeprefix("/api/services/").removesuffix("/operations")
            self._answer(200, {"data": self.server.operations(service)})
            return
        found = self.server.trace(url.path.removeprefix("/api/traces/"))
        self._answer(200 if found else 404, {"data": found})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _has(span: Span, name: str, value: str) -> bool:
    """Return whether the span, or a moment on it, has an attribute with this value, as Jaeger finds it."""
    carriers = (span.attributes, *(event.attributes for event in span.events))
    return any(str(attributes.get(name)) == value for attributes in carriers)


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    for name, content in variables.items():
        value = value.replace(f"${{{name}:raw}}", content)
    assert "$" not in value, value
    return value
