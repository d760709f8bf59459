"""Health checks: which check failed, and nothing hangs."""

import asyncio
import json
from typing import Any

from tests.unit.captured import capturing

from contracts.telemetry import metrics
from coordination.ports import UnknownOutcomeError
from service_defaults.health import LIVE, READY, Health, NotReadyError


async def fine() -> None:
    return


async def silent() -> None:
    await asyncio.sleep(60)


async def unknown() -> None:
    raise UnknownOutcomeError("no answer: refused")


async def not_ready() -> None:
    raise NotReadyError("the tables are not prepared yet")


async def ask(health: Health, path: str) -> tuple[int, Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    await dict(health.routes())[path]({"type": "http", "method": "GET", "path": path}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_a_service_is_ready_when_every_check_passes() -> None:
    assert await ask(Health({"rabbitmq": fine, "storage": fine}), READY) == (
        200,
        {"status": "ready", "checks": {"rabbitmq": "ok", "storage": "ok"}},
    )


async def test_the_answer_names_the_check_that_failed() -> None:
    health = Health({"a": fine, "b": unknown, "c": not_ready, "d": silent}, timeout=0.05)
    status, body = await ask(health, READY)
    assert status == 503
    assert body == {
        "status": "not ready",
        "checks": {
            "a": "ok",
            "b": "no answer: refused",
            "c": "the tables are not prepared yet",
            "d": "no answer within 0.05 s",
        },
    }


async def test_a_service_that_is_not_ready_is_alive() -> None:
    assert await ask(Health({"a": unknown}), LIVE) == (200, {"status": "alive"})


async def test_a_service_stays_ready_without_what_it_can_do_its_part_without() -> None:
    health = Health({"storage": fine}, {"rabbitmq": unknown})
    assert await ask(health, READY) == (
        200,
        {"status": "ready", "checks": {"storage": "ok", "rabbitmq": "no answer: refused"}},
    )


async def test_what_the_latest_look_found_is_a_metric() -> None:
    with capturing() as captured:
        health = Health({"storage": fine}, {"rabbitmq": unknown})
        assert captured.values(metrics.HEALTH_CHECK_PASSED) == {}
        await health.problems()
        assert captured.values(metrics.HEALTH_CHECK_PASSED) == {("storage",): 1, ("rabbitmq",): 0}
