"""A proxy is for other machines: what runs here is reached without it, also in containers."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import yaml
from deploy import ROOT
from deploy.processes.ports import LOOPBACK
from deploy.stack import observer, programs
from loadtest import storage_calls

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
#: What sends HTTP requests to other containers.
SENDERS = {"otel-collector", "grafana", "effect-sink"} | {path.name for path in (ROOT / "services").iterdir()}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"well")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server of this machine, while the environment names a proxy that is not there."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:9")
    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_service_is_asked_for_its_health(port: int) -> None:
    assert programs.health(port) == "ready"


def test_a_server_that_shows_what_happens_is_asked_for_its_health(port: int) -> None:
    assert observer._answers(f"http://{LOOPBACK}:{port}/ready")


def test_a_service_is_asked_for_its_metrics(port: int) -> None:
    assert storage_calls.read(f"http://{LOOPBACK}:{port}/metrics") == "well"


@pytest.mark.parametrize("service", sorted(SENDERS))
def test_a_container_asks_no_proxy_for_the_other_containers(service: str) -> None:
    environment = COMPOSE["services"][service]["environment"]
    for name in ("NO_PROXY", "no_proxy"):
        named = set(environment[name].partition(",${")[0].split(","))
        assert {"127.0.0.1", "localhost"} <= named
        assert (
            set(COMPOSE["services"]) - {"worker", "audit-projector", "scheduler", "ingress", "effect-sink"}
            <= named
        )
        # Exceptions of this machine stay.
        assert environment[name].endswith(",${no_proxy:-${NO_PROXY:-}}")


def test_no_health_check_in_a_container_asks_a_proxy() -> None:
    checks = [
        service["healthcheck"]["test"]
        for service in COMPOSE["services"].values()
        if "test" in service.get("healthcheck", {})
    ]
    with_wget = [check for check in checks if "wget" in check]
    assert len(with_wget) == 2
    for check in with_wget:
        assert check[:4] == ["CMD", "env", "http_proxy=", "wget"]
