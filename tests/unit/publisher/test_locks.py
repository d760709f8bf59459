"""GET /api/v1/locks and /api/v1/locks/{name}."""

import asyncio
from urllib.parse import quote

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from coordination.outcomes import Completed
from coordination.ports import Row


async def test_a_lock_names_its_holder_and_its_line(api: Api, worker_of: WorkerOf) -> None:
    jobs = [(await api.submit(lock="ledger")).json()["job_id"] for _ in range(3)]
    await worker_of("ledger").start()
    lock = (await api.client.get("/api/v1/locks/ledger")).json()

    assert (lock["lock"], lock["holder"], lock["job_id"], lock["fence"]) == ("ledger", "worker-1", jobs[0], 1)
    assert lock["since"] == (await api.get(f"/api/v1/jobs/{jobs[0]}"))["started_at"]
    assert lock["since"] == api.clock.now().isoformat().replace("+00:00", "Z")
    assert (lock["line"], lock["waiting"]) == (jobs[1:], 2)


async def test_a_lock_that_was_never_held_has_a_line_alone(api: Api) -> None:
    job_id = await api.submitted(lock="ledger")

    assert await api.get("/api/v1/locks/ledger") == {
        "lock": "ledger",
        "holder": None,
        "job_id": None,
        "fence": 0,
        "since": None,
        "line": [job_id],
        "waiting": 1,
        "limit": 1,
        "slots": [],
        "limits": [],
    }


async def test_a_lock_counts_its_runs_in_its_fence(api: Api, worker_of: WorkerOf) -> None:
    for _ in range(3):
        await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    for fence in (1, 2, 3):
        await worker.start()
        assert (await api.get("/api/v1/locks/ledger"))["fence"] == fence
        await worker.end(Completed())

    lock = await api.get("/api/v1/locks/ledger")
    assert (lock["fence"], lock["waiting"], lock["line"]) == (3, 0, [])


async def test_a_lock_given_back_has_no_holder(api: Api, worker_of: WorkerOf) -> None:
    await api.submit(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed("1"))
    lock = (await api.client.get("/api/v1/locks/ledger")).json()

    assert (lock["holder"], lock["job_id"], lock["since"], lock["fence"]) == (None, None, None, 1)


@pytest.mark.parametrize("name", ["a/b", "a?b#c", "Büro 7", "100 %", "a/../b", "a//b", "ledger/", "💥"])
async def test_lock_names_are_spelled_in_the_path(api: Api, name: str) -> None:
    await api.submit(lock=name)
    answer = await api.client.get(f"/api/v1/locks/{quote(name, safe='').replace('.', '%2E')}")

    assert answer.status_code == 200
    assert answer.json()["lock"] == name


async def test_a_lock_is_found_by_any_spelling(api: Api) -> None:
    await api.submit(lock="Caf\u00e9")

    spelled = quote(" Cafe\u0301 ")

    assert (await api.client.get(f"/api/v1/locks/{spelled}")).json()["lock"] == "Caf\u00e9"


async def test_a_lock_never_used_is_not_found(api: Api) -> None:
    answer = await api.client.get("/api/v1/locks/never")

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:turnstile:problem:no_such_lock"
    assert answer.json()["detail"] == "No job has ever named the lock 'never', so it is free."


@pytest.mark.parametrize("name", ["%00", "%20", "x" * 201, ""])
async def test_an_impossible_name_is_refused(api: Api, name: str) -> None:
    answer = await api.client.get(f"/api/v1/locks/{name}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "name"


@pytest.mark.parametrize(("chunk", "reads"), [(1, 7), (2, 4), (3, 3), (5, 2), (6, 2), (7, 1), (500, 1)])
async def test_long_lines_are_counted_in_full_and_named_in_part(
    api: Api, worker_of: WorkerOf, monkeypatch: pytest.MonkeyPatch, chunk: int, reads: int
) -> None:
    monkeypatch.setattr("coordination.journal.line._CHUNK", chunk)
    monkeypatch.setattr("publisher.use_cases.locks._MOST_NAMED", 3)
    jobs = [await api.submitted(lock="ledger") for _ in range(6)]
    await worker_of("ledger").start()
    api.storage.calls.clear()
    lock = await api.get("/api/v1/locks/ledger")

    assert (lock["job_id"], lock["line"], lock["waiting"]) == (jobs[0], jobs[1:4], 5)
    assert api.storage.calls == {"journal.read_range": reads}


async def test_the_first_two_hundred_of_a_line_are_named(api: Api) -> None:
    jobs = [await api.submitted(lock="ledger") for _ in range(201)]

    lock = await api.get("/api/v1/locks/ledger")
    assert (lock["line"], lock["waiting"]) == (jobs[:200], 201)


async def test_all_locks_come_in_pages_as_they_stand_now(api: Api, worker_of: WorkerOf) -> None:
    for name in "abc":
        await api.submitted(lock=name)
    await worker_of("b").start()
    api.know_locks(["a", "b", "c"])
    first = await api.get("/api/v1/locks?limit=2")
    second = await api.get(f"/api/v1/locks?limit=2&cursor={first['next']}")

    assert [lock["lock"] for lock in first["items"]] == ["a", "b"]
    assert [lock["lock"] for lock in second["items"]] == ["c"]
    assert [(lock["waiting"], lock["holder"]) for lock in first["items"]] == [(1, None), (0, "worker-1")]
    assert first["items"][1] == await api.get("/api/v1/locks/b")
    assert second["next"] is None


async def test_a_hundred_locks_come_in_the_order_of_their_names_unless_more_are_asked_for(api: Api) -> None:
    names = [f"lock-{number:03d}" for number in range(101)]
    api.know_locks(names)
    for name in names:
        await api.submitted(lock=name)

    page = await api.get("/api/v1/locks")
    assert [lock["lock"] for lock in page["items"]] == names[:100]
    assert page["next"] is not None
    whole = await api.get("/api/v1/locks?limit=200")
    assert [lock["lock"] for lock in whole["items"]] == names
    assert whole["next"] is None


async def test_sixteen_locks_are_read_at_a_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.know_locks([f"lock-{number:02d}" for number in range(40)])
    reading, seen = 0, []

    async def read_range(*_: object) -> list[Row]:
        nonlocal reading
        reading += 1
        await asyncio.sleep(0)
        seen.append(reading)
        reading -= 1
        return []

    monkeypatch.setattr(api.journal, "read_range", read_range)
    await api.get("/api/v1/locks")

    assert (len(seen), max(seen)) == (40, 16)


async def test_a_lock_of_which_nothing_is_stored_is_left_out_of_the_list(api: Api) -> None:
    await api.submitted(lock="b")
    api.know_locks(["a", "b", "c"])

    assert [lock["lock"] for lock in (await api.get("/api/v1/locks"))["items"]] == ["b"]


async def test_without_storage_no_lock_is_listed(api: Api) -> None:
    api.know_locks(["a"])
    api.storage.is_away = True

    assert (await api.client.get("/api/v1/locks")).status_code == 503


@pytest.mark.parametrize(("name", "reason"), [("%00", "U+0000"), ("x" * 201, "200"), ("%20", "empty")])
async def test_an_impossible_name_is_refused_with_the_reason(api: Api, name: str, reason: str) -> None:
    answer = await api.client.get(f"/api/v1/locks/{name}")

    assert reason in answer.json()["errors"][0]["message"]


async def test_the_longest_name_is_found(api: Api) -> None:
    await api.submitted(lock="💥" * 200)

    assert (await api.get(f"/api/v1/locks/{quote('💥' * 200)}"))["lock"] == "💥" * 200
