"""GET /api/v1/quarantine."""

import logging

import pytest
from tests.unit.publisher.doubles import Api

from contracts.quarantine import QuarantinedMessage

MESSAGE = QuarantinedMessage(
    reason="lock: Field required",
    quarantined_at=None,
    queue="turnstile.jobs",
    exchange="turnstile.jobs",
    routing_key="run",
    message_id="m-1",
    content_type="application/json",
    sender="elsewhere",
    trace_id=None,
    headers={"x-tenant": "7"},
    body="{}",
    size=2,
    truncated=False,
)


async def test_the_oldest_messages_come_with_the_number_of_all(api: Api) -> None:
    api.quarantine.messages = [MESSAGE.model_copy(update={"message_id": str(n)}) for n in range(60)]
    page = await api.get("/api/v1/quarantine")

    assert (len(page["items"]), page["total"], page["next"]) == (50, 60, None)
    assert page["items"][0] == MESSAGE.model_dump(mode="json") | {"message_id": "0"}
    assert len((await api.get("/api/v1/quarantine?limit=3"))["items"]) == 3


@pytest.mark.parametrize("limit", ["0", "201", "many"])
async def test_a_limit_that_cannot_be_met_is_refused(api: Api, limit: str) -> None:
    answer = await api.client.get(f"/api/v1/quarantine?limit={limit}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")


async def test_without_rabbitmq_the_problem_names_it(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.quarantine.is_away = True
    with caplog.at_level(logging.WARNING):
        answer = await api.client.get("/api/v1/quarantine")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "urn:turnstile:problem:broker_unavailable"
    assert "RabbitMQ does not answer" in answer.json()["detail"]
    assert [record.getMessage() for record in caplog.records] == ["broker did not answer"]
