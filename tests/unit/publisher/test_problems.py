"""Problem documents: their sorts, their statuses, the fields they name, and how much they repeat."""

from typing import Any

import pytest
from starlette.exceptions import HTTPException
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts.telemetry import attributes as at
from coordination.outcomes import Cancelled, Completed, Failed, RunOutcome, TimedOut

NEVER_USED = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"


def problem(name: str, status: int, detail: str, instance: str, **more: object) -> dict[str, Any]:
    title = name.replace("_", " ").capitalize()
    kind = f"urn:turnstile:problem:{name}"
    return {"type": kind, "title": title, "status": status, "detail": detail, "instance": instance, **more}


@pytest.mark.parametrize(
    ("method", "path", "name", "status", "detail"),
    [
        ("GET", "/nowhere", "not_found", 404, "This path does not exist; /docs lists all paths."),
        (
            "PUT",
            "/api/v1/kinds",
            "method_not_allowed",
            405,
            "This path does not support PUT; see /docs.",
        ),
        (
            "GET",
            f"/api/v1/jobs/{NEVER_USED}/events",
            "no_such_job",
            404,
            "The job does not exist; check its id.",
        ),
        ("GET", f"/api/v1/jobs/{NEVER_USED}", "no_such_job", 404, "The job does not exist; check its id."),
        (
            "GET",
            f"/api/v1/jobs/{NEVER_USED}/stream",
            "no_such_job",
            404,
            "The job does not exist; check its id.",
        ),
        (
            "POST",
            f"/api/v1/jobs/{NEVER_USED}/cancel",
            "no_such_job",
            404,
            "The job does not exist; check its id.",
        ),
        (
            "GET",
            "/api/v1/locks/never",
            "no_such_lock",
            404,
            "No job has ever named the lock 'never', so it is free.",
        ),
    ],
)
async def test_what_does_not_exist_is_a_problem_with_a_sort_of_its_own(
    api: Api, method: str, path: str, name: str, status: int, detail: str
) -> None:
    answer = await api.client.request(method, path)

    assert answer.json() == problem(name, status, detail, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/jobs", "GET, POST"),
        ("PUT", "/api/jobs", "GET, POST"),
        ("DELETE", f"/api/v1/jobs/{NEVER_USED}/events", "GET"),
        ("GET", f"/api/v1/jobs/{NEVER_USED}/cancel", "POST"),
        ("PATCH", "/api/v1/locks/a", "GET, PUT"),
        ("POST", "/api/v1/workers", "GET"),
    ],
)
async def test_a_wrong_method_is_answered_with_every_right_one(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = await api.client.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path",
    [f"/api/v1/jobs/{NEVER_USED}{rest}" for rest in ("", "/events", "/stream")] + ["/api/v1/locks/ledger"],
)
async def test_a_storage_that_does_not_answer_is_a_problem_that_says_when_to_ask_again(
    api: Api, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    api.storage.is_away = True
    answer = await api.client.get(path)

    detail = "The storage does not answer; try again later."
    assert answer.json() == problem("storage_unavailable", 503, detail, path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    logged = [(record.message, vars(record)[at.URL_PATH]) for record in caplog.records]
    assert logged == [("storage did not answer", path)]


async def test_a_submission_that_was_not_confirmed_names_the_id_to_repeat_it_with(api: Api) -> None:
    api.storage.is_away = True
    answer = await api.submit(job_id=NEVER_USED)

    detail = f"The storage does not answer. Submit again with job_id {NEVER_USED}: it cannot run twice."
    assert answer.json() == problem("storage_unavailable", 503, detail, "/api/v1/jobs", job_id=NEVER_USED)
    assert answer.headers["retry-after"] == "5"


async def test_a_failure_is_a_problem_that_says_nothing_of_the_inside(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(api.directory, "workers", fail)
    answer = await api.client.get("/api/v1/workers")

    detail = "An unexpected error occurred; the log of the publisher has the details."
    assert answer.json() == problem("internal_error", 500, detail, "/api/v1/workers")
    (record,) = caplog.records
    assert (vars(record)[at.ERROR_TYPE], vars(record)[at.URL_PATH]) == ("RuntimeError", "/api/v1/workers")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Completed("1"), "Completed"),
        (Failed("ValueError", "no"), "Failed"),
        (Cancelled(), "Cancelled"),
        (TimedOut("too long"), "TimedOut"),
    ],
)
async def test_a_job_that_ended_in_any_way_cannot_be_cancelled_and_says_how_it_ended(
    api: Api, worker_of: WorkerOf, outcome: RunOutcome, status: str
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(outcome)
    before = await api.get(f"/api/v1/jobs/{job_id}/events")
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/cancel")

    assert answer.status_code == 409
    assert answer.json() == problem(
        "cancel_too_late",
        409,
        f"The job has already ended: {status}.",
        f"/api/v1/jobs/{job_id}/cancel",
        job_id=job_id,
        job_status=status,
    )
    assert await api.get(f"/api/v1/jobs/{job_id}/events") == before
    assert api.notifier.hints == []


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"kind": "is required"}),
        ({"kind": "k", "wish": 1}, {"wish": "is not a known field; known fields: kind, lock, parameters"}),
        ({"kind": "k", "lock": "a\u202eb"}, {"lock": "a lock name must not contain the invisible character"}),
        ({"kind": "k", "job_id": "1"}, {"job_id": "'1' is not a UUID such as "}),
        ({"kind": "k", "properties": {"a": 1}}, {"properties.a": "must be a text, not a number"}),
        (
            {"kind": "k", "priority": 10, "name": 1},
            {"name": "must be a text, not a number", "priority": "must be at most 9"},
        ),
        ([1], {"body": "must be a JSON object, not a list; known fields: kind, lock"}),
        ({"kind": "A"}, {"kind": "must be 1 to 64 lower-case letters"}),
        ({"kind": "k", "expires_in": 1e9}, {"expires_in": "must be at most 31,622,400 seconds (366 days)"}),
    ],
)
async def test_every_wrong_field_is_named_with_its_reason_and_no_other_field(
    api: Api, body: Any, errors: dict[str, str]
) -> None:
    answer = await api.client.post("/api/v1/jobs", json=body)

    told = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert told.keys() == errors.keys()
    for field, begin in errors.items():
        assert told[field].startswith(begin)
    detail = "; ".join(f"{field}: {message}" for field, message in told.items())
    assert answer.json()["detail"] == detail
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:turnstile:problem:invalid_fields")


