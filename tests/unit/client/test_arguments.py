"""What cannot be sent is refused before anything is sent, with the name of the argument and the remedy."""

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from tests.unit.client.answers import (
    BATCH,
    JOB,
    JOB_ID,
    JOBS,
    accepted,
    completed,
    document,
    event,
    job,
    stream,
)
from tests.unit.client.both import Make
from tests.unit.command_line.scripted_api import ScriptedApi

from contracts.jobs import Submission
from turnstile import AsyncClient, Client
from turnstile.client import (
    ClientError,
    ClosedError,
    InvalidArgumentError,
    RefusedError,
    UnexpectedAnswerError,
    WrongResultError,
)
from turnstile.client.arguments import encoded


class Booked(BaseModel):
    """What a handler returned."""

    booked: int


ITSELF: list[Any] = []
ITSELF.append(ITSELF)

NO_JSON = "is not JSON; give a text, a number, a boolean, None, a list or a dict"
NO_JOB = "job: must be the id of a job, or an answer with a job_id, not "

CALLS: list[tuple[Callable[[Any], Any], str]] = [
    (
        lambda c: c.submit("k", {"rate": math.nan}),
        "parameters.rate: nan is not JSON; give None or a text instead",
    ),
    (lambda c: c.submit("k", {"a": [1, {"b": -math.inf}]}), "parameters.a[1].b: -inf is not JSON"),
    (lambda c: c.submit("k", {"a": {1}}), f"parameters.a: {{1}} (set) {NO_JSON}"),
    (lambda c: c.submit("k", {"a": "\ud800"}), "parameters.a: contains half of a surrogate pair"),
    (
        lambda c: c.submit("k", {("a",): 1}),
        "parameters: has the name ('a',) (tuple); names of JSON are texts",
    ),
    (lambda c: c.submit("k", {"a": ITSELF}), "contains itself, or is nested too deeply for JSON"),
    (lambda c: c.submit("k", [1]), "parameters: must be a mapping or a pydantic model, not [1] (list)"),
    (lambda c: c.submit("k", lock=datetime), "lock: <class 'datetime.datetime'> (type) is not JSON"),
    (lambda c: c.retry(JOB_ID, 7), "parameters: must be a mapping or a pydantic model, not 7 (int)"),
    (lambda c: c.submit_many(None), "jobs: must be a list, not None"),
    (lambda c: c.submit_many({"kind": "k"}), "jobs: must be a list, not {'kind': 'k'} (dict)"),
    (
        lambda c: c.submit_many([{"kind": "k"}, 7]),
        "jobs[1]: must be a mapping or a pydantic model, not 7 (int)",
    ),
    (lambda c: c.submit_many([{"kind": "k"}, {"kind": math.nan}]), "jobs[1].kind: nan is not JSON"),
    (lambda c: c.job(None), f"{NO_JOB}None"),
    (lambda c: c.job(""), "job: must not be empty: give the id of a job, or an answer with a job_id"),
    (lambda c: c.job("a\nb"), "job: must not contain the control character U+000A"),
    (lambda c: c.cancel(7), f"{NO_JOB}7 (int)"),
    (lambda c: c.finalize({"job_id": JOB_ID}), f"{NO_JOB}{{'job_id': "),
    (lambda c: c.wait(None), f"{NO_JOB}None"),
    (lambda c: c.result(None), f"{NO_JOB}None"),
    (lambda c: list(c.events(None)), f"{NO_JOB}None"),
    (lambda c: list(c.stream(None)), f"{NO_JOB}None"),
    (
        lambda c: list(c.stream(JOB_ID, after="x")),
        "after: must be the number of an event, or 0, not 'x' (str)",
    ),
    (lambda c: list(c.stream(JOB_ID, after=-1)), "after: must be the number of an event, or 0, not -1 (int)"),
    (lambda c: c.result(JOB_ID, timeout="5"), "timeout: must be a number of seconds, or None, not '5' (str)"),
    (lambda c: c.result(JOB_ID, timeout=math.nan), "timeout: must be a number of seconds, or None, not nan"),
    (lambda c: c.result(JOB_ID, as_=5), "as_: must be a type that pydantic can read"),
    (lambda c: list(c.jobs(status=5)), "status: must be a text or several, not 5 (int)"),
    (
        lambda c: list(c.jobs(properties="a:b")),
        "properties: must be a mapping or a pydantic model, not 'a:b' (str)",
    ),
    (lambda c: list(c.jobs(submitted_from="2026")), "submitted_from: must be a datetime with a time zone"),
    (
        lambda c: list(c.jobs(submitted_from=datetime.fromisoformat("2026-01-01"))),
        "submitted_from: must be a datetime with a",
    ),
    (lambda c: c.lock(""), "name: must not be empty: give the name of a lock"),
    (lambda c: c.set_limit(None, 3), "name: must be the name of a lock, not None"),
    (
        lambda c: c.worker("a\nb"),
        "name: must not contain the control character U+000A; remove it: give the name of",
    ),
    (lambda c: c.drain_worker(""), "name: must not be empty: give the name of a worker"),
    (lambda c: c.request("GET", "/\x00"), "request: '/\\x00' cannot be asked for"),
    (
        lambda c: c.request("GET", JOBS, query=[1]),
        "query: must be a mapping or a pydantic model, not [1] (list)",
    ),
    (lambda c: c.request("POST", JOBS, body={1}), f"body: {{1}} (set) {NO_JSON}"),
]


