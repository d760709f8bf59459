"""Processes that are frozen and wake up late do no harm: they write nothing, and effects are refused."""

import signal

import pytest
from tests.e2e.journeys import (
    assert_kept_apart,
    boot_time,
    bring_under_way,
    next_start,
)
from tests.e2e.services import is_alive
from tests.e2e.stack import LEASE_SECONDS, TAKE_OVER_SECONDS, Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

#: From the last renewal until the runner is killed, for a lease of 15 s; a busy machine may add something.
HARD_STOP_SECONDS = 12.0 + 2.0


def test_a_worker_frozen_for_longer_than_its_lease_writes_nothing_and_its_effects_are_refused(
    stack: Stack,
) -> None:
    stack.crew(2)
    at_work = bring_under_way(stack, "careless-effects", stack.new_lock(), seconds=0.05)
    job = at_work.job
    frozen = at_work.worker.freeze()
    again = next_start(stack, job, 2, within=2 * TAKE_OVER_SECONDS)
    assert again.worker != at_work.worker.name
    assert job.wait_for_end()["status"] == "Completed"
    before = stack.records.journal(job.lock)

    # The runner wakes up first: nobody is there yet to kill it, and its handler does not look.
    at_work.runner.resume()
    refused = until(
        lambda: [effect for effect in stack.sink.effects(job.lock) if not effect.accepted],
        10,
        "an effect of the woken runner to be refused",
    )
    assert {effect.worker for effect in refused} == {at_work.worker.pid}
    # Then the deadline enforcer, which needs no supervisor to do its work.
    supervisor, *others = frozen
    for process in others:
        process.resume()
    until(lambda: not is_alive(at_work.runner), 5, "the woken runner to be killed")
    supervisor.resume()
    until(
        lambda: at_work.worker.has_logged("lease lost") or at_work.worker.has_logged("write refused"),
        5,
        "the woken worker to say that it is out",
    )
    until(lambda: at_work.worker.is_ready, 30, "the woken worker to be of use again")
    assert stack.records.journal(job.lock) == before
    runs = assert_kept_apart(stack, job.lock)
    assert [run.worker for run in runs] == [at_work.worker.name, again.worker]


def test_the_runner_of_a_frozen_supervisor_is_killed_before_the_lease_runs_out(stack: Stack) -> None:
    stack.crew(2)
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=200, seconds=0.1)
    job = at_work.job
    frozen_at = boot_time()
    at_work.worker.signal(signal.SIGSTOP)
    until(lambda: not is_alive(at_work.runner), LEASE_SECONDS, "the deadline enforcer to fall")
    assert boot_time() - frozen_at < HARD_STOP_SECONDS
    assert [event.attempt for event in stack.records.starts(job.lock)] == [1]
    again = next_start(stack, job, 2, within=2 * TAKE_OVER_SECONDS)
    assert again.worker != at_work.worker.name
    stack.sink.wait_for_effect(job.lock, job.id, more_than=len(stack.sink.effects(job.lock, job.id)))
    job.cancel()
    assert job.wait_for_end()["status"] == "Cancelled"
    at_work.worker.signal(signal.SIGCONT)
    until(lambda: at_work.worker.is_ready, 30, "the woken worker to be of use again")
    assert_kept_apart(stack, job.lock)
    assert all(effect.accepted for effect in stack.sink.effects(job.lock))
