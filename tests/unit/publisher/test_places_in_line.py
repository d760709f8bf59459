"""A waiting job's place in line, and what is said when it moves while it is asked about."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts.lock_names import partition
from contracts.policies import RetryPolicy
from coordination.journal.retries import policy_as_text
from coordination.journal.rows import LINE, TICKETS
from coordination.outcomes import Completed, Failed
from coordination.ports import Row


async def test_the_first_ten_ahead_are_named_in_order_and_all_are_counted(api: Api) -> None:
    jobs = [await api.submitted(lock="ledger") for _ in range(14)]

    tenth, eleventh, twelfth, _, last = [await api.get(f"/api/v1/jobs/{job}") for job in jobs[9:]]
    assert (tenth["position"], tenth["waiting_for"]["ahead"]) == (10, jobs[:9])
    assert (eleventh["position"], eleventh["waiting_for"]["ahead"]) == (11, jobs[:10])
    assert (twelfth["position"], twelfth["waiting_for"]["ahead"]) == (12, jobs[:10])
    assert (last["position"], last["waiting_for"]["ahead"]) == (14, jobs[:10])


async def test_a_lock_given_back_has_no_holder_for_those_who_wait(api: Api, worker_of: WorkerOf) -> None:
    await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed())
    waiting = await api.submitted(lock="ledger")

    told = await api.get(f"/api/v1/jobs/{waiting}")
    assert told["waiting_for"] == {
        "lock": "ledger",
        "holder": None,
        "running": None,
        "ahead": [],
        "expected_start": None,
    }


async def test_a_job_of_another_lock_is_not_ahead(api: Api) -> None:
    await api.submitted(lock="ledger")
    other = await api.submitted(lock="ledger-2")

    told = await api.get(f"/api/v1/jobs/{other}")
    assert (told["position"], told["waiting_for"]["ahead"]) == (1, [])


@pytest.mark.parametrize(("chunk", "reads"), [(2, 3), (3, 2), (4, 2), (5, 1), (500, 1)])
async def test_no_more_of_the_line_is_read_than_up_to_the_job(
    api: Api, monkeypatch: pytest.MonkeyPatch, chunk: int, reads: int
) -> None:
    monkeypatch.setattr("coordination.journal.line._CHUNK", chunk)
    jobs = [await api.submitted(lock="ledger") for _ in range(9)]
    api.storage.calls.clear()

    assert (await api.get(f"/api/v1/jobs/{jobs[4]}"))["position"] == 5
    assert api.storage.calls["journal.read_range"] == reads


async def test_places_far_behind_are_not_counted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("publisher.use_cases.jobs.MOST_COUNTED", 3)
    monkeypatch.setattr("publisher.use_cases.locks.MOST_COUNTED", 3)
    monkeypatch.setattr("coordination.journal.line._CHUNK", 2)
    jobs = [await api.submitted(lock="ledger") for _ in range(9)]
    lock = await api.get("/api/v1/locks/ledger")
    assert (lock["waiting"], lock["line"]) == (4, jobs[:3])
    api.storage.calls.clear()

    places = [(await api.get(f"/api/v1/jobs/{job}"))["position"] for job in jobs]
    assert places == [1, 2, 3, *[4] * 6]
    # One look at two tickets, and one more for all that are not among these.
    assert api.storage.calls["journal.read_range"] == 2 * 1 + 7 * 2
    await api.get("/api/v1/locks/ledger")
    assert api.storage.calls["journal.read_range"] == 2 * 1 + 7 * 2 + 2


def take_ticket(api: Api, lock: str, job_id: str) -> Row:
    """Take a job's ticket out of the line, as what starts or cancels it does."""
    stored = api.journal.partitions[partition(lock)]
    return stored.pop(next(key for key in stored if key.startswith(TICKETS) and key.endswith(job_id)))


@pytest.mark.parametrize("chunk", [1, 2, 500])
async def test_a_waiting_job_that_is_never_found_in_line_waits_without_a_place(
    api: Api, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr("coordination.journal.line._CHUNK", chunk)
    jobs = [await api.submitted(lock="ledger") for _ in range(4)]
    take_ticket(api, "ledger", jobs[1])
    api.storage.calls.clear()
    told = await api.get(f"/api/v1/jobs/{jobs[1]}")

    assert (told["status"], told["position"], told["waiting_for"]) == ("Queued", None, None)
    # It is looked at five times, and each time no further than to where it should be.
    assert api.storage.calls["journal.read"] == 5
    assert api.storage.calls["journal.read_range"] == 5 * (2 if chunk == 1 else 1)


async def test_a_job_that_has_gone_back_into_the_line_is_found_there(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [await api.submitted(lock="ledger") for _ in range(2)]
    rows = api.journal.partitions[partition("ledger")]
    ticket = take_ticket(api, "ledger", second)
    read_range = api.journal.read_range

    async def come_back_later(of: str, prefix: str, *more: Any) -> list[Row]:
        found = await read_range(of, prefix, *more)
        if prefix == LINE and api.storage.calls["journal.read_range"] == 4:
            rows[ticket.key] = ticket
        return found

    monkeypatch.setattr(api.journal, "read_range", come_back_later)
    api.storage.calls.clear()
    told = await api.get(f"/api/v1/jobs/{second}")

    assert (told["position"], told["waiting_for"]["ahead"]) == (2, [first])


async def test_a_job_that_does_not_wait_costs_no_look_at_the_line(api: Api, worker_of: WorkerOf) -> None:
    job_id = await api.submitted(lock="ledger")
    await worker_of("ledger").start()
    api.storage.calls.clear()
    await api.client.get(f"/api/v1/jobs/{job_id}")

    assert api.storage.calls == {"journal.find": 1, "journal.read": 1}


@pytest.mark.parametrize("hold_place", [False, True])
async def test_a_job_that_waits_for_its_next_attempt_says_so_and_can_be_cancelled(
    api: Api,
    worker_of: WorkerOf,
    hold_place: bool,
) -> None:
    job_id, other = [await api.submitted(lock="ledger") for _ in range(2)]
    worker = worker_of("ledger")
    await worker.start()
    assert worker.held is not None
    retry = policy_as_text(RetryPolicy(3, delay=60.0, jitter=0.0, hold_place=hold_place))
    worker.held = replace(worker.held, job=replace(worker.held.job, retry=retry))
    await worker.end(Failed("OSError", "no route", error_classes=("OSError",)))

    told = await api.get(f"/api/v1/jobs/{job_id}")
    assert (told["status"], told["retries"]) == ("Queued", 1)
    assert told["position"] == (1 if hold_place else None)
    waiting_for: dict[str, Any] = {
        "lock": "ledger",
        "holder": None,
        "running": None,
        "ahead": [],
        "expected_start": None,
    }
    assert told["waiting_for"] == waiting_for
    assert datetime.fromisoformat(told["next_attempt_at"]) == api.clock.now() + timedelta(seconds=60)
    assert told["last_failure"] == {"type": "OSError", "message": "no route"}
    assert (await api.get("/api/v1/locks/ledger"))["line"] == [job_id] * hold_place + [other]

    answer = await api.client.post(f"/api/v1/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "Cancelled")
    assert (await api.get("/api/v1/locks/ledger"))["line"] == [other]
