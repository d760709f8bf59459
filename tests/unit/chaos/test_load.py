"""The load insists on each job, and what it did not expect is told."""

import math
import random
from collections.abc import Callable

import httpx
import pytest
from tests.chaos.load import Load

Answer = Callable[[httpx.Request], httpx.Response]


def load_answered(answer: Answer, count: int = 1) -> Load:
    """Give a load, all of whose requests were answered so."""
    load = Load(
        "http://publisher", ["ledger"], lambda dice: {}, count, 1000, random.Random(1), lambda: math.inf
    )
    load._client = httpx.Client(base_url="http://publisher", transport=httpx.MockTransport(answer))
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
    assert "was not accepted" in sentence


def test_a_job_that_is_given_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.load._PATIENCE_SECONDS", 0.01)
    load = load_answered(lambda request: httpx.Response(503))
    [sentence] = load.wrong
    assert "no answer for 0.01 s" in sentence
