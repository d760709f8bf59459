"""A submission over HTTP and the same one in a message: both are read by the same rules."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api

from contracts.jobs import Submission
from contracts.messages import SubmitJob
from service_defaults.broker import NotUnderstoodError, parse_body

JSON = {"content-type": "application/json"}


def submission(value: str) -> str:
    return f'{{"kind": "ten-steps", "parameters": {{"value": {value}}}}}'


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


async def over_http(api: Api, text: str) -> str | None:
    """Submit a job; return the reason when it is refused."""
    answer = await api.client.post("/api/v1/jobs", content=text.encode(errors="surrogatepass"), headers=JSON)
    return None if answer.status_code == 202 else reason(answer.json()["detail"])


def by_message(text: str) -> str | None:
    """Read a SubmitJob message; return the reason when it is refused."""
    try:
        parse_body(f'{{"version": 1, "job": {text}}}'.encode(errors="surrogatepass"), SubmitJob)
    except NotUnderstoodError as error:
        return reason(str(error))
    return None


def reason(text: str) -> str:
    """Return a reason without the number that counts bytes or levels from where the body begins."""
    return "".join(sign for sign in text.lower().rstrip(".") if not sign.isdigit())


# A submission is the first level and its parameters are the second.
@pytest.mark.parametrize(
    "value", ["1.5", "null", nested(30), '"\\ud83d\\udca5"', "1e308", "9" * 4300, '{"a": 1, "A": 1}']
)
async def test_what_http_accepts_a_message_may_contain(api: Api, value: str) -> None:
    assert (await over_http(api, submission(value)), by_message(submission(value))) == (None, None)


@pytest.mark.parametrize(
    "value",
    [
        nested(31),
        nested(5000),
        '"\\ud800"',
        '{"\\udfff": 1}',
        '"\ud800"',
        "NaN",
        "-Infinity",
        "1e309",
        "9" * 4301,
        '{"a": 1, "a": 1}',
        "",
    ],
    ids=lambda value: ascii(value)[:20],
)
async def test_what_http_refuses_a_message_must_not_contain(api: Api, value: str) -> None:
    refused = await over_http(api, submission(value))
    assert refused is not None
    assert by_message(submission(value)).split(" at line")[0] == refused.split(" at line")[0]


async def test_both_read_the_same_submission(api: Api) -> None:
    text = submission('{"b": [1, {"c": "\\u00e9"}]}')
    job_id = (await api.client.post("/api/v1/jobs", content=text, headers=JSON)).json()["job_id"]
    message = parse_body(f'{{"version": 1, "job": {text}}}'.encode(), SubmitJob)

    assert message.job == Submission.model_validate_json(text)
    event: dict[str, Any] = (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"][0]
    assert event["data"]["kind"] == message.job.kind


@pytest.mark.parametrize(
    ("start_at", "is_usable"), [("2026-01-01T03:00:00+01:00", True), ("2026-01-01T03:00:00", False)]
)
async def test_both_read_start_times_alike(api: Api, start_at: str, *, is_usable: bool) -> None:
    text = f'{{"kind": "ten-steps", "start_at": "{start_at}"}}'
    over_http_is, by_message_is = await over_http(api, text), by_message(text)
    assert (over_http_is is None, by_message_is is None) == (is_usable, is_usable)
    if is_usable:
        message = parse_body(f'{{"version": 1, "job": {text}}}'.encode(), SubmitJob)
        assert message.job.start_at == datetime(2026, 1, 1, 2, tzinfo=UTC)
