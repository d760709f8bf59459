"""Which worker runs a job: pools, limits of kinds on a worker, and distribution by a property."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.coordination.limited_lock import limit
from tests.unit.coordination.setting import Setting

from contracts.jobs import Worker
from contracts.policies import ByProperty, JobPolicy
from contracts.statuses import EventStatus
from coordination.holder.living_workers import LivingWorkers
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.outcomes import Completed
from coordination.placement import why_no_worker
from coordination.ports import UnknownOutcomeError, WakeUp
from coordination.testing.worker_directory import InMemoryWorkerDirectory

PREMIUM = JobPolicy(distribution=ByProperty("tier", "machine"))


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


def started(setting: Setting, job_id: str, lock: str = "L") -> EventRow:
    """Return the first start of a job."""
    partition = next(part for part in setting.journal.partitions.values() if rows.job_key(job_id) in part)
    events = [
        EventRow.from_row(row) for key, row in partition.items() if key.startswith(rows.event_prefix(job_id))
    ]
    return next(event for event in events if event.status == EventStatus.STARTED)


def document(setting: Setting, name: str, **about: object) -> Worker:
    known = {"seen_at": setting.clock.now(), "kinds": ["kind"]} | about
    return Worker.model_validate({"worker": name} | known)


def row(**about: object) -> JobRow:
    return JobRow.from_values({"job_id": "j", "kind": "kind", "lock_name": "L"} | about)  # type: ignore[arg-type]


# --- pools ----------------------------------------------------------------------


async def test_only_a_worker_of_its_pool_runs_a_job(setting: Setting) -> None:
    plain, gpu = setting.worker("plain"), setting.worker("gpu", pools=["gpu"])
    wanted, other = await setting.submit("L", pool="gpu"), await setting.submit("M")
    for worker, lock in ((plain, "L"), (gpu, "M")):
        await setting.notify(worker, WakeUp(lock))
    assert setting.runs.jobs == []
    for worker, lock in ((plain, "M"), (gpu, "L")):
        await setting.notify(worker, WakeUp(lock))
    assert setting.runs.jobs == [other, wanted]


async def test_a_worker_of_another_pool_gives_the_lock_back_at_once_and_hands_it_on(setting: Setting) -> None:
    job_id = await setting.submit(pool="gpu")
    began = setting.clock.boot()
    await setting.notify(setting.worker())
    assert setting.clock.boot() == began
    assert [wake_up.job_id for wake_up in setting.notifier.take_deferred()] == [job_id]
    gpu = setting.worker("gpu", pools=["default", "gpu"])
    await setting.notify(gpu)
    assert setting.runs.jobs == [job_id]


async def test_the_end_of_a_run_does_not_start_a_job_of_another_pool(setting: Setting) -> None:
    jobs = [await setting.submit(), await setting.submit(pool="gpu"), await setting.submit()]
    await setting.notify(setting.worker())
    await setting.end()
    # The third does not pass the second, whose turn it is.
    assert setting.runs.jobs == jobs[:1]
    await setting.notify(setting.worker("gpu", pools=["gpu"]))
    await setting.end()
    assert setting.runs.jobs == jobs[:2]
    await setting.notify(setting.worker("w2"))
    assert setting.runs.jobs == jobs


async def test_a_job_of_another_pool_does_not_fail_for_its_kind_that_is_unknown_here(
    setting: Setting,
) -> None:
    job_id = await setting.submit(pool="gpu")
    worker = setting.worker(knows=lambda _: False)
    for _ in range(30):
        await setting.notify(worker)
        await setting.clock.advance(5)
    assert setting.runs.jobs == []
    await setting.notify(setting.worker("gpu", pools=["gpu"]))
    assert setting.runs.jobs == [job_id]


async def test_a_start_says_the_pools_of_its_worker_unless_it_serves_the_default_one_alone(
    setting: Setting,
) -> None:
    wanted, other = await setting.submit("L", pool="gpu"), await setting.submit("M")
    await setting.notify(setting.worker("gpu", pools=["default", "gpu"]))
    await setting.notify(setting.worker("plain"), WakeUp("M"))
    assert json.loads(started(setting, wanted).data)["pools"] == ["default", "gpu"]
    assert "pools" not in json.loads(started(setting, other).data)


async def test_a_free_slot_is_not_tried_for_again_and_again_for_a_job_of_another_pool(
    setting: Setting,
) -> None:
    await limit(setting, 2)
    running, wanted = await setting.submit(), await setting.submit(pool="gpu")
    await setting.notify(setting.worker(), WakeUp("L", slots=2))
    acquired = len(setting.network.sent("leases.acquire"))
    await setting.clock.advance(600)
    assert len(setting.network.sent("leases.acquire")) == acquired
    # Others are notified, less and less often.
    assert 0 < len(setting.notifier.take_wake_ups()) < 30
    assert len(setting.notifier.take_deferred()) < 3
    await setting.notify(setting.worker("gpu", pools=["gpu"]), WakeUp("L", slots=2))
    assert setting.runs.jobs == [running, wanted]


async def test_a_job_without_a_pool_costs_no_request_more(setting: Setting) -> None:
    await setting.submit()
    await setting.notify(setting.worker(living=living(setting)))
    await setting.end()
    calls = [call.name for call in setting.network.calls]
    assert not [name for name in calls if name.startswith("directory.")]


# --- limits of kinds --------------------------------------------------------------


async def test_no_more_jobs_of_a_kind_run_on_a_worker_than_its_limit_says(setting: Setting) -> None:
    worker = setting.worker(capacity=4, kind_limits={"kind": 1})
    jobs = [await setting.submit(lock) for lock in ("L", "M")]
    for lock in ("L", "M"):
        await setting.notify(worker, WakeUp(lock))
    assert setting.runs.jobs == jobs[:1]
    assert [wake_up.lock_name for wake_up in setting.notifier.take_deferred()] == ["M"]
    await setting.notify(setting.worker("w2"), WakeUp("M"))
    assert setting.runs.jobs == jobs


async def test_a_limit_leaves_room_for_other_kinds_and_for_the_next_job(setting: Setting) -> None:
    worker = setting.worker(capacity=4, kind_limits={"kind": 1})
    first, second = await setting.submit("L"), await setting.submit("L")
    other = await setting.submit("M", kind="another")
    for lock in ("L", "M"):
        await setting.notify(worker, WakeUp(lock))
    assert setting.runs.jobs == [first, other]
    setting.runs.end(index=0)
    await setting.clock.settle()
    assert setting.runs.jobs == [first, other, second]


async def test_a_place_is_free_again_when_its_lock_is_left(setting: Setting) -> None:
    worker = setting.worker(capacity=4, kind_limits={"kind": 1})
    jobs = [await setting.submit(lock) for lock in ("L", "M")]
    for lock in ("L", "M"):
        await setting.notify(worker, WakeUp(lock))
    setting.runs.end(index=0)
    await setting.clock.settle()
    await setting.notify(worker, WakeUp("M"))
    assert setting.runs.jobs == jobs


async def test_two_locks_that_are_tried_for_at_the_same_time_do_not_both_get_the_last_place(
    setting: Setting,
) -> None:
    worker = setting.worker(capacity=4, kind_limits={"kind": 1})
    jobs = [await setting.submit(lock) for lock in ("L", "M")]
    # Both have read their lines before either has written its start.
    setting.network.before("journal.commit", 1.0, 1.0)
    for lock in ("L", "M"):
        setting.spawn(_answer(worker.answer(WakeUp(lock))))
    await setting.clock.advance(5)
    assert len(setting.runs.jobs) == 1
    assert setting.runs.jobs[0] in jobs


async def _answer(answer: object) -> None:
    await answer  # type: ignore[misc]


# --- distribution -----------------------------------------------------------------


def living(setting: Setting, *workers: Worker) -> LivingWorkers:
    directory = InMemoryWorkerDirectory(setting.network)
    directory.heartbeats = {worker.worker: worker for worker in workers}
    return LivingWorkers(directory, setting.clock)


def tier(value: str) -> dict[str, Any]:
    return {"policy": PREMIUM, "properties": json.dumps({"tier": value})}


async def test_a_job_runs_on_a_worker_whose_property_has_the_value_of_its_own(setting: Setting) -> None:
    fast, slow = {"machine": "premium"}, {"machine": "basic"}
    others = living(setting, document(setting, "fast", custom_properties=fast))
    worker = setting.worker("slow", properties=slow, living=others)
    job_id = await setting.submit(**tier("premium"))
    await setting.notify(worker)
    await setting.clock.advance(1)
    await setting.notify(worker)
    assert setting.runs.jobs == []
    await setting.notify(setting.worker("fast", properties=fast, living=living(setting)))
    assert setting.runs.jobs == [job_id]


async def test_any_worker_runs_a_job_that_no_living_worker_has_fitted_for_a_minute(setting: Setting) -> None:
    others = living(setting, document(setting, "basic", custom_properties={"machine": "basic"}))
    worker = setting.worker("slow", living=others)
    job_id = await setting.submit(**tier("premium"))
    waited = 0
    while not setting.runs.jobs and waited < 300:
        await setting.notify(worker)
        await setting.clock.advance(5)
        waited += 5
    assert setting.runs.jobs == [job_id]
    assert 60 < waited <= 75


async def test_a_job_waits_as_long_as_a_worker_that_fits_is_alive(setting: Setting) -> None:
    directory = InMemoryWorkerDirectory(setting.network)
    worker = setting.worker("slow", living=LivingWorkers(directory, setting.clock))
    await setting.submit(**tier("premium"))
    for _ in range(60):
        await directory.record_heartbeat(document(setting, "fast", custom_properties={"machine": "premium"}))
        await setting.notify(worker)
        await setting.clock.advance(5)
    assert setting.runs.jobs == []


async def test_a_job_waits_as_long_as_nothing_is_known_of_the_others(setting: Setting) -> None:
    others = living(setting)
    worker = setting.worker("slow", living=others)
    await setting.submit(**tier("premium"))
    setting.network.before("directory.workers", *[UnknownOutcomeError()] * 100)
    for _ in range(60):
        await setting.notify(worker)
        await setting.clock.advance(5)
    assert setting.runs.jobs == []


async def test_a_job_without_the_property_is_run_by_any_worker(setting: Setting) -> None:
    job_id = await setting.submit(policy=PREMIUM)
    await setting.notify(setting.worker())
    assert setting.runs.jobs == [job_id]


async def test_the_directory_is_read_only_while_a_job_asks_for_it(setting: Setting) -> None:
    worker = setting.worker("slow", living=living(setting))
    await setting.submit(**tier("premium"))
    await setting.notify(worker)
    await setting.clock.advance(280)
    read = len(setting.network.sent("directory.workers"))
    assert read > 50
    await setting.clock.advance(1000)
    assert len(setting.network.sent("directory.workers")) < read + 10


# --- what people are told ----------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "workers", "said"),
    [
        ({}, [{}], None),
        ({}, [], "no worker of pool default is there"),
        ({"pool": "gpu"}, [{}], "no worker of pool gpu is there"),
        ({"pool": "gpu"}, [{"pools": ["default", "gpu"]}], None),
        ({"pool": "gpu"}, [{"pools": ["gpu"], "takes_jobs": False}], "no worker of pool gpu is there"),
        (
            {"pool": "gpu"},
            [{"pools": ["gpu"], "seen_at": "2020-01-01T00:00:00Z"}],
            "no worker of pool gpu is there",
        ),
        ({}, [{"kinds": ["other"]}], "no worker of pool default knows the kind kind"),
        (
            {
                "distribution": '{"strategy":"by-property","job":"tier","worker":"machine"}',
                "properties": '{"tier":"a"}',
            },
            [{"custom_properties": {"machine": "b"}}],
            "no worker of pool default has the property machine=a: any of them may run the job after 60 s",
        ),
        ({"distribution": '{"strategy":"of a later release"}'}, [{}], None),
    ],
)
def test_a_job_that_no_living_worker_may_run_says_why(
    setting: Setting, job: dict[str, object], workers: list[dict[str, object]], said: str | None
) -> None:
    known = [document(setting, f"w{number}", **about) for number, about in enumerate(workers)]
    assert why_no_worker(row(**job), known, setting.clock.now()) == said


async def test_a_distribution_is_kept_in_the_row_and_in_the_ticket(setting: Setting) -> None:
    job_id = await setting.submit(pool="gpu", **tier("a"))
    (partition,) = setting.journal.partitions.values()
    ticket = next(row for key, row in partition.items() if key.startswith(rows.TICKETS))
    for kept in (setting.job(job_id), JobRow.from_row(ticket)):
        assert kept.pool == "gpu"
        assert json.loads(str(kept.distribution)) == {
            "strategy": "by-property", "job": "tier", "worker": "machine",
        }  # fmt: skip


async def test_a_run_ends_as_before_when_the_next_job_is_for_others(setting: Setting) -> None:
    first = await setting.submit()
    await setting.submit(pool="gpu")
    await setting.notify(setting.worker())
    await setting.end(Completed())
    assert setting.job(first).status == "Completed"
    assert setting.lock().job_id == ""
