"""The HTTP API over a real connection: what it accepts it knows at once, what it refuses it explains."""

from typing import Any

import httpx
import pytest
from tests.e2e.api import TERMINAL
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

from contracts.identifiers import new_id

pytestmark = pytest.mark.e2e


def assert_problem(answer: httpx.Response, status: int, *texts: str) -> dict[str, object]:
    """Fail unless the answer is a problem document that says these things."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = answer.json()
    assert problem["status"] == status
    for text in texts:
        assert text in answer.text
    return problem


def test_a_job_is_known_as_soon_as_it_is_accepted(stack: Stack) -> None:
    for _ in range(10):
        answer = stack.api.client.post("/api/v1/jobs", json={"kind": "nothing", "lock": stack.new_lock()})
        assert answer.status_code == httpx.codes.ACCEPTED
        where = answer.headers["location"]
        assert where == f"/api/v1/jobs/{answer.json()['job_id']}"
        assert stack.api.client.get(f"{where}/events").json()["items"][0]["status"] == "Submitted"
        assert stack.api.client.get(where).is_success


def test_an_unknown_kind_is_refused_and_the_known_ones_are_named(stack: Stack) -> None:
    answer = stack.api.client.post("/api/v1/jobs", json={"kind": "no-such-kind"})
    assert_problem(answer, 422, "no-such-kind", "ten-steps")


def test_wrong_parameters_are_refused_with_the_name_of_the_field(stack: Stack) -> None:
    body = {"kind": "ten-steps", "parameters": {"steps": 0}}
    problem = assert_problem(stack.api.client.post("/api/v1/jobs", json=body), 422)
    assert [error["field"] for error in problem["errors"]] == ["parameters.steps"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("lock", ["", "  ", "a\u0000b", "x" * 201, "\u202e"])
def test_a_bad_lock_name_is_refused(stack: Stack, lock: str) -> None:
    answer = stack.api.client.post("/api/v1/jobs", json={"kind": "nothing", "lock": lock})
    problem = assert_problem(answer, 422)
    assert [error["field"] for error in problem["errors"]] == ["lock"]  # type: ignore[attr-defined]


def test_a_job_id_that_is_used_already_is_refused_with_the_place_of_that_job(stack: Stack) -> None:
    job_id, lock = new_id(), stack.new_lock()
    stack.api.submit("nothing", lock, job_id=job_id)
    body = {"kind": "nothing", "lock": stack.new_lock(), "job_id": job_id.upper()}
    answer = stack.api.client.post("/api/v1/jobs", json=body)
    problem = assert_problem(answer, 409, job_id)
    assert answer.headers["location"] == f"/api/v1/jobs/{job_id}"
    assert problem["same_request"] is False


def test_the_reason_of_a_cancellation_is_in_the_job_and_in_both_events(stack: Stack) -> None:
    job = stack.api.submit("ten-steps", stack.new_lock(), {"steps": 100, "seconds": 0.2})
    until(lambda: job.state()["status"] == "Running", 20, "the job to run")
    body = {"reason": "wrong month"}
    answer = stack.api.client.post(f"/api/v1/jobs/{job.id}/cancel", json=body, headers={"X-Actor": "maria.k"})
    assert answer.status_code == httpx.codes.ACCEPTED
    job.wait_for_end()
    state = job.state()
    assert (state["status"], state["cancel_requested_by"], state["cancel_reason"]) == (
        "Cancelled",
        "maria.k",
        "wrong month",
    )
    told = [(event["status"], event["message"], event["data"]) for event in job.events()[-2:]]
    assert told == [
        ("CancelRequested", "cancellation requested by maria.k: wrong month", body),
        ("Cancelled", "cancelled, asked by maria.k: wrong month", body),
    ]


def test_a_failed_job_has_the_traceback_of_its_handler(stack: Stack) -> None:
    stack.expected_tracebacks.append("RuntimeError: out of order")
    job = stack.api.submit("raises", stack.new_lock())
    job.wait_for_end()
    error = job.state()["error"]
    assert (error["type"], error["message"]) == ("RuntimeError", "out of order")
    assert 'raise RuntimeError("out of order")' in error["traceback"]
    # The event, which is copied into several lists, says only how long it is.
    assert job.events()[-1]["data"] == {
        "error_type": "RuntimeError",
        "traceback_characters": len(error["traceback"]),
    }


def test_a_body_over_256_kib_is_refused(stack: Stack) -> None:
    body = {"kind": "nothing", "description": "x" * 300_000}
    assert_problem(stack.api.client.post("/api/v1/jobs", json=body), 413, "256 KiB")


def test_what_is_not_json_is_refused(stack: Stack) -> None:
    headers = {"content-type": "application/json"}
    assert_problem(stack.api.client.post("/api/v1/jobs", content=b"{", headers=headers), 400)
    headers = {"content-type": "text/plain"}
    assert_problem(stack.api.client.post("/api/v1/jobs", content=b"{}", headers=headers), 415)


def test_a_job_nobody_submitted_is_not_found(stack: Stack) -> None:
    for path in ("", "/events", "/stream"):
        assert_problem(stack.api.client.get(f"/api/v1/jobs/{new_id()}{path}"), 404)


def test_a_job_is_found_by_its_labels_its_name_and_how_it_ended(stack: Stack) -> None:
    stack.crew(1)
    lock, team = stack.new_lock(), new_id()
    jobs = [
        stack.api.submit("nothing", lock, name=f"Close month {n}", properties={"team": team, "n": str(n)})
        for n in range(5)
    ]
    for job in jobs:
        job.wait_for_end()

    def listed(**filters: Any) -> list[str]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while cursor is not None:
            asked: dict[str, Any] = {"limit": 2, **filters} | ({"cursor": cursor} if cursor else {})
            page = stack.api.client.get("/api/v1/jobs", params=asked).raise_for_status().json()
            found += page["items"]
            cursor = page["next"]
        return [job["job_id"] for job in found]

    newest_first = [job.id for job in reversed(jobs)]
    of_team = {"property": f"team:{team}"}
    until(lambda: listed(**of_team, status="Completed") == newest_first, 15, "the list to be complete")
    assert listed(lock=lock) == newest_first
    assert listed(property=[f"team:{team}", "n:3"]) == [jobs[3].id]
    assert listed(**of_team, name_prefix="Close month 1") == [jobs[1].id]
    assert listed(**of_team, status=["Failed", "Queued"]) == []
    since = jobs[2].state()["submitted_at"]
    assert listed(**of_team, submitted_from=since) == newest_first[:3]
    assert listed(**of_team, submitted_before=since) == newest_first[3:]


def test_a_stream_tells_every_event_once_and_ends_with_the_job(stack: Stack) -> None:
    stack.crew(1)
    job = stack.api.submit("effects", stack.new_lock(), {"count": 4, "seconds": 0.3})
    with job.stream() as messages:
        told = list(messages)
    events = [content for name, content in told if name == "job_event"]
    assert events == job.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["status"] in TERMINAL
    progress = [
        content["progress"]["value"] for name, content in told if name == "progress" if content["progress"]
    ]
    assert progress == sorted(progress)
    with job.stream(after=2) as messages:
        rest = [content for name, content in messages if name == "job_event"]
    assert rest == events[2:]


def test_a_waiting_job_is_cancelled_at_once_and_an_ended_one_too_late(stack: Stack) -> None:
    stack.crew(1)
    lock = stack.new_lock()
    running = stack.api.submit("effects", lock, {"count": 100, "seconds": 0.1})
    running.wait_for_attempt()
    waiting = stack.api.submit("nothing", lock)
    assert waiting.cancel().json()["status"] == "Cancelled"
    assert running.cancel().status_code == httpx.codes.ACCEPTED
    assert running.wait_for_end()["status"] == "Cancelled"
    assert_problem(running.cancel(), 409, "cancel_too_late")


def test_a_lock_tells_who_holds_it_and_who_waits(stack: Stack) -> None:
    stack.crew(1)
    lock = stack.new_lock()
    running = stack.api.submit("effects", lock, {"count": 100, "seconds": 0.1})
    state = running.wait_for_attempt()
    waiting = [stack.api.submit("nothing", lock) for _ in range(3)]
    told = stack.api.lock(lock)
    assert (told["holder"], told["job_id"], told["fence"]) == (state["worker"], running.id, 1)
    assert (told["line"], told["waiting"]) == ([job.id for job in waiting], 3)
    running.cancel()
    for job in waiting:
        assert job.wait_for_end()["status"] == "Completed"
    told = stack.api.lock(lock)
    assert (told["holder"], told["job_id"], told["fence"], told["line"]) == (None, None, 4, [])


def test_a_heartbeat_tells_until_when_at_least_a_running_jobs_lease_lasts(stack: Stack) -> None:
    stack.crew(1)
    lock = stack.new_lock()
    running = stack.api.submit("effects", lock, {"count": 300, "seconds": 0.1})
    worker = running.wait_for_attempt()["worker"]

    def lease() -> dict[str, Any] | None:
        workers = stack.api.client.get("/api/v1/workers").raise_for_status().json()["items"]
        (found,) = [each for each in workers if each["worker"] == worker]
        return next((held for held in found["leases"] if held["lock"] == lock), None)

    until(lambda: lease() is not None, 20, "the heartbeat to tell of the lease")
    first = lease()
    assert first is not None
    assert (first["fence"], first["seconds"] >= 15) == (1, True)
    until(lambda: (lease() or first)["renewed_at"] > first["renewed_at"], 30, "a renewal to be told")
    running.cancel()
    running.wait_for_end()
    until(lambda: lease() is None, 20, "the lease to be gone")


def test_a_job_that_failed_is_found_among_those_by_a_part_of_its_name(stack: Stack) -> None:
    stack.crew(1)
    part = new_id()[-12:]
    stack.expected_tracebacks.append("RuntimeError: out of order")
    failed = stack.api.submit("raises", stack.new_lock(), name=f"Close {part}")
    stack.api.submit("nothing", stack.new_lock(), name=f"Open {part}").wait_for_end()
    assert failed.wait_for_end()["status"] == "Failed"

    def listed() -> list[str]:
        asked = {"status": ["Failed", "TimedOut"], "name_contains": f"CLOSE {part}".upper()}
        page = stack.api.client.get("/api/v1/jobs", params=asked).raise_for_status().json()
        return [job["job_id"] for job in page["items"]]

    until(lambda: listed() == [failed.id], 15, "the failed job to be listed")
