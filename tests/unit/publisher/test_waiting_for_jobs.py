"""`after` of a submission: jobs that must have completed before it starts, alone and in batches."""

import uuid
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, FakeWorker
from tests.unit.publisher.test_batches import job, send

from contracts.policies import MOST_PREDECESSORS, JobPolicy
from coordination.outcomes import Completed
from submission import KnownKinds


async def errors(api: Api, **body: object) -> list[dict[str, str]]:
    """Submit a job that must be refused; return what is wrong with which field."""
    answer = await api.submit(**body)
    assert answer.status_code == 422, answer.text
    found: list[dict[str, str]] = answer.json()["errors"]
    return found


async def test_a_job_says_for_which_jobs_it_waits_and_those_name_it(api: Api) -> None:
    first = await api.submitted(lock="first")
    answer = await api.submit(lock="last", after=[first.upper()], after_failure="skip")
    assert (answer.status_code, answer.json()["status"]) == (202, "Queued")
    follower = await api.get(f"/api/v1/jobs/{answer.json()['job_id']}")
    assert (follower["after"], follower["after_failure"], follower["position"]) == ([first], "skip", None)
    assert follower["waiting_for"] == {
        "lock": "last",
        "holder": None,
        "running": None,
        "ahead": [],
        "expected_start": None,
        "after": [first],
    }
    assert (await api.get(f"/api/v1/jobs/{first}"))["followers"] == [follower["job_id"]]
    other = await api.submitted(lock="last")
    assert (await api.get(f"/api/v1/jobs/{other}"))["position"] == 1


async def test_a_job_that_has_completed_names_those_that_waited_for_it(api: Api) -> None:
    first = await api.submitted(lock="first")
    follower = await api.submitted(lock="last", after=[first])
    worker = FakeWorker(api, "first")
    await worker.start()
    await worker.end(Completed())
    assert (await api.get(f"/api/v1/jobs/{first}"))["followers"] == [follower]
    later = await api.get(f"/api/v1/jobs/{await api.submitted(lock='last', after=[first])}")
    assert (later["after"], later["waiting_for"]["after"], later["position"]) == ([first], [], 1)


async def test_a_job_without_others_names_none_and_reads_nothing_more(api: Api) -> None:
    job_id = await api.submitted()
    api.storage.calls.clear()
    document = await api.get(f"/api/v1/jobs/{job_id}")
    assert (document["after"], document["after_failure"], document["followers"]) == ([], None, [])
    assert api.storage.calls == {"journal.find": 1, "journal.read": 1, "journal.read_range": 1}


async def test_a_job_that_is_not_known_is_refused_with_its_field(api: Api) -> None:
    known, unknown = await api.submitted(lock="first"), str(uuid.uuid4())
    assert await errors(api, after=[known, unknown]) == [
        {
            "field": "after[1]",
            "message": f"there is no job {unknown}; name jobs that were accepted before",
        }
    ]


async def test_a_job_cannot_wait_for_itself(api: Api) -> None:
    own = str(uuid.uuid4())
    (problem,) = await errors(api, job_id=own, after=[own])
    assert problem == {"field": "after[0]", "message": "is the id of this job itself; name others"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"after": ["x"]}, "after[0]"),
        ({"after": "x"}, "after"),
        ({"after": [str(uuid.UUID(int=n)) for n in range(MOST_PREDECESSORS + 1)]}, "after"),
        ({"after_failure": "skip"}, "after_failure"),
        ({"after": [], "after_failure": "wait"}, "after_failure"),
    ],
)
async def test_what_cannot_be_waited_for_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    found = {problem["field"].split("[")[0] for problem in await errors(api, **body)}
    assert field.split("[", maxsplit=1)[0] in found


async def test_a_job_that_waits_for_others_has_no_conflicts(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await api.submitted(lock="first")
    (problem,) = await errors(api, after=[first], on_conflict="reject")
    assert problem["field"] == "on_conflict"

    async def rejects(self: KnownKinds, kind: str, parameters: dict[str, Any]) -> JobPolicy:
        return JobPolicy(on_conflict="reject")

    monkeypatch.setattr(KnownKinds, "check", rejects)
    (problem,) = await errors(api, after=[first])
    assert "of its kind" in problem["message"]
    assert (await api.submit(after=[first], on_conflict="queue")).status_code == 202


async def test_a_repeated_submission_is_the_same_job(api: Api) -> None:
    first, second = await api.submitted(lock="first"), await api.submitted(lock="second")
    key = {"idempotency_key": "k"}
    one = await api.submitted(lock="last", after=[first], **key)
    assert await api.submitted(lock="last", after=[first, first], **key) == one
    assert (await api.submit(lock="last", after=[second], **key)).status_code == 422


async def test_a_job_of_a_batch_waits_for_earlier_ones(api: Api) -> None:
    first, second = job(lock="first"), job(lock="second")
    last = job(lock="last", after=[first["job_id"], second["job_id"]])
    items = (await send(api, first, second, last)).json()["items"]
    assert [item["status"] for item in items] == [202, 202, 202]
    waiting = (await api.get(f"/api/v1/jobs/{last['job_id']}"))["waiting_for"]
    assert waiting["after"] == [first["job_id"], second["job_id"]]


async def test_a_job_of_a_batch_waits_for_no_later_one_and_for_none_that_was_refused(api: Api) -> None:
    wrong = job(priority=99)
    later = job(lock="last")
    first = job(after=[later["job_id"]])
    second = job(after=[wrong["job_id"]])
    own = job()
    own["after"] = [own["job_id"]]
    items = (await send(api, wrong, first, second, own, later)).json()["items"]
    assert [item["status"] for item in items] == [422, 422, 422, 422, 202]
    messages = [item["problem"]["errors"][0]["message"] for item in items[1:4]]
    assert messages == [
        f"is the id of a later job of this batch, {later['job_id']}; put that one before this one",
        f"there is no job {wrong['job_id']}; name jobs that were accepted before",
        "is the id of this job itself; name others",
    ]


async def test_a_waiting_job_is_cancelled(api: Api) -> None:
    first = await api.submitted(lock="first")
    follower = await api.submitted(lock="last", after=[first])
    answer = await api.client.post(f"/api/v1/jobs/{follower}/cancel")
    assert answer.json()["status"] == "Cancelled"
