"""A service as a process: it ends in order, whatever the broker does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from deploy.servers.private import RabbitMQ

pytestmark = pytest.mark.integration

SERVICE = """
import asyncio
import gc
import logging
from contracts.telemetry.names import Source
from faststream.asgi import AsgiFastStream
from service_defaults.app import serve, stop_as_failed
from service_defaults.broker import make_broker
from service_defaults.health import Health, rabbitmq_check
from service_defaults.settings import ServiceSettings, read_settings

class Settings(ServiceSettings):
    source = Source.WORKER

settings = read_settings(Settings)
broker = make_broker(settings)

async def fail():
    asyncio.get_running_loop().call_later(0.1, stop_as_failed)

async def tell():
    logging.getLogger("garbage").info(f"garbage: {gc.get_freeze_count()}, {gc.get_threshold()[0]}")

hooks = {"tells": [tell], "fails": [fail]}.get(settings.rabbitmq_namespace, [])
routes = Health({"rabbitmq": rabbitmq_check(broker)}).routes()
serve(lambda _: AsgiFastStream(broker, after_startup=hooks, asgi_routes=routes), settings)
"""


@contextmanager
def service(url: str, namespace: str = "ends", port: int = 0, **more: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "TURNSTILE_RABBITMQ_URL": url,
        "TURNSTILE_RABBITMQ_NAMESPACE": namespace,
        "TURNSTILE_STORAGE_CONNECTION_STRING": "AccountName=a;AccountKey=b",
        "TURNSTILE_PORT": str(port),
        "TURNSTILE_LOG_FORMAT": "json",
        **more,
    }
    command = [sys.executable, "-c", SERVICE]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], message: str) -> str:
    """Return the message of the first line that has this in it."""
    assert process.stdout is not None
    for line in process.stdout:
        if message in line:
            return str(json.loads(line)["message"])
    pytest.fail(f"the service ended before it said {message!r}")


def test_a_service_that_is_told_to_stop_ends_with_0(rabbitmq: RabbitMQ) -> None:
    with service(rabbitmq.url) as process:
        wait_for(process, "started successfully")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_service_shows_its_metrics_beside_its_application(rabbitmq: RabbitMQ) -> None:
    with service(rabbitmq.url, OTEL_SERVICE_NAME="worker") as process:
        url = wait_for(process, "Uvicorn running on").partition("running on ")[2].split()[0]
        wait_for(process, "started successfully")
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'service_name="worker"' in page
        assert "\nturnstile_messages_quarantined_total 0.0\n" in page
        with urllib.request.urlopen(f"{url}/health/live", timeout=10) as answer:
            assert json.load(answer) == {"status": "alive"}


def test_garbage_collections_of_a_service_pass_over_what_is_there_for_good(rabbitmq: RabbitMQ) -> None:
    with service(rabbitmq.url, "tells") as process:
        line = wait_for(process, "garbage: ")
    frozen, threshold = map(int, line.removeprefix("garbage: ").split(", "))
    assert frozen > 10_000
    assert threshold == 20_000


def test_a_service_that_gives_up_ends_with_1(rabbitmq: RabbitMQ) -> None:
    with service(rabbitmq.url, "fails") as process:
        assert process.wait(20) == 1


def test_a_service_whose_broker_never_answers_ends_when_it_is_told_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"amqp://a:b@127.0.0.1:{silent.getsockname()[1]}/"
        with service(url) as process:
            wait_for(process, "Uvicorn running")
            connection, _ = silent.accept()
            with connection:
                started = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
                assert time.monotonic() - started < 5


def test_a_service_whose_port_is_taken_ends_with_3(rabbitmq: RabbitMQ) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        service(rabbitmq.url, port=taken.getsockname()[1]) as process,
    ):
        assert process.wait(20) == 3