@pytest.mark.parametrize(("call", "message"), CALLS, ids=[message for _, message in CALLS])
def test_an_argument_that_cannot_be_sent_is_named_and_nothing_is_sent(
    make: Make, publisher: ScriptedApi, call: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        call(make(publisher))
    assert message in str(refused.value)
    assert str(refused.value).startswith(f"{refused.value.argument}: ")
    assert isinstance(refused.value, ClientError)
    assert publisher.requests == []


def test_no_part_of_a_batch_is_sent_when_a_later_job_cannot_be(make: Make, publisher: ScriptedApi) -> None:
    jobs = [*({"kind": "k"} for _ in range(1500)), {"kind": "k", "parameters": {"a": math.nan}}]
    with pytest.raises(InvalidArgumentError, match=r"jobs\[1500\]\.parameters\.a: nan is not JSON"):
        make(publisher).submit_many(jobs)
    assert publisher.requests == []


SCHEDULE_CALLS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda s: s.get(""), "name: must not be empty: give the name of a schedule"),
    (lambda s: s.pause("a\nb"), "name: must not contain the control character U+000A"),
    (lambda s: s.put("a", [1]), "definition: must be a mapping or a pydantic model, not [1] (list)"),
    (lambda s: s.put("a", {"interval": math.inf}), "interval: inf is not JSON"),
]


