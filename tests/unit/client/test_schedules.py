"""`Client.schedules` and `AsyncClient.schedules` against a publisher that a test scripts."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.unit.client.both import Blocking, make_async, make_sync

from contracts.schedules import ScheduleDefinition
from turnstile.client import NotFoundError

FIRING = {
    "due_at": "2026-01-01T01:00:00Z",
    "trigger": "due",
    "outcome": "submitted",
    "detail": "",
    "job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
    "at": "2026-01-01T01:00:01Z",
}
SCHEDULE: dict[str, Any] = {
    "name": "a.b",
    "state": "active",
    "description": "",
    "cron": "0 1 * * *",
    "words": "At 01:00 every day",
    "zone": "UTC",
    "interval": None,
    "start": None,
    "end": None,
    "misfire": "once",
    "misfire_limit": 10,
    "misfire_after": 60.0,
    "job": {"kind": "report"},
    "next": ["2026-01-02T01:00:00Z"],
    "last": FIRING,
    "created_at": "2026-01-01T00:00:00Z",
    "created_by": "ada",
    "changed_at": "2026-01-01T00:00:00Z",
    "changed_by": "ada",
    "paused_at": None,
    "paused_by": None,
    "pause_reason": None,
    "last_status": "Completed",
    "history": [FIRING],
}
EVENT = {
    "id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
    "schedule": "a.b",
    "action": "created",
    "actor": "ada",
    "reason": "",
    "timestamp_utc": "2026-01-01T00:00:00Z",
    "data": {},
}


class Publisher:
    """Answers as a publisher with one schedule; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.lost = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, request.url.raw_path.decode(), body))
        if self.lost:
            self.lost -= 1
            raise httpx.ReadError("the answer was lost")
        path = request.url.path
        if path.endswith("/missing"):
            problem = {
                "type": "urn:turnstile:problem:no_such_schedule",
                "title": "t",
                "status": 404,
                "detail": "d",
            }
            return httpx.Response(404, json=problem, headers={"content-type": "application/problem+json"})
        if path.endswith("/schedules"):
            return httpx.Response(200, json={"items": [SCHEDULE], "next": None})
        if path.endswith("/events"):
            return httpx.Response(200, json={"items": [EVENT], "next": None})
        return httpx.Response(200, json=FIRING if path.endswith(":run") else SCHEDULE)


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Publisher]]:
    """Return the schedules of a client of each sort, and what answers it."""
    publisher = Publisher()
    if request.param == "sync":
        with make_sync(publisher) as client:
            yield client.schedules, publisher
        return
    with asyncio.Runner() as runner:
        schedules: Any = make_async(runner, publisher)._client.schedules
        yield Blocking(schedules, runner), publisher


def test_a_schedule_is_put_as_a_definition_or_as_what_becomes_one(both: tuple[Any, Publisher]) -> None:
    schedules, publisher = both
    start = datetime(2026, 1, 1, tzinfo=UTC)
    definition = ScheduleDefinition.model_validate(
        {"interval": 60, "start": start, "job": {"kind": "report"}}
    )
    put = schedules.put("a.b", definition, "why")
    assert (put.name, put.history[0].outcome) == ("a.b", "submitted")
    schedules.put("a.b", {"cron": "@daily", "job": {"kind": "report"}})
    assert publisher.asked == [
        (
            "PUT",
            "/api/v1/schedules/a%2Eb",
            {"interval": 60.0, "start": "2026-01-01T00:00:00Z", "job": {"kind": "report"}, "reason": "why"},
        ),
        ("PUT", "/api/v1/schedules/a%2Eb", {"cron": "@daily", "job": {"kind": "report"}}),
    ]


def test_each_method_asks_for_what_it_says(both: tuple[Any, Publisher]) -> None:
    schedules, publisher = both
    assert schedules.get("a").name == "a.b"
    assert [one.name for one in schedules.all()] == ["a.b"]
    assert [event.action for event in schedules.events("a")] == ["created"]
    schedules.pause("a", "why")
    schedules.resume("a")
    schedules.delete("a", "over")
    assert publisher.asked == [
        ("GET", "/api/v1/schedules/a", None),
        ("GET", "/api/v1/schedules", None),
        ("GET", "/api/v1/schedules/a/events", None),
        ("POST", "/api/v1/schedules/a:pause", {"reason": "why"}),
        ("POST", "/api/v1/schedules/a:resume", None),
        ("DELETE", "/api/v1/schedules/a?reason=over", None),
    ]
    with pytest.raises(NotFoundError):
        schedules.get("missing")


def test_a_run_whose_answer_was_lost_is_asked_for_again_under_the_same_key(
    both: tuple[Any, Publisher], monkeypatch: pytest.MonkeyPatch
) -> None:
    schedules, publisher = both
    monkeypatch.setattr("turnstile.client.calls.pauses", lambda: iter([0.0] * 9))
    publisher.lost = 1
    assert schedules.run("a", "now").outcome == "submitted"
    first, second = publisher.asked
    assert first == second
    assert first[2]["idempotency_key"]
    schedules.run("a", idempotency_key="k")
    assert publisher.asked[-1] == ("POST", "/api/v1/schedules/a:run", {"idempotency_key": "k", "reason": ""})
