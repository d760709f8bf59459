"""GET /api/locks and /api/locks/{name}."""

from urllib.parse import quote

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from coordination.outcomes import Completed


async def test_a_lock_names_its_holder_and_its_line(api: Api, worker_of: WorkerOf) -> None:
    jobs = [(await api.submit(lock="ledger")).json()["job_id"] for _ in range(3)]
    await worker_of("ledger").start()
    lock = (await api.client.get("/api/locks/ledger")).json()

    assert (lock["lock"], lock["holder"], lock["job_id"], lock["fence"]) == ("ledger", "worker-1", jobs[0], 1)
    assert lock["since"] is not None
    assert (lock["line"], lock["waiting"]) == (jobs[1:], 2)


async def test_a_lock_given_back_has_no_holder(api: Api, worker_of: WorkerOf) -> None:
    await api.submit(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed("1"))
    lock = (await api.client.get("/api/locks/ledger")).json()

    assert (lock["holder"], lock["job_id"], lock["since"], lock["fence"]) == (None, None, None, 1)


@pytest.mark.parametrize("name", ["a/b", "a?b#c", "Büro 7", "100 %", "a/../b", "a//b", "ledger/", "💥"])
async def test_lock_names_are_spelled_in_the_path(api: Api, name: str) -> None:
    await api.submit(lock=name)
    answer = await api.client.get(f"/api/locks/{quote(name, safe='').replace('.', '%2E')}")

    assert answer.status_code == 200
    assert answer.json()["lock"] == name


async def test_a_lock_is_found_by_any_spelling(api: Api) -> None:
    await api.submit(lock="Caf\u00e9")

    spelled = quote(" Cafe\u0301 ")

    assert (await api.client.get(f"/api/locks/{spelled}")).json()["lock"] == "Caf\u00e9"


async def test_a_lock_never_used_is_not_found(api: Api) -> None:
    answer = await api.client.get("/api/locks/never")

    assert answer.status_code == 404
    assert "No job has ever named the lock 'never'" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["%00", "%20", "x" * 201, ""])
async def test_an_impossible_name_is_refused(api: Api, name: str) -> None:
    answer = await api.client.get(f"/api/locks/{name}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "name"


async def test_long_lines_are_counted_and_named_in_part(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("publisher.locks._CHUNK", 2)
    monkeypatch.setattr("publisher.locks._MOST_NAMED", 3)
    jobs = [(await api.submit(lock="ledger")).json()["job_id"] for _ in range(5)]
    lock = (await api.client.get("/api/locks/ledger")).json()

    assert (lock["line"], lock["waiting"]) == (jobs[:3], 5)


async def test_all_locks_come_in_pages_as_they_stand_now(api: Api) -> None:
    for name in "abc":
        await api.submit(lock=name)
    api.read_models.locks = ["a", "b", "c"]
    first = (await api.client.get("/api/locks?limit=2")).json()
    second = (await api.client.get(f"/api/locks?limit=2&cursor={first['next']}")).json()

    assert [lock["lock"] for lock in first["items"] + second["items"]] == ["a", "b", "c"]
    assert [lock["waiting"] for lock in first["items"]] == [1, 1]
    assert second["next"] is None
