"""What the stack says of a service, from the service's own answer about its health."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from deploy import healthcheck
from deploy.stack import programs

ALL_WELL = {"status": "ready", "checks": {"rabbitmq": "ok", "storage": "ok"}}
WITHOUT_BROKER = {"status": "ready", "checks": {"rabbitmq": "not connected to RabbitMQ", "storage": "ok"}}
WAITING = {"status": "not ready", "checks": {"runners": "no runner process has started", "storage": "ok"}}


class Answers(http.server.BaseHTTPRequestHandler):
    """Gives the answer that the test has put there."""

    answer = (200, b"")

    def do_GET(self) -> None:
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, json.dumps(ALL_WELL).encode()), "ready"),
        ((200, json.dumps(WITHOUT_BROKER).encode()), "ready, rabbitmq: not connected to RabbitMQ"),
        ((503, json.dumps(WAITING).encode()), "not ready, runners: no runner process has started"),
        ((502, b"<html>a proxy's page</html>"), "answers 502"),
        ((503, b"[1]"), "answers 503"),
        ((200, b""), "ready"),
    ],
)
def test_a_service_says_what_is_away(port: int, answer: tuple[int, bytes], said: str) -> None:
    Answers.answer = answer
    assert programs.health(port) == said


def test_a_service_that_does_not_listen_says_nothing() -> None:
    assert programs.health(1) == "no answer"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, json.dumps(ALL_WELL).encode()), 0),
        ((200, json.dumps(WITHOUT_BROKER).encode()), 1),
        ((503, json.dumps(WAITING).encode()), 1),
        ((200, b"[1]"), 1),
        ((200, b""), 1),
    ],
)
def test_a_container_is_healthy_when_all_is_well(
    port: int, answer: tuple[int, bytes], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Answers.answer = answer
    monkeypatch.setenv("TURNSTILE_PORT", str(port))
    assert healthcheck.main() == code


def test_the_container_of_a_service_that_does_not_listen_is_not_healthy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TURNSTILE_PORT", "1")
    assert healthcheck.main() == 1