async def test_a_wrong_question_names_the_parameter_and_not_where_it_stands(api: Api) -> None:
    answer = await api.client.get("/api/v1/events?limit=0")

    assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


@pytest.mark.parametrize("what", ["cancel", "retry", "finalize"])
async def test_a_body_that_is_a_list_is_answered_with_the_fields_of_the_request(api: Api, what: str) -> None:
    job_id = await api.submitted()
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/{what}", json=[])

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, "body")
    assert error["message"].startswith("must be a JSON object, not a list; known fields: reason")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("wait=abc", "must be a whole number of seconds, not 'abc'"),
        ("wait=99", "must be at most 50 seconds"),
        ("wait=-1", "must be at least 0 seconds"),
    ],
)
async def test_a_wait_that_is_none_is_answered_with_its_unit(api: Api, query: str, message: str) -> None:
    answer = await api.client.get(f"/api/v1/jobs/{NEVER_USED}/result?{query}")

    assert answer.json()["errors"] == [{"field": "wait", "message": message}]


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("PUT", "/api/v1/workers/a%0Ab", "no name or id contains a control character, such as a line break."),
        ("GET", "/api/v1/locks/a%0Ab", "no name or id contains a control character, such as a line break."),
        ("GET", "/api/v1/jobs/", "a name or an id is missing at its end; /docs lists all paths."),
    ],
)
async def test_a_path_without_a_usable_name_says_what_is_missing(
    api: Api, method: str, path: str, why: str
) -> None:
    answer = await api.client.request(method, path)

    assert (answer.status_code, answer.json()["detail"]) == (404, f"This path does not exist: {why}")


@pytest.mark.parametrize("path", ["/api/v1/schedules", "/api/v1/schedules/nightly/events"])
async def test_a_cursor_that_no_answer_gave_is_named_in_words(api: Api, path: str) -> None:
    answer = await api.client.get(f"{path}?cursor=A%20B")

    message = "is not a cursor of this API; use the `next` value of the previous page"
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": "cursor", "message": message}])


async def test_a_long_path_is_not_repeated_in_full(api: Api) -> None:
    told = (await api.client.get(f"/{'x' * 1000}")).json()

    assert told["instance"] == f"/{'x' * 298}…"


async def test_another_error_of_the_framework_keeps_its_status_words_and_headers(api: Api) -> None:
    async def refuse() -> None:
        raise HTTPException(429, "Slowly.", {"Retry-After": "7"})

    api.app.add_api_route("/refuse", refuse)
    answer = await api.client.get("/refuse")

    assert answer.json() == problem("too_many_requests", 429, "Slowly.", "/refuse")
    assert answer.headers["retry-after"] == "7"