@pytest.mark.parametrize(("call", "message"), SCHEDULE_CALLS)
def test_so_it_is_for_schedules(publisher: ScriptedApi, call: Callable[[Any], Any], message: str) -> None:
    with (
        Client("http://publisher", transport=httpx.MockTransport(publisher)) as client,
        pytest.raises(InvalidArgumentError) as refused,
    ):
        call(client.schedules)
    assert str(refused.value).startswith(message)

    async def ask() -> None:
        async with AsyncClient("http://publisher", transport=httpx.MockTransport(publisher)) as client:
            await call(client.schedules)

    with pytest.raises(InvalidArgumentError) as refused:
        asyncio.run(ask())
    assert str(refused.value).startswith(message)
    assert publisher.requests == []


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": None}, "url: None is not an address of a publisher, such as http://127.0.0.1:8000"),
        ({"actor": None}, "actor: 'None' must have 1 to 100 printable characters"),
        ({"timeout": math.nan}, "timeout: must be a number of seconds, not nan (float)"),
        ({"timeout": "60"}, "timeout: must be a number of seconds, not '60' (str)"),
        (
            {"request_timeout": 0},
            "request_timeout: must be a number of seconds, more than 0 and at most 86,400",
        ),
        ({"request_timeout": math.inf}, "request_timeout: must be a number of seconds, more than 0"),
        ({"headers": {"X-Team": "é"}}, "headers: 'é' must be a text of printable ASCII characters"),
        ({"headers": {"X-Team": "a\nb"}}, r"headers: 'a\nb' must be a text of printable ASCII characters"),
        ({"headers": [1]}, "headers: must be a mapping"),
    ],
)
def test_a_client_that_could_not_send_is_not_made(
    client: type[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        client(**options)
    assert str(refused.value).startswith(message)


def test_what_is_not_of_the_signature_is_a_type_error_of_python(make: Make, publisher: ScriptedApi) -> None:
    with pytest.raises(TypeError):
        make(publisher).cancel()
    with pytest.raises(TypeError):
        make(publisher).cancel(JOB_ID, why="x")


def test_a_field_that_no_submission_has_is_refused_by_the_publisher(make: Make) -> None:
    answer = {"type": "urn:turnstile:problem:invalid_fields", "detail": "x", "errors": [{"field": "a"}, 7]}
    with pytest.raises(RefusedError) as refused:
        make(lambda request: document(422, answer)).submit("k", lok="ledger")
    assert (str(refused.value), refused.value.fields) == ("x", {})


@pytest.mark.parametrize(
    "use", [lambda c: c.job(JOB_ID), lambda c: list(c.stream(JOB_ID)), lambda c: c.kinds()]
)
def test_a_closed_client_says_so(make: Make, publisher: ScriptedApi, use: Callable[[Any], Any]) -> None:
    client = make(publisher)
    client.close()
    client.close()
    with pytest.raises(ClosedError, match="The client is closed; make a new one"):
        use(client)
    assert publisher.requests == []


def test_a_result_of_another_type_is_kept_with_the_reason(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("GET", f"{JOB}/result", completed({"booked": "many"}))
    with pytest.raises(WrongResultError) as wrong:
        make(publisher).result(JOB_ID, as_=Booked)
    assert str(wrong.value) == (
        f"Job {JOB_ID} has completed, but its result is not as as_ says: "
        "result.booked must be a whole number, not 'many'."
    )
    assert wrong.value.result == {"booked": "many"}


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("POST", JOBS, lambda c: c.submit("k")),
        ("GET", JOB, lambda c: c.job(JOB_ID)),
        ("GET", JOBS, lambda c: list(c.jobs())),
        ("GET", f"{JOB}/result", lambda c: c.result(JOB_ID)),
        ("POST", f"{JOB}/finalize", lambda c: c.finalize(JOB_ID)),
        ("GET", "/api/v1/locks/a", lambda c: c.lock("a")),
        ("PUT", "/api/v1/workers/a", lambda c: c.drain_worker("a")),
    ],
)
@pytest.mark.parametrize("answer", [{"x": 1}, [1], "text", {"items": 7}, {"items": [7], "next": None}])
def test_an_answer_that_is_not_one_of_turnstile_is_an_error_of_the_client(
    make: Make, publisher: ScriptedApi, method: str, path: str, call: Callable[[Any], Any], answer: Any
) -> None:
    publisher.on(method, path, document(200, answer))
    with pytest.raises(
        UnexpectedAnswerError, match="The answer is not one of Turnstile, or of a later release"
    ):
        call(make(publisher))


def test_a_batch_that_is_answered_with_something_else_is_of_unknown_outcome(
    make: Make, publisher: ScriptedApi
) -> None:
    publisher.on("POST", BATCH, document(200, {"items": []}))
    (item,) = make(publisher, timeout=0).submit_many([Submission(kind="k", job_id=JOB_ID)])
    assert (item.status, item.problem["detail"]) == (503, "Jobs that were sent: 1; answered: 0.")


@pytest.mark.parametrize("data", ["no json", '{"seq": 1}', '{"seq": 1, "status": []}', "7"])
def test_a_stream_of_something_else_ends_with_an_error(make: Make, publisher: ScriptedApi, data: str) -> None:
    text = f"event: job_event\ndata: {data}\n\n"
    odd = httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})
    publisher.on("GET", f"{JOB}/stream", odd)
    with pytest.raises(UnexpectedAnswerError):
        list(make(publisher, timeout=5).stream(JOB_ID))


def test_an_event_of_a_later_release_is_an_error_of_the_client(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("GET", f"{JOB}/stream", stream(event(1, "Teleported"), event(2, "Completed")))
    with pytest.raises(UnexpectedAnswerError, match=r"status must be 'Submitted', .*older than it"):
        list(make(publisher).stream(JOB_ID))


def test_an_answer_that_cannot_be_unpacked_is_an_error_of_the_client(make: Make) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.DecodingError("bad gzip", request=request)

    with pytest.raises(UnexpectedAnswerError, match="cannot be read: bad gzip"):
        make(handle, repeats=False).job(JOB_ID)


def test_whether_the_job_was_there_before_is_known(make: Make, publisher: ScriptedApi) -> None:
    there = {"job_id": JOB_ID, "lock": "ledger", "status": "Running", "existing": True}
    publisher.on("POST", JOBS, accepted(), document(200, there))
    client = make(publisher)
    assert [client.submit("k", on_conflict="skip").existing for _ in range(2)] == [False, True]
    used = {
        "type": "urn:turnstile:problem:job_id_used",
        "detail": "x",
        "job_id": JOB_ID,
        "same_request": True,
    }
    publisher.on("POST", JOBS, document(409, used), httpx.ReadError("gone"), document(409, used))
    publisher.on("GET", JOB, document(200, job()))
    # The second answer is that to a request that was sent again: the first one may have added the job.
    assert [client.submit("k", job_id=JOB_ID).existing for _ in range(2)] == [True, False]


def test_the_status_of_any_request_is_known(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("POST", f"{JOB}/finalize", document(202, job()), document(200, job()))
    client = make(publisher)
    assert [client.exchange("POST", f"{JOB}/finalize")[0] for _ in range(2)] == [202, 200]


def test_json_is_written_as_short_as_it_can_be() -> None:
    assert encoded({"a": [1, "é", None, True, 0.5]}) == '{"a":[1,"é",null,true,0.5]}'.encode()
