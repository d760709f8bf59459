"""How a request's body is read: its size, its declared length, its end, its media type."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request
from tests.unit.publisher.doubles import Api

from contracts.jobs import MAX_BODY_BYTES
from publisher.http.problem import ProblemError
from publisher.http.request_body import read_body

JSON = {"content-type": "application/json"}


def body_of(size: int) -> bytes:
    """Return a submission of exactly this many bytes."""
    empty = len(json.dumps({"kind": "k", "parameters": {"x": ""}}))
    return json.dumps({"kind": "k", "parameters": {"x": "y" * (size - empty)}}).encode()


class Sender:
    """Sends a body in chunks, and counts those that were asked for."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self.asked_for = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.asked_for += 1
            yield chunk


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_at_the_limit_is_read_however_it_is_sent(api: Api, declared: bool) -> None:
    body = body_of(MAX_BODY_BYTES)
    headers = JSON | ({"content-length": str(len(body))} if declared else {})
    sender = Sender(body[:100_000], body[100_000:])
    answer = await api.client.post("/api/v1/jobs", content=sender, headers=headers)

    assert answer.status_code == 202


async def test_one_byte_more_is_refused_when_it_comes(api: Api) -> None:
    body = body_of(MAX_BODY_BYTES + 1)
    sender = Sender(body[:-1], body[-1:], b" ", b" ")
    answer = await api.client.post("/api/v1/jobs", content=sender, headers=JSON)

    assert answer.status_code == 413
    assert answer.json() == {
        "type": "urn:turnstile:problem:body_too_large",
        "title": "Body too large",
        "status": 413,
        "detail": "The body is larger than 256 KiB; put large input into a blob and name it.",
        "instance": "/api/v1/jobs",
    }
    # What is left unread must not be taken for the next request.
    assert answer.headers["connection"] == "close"
    assert sender.asked_for == 2


@pytest.mark.parametrize("declared", [str(MAX_BODY_BYTES + 1), "9" * 5000])
async def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(api: Api, declared: str) -> None:
    sender = Sender(b"{}")
    answer = await api.client.post(
        "/api/v1/jobs", content=sender, headers=JSON | {"content-length": declared}
    )

    assert (answer.status_code, sender.asked_for) == (413, 0)


@pytest.mark.parametrize("declared", ["", "-1", "x", "1e9"])
async def test_a_length_that_is_no_number_is_not_believed(api: Api, declared: str) -> None:
    headers = JSON | {"content-length": declared}
    answer = await api.client.post("/api/v1/jobs", content=Sender(b'{"kind": "k"}'), headers=headers)

    assert answer.status_code == 202


async def test_a_body_that_ends_early_is_refused_without_a_failure() -> None:
    pieces = [
        {"type": "http.request", "body": b'{"kind": "k"}', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return pieces.pop(0)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}
    with pytest.raises(ProblemError) as refused:
        await read_body(Request(scope, receive))

    assert (refused.value.status, refused.value.name) == (400, "not_json")
    assert refused.value.detail == "The body ended early."


async def test_a_body_that_is_not_json_is_a_problem_of_its_own_sort(api: Api) -> None:
    for body, detail in (
        (b"", "The body is empty; send a JSON object."),
        (b"1 2", "The body is not JSON: Extra data at line 1, column 3."),
    ):
        answer = await api.client.post("/api/v1/jobs", content=body, headers=JSON)
        assert answer.json() == {
            "type": "urn:turnstile:problem:not_json",
            "title": "Not json",
            "status": 400,
            "detail": detail,
            "instance": "/api/v1/jobs",
        }


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json;charset=utf-8",
        'application/json; charset="UTF8"',
        "application/json; charset=us-ascii",
        "application/json; profile=x",
        "application/problem+json",
    ],
)
async def test_json_in_utf_8_may_be_declared_in_these_ways(api: Api, media_type: str) -> None:
    answer = await api.client.post(
        "/api/v1/jobs", content=b'{"kind": "k"}', headers={"content-type": media_type}
    )

    assert answer.status_code == 202


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "application/jsonx",
        "application/x-json",
        "text/json",
        "text/x+json",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
async def test_another_declaration_is_refused_and_nothing_is_read(api: Api, media_type: str | None) -> None:
    sender = Sender(b'{"kind": "k"}')
    headers = {} if media_type is None else {"content-type": media_type}
    answer = await api.client.post("/api/v1/jobs", content=sender, headers=headers)

    assert (answer.status_code, sender.asked_for) == (415, 0)
    assert answer.headers["accept"] == "application/json"
    assert "Content-Type: application/json" in answer.json()["detail"]
    assert answer.json()["type"] == "urn:turnstile:problem:wrong_media_type"
