"""While the storage does not answer nobody works on trust: jobs stop before their lease can run out."""

import signal
from typing import Any

import httpx
import pytest
from tests.e2e.journeys import assert_finished, assert_kept_apart, boot_time, bring_under_way, next_start
from tests.e2e.services import Service, is_alive
from tests.e2e.stack import LEASE_SECONDS, Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

#: From the last renewal until the runner is killed, for a lease of 15 s.
HARD_STOP_SECONDS = 12.0


def test_jobs_stop_in_time_while_the_storage_is_away_and_go_on_when_it_is_back(stack: Stack) -> None:
    stack.crew(2)
    careful = bring_under_way(stack, "effects", stack.new_lock(), count=20, seconds=0.2)
    at_work = bring_under_way(stack, "careless-effects", stack.new_lock(), seconds=0.1)
    stack.azurite.pause()
    away_since = boot_time()
    try:
        answer = stack.api.client.post(
            "/api/v1/jobs", json={"kind": "nothing", "lock": stack.new_lock()}, timeout=30
        )
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["type"].endswith("storage_unavailable")
        assert not stack.publisher.is_ready
        until(lambda: not is_alive(at_work.runner), LEASE_SECONDS, "the runner to be killed")
        assert boot_time() - away_since < HARD_STOP_SECONDS + 0.5
        until(lambda: boot_time() - away_since > LEASE_SECONDS + 1, LEASE_SECONDS, "the lease to run out")
    finally:
        stack.azurite.resume()
    next_start(stack, at_work.job, 2, within=20)
    assert at_work.job.wait_for_end()["status"] == "Completed"
    runs = assert_kept_apart(stack, at_work.job.lock)
    assert [run.attempt for run in runs] == [1, 2]
    first = [effect for effect in stack.sink.effects(at_work.job.lock) if effect.fence == 1]
    assert first[-1].at - away_since < HARD_STOP_SECONDS + 0.5
    assert_finished(stack, careful.job, attempts=2)
    assert_kept_apart(stack, careful.job.lock)
    stack.wait_until_all_work()


def test_a_worker_that_waits_for_the_storage_is_alive_and_says_what_it_waits_for(stack: Stack) -> None:
    stack.crew(0)
    stack.azurite.pause()
    try:
        worker = stack.hire()
        worker.launch()
        until(lambda: asked(worker, "live") == (200, {"status": "alive"}), 60, "the worker to listen")
        until(lambda: "ok" in asked(worker, "ready")[1]["checks"]["runners"], 60, "a runner to start")
        status, said = asked(worker, "ready")
        assert (status, said["status"]) == (503, "not ready")
        assert said["checks"]["storage"] != "ok"
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        stack.dismiss([worker])
    finally:
        stack.azurite.resume()
    stack.wait_until_all_work()


def asked(worker: Service, what: str) -> tuple[int, dict[str, Any]]:
    """Return what a worker answers to a question about its health; 0 while it does not listen."""
    try:
        answer = httpx.get(f"{worker.url}/health/{what}", timeout=5)
    except httpx.TransportError:
        return 0, {"checks": {"runners": ""}}
    return answer.status_code, answer.json()
