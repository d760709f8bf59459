"""The load insists on each job, and what it did not expect is told."""

import math
import random
from collections.abc import Callable

import httpx
import pytest
from tests.chaos.load import Load

Answer = Callable[[httpx.Request], httpx.Response]


def load_answered(answer: Answer, count: int = 1, cancelled_share: float = 0.0) -> Load:
    """Return a load, all of whose requests were answered so."""
    url, chance = "http://publisher", random.Random(1)
    load = Load(url, ["ledger"], lambda chance: {}, count, 1000, chance, lambda: math.inf, cancelled_share)
    load._client = httpx.Client(base_url=url, transport=httpx.MockTransport(answer))
    with load:
        load.wait()
    return load


def test_a_job_is_submitted_again_with_the_same_id_while_nobody_answers() -> None:
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        match len(asked):
            case 1:
                raise httpx.ReadError("the connection broke")
            case 2:
                return httpx.Response(503)
            case _:
                return httpx.Response(409, json={"same_request": True})

    load = load_answered(answer)
    assert len(load.accepted) == 1
    assert load.wrong == []
    assert len(asked) == 3
    assert len(set(asked)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="unexpected"),
        httpx.Response(422, text="unexpected"),
        httpx.Response(409, json={"same_request": False, "detail": "unexpected"}),
        httpx.Response(409, text="unexpected"),
    ],
)
def test_an_answer_that_nobody_expects_is_told_and_not_asked_for_again(answer: httpx.Response) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(answer.status_code, content=answer.content)

    load = load_answered(respond)
    assert load.accepted == {}
    assert len(asked) == 1
    [sentence] = load.wrong
    assert "not expected" in sentence


def test_a_job_that_is_given_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.load._PATIENCE_SECONDS", 0.01)
    load = load_answered(lambda request: httpx.Response(503))
    [sentence] = load.wrong
    assert "no answer for 0.01 s" in sentence


@pytest.mark.parametrize(
    ("status", "text", "wrong"),
    [(202, "", 0), (409, "cancel_too_late", 0), (409, "another", 1), (404, "", 1)],
)
def test_some_jobs_are_cancelled_and_known_to_be(status: int, text: str, wrong: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(status, text=text) if request.url.path.endswith("/cancel") else httpx.Response(202)
        )

    load = load_answered(answer, cancelled_share=1)
    assert [job.is_cancelled for job in load.accepted.values()] == [True]
    assert len(load.wrong) == wrong


def test_no_job_is_cancelled_unless_asked_for() -> None:
    load = load_answered(lambda request: httpx.Response(202), 20)
    assert not any(job.is_cancelled for job in load.accepted.values())
