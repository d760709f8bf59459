"""When a waiting job is likely to start."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts.lock_names import partition
from coordination.ports import UnknownOutcomeError
from read_models import LockRun


def know_runs(api: Api, *seconds: float, kind: str = "ten-steps") -> None:
    """Let the read models know runs under the lock "ledger"."""
    began = api.clock.now() - timedelta(days=1)
    for fence, took in enumerate(seconds, 100):
        api.read_models.runs[partition("ledger"), fence] = LockRun(
            "ledger",
            fence,
            f"job-{fence}",
            1,
            "worker-1",
            began_at=began,
            ended_at=began + timedelta(seconds=took),
            outcome="Completed",
            kind=kind,
        )


async def expected(api: Api, job_id: str) -> float | None:
    """Return the seconds until a job is likely to start."""
    at = (await api.get(f"/api/v1/jobs/{job_id}"))["waiting_for"]["expected_start"]
    return None if at is None else (datetime.fromisoformat(at) - api.clock.now()).total_seconds()


async def test_the_runs_of_the_past_say_when_each_job_of_a_line_starts(api: Api, worker_of: WorkerOf) -> None:
    know_runs(api, 100, 120, 1000)
    jobs = [await api.submitted(lock="ledger", kind="ten-steps") for _ in range(4)]
    await worker_of("ledger").start()
    await api.clock.sleep(20)
    assert [await expected(api, job) for job in jobs[1:]] == pytest.approx([100, 220, 340], abs=1)


async def test_a_job_that_could_start_now_has_no_expected_start(api: Api) -> None:
    know_runs(api, 100, 120, 1000)
    assert await expected(api, await api.submitted(lock="ledger", kind="ten-steps")) is None


async def test_a_line_of_a_free_lock_counts_from_now(api: Api) -> None:
    know_runs(api, 100, 120, 1000)
    jobs = [await api.submitted(lock="ledger", kind="ten-steps") for _ in range(2)]
    assert await expected(api, jobs[1]) == pytest.approx(120, abs=1)


async def test_too_few_runs_of_a_kind_ahead_say_nothing(api: Api) -> None:
    know_runs(api, 100, 120)
    jobs = [await api.submitted(lock="ledger", kind="ten-steps") for _ in range(2)]
    assert await expected(api, jobs[1]) is None


async def test_a_line_too_long_to_be_counted_has_no_expected_start(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.use_cases.jobs.MOST_COUNTED", 3)
    know_runs(api, 100, 120, 1000)
    jobs = [await api.submitted(lock="ledger", kind="ten-steps") for _ in range(6)]
    assert await expected(api, jobs[3]) == pytest.approx(360, abs=1)
    assert await expected(api, jobs[5]) is None


async def test_read_models_that_do_not_answer_take_nothing_else_of_the_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise UnknownOutcomeError("no answer")

    monkeypatch.setattr(api.read_models, "lock_runs", fail)
    jobs = [await api.submitted(lock="ledger") for _ in range(2)]
    told = await api.get(f"/api/v1/jobs/{jobs[1]}")
    assert (told["position"], told["waiting_for"]["expected_start"]) == (2, None)


async def test_many_questions_about_one_lock_read_its_past_once_a_minute(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_runs(api, 100, 120, 1000)
    jobs = [await api.submitted(lock="ledger", kind="ten-steps") for _ in range(5)]
    read, reads = api.read_models.lock_runs, []

    async def counted(*asked: Any) -> Any:
        reads.append(asked)
        return await read(*asked)

    monkeypatch.setattr(api.read_models, "lock_runs", counted)
    for job in jobs:
        await expected(api, job)
    assert len(reads) == 1
