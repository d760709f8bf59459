"""Workers that are told to take no new jobs, and to take them again."""

from datetime import UTC, datetime

import pytest
from tests.unit.publisher.doubles import Api

from contracts.jobs import Worker

NAME = "host/1:7"
JSON = {"Content-Type": "application/json"}
DRAIN = {"takes_jobs": False}
PATH = "/api/v1/workers/host%2F1%3A7"


@pytest.fixture
async def known(api: Api) -> Api:
    await api.directory.record_heartbeat(
        Worker(worker=NAME, seen_at=datetime(2026, 1, 1, tzinfo=UTC), kinds=["ten-steps"])
    )
    return api


async def test_a_worker_is_found_by_its_name(known: Api) -> None:
    found = await known.get(PATH)
    assert (found["worker"], found["takes_jobs"], found["drain"]) == (NAME, True, None)


async def test_a_worker_that_drains_names_who_said_so_when_and_why(known: Api) -> None:
    answer = await known.client.put(
        PATH, json={"takes_jobs": False, "reason": "update"}, headers={"X-Actor": "maria"}
    )
    assert answer.status_code == 202
    drain = answer.json()["drain"]
    assert (drain["actor"], drain["reason"]) == ("maria", "update")
    assert datetime.fromisoformat(drain["since"]) == known.clock.now()
    assert (await known.get(PATH))["drain"] == drain
    assert (await known.get("/api/v1/workers"))["items"][0]["drain"] == drain


async def test_the_first_order_stands_until_the_worker_may_take_jobs_again(known: Api) -> None:
    first = (await known.client.put(PATH, json=DRAIN, headers={"X-Actor": "maria"})).json()
    again = await known.client.put(PATH, json={**DRAIN, "reason": "mine"}, headers={"X-Actor": "tom"})
    assert again.json() == first
    for _ in range(2):
        resumed = await known.client.put(PATH, json={"takes_jobs": True})
        assert (resumed.status_code, resumed.json()["drain"]) == (202, None)


@pytest.mark.parametrize("order", [None, DRAIN, {"takes_jobs": True}])
async def test_a_worker_that_was_never_heard_is_not_found(known: Api, order: dict[str, bool] | None) -> None:
    path = "/api/v1/workers/nobody"
    answer = await (known.client.put(path, json=order) if order else known.client.get(path))
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:turnstile:problem:no_such_worker"
    assert "nobody" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"takes_jobs": 0}', b'{"takes_jobs": false, "reason": 1}'])
async def test_a_body_that_is_no_order_changes_nothing(known: Api, body: bytes) -> None:
    answer = await known.client.put(PATH, content=body, headers=JSON)
    assert answer.status_code == 422
    assert (await known.get(PATH))["drain"] is None
