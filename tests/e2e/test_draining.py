"""A worker that drains before a rollout ends its job, takes no other, and takes some again when it may."""

import pytest
from tests.e2e.journeys import assert_finished, bring_under_way
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

from turnstile import Client

pytestmark = pytest.mark.e2e

#: Seconds within which a worker obeys: its longest pause between two heartbeats, and some.
_OBEYS_WITHIN = 25


def test_a_worker_that_drains_ends_its_job_and_leaves_the_others_to_another_worker(stack: Stack) -> None:
    (drained,) = stack.crew(1)
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=80, seconds=0.2)
    waiting = stack.api.submit("visit", at_work.job.lock)
    with Client(str(stack.api.client.base_url), actor="maria") as client:
        told = client.drain_worker(drained.name, "update")
        assert (told.drain.actor, told.drain.reason) == ("maria", "update")
        until(lambda: not client.worker(drained.name).takes_jobs, _OBEYS_WITHIN, "the worker to obey")
        assert not client.worker(drained.name).is_drained
        assert_finished(stack, at_work.job, attempts=1)
        until(lambda: client.worker(drained.name).is_drained, _OBEYS_WITHIN, "the worker to be drained")
        elsewhere = stack.api.submit("visit", stack.new_lock())
        assert {waiting.state()["status"], elsewhere.state()["status"]} == {"Queued"}

        another = stack.hire()
        another.launch()
        another.wait_until_ready()
        for job in (waiting, elsewhere):
            assert job.wait_for_end()["status"] == "Completed"
            assert job.events()[-1]["worker"] == another.name
        another.stop()
        client.resume_worker(drained.name)
        again = stack.api.submit("visit", stack.new_lock())
        assert again.wait_for_end(_OBEYS_WITHIN + 10)["status"] == "Completed"
        assert again.events()[-1]["worker"] == drained.name
