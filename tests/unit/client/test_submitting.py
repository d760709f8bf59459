"""Submitting with either client: ids, lost answers, refusals, pauses, and many jobs at once."""

import json
import uuid
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from tests.unit.client.answers import BATCH, JOB, JOB_ID, JOBS, accepted, document, job
from tests.unit.client.both import FakeTime, Make
from tests.unit.command_line.scripted_api import ScriptedApi, problem

from contracts.jobs import MAX_BATCH_BYTES, Submission
from turnstile import TurnstileError
from turnstile.client import (
    ConflictError,
    InvalidArgumentError,
    RefusedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from turnstile.client.bodies import SubmissionFields


class Month(BaseModel):
    """Parameters of a job."""

    month: str


def test_a_submission_says_what_was_given_and_has_an_id_of_its_own(
    make: Make, publisher: ScriptedApi
) -> None:
    publisher.on("POST", JOBS, accepted())
    client = make(publisher, actor="Bücher & Söhne", headers={"X-Team": "a"})
    found = client.submit(
        "close-month", Month(month="2026-11"), lock="ledger", priority=0, properties={"a": "b"}
    )

    assert (found.job_id, found.status) == (JOB_ID, "Queued")
    (body,) = publisher.bodies()
    assert uuid.UUID(body.pop("job_id")).version == 7
    assert body == {
        "kind": "close-month",
        "parameters": {"month": "2026-11"},
        "lock": "ledger",
        "priority": 0,
        "properties": {"a": "b"},
    }
    headers = publisher.requests[0].headers
    assert (headers["x-team"], dict(headers.raw)[b"X-Actor"]) == ("a", "Bücher & Söhne".encode())


@pytest.mark.parametrize(
    "lost", [httpx.ReadError("gone"), httpx.ConnectError("refused"), httpx.ReadTimeout("")]
)
def test_a_lost_answer_is_asked_for_again_under_the_same_id(
    make: Make, publisher: ScriptedApi, lost: Exception
) -> None:
    used = problem(409, "job_id_used", "used", job_id=JOB_ID, same_request=True)
    publisher.on("POST", JOBS, lost, used)
    publisher.on("GET", JOB, document(200, job(status="Running")))
    found = make(publisher).submit("ten-steps")

    first, second = (body["job_id"] for body in publisher.bodies())
    assert first == second
    assert (found.job_id, found.lock, found.status) == (JOB_ID, "ledger", "Running")


def test_an_id_of_another_job_is_a_conflict_that_carries_the_problem(
    make: Make, publisher: ScriptedApi
) -> None:
    publisher.on("POST", JOBS, problem(409, "job_id_used", "Used.", job_id=JOB_ID, same_request=False))
    with pytest.raises(ConflictError, match="Used") as caught:
        make(publisher).submit("ten-steps", job_id=JOB_ID)

    assert (caught.value.status, caught.value.type) == (409, "job_id_used")
    assert caught.value.problem["job_id"] == JOB_ID
    assert isinstance(caught.value, TurnstileError)
    assert [body["job_id"] for body in publisher.bodies()] == [JOB_ID]


def test_a_refusal_names_the_fields_and_is_not_repeated(make: Make, publisher: ScriptedApi) -> None:
    errors = [{"field": "parameters.steps", "message": "is required"}]
    publisher.on("POST", JOBS, problem(422, "invalid_fields", "x", errors=errors, trace_id="ab"))
    with pytest.raises(RefusedError, match="steps: is required") as caught:
        make(publisher).submit("ten-steps")

    assert (caught.value.fields, caught.value.trace_id) == ({"parameters.steps": "is required"}, "ab")
    assert len(publisher.requests) == 1


def unavailable(retry_after: str) -> httpx.Response:
    answer = problem(503, "storage_unavailable", "The storage does not answer.")
    answer.headers["Retry-After"] = retry_after
    return answer


@pytest.mark.parametrize(("retry_after", "pauses"), [("5", [5, 5]), ("0", [0.5, 1]), ("soon", [0.5, 1])])
def test_a_pause_is_as_long_as_the_publisher_wants_it(
    make: Make, publisher: ScriptedApi, time: FakeTime, retry_after: str, pauses: list[float]
) -> None:
    publisher.on("POST", JOBS, unavailable(retry_after), unavailable(retry_after), accepted())
    make(publisher).submit("ten-steps")

    assert time.pauses == pauses


def test_a_date_in_retry_after_is_understood(make: Make, publisher: ScriptedApi, time: FakeTime) -> None:
    publisher.on("POST", JOBS, unavailable("Wed, 21 Oct 2015 07:28:00 GMT"), accepted())
    make(publisher).submit("ten-steps")

    assert time.pauses == [0.5]


def test_a_call_ends_when_its_time_is_over(make: Make, publisher: ScriptedApi, time: FakeTime) -> None:
    publisher.on("POST", JOBS, unavailable("7"))
    began = time.now
    with pytest.raises(UnavailableError, match="The storage does not answer") as caught:
        make(publisher, timeout=30).submit("ten-steps")

    assert time.pauses == [7, 7, 7, 7]
    assert time.now - began < 30
    assert (caught.value.status, caught.value.tries) == (503, 5)
    # No request outlasts the call.
    assert [request.extensions["timeout"]["read"] for request in publisher.requests] == [20, 20, 16, 9, 2]


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.ReadTimeout("late")])
def test_without_repetition_the_first_failure_counts(
    make: Make, publisher: ScriptedApi, failure: Exception
) -> None:
    publisher.on("POST", JOBS, failure)
    with pytest.raises(UnavailableError, match="http://publisher/api/v1/jobs") as caught:
        make(publisher, repeats=False).submit("ten-steps")

    assert (caught.value.__cause__, caught.value.status, caught.value.problem) == (failure, None, {})
    assert len(publisher.requests) == 1


