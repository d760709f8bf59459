"""A minute in which much happens: every way in which a job can end or change hands, and some mishaps."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import psutil
from tests.e2e.api import Job
from tests.e2e.journeys import Underway, bring_under_way, next_start
from tests.e2e.stack import TAKE_OVER_SECONDS, Stack
from tests.e2e.waiting import until

from contracts import topology

_SCHEDULE = "/api/v1/schedules/eventful"


@dataclass(frozen=True)
class Frozen:
    """A worker that was frozen with all its processes while it ran a job."""

    at_work: Underway
    processes: list[psutil.Process]


def live_through(stack: Stack, is_line_seen: Callable[[], object]) -> None:
    """Have it all happen, on four workers of which two are hurt; jobs wait in line until they are seen."""
    stack.crew(4)
    _schedule(stack)
    frozen = _freeze(stack)
    _mishaps(stack)
    first, waiting = _line(stack)
    failing = stack.api.submit("raises", stack.new_lock())
    assert failing.wait_for_end()["status"] == "Failed"
    _killed_runner(stack)
    until(is_line_seen, 60, "the line to be seen")
    first.cancel()
    assert first.wait_for_end()["status"] == "Cancelled"
    for job in waiting:
        assert job.wait_for_end()["status"] == "Completed"
    _stopped_worker(stack)
    _late_effect(stack, frozen)
    stack.api.client.delete(_SCHEDULE).raise_for_status()


def _schedule(stack: Stack) -> None:
    """Have a job be due every few seconds until all is over."""
    body = {"interval": 5, "job": {"kind": "nothing", "lock": stack.new_lock(), "on_conflict": "skip"}}
    stack.api.client.put(_SCHEDULE, json=body).raise_for_status()


def _freeze(stack: Stack) -> Frozen:
    at_work = bring_under_way(stack, "careless-effects", stack.new_lock(), seconds=0.05)
    return Frozen(at_work, at_work.worker.freeze())


def _mishaps(stack: Stack) -> None:
    """Send what nobody understands, and submit what is refused."""
    stack.broker.send(stack.broker.topology.jobs_exchange, topology.RUN, b"not json")
    refused = stack.api.client.post("/api/v1/jobs", json={"kind": "unheard-of", "lock": "some lock"})
    assert httpx.codes.is_client_error(refused.status_code)


def _line(stack: Stack) -> tuple[Job, list[Job]]:
    """Have jobs wait behind one with very many steps; returns it and them."""
    lock = stack.new_lock()
    first = bring_under_way(stack, "effects", lock, count=1000, seconds=0.2).job
    return first, [stack.api.submit("visit", lock) for _ in range(3)]


def _killed_runner(stack: Stack) -> None:
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=8, seconds=0.1)
    at_work.runner.kill()
    assert at_work.job.wait_for_end()["status"] == "Completed"


def _stopped_worker(stack: Stack) -> None:
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=10, seconds=0.2)
    at_work.worker.signal(signal.SIGTERM)
    next_start(stack, at_work.job, 2, within=15)
    assert at_work.job.wait_for_end()["status"] == "Completed"


def _late_effect(stack: Stack, frozen: Frozen) -> None:
    """Wait until the frozen worker's job runs elsewhere, and let it go on too late."""
    job = frozen.at_work.job
    next_start(stack, job, 2, within=2 * TAKE_OVER_SECONDS)
    frozen.at_work.runner.resume()
    until(
        lambda: [effect for effect in stack.sink.effects(job.lock) if not effect.accepted],
        15,
        "an effect of the woken runner to be refused",
    )
    for process in reversed(frozen.processes):
        process.resume()
    assert job.wait_for_end()["status"] == "Completed"
    until(lambda: frozen.at_work.worker.is_ready, 30, "the woken worker to be of use again")
