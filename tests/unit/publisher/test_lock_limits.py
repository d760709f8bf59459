"""PUT /api/v1/locks/{name}: how many jobs of a lock may run at the same time."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.unit.publisher.doubles import Api

PATH = "/api/v1/locks/ledger"


async def test_a_limit_says_by_whom_from_what_and_why(api: Api) -> None:
    body = {"limit": 3, "reason": " three writers "}
    answer = await api.client.put(PATH, json=body, headers={"x-actor": "ada"})

    assert answer.status_code == 200
    lock = await api.get(PATH)
    assert answer.json() == lock
    assert (lock["lock"], lock["limit"], lock["holder"], lock["fence"]) == ("ledger", 3, None, 0)
    free = {"open": True, "holder": None, "job_id": None, "fence": 0, "since": None}
    assert lock["slots"] == [{"number": number, **free} for number in (1, 2)]
    [limit] = lock["limits"]
    assert (limit["limit"], limit["previous"], limit["actor"], limit["reason"]) == (
        3,
        1,
        "ada",
        "three writers",
    )
    assert limit["set_at"] == api.clock.now().isoformat().replace("+00:00", "Z")


async def test_the_newest_limit_comes_first_and_a_repeated_one_is_no_other(api: Api) -> None:
    for limit in (3, 3, 2):
        await api.client.put(PATH, json={"limit": limit})
    lock = await api.get(PATH)
    assert [limit["limit"] for limit in lock["limits"]] == [2, 3]
    assert [slot["number"] for slot in lock["slots"]] == [1]


async def test_the_list_of_locks_says_the_limit(api: Api) -> None:
    await api.submitted(lock="ledger")
    await api.client.put(PATH, json={"limit": 2})
    lock = await api.get(PATH)
    assert (lock["limit"], lock["waiting"]) == (2, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": 65}, "limit"),
        ({"limit": 2**70}, "limit"),
        ({"limit": "3"}, "limit"),
        ({"limit": 2.5}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": None}, "limit"),
        ({}, "limit"),
        ({"limit": 2, "slots": 2}, "slots"),
        ({"limit": 2, "reason": "x" * 2000}, "reason"),
    ],
)
async def test_a_limit_that_cannot_be_names_the_field(api: Api, body: Any, field: str) -> None:
    answer = await api.client.put(PATH, json=body)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "urn:turnstile:problem:invalid_fields")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert (await api.client.get(PATH)).status_code == 404


async def test_the_bounds_are_said(api: Api) -> None:
    messages = [
        (await api.client.put(PATH, json={"limit": limit})).json()["errors"][0]["message"]
        for limit in (0, 65)
    ]
    assert "1" in messages[0]
    assert "64" in messages[1]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null"])
async def test_a_body_that_is_no_object_is_refused(api: Api, content: bytes) -> None:
    answer = await api.client.put(PATH, content=content, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("name", ["a\u0000b", "\u200b", " ", "x" * 201])
async def test_a_name_that_cannot_be_is_refused(api: Api, name: str) -> None:
    answer = await api.client.put(f"/api/v1/locks/{quote(name, safe='')}", json={"limit": 2})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["name"]


@pytest.mark.parametrize("name", ["a/b", "Büro 7", "100 %", "💥"])
async def test_odd_names_have_limits_too(api: Api, name: str) -> None:
    answer = await api.client.put(f"/api/v1/locks/{quote(name, safe='')}", json={"limit": 2})
    assert (answer.status_code, answer.json()["lock"]) == (200, name)
