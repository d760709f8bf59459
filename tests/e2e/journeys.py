"""What many tests do: bring a job under way, wait for its next start, and see that all of it went right."""

import time
from dataclasses import dataclass
from typing import Any

import psutil
from tests.e2e.api import Job
from tests.e2e.records import Interval, Recorded, assert_no_overlap
from tests.e2e.services import Service
from tests.e2e.stack import Stack
from tests.e2e.waiting import until


@dataclass(frozen=True)
class Underway:
    """A job that runs, and where."""

    job: Job
    worker: Service
    runner: psutil.Process


def bring_under_way(stack: Stack, kind: str, lock: str, **parameters: Any) -> Underway:
    """Submit a job and wait until it has had some effects."""
    job = stack.api.submit(kind, lock, parameters)
    effect = stack.sink.wait_for_effect(lock, job.id, more_than=2)
    worker = stack.worker_of(job.state()["worker"])
    assert effect.worker == worker.pid
    return Underway(job, worker, psutil.Process(effect.runner))


def next_start(stack: Stack, job: Job, attempt: int, within: float) -> Recorded:
    """Wait until the so-manieth attempt has started; returns the journal's record."""

    def started() -> Recorded | None:
        found = [event for event in stack.records.starts(job.lock) if event.job_id == job.id]
        return next((event for event in found if event.attempt == attempt), None)

    event = until(started, within, f"attempt {attempt} of job {job.id}")
    assert event is not None
    return event


def assert_finished(stack: Stack, job: Job, *, attempts: int, within: float = 30) -> dict[str, Any]:
    """Fail unless an `effects` job completes after so many attempts, without repeating a recorded step.

    Gives its result.
    """
    state = job.wait_for_end(within)
    assert (state["status"], state["attempt"]) == ("Completed", attempts), state
    count = int(state["result"]["effects"])
    assert job.statuses().count("Step") == count
    effects = stack.sink.effects(job.lock, job.id)
    assert all(effect.accepted for effect in effects)
    assert {effect.step for effect in effects} == {f"effect {number}" for number in range(1, count + 1)}
    # One that had happened but was not recorded yet, when the attempt was cut off, may happen again.
    assert len(effects) <= count + attempts - 1
    return dict(state["result"])


def assert_kept_apart(stack: Stack, lock: str) -> list[Interval]:
    """Fail when runs under a lock overlapped, in the journal or in the sink's eyes; returns the runs."""
    runs = assert_no_overlap(stack.records.journal(lock))
    accepted = [effect.fence for effect in stack.sink.effects(lock) if effect.accepted]
    assert accepted == sorted(accepted)
    return runs


def now() -> float:
    """Return the time of day, to be compared with the storage's."""
    return time.time()


def boot_time() -> float:
    """Return the boot-time clock, to be compared with the sink's."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
