"""Asking, cancelling, waiting and following with either client."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from tests.unit.client.answers import JOB, JOBS, accepted, completed, document, event, job, progress, stream
from tests.unit.client.both import FakeTime, Make
from tests.unit.command_line.scripted_api import ScriptedApi, problem

from contracts.following import ProgressReport
from contracts.jobs import Accepted, Event
from contracts.statuses import JobStatus
from turnstile.client import (
    CancelledError,
    ConflictError,
    ExpiredError,
    FailedError,
    NoResultError,
    NotEndedError,
    NotFoundError,
    RemovedError,
    TimedOutError,
    UnavailableError,
    WrongResultError,
)

JOB_ID = JOB.rpartition("/")[2]
RESULT, STREAM, CANCEL = f"{JOB}/result", f"{JOB}/stream", f"{JOB}/cancel"


class Booked(BaseModel):
    """What a handler returned."""

    booked: int
    at: datetime


def without_result(name: str, status: str, **more: Any) -> httpx.Response:
    return problem(409, name, f"The job: {status}.", job_id=JOB_ID, job_status=status, **more)


def test_a_job_is_named_by_its_id_or_by_what_was_returned_of_it(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("GET", JOB, document(200, job(status="Running", later_field=1)))
    client = make(publisher)

    found = client.job(JOB_ID)
    assert found.status is JobStatus.RUNNING
    assert client.job(found) == found
    assert client.job(Accepted(job_id=JOB_ID, lock="l", status=JobStatus.QUEUED)) == found


@pytest.mark.parametrize(
    ("status", "name", "error"), [(404, "no_such_job", NotFoundError), (410, "job_removed", RemovedError)]
)
def test_a_job_that_is_not_there_is_an_error_of_its_own(
    make: Make, publisher: ScriptedApi, status: int, name: str, error: type[Exception]
) -> None:
    publisher.on("GET", JOB, problem(status, name, "It is not there."))
    with pytest.raises(error, match="It is not there"):
        make(publisher).job(JOB_ID)


def test_a_cancellation_has_its_reason_and_finds_itself_after_a_lost_answer(
    make: Make, publisher: ScriptedApi
) -> None:
    too_late = problem(409, "cancel_too_late", "Ended.", job_id=JOB_ID, job_status="Cancelled")
    publisher.on("POST", CANCEL, httpx.ReadError("gone"), too_late)
    publisher.on("GET", JOB, document(200, job(status="Cancelled")))
    found = make(publisher).cancel(JOB_ID, "wrong month")

    assert found.status is JobStatus.CANCELLED
    assert publisher.bodies() == [{"reason": "wrong month"}] * 2


@pytest.mark.parametrize("before", [[], [httpx.ReadError("gone")]])
def test_a_cancellation_that_comes_too_late_is_a_conflict(
    make: Make, publisher: ScriptedApi, before: list[Exception]
) -> None:
    ended = "Completed" if before else "Cancelled"
    too_late = problem(409, "cancel_too_late", "Ended.", job_id=JOB_ID, job_status=ended)
    publisher.on("POST", CANCEL, *before, too_late)
    with pytest.raises(ConflictError):
        make(publisher).cancel(JOB_ID)


def test_a_retry_that_is_repeated_is_the_same_job(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("POST", f"{JOB}/retry", httpx.ReadError("gone"), accepted("new"))
    found = make(publisher).retry(JOB_ID, {"month": "2026-12"}, reason="the ledger is open")

    assert (found.job_id, found.status) == ("new", "Queued")
    body = {"parameters": {"month": "2026-12"}, "reason": "the ledger is open", "fresh": False}
    assert publisher.bodies() == [body, body]


def test_a_retry_that_cannot_be_made_is_a_conflict(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("POST", f"{JOB}/retry", problem(409, "already_retried", "It was.", job_id="other"))
    with pytest.raises(ConflictError) as caught:
        make(publisher).retry(JOB_ID, fresh=True)

    assert (caught.value.type, caught.value.problem["job_id"]) == ("already_retried", "other")
    assert publisher.bodies() == [{"parameters": {}, "reason": "", "fresh": True}]


def test_a_job_is_finalized_with_a_reason(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("POST", f"{JOB}/finalize", document(202, job(status="Failed", finalized_by="ann")))
    found = make(publisher).finalize(JOB_ID, "booked by hand")

    assert (found.status, found.finalized_by) == (JobStatus.FAILED, "ann")
    assert publisher.bodies() == [{"reason": "booked by hand"}]


@pytest.mark.parametrize("action", ["pin", "unpin"])
def test_a_job_is_pinned_and_unpinned_with_a_reason(make: Make, publisher: ScriptedApi, action: str) -> None:
    publisher.on("POST", f"{JOB}/{action}", document(202, job(status="Failed", pinned_by="ann")))
    found = getattr(make(publisher), action)(JOB_ID, "an audit")

    assert (found.status, found.pinned_by) == (JobStatus.FAILED, "ann")
    assert publisher.bodies() == [{"reason": "an audit"}]


def test_a_result_is_waited_for_and_is_of_the_type_that_was_asked_for(
    make: Make, publisher: ScriptedApi, time: FakeTime
) -> None:
    done = completed({"booked": 3, "at": "2026-11-30T00:00:00Z"})
    publisher.on("GET", RESULT, accepted(), accepted(status="Running"), done)
    found = make(publisher).result(JOB_ID, as_=Booked)

    assert found == Booked(booked=3, at=datetime(2026, 11, 30, tzinfo=UTC))
    assert [request.url.params["wait"] for request in publisher.requests] == ["50"] * 3
    # Longer than the publisher waits by itself.
    assert {request.extensions["timeout"]["read"] for request in publisher.requests} == {70}
    assert time.pauses == [1, 1]


def test_a_result_without_a_type_is_what_json_makes_of_it(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("GET", RESULT, completed(None), completed([1, "a"]), completed({"booked": "x"}))
    client = make(publisher)

    assert (client.result(JOB_ID), client.result(JOB_ID)) == (None, [1, "a"])
    with pytest.raises(WrongResultError):
        client.result(JOB_ID, as_=Booked)


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("job_failed", "Failed", FailedError),
        ("job_cancelled", "Cancelled", CancelledError),
        ("job_timed_out", "TimedOut", TimedOutError),
        ("job_expired", "Expired", ExpiredError),
    ],
)
def test_a_job_without_a_result_raises_how_it_ended_and_waiting_for_it_does_not(
    make: Make, publisher: ScriptedApi, name: str, status: str, error: type[NoResultError]
) -> None:
    why = {} if status in {"Cancelled", "Expired"} else {"error": {"type": "ValueError", "message": "no"}}
    publisher.on("GET", RESULT, without_result(name, status, **why))
    publisher.on("GET", JOB, document(200, job(status=status)))
    client = make(publisher)
    with pytest.raises(error) as caught:
        client.result(JOB_ID)

    assert caught.value.job_status == status
    assert (caught.value.error and caught.value.error.message) == ("no" if why else None)
    assert client.wait(JOB_ID).status == status


@pytest.mark.parametrize(("timeout", "waits"), [(0, ["0"]), (0.4, ["1"]), (120, ["50", "50", "18"])])
def test_a_wait_has_the_length_that_the_caller_wants(
    make: Make, publisher: ScriptedApi, time: FakeTime, timeout: float, waits: list[str]
) -> None:
    publisher.on("GET", RESULT, accepted(status="Running"))

    def pass_time(request: httpx.Request) -> httpx.Response:
        time.now += float(request.url.params["wait"])
        return publisher(request)

    with pytest.raises(NotEndedError, match="it is Running") as caught:
        make(pass_time).wait(JOB_ID, timeout=timeout)

    assert [request.url.params["wait"] for request in publisher.requests] == waits
    assert caught.value.problem["status"] == "Running"


def test_a_wait_outlasts_a_publisher_that_is_away_for_a_while(
    make: Make, publisher: ScriptedApi, time: FakeTime
) -> None:
    away = [httpx.ReadError("gone"), *[httpx.ConnectError("refused")] * 4]
    publisher.on("GET", RESULT, accepted(), *away, completed(1))

    assert make(publisher).result(JOB_ID) == 1
    assert time.pauses == [1, 0.5, 1, 2, 4, 8]


def test_a_broken_stream_is_taken_up_where_it_was(make: Make, publisher: ScriptedApi, time: FakeTime) -> None:
    later_release = stream({"new": 1}, name="weather")
    away = problem(503, "too_many_followers", "Too many.")
    away.headers["Retry-After"] = "5"
    publisher.on(
        "GET",
        STREAM,
        stream(event(1, "Submitted"), progress(1), event(2, "Started")),
        httpx.ConnectError("restarting"),
        away,
        later_release,
        stream(progress(2), event(3, "Completed"), event(4, "Completed")),
    )
    found = list(make(publisher).stream(JOB_ID))

    assert [type(one) for one in found] == [Event, ProgressReport, Event, ProgressReport, Event]
    assert [one.seq for one in found if isinstance(one, Event)] == [1, 2, 3]
    asked = [request.headers["last-event-id"] for request in publisher.requests]
    assert asked == ["0", "2", "2", "2", "2"]
    assert time.pauses == [0.5, 1, 5, 0.5]


def test_a_stream_begins_behind_a_number_and_has_nothing_after_the_end(
    make: Make, publisher: ScriptedApi
) -> None:
    publisher.on("GET", STREAM, httpx.Response(204))

    assert list(make(publisher).stream(JOB_ID, after=4)) == []
    assert publisher.requests[0].headers["last-event-id"] == "4"


def test_a_stream_of_no_job_is_an_error(make: Make, publisher: ScriptedApi) -> None:
    with pytest.raises(NotFoundError, match="check its id"):
        list(make(publisher).stream(JOB_ID))


def test_a_stream_gives_up_a_publisher_that_stays_away(
    make: Make, publisher: ScriptedApi, time: FakeTime
) -> None:
    publisher.on("GET", STREAM, stream(event(1, "Submitted")), httpx.ConnectError("gone"))
    began = time.now
    with pytest.raises(UnavailableError):
        list(make(publisher, timeout=30).stream(JOB_ID))

    assert 30 < time.now - began < 45


def test_lists_are_read_to_their_end(make: Make, publisher: ScriptedApi) -> None:
    lock: dict[str, Any] = {
        "holder": None,
        "job_id": None,
        "fence": 1,
        "since": None,
        "line": [],
        "waiting": 0,
    }
    pages = [
        document(200, {"items": [lock | {"lock": "a"}], "next": "c"}),
        document(200, {"items": [lock | {"lock": "b"}], "next": None}),
    ]
    publisher.on("GET", "/api/v1/locks", *pages)
    publisher.on("GET", "/api/v1/locks/a%2Fb%20%2E%2E", document(200, lock | {"lock": "a/b .."}))
    publisher.on("GET", f"{JOB}/events", document(200, {"items": [event(1, "Submitted")], "next": None}))
    client = make(publisher)

    assert [one.lock for one in client.locks()] == ["a", "b"]
    assert publisher.requests[1].url.params["cursor"] == "c"
    assert client.lock("a/b ..").lock == "a/b .."
    assert [one.seq for one in client.events(JOB_ID)] == [1]


def test_the_limit_of_a_lock_is_set(make: Make, publisher: ScriptedApi) -> None:
    lock: dict[str, Any] = {
        "lock": "a/b",
        "holder": None,
        "job_id": None,
        "fence": 1,
        "since": None,
        "line": [],
    }
    limit = {"limit": 3, "previous": 1, "actor": "a", "reason": "r", "set_at": "2026-01-01T00:00:00Z"}
    changed = lock | {"waiting": 0, "limit": 3, "slots": [], "limits": [limit]}
    publisher.on("PUT", "/api/v1/locks/a%2Fb", document(200, changed))

    found = make(publisher).set_limit("a/b", 3, "r")
    assert (found.limit, found.limits[0].previous) == (3, 1)
    assert publisher.requests[0].content == b'{"limit":3,"reason":"r"}'


def test_jobs_are_listed_by_filters(make: Make, publisher: ScriptedApi) -> None:
    publisher.on("GET", JOBS, document(200, {"items": [], "next": None}))
    client = make(publisher)
    since = datetime(2026, 11, 29, tzinfo=UTC)
    list(client.jobs(status=["Failed", "TimedOut"], kind="k", properties={"team": "a"}, submitted_from=since))
    list(client.jobs(taken_over=True))
    list(client.jobs(taken_over=False))

    asked = [request.url.params.multi_items() for request in publisher.requests]
    assert sorted(asked[0]) == [
        ("kind", "k"),
        ("property", "team:a"),
        ("status", "Failed"),
        ("status", "TimedOut"),
        ("submitted_from", "2026-11-29T00:00:00+00:00"),
    ]
    assert asked[1:] == [[("taken_over", "true")], []]


def test_kinds_and_workers_are_models(make: Make, publisher: ScriptedApi) -> None:
    kind = {"kind": "k", "parameters": {}, "published_at": "2026-01-01T00:00:00Z"}
    worker = {"worker": "w", "seen_at": "2026-01-01T00:00:00Z"}
    publisher.on("GET", "/api/v1/kinds", document(200, {"items": [kind], "next": None}))
    publisher.on("GET", "/api/v1/workers", document(200, {"items": [worker], "next": None}))
    client = make(publisher)

    assert [one.kind for one in client.kinds()] == ["k"]
    assert [one.worker for one in client.workers()] == ["w"]
