"""What is secret is told to nobody: not in spans, metrics, logs or on `/metrics`, also when things fail."""

import re
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from deploy.servers import private
from tests.e2e.api import Job
from tests.e2e.stack import Stack
from tests.e2e.telemetry import scenarios
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

BROKER_PASSWORD = "canary-of-the-broker"
HEADER_VALUE = "canary-of-the-collector"
AUTHORIZATION, COOKIE = "canary-of-the-authorization", "canary-of-the-cookie"
PASSWORD, TOKEN, SECRET = "canary-of-the-password", "canary-of-the-token", "canary-of-the-secret"


@dataclass(frozen=True)
class Told:
    """Everything that services let out, and the secrets that must not be in it."""

    #: Text by where it was found.
    places: dict[str, str]
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Run jobs with secrets all around, let broker and storage go away, and collect what was told."""
    folder = tmp_path_factory.mktemp("secrets")
    receiver = OtlpReceiver()
    receiver.start()
    with private.azurite(folder / "azurite", in_memory=True) as storage:
        broker = _broker_with_password(folder / "rabbitmq")
        stack = Stack(broker, storage, folder / "stack", _environment(receiver, broker))
        try:
            broker.start()
            stack.start()
            pages = _live(stack)
            stack.close()
            logs = {log.name: log.read_text() for log in stack.folder.glob("*.log")}
        finally:
            stack.close()
            broker.close()
            receiver.close()
    sent = {f"OTLP request {number}": repr(body) for number, body in enumerate(receiver.bodies)}
    assert len(sent) > 10
    return Told({**sent, **logs, **pages}, {"storage key": _key_of(storage), **_SECRETS})


@pytest.mark.parametrize("name", ["storage key", "broker password", "OTLP header", "authorization", "cookie"])
def test_no_secret_of_settings_or_callers_is_told(told: Told, name: str) -> None:
    assert places_of(told, name) == []


@pytest.mark.parametrize("name", ["password", "token", "secret"])
def test_no_secret_among_a_jobs_parameters_is_told(told: Told, name: str) -> None:
    assert places_of(told, name) == []


def test_the_search_would_find_a_secret_that_was_told(told: Told) -> None:
    assert any("not let in with **********" in text for text in told.places.values())
    for place in ("publisher.log", "worker-1.log", "/metrics of publisher", "/metrics of worker-1"):
        assert told.places[place]


def places_of(told: Told, name: str) -> list[str]:
    """Return where a secret was told, with what stands around it."""
    secret = told.secrets[name]
    return [
        f"{place}: …{text[max(0, found.start() - 150) : found.start()]}<HERE>"
        for place, text in told.places.items()
        for found in re.finditer(re.escape(secret), text)
    ][:5]


_SECRETS = {
    "broker password": BROKER_PASSWORD,
    "OTLP header": HEADER_VALUE,
    "authorization": AUTHORIZATION,
    "cookie": COOKIE,
    "password": PASSWORD,
    "token": TOKEN,
    "secret": SECRET,
}


def _live(stack: Stack) -> dict[str, str]:
    """Let happen what could make a service talk; returns the pages with metrics."""
    headers = {"Authorization": f"Bearer {AUTHORIZATION}", "Cookie": f"session={COOKIE}"}
    parameters: dict[str, object] = {"password": PASSWORD, "token": TOKEN, "secret": SECRET}
    until(lambda: "logs-in" in stack.api.kinds(), 20, "the workers to publish all their kinds")
    job = _submit(stack, headers, parameters)
    assert job.wait_for_end()["status"] == "Failed"
    wrong = _post(stack, headers, {"password": PASSWORD, "token": [TOKEN], "secret": [SECRET]})
    if wrong.is_success:
        assert stack.api.job(wrong.json()["job_id"], "").wait_for_end()["status"] == "Failed"
    stack.rabbitmq.kill()
    _post(stack, headers, parameters)
    until(lambda: not stack.publisher.is_ready, 10, "the publisher to notice")
    stack.rabbitmq.start()
    stack.wait_until_all_work()
    stack.azurite.pause()
    _post(stack, headers, parameters)
    until(lambda: not stack.publisher.is_ready, 10, "the publisher to notice")
    stack.azurite.resume()
    stack.wait_until_all_work()
    return {
        f"/metrics of {service.name}": httpx.get(f"{service.url}/metrics").raise_for_status().text
        for service in stack.services()
    }


def _submit(stack: Stack, headers: dict[str, str], parameters: dict[str, object]) -> Job:
    answer = _post(stack, headers, parameters)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return stack.api.job(answer.json()["job_id"], answer.json()["lock"])


def _post(stack: Stack, headers: dict[str, str], parameters: dict[str, object]) -> httpx.Response:
    body = {"kind": "logs-in", "lock": stack.new_lock(), "parameters": parameters}
    return stack.api.client.post("/api/v1/jobs", json=body, headers=headers)


def _environment(receiver: OtlpReceiver, broker: private.RabbitMQ) -> dict[str, str]:
    return {
        **scenarios.telling(receiver),
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={HEADER_VALUE}",
        "TURNSTILE_RABBITMQ_URL": broker.url,
        "TURNSTILE_LOG_LEVEL": "DEBUG",
    }


def _broker_with_password(folder: Path) -> private.RabbitMQ:
    folder.mkdir()
    return private.RabbitMQ(folder, password=BROKER_PASSWORD)


def _key_of(storage: private.Azurite) -> str:
    parts = dict(part.split("=", 1) for part in storage.connection_string.split(";") if part)
    return parts["AccountKey"]