def test_a_proxy_in_trouble_is_asked_again_and_another_service_is_not(
    make: Make, publisher: ScriptedApi
) -> None:
    publisher.on("POST", JOBS, httpx.Response(502, text="<html>"), httpx.Response(200, text="<html>"))
    with pytest.raises(UnexpectedAnswerError, match="answered 200, but not like Turnstile"):
        make(publisher).submit("ten-steps")

    assert len(publisher.requests) == 2


class Batches:
    """Accepts batches, but for the jobs that a test chooses, and notes their sizes."""

    def __init__(self, odd: dict[str, list[int]] | None = None) -> None:
        self.sizes: list[int] = []
        self.largest = 0
        self.jobs: list[dict[str, Any]] = []
        #: Statuses that jobs of a name get first.
        self.odd = odd or {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        jobs = json.loads(request.content)["jobs"]
        self.sizes.append(len(jobs))
        self.largest = max(self.largest, len(request.content))
        self.jobs += jobs
        items = [self._item(one) for one in jobs]
        return document(200, {"accepted": sum(item["status"] == 202 for item in items), "items": items})

    def _item(self, one: dict[str, Any]) -> dict[str, Any]:
        statuses = self.odd.get(one.get("name", ""))
        if statuses:
            status = statuses.pop(0)
            return {"status": status, "job": None, "problem": {"status": status, "job_id": one["job_id"]}}
        done = {"job_id": one["job_id"], "lock": "default", "status": "Queued"}
        return {"status": 202, "job": done, "problem": None}


def test_many_jobs_are_sent_a_thousand_at_once_in_their_order(make: Make, time: FakeTime) -> None:
    batches = Batches()
    found = make(batches).submit_many({"kind": "ten-steps", "name": str(n)} for n in range(2500))

    assert batches.sizes == [1000, 1000, 500]
    assert [one["name"] for one in batches.jobs] == [str(n) for n in range(2500)]
    assert [item.job.job_id for item in found] == [one["job_id"] for one in batches.jobs]
    assert len({one["job_id"] for one in batches.jobs}) == 2500


def test_large_jobs_are_sent_in_requests_that_are_not_too_large(make: Make, time: FakeTime) -> None:
    batches = Batches()
    large = [Submission(kind="k", parameters={"text": "ä" * 100_000}) for _ in range(90)]
    found = make(batches).submit_many(large)

    assert len(found) == sum(batches.sizes) == 90
    assert MAX_BATCH_BYTES * 0.9 < batches.largest <= MAX_BATCH_BYTES


def test_only_jobs_of_an_unknown_outcome_are_sent_again(make: Make, time: FakeTime) -> None:
    batches = Batches({"away": [503, 500], "wrong": [422]})
    names = ["first", "away", "wrong", "last"]
    found = make(batches).submit_many({"kind": "k", "name": name} for name in names)

    assert [item.status for item in found] == [202, 202, 422, 202]
    assert batches.sizes == [4, 1, 1]
    assert len({one["job_id"] for one in batches.jobs if one["name"] == "away"}) == 1
    assert found[1].job.job_id == batches.jobs[1]["job_id"]


def test_jobs_without_an_answer_keep_their_ids_and_those_of_other_parts_their_answers(
    make: Make, publisher: ScriptedApi
) -> None:
    items = [
        {"status": 202, "job": {"job_id": JOB_ID, "lock": "l", "status": "Queued"}, "problem": None}
    ] * 1000
    publisher.on("POST", BATCH, document(200, {"accepted": 1000, "items": items}), httpx.ReadError("gone"))
    found = make(publisher, timeout=20).submit_many({"kind": "k"} for _ in range(1001))

    assert [item.status for item in found] == [202] * 1000 + [503]
    assert found[-1].problem["job_id"] == publisher.bodies()[-1]["jobs"][0]["job_id"]
    assert found[-1].problem["type"] == "urn:turnstile:problem:no_answer"


def test_a_refused_part_is_an_answer_to_each_of_its_jobs(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("POST", BATCH, problem(413, "body_too_large", "Too large."))
    (item,) = make(publisher).submit_many([{"kind": "k", "job_id": JOB_ID}])

    assert (item.status, item.problem["detail"], item.problem["job_id"]) == (413, "Too large.", JOB_ID)
    assert len(publisher.requests) == 1


def test_a_key_takes_the_place_of_an_id(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("POST", JOBS, httpx.ReadError("gone"), accepted(code=200, status="Running"))
    found = make(publisher).submit("ten-steps", idempotency_key="march")

    assert (found.job_id, found.status) == (JOB_ID, "Running")
    assert publisher.bodies() == [{"kind": "ten-steps", "parameters": {}, "idempotency_key": "march"}] * 2


def test_jobs_with_keys_get_no_ids_though_nobody_answers(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("POST", BATCH, httpx.ReadError("gone"))
    (item,) = make(publisher, timeout=0).submit_many([{"kind": "k", "idempotency_key": "march"}])

    assert (item.status, "job_id" in item.problem) == (503, False)
    assert publisher.bodies() == [{"jobs": [{"kind": "k", "idempotency_key": "march"}]}]


def test_a_submission_may_say_all_that_the_api_knows() -> None:
    names = SubmissionFields.__optional_keys__ | {"kind", "parameters"}
    assert names == Submission.model_fields.keys()


@pytest.mark.parametrize("several", [True, False])
def test_jobs_to_wait_for_are_named_by_ids_or_by_answers(
    make: Make, publisher: ScriptedApi, several: bool
) -> None:
    publisher.on("POST", JOBS, accepted())
    client = make(publisher)
    first = client.submit("ten-steps")
    client.submit("ten-steps", after=[first, "other"] if several else first, after_failure="skip")
    body = publisher.bodies()[-1]
    assert (body["after"], body["after_failure"]) == ([JOB_ID, "other"] if several else [JOB_ID], "skip")


def test_jobs_of_a_batch_name_jobs_to_wait_for(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("POST", JOBS, accepted())
    publisher.on("POST", BATCH, document(200, {"accepted": 0, "items": []}))
    client = make(publisher)
    first = client.submit("ten-steps")
    client.submit_many([{"kind": "ten-steps", "after": [first]}])
    assert publisher.bodies()[-1]["jobs"][0]["after"] == [JOB_ID]


@pytest.mark.parametrize("after", [7, [7], [""], {"a": 1}])
def test_what_names_no_job_to_wait_for_is_refused_before_anything_is_sent(
    make: Make, publisher: ScriptedApi, after: Any
) -> None:
    with pytest.raises(InvalidArgumentError, match="after"):
        make(publisher).submit("ten-steps", after=after)
    assert publisher.requests == []


def test_no_jobs_are_no_request(make: Make, publisher: ScriptedApi) -> None:
    assert make(publisher).submit_many([]) == []
    assert publisher.requests == []
