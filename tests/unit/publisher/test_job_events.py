"""GET /api/v1/jobs/{id}/events: pages and cursors exactly at their ends."""

from dataclasses import replace

import pytest
from tests.unit.publisher.doubles import Api

from contracts.lock_names import partition
from coordination.journal.rows import JobRow, event_key, job_key
from coordination.ports import Row


async def job_with_events(api: Api, count: int) -> str:
    """Submit a job of the lock `ledger`, and write events until it has so many."""
    job_id = await api.submitted(lock="ledger")
    stored = api.journal.partitions[partition("ledger")]
    submitted = stored[event_key(job_id, 1)]
    for seq in range(2, count + 1):
        key = event_key(job_id, seq)
        stored[key] = Row(key, {**submitted.values, "seq": seq, "status": "Step"}, f"event {seq}")
    return job_id


def numbers(page: dict[str, list[dict[str, int]]]) -> list[int]:
    return [event["seq"] for event in page["items"]]


async def test_a_thousand_events_come_in_one_page_unless_fewer_are_asked_for(api: Api) -> None:
    job_id = await job_with_events(api, 1001)

    first = await api.get(f"/api/v1/jobs/{job_id}/events")
    assert (numbers(first), first["next"]) == (list(range(1, 1001)), "1000")
    second = await api.get(f"/api/v1/jobs/{job_id}/events?cursor={first['next']}")
    assert (numbers(second), second["next"]) == ([1001], None)


async def test_a_thousand_events_are_one_page_without_a_next(api: Api) -> None:
    job_id = await job_with_events(api, 1000)

    page = await api.get(f"/api/v1/jobs/{job_id}/events?limit=1000")
    assert (len(page["items"]), page["next"]) == (1000, None)


@pytest.mark.parametrize(
    ("query", "seen", "following"),
    [
        ("limit=2", [1, 2], "2"),
        ("limit=2&cursor=2", [3, 4], "4"),
        ("limit=2&cursor=4", [5], None),
        ("limit=1&cursor=4", [5], None),
        ("limit=4&cursor=0", [1, 2, 3, 4], "4"),
        ("limit=5", [1, 2, 3, 4, 5], None),
        ("cursor=000000003", [4, 5], None),
        ("cursor=5", [], None),
        ("cursor=6", [], None),
        ("cursor=999999999", [], None),
    ],
)
async def test_a_page_begins_behind_its_cursor_and_names_its_own_last_event(
    api: Api, query: str, seen: list[int], following: str | None
) -> None:
    job_id = await job_with_events(api, 5)

    page = await api.get(f"/api/v1/jobs/{job_id}/events?{query}")
    assert (numbers(page), page["next"]) == (seen, following)


@pytest.mark.parametrize("cursor", ["", "-1", "+1", "1.0", " 1", "1000000000", "²", "१", "x"])
async def test_a_cursor_that_was_never_given_is_refused_with_the_remedy(api: Api, cursor: str) -> None:
    job_id = await api.submitted()
    answer = await api.client.get(f"/api/v1/jobs/{job_id}/events", params={"cursor": cursor})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "cursor",
            "message": "is not a cursor of this API; use the `next` value of the previous page",
        }
    ]


async def test_a_page_costs_two_calls(api: Api) -> None:
    job_id = await job_with_events(api, 5)
    api.storage.calls.clear()
    await api.client.get(f"/api/v1/jobs/{job_id}/events?limit=2")

    assert api.storage.calls == {"journal.find": 1, "journal.read_range": 1}


async def test_an_id_whose_submission_never_arrived_has_no_events(api: Api) -> None:
    job_id = await api.submitted(lock="ledger")
    stored = api.journal.partitions[partition("ledger")]
    job = JobRow.from_row(stored[job_key(job_id)])
    stored.clear()
    for path in (f"/api/v1/jobs/{job_id}/events", f"/api/v1/jobs/{job_id}", f"/api/v1/jobs/{job_id}/stream"):
        assert (await api.client.get(path)).status_code == 404
    closed = replace(job, status=JobRow.TOMBSTONE)
    stored[job_key(job_id)] = Row(job_key(job_id), closed.values(), "closed")
    for path in (f"/api/v1/jobs/{job_id}/events", f"/api/v1/jobs/{job_id}", f"/api/v1/jobs/{job_id}/stream"):
        assert (await api.client.get(path)).status_code == 404


async def test_events_of_another_job_of_the_lock_are_not_among_them(api: Api) -> None:
    first = await job_with_events(api, 3)
    second = await job_with_events(api, 2)

    assert {event["job_id"] for event in (await api.get(f"/api/v1/jobs/{first}/events"))["items"]} == {first}
    assert numbers(await api.get(f"/api/v1/jobs/{second}/events")) == [1, 2]


@pytest.mark.parametrize(("limit", "status"), [(1, 200), (1000, 200), (0, 422), (1001, 422)])
async def test_from_one_to_a_thousand_events_may_be_asked_for(api: Api, limit: int, status: int) -> None:
    job_id = await api.submitted()

    assert (await api.client.get(f"/api/v1/jobs/{job_id}/events?limit={limit}")).status_code == status
