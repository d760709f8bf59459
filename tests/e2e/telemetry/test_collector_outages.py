"""A collector that is away, slow, stuck or refuses delays no job, fills no memory and holds up no stop."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import psutil
import pytest
from deploy.servers import private
from tests.e2e.stack import Stack
from tests.e2e.telemetry import scenarios
from tests.e2e.telemetry.otlp_receiver import Mood, OtlpReceiver
from tests.e2e.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

MOODS: tuple[Mood, ...] = get_args(Mood)
JOBS = 40

#: What a service may hold while nobody takes it: queues of 2,048 spans and log records, and measurements.
MEBIBYTES = 25


@dataclass(frozen=True)
class Outage:
    """How jobs went while the collector was so."""

    seconds: float
    requests: int
    #: How much each service's memory grew, in bytes.
    growth: dict[str, int]


@dataclass(frozen=True)
class Outages:
    """How the stack did with a collector that was well first, then everything else."""

    by_mood: dict[Mood, Outage]
    stop_seconds: float


@pytest.fixture(scope="module")
def outages(
    rabbitmq: private.RabbitMQ, azurite: private.Azurite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outages]:
    """Run as many jobs with each kind of collector, and stop the stack while the collector hangs."""
    receiver = OtlpReceiver()
    receiver.start()
    environment = {**scenarios.telling(receiver), "TURNSTILE_LINGER_SECONDS": "0"}
    stack = Stack(rabbitmq, azurite, tmp_path_factory.mktemp("outages") / "stack", environment)
    try:
        stack.start()
        stack.crew(1)
        _run_jobs(stack)
        by_mood = {}
        for mood in MOODS:
            with receiver.being(mood):
                before, memory = receiver.requests, _memory(stack)
                seconds = _run_jobs(stack)
                until(
                    lambda: mood == "away" or receiver.requests > before,  # noqa: B023 - waited for here
                    10,
                    "a request",
                )
                after = _memory(stack)
                growth = {name: after[name] - memory[name] for name in after}
                by_mood[mood] = Outage(seconds, receiver.requests - before, growth)
        with receiver.being("hanging"):
            _run_jobs(stack, 5)
            stop_seconds = scenarios.stop_all(list(stack.services()))
        yield Outages(by_mood, stop_seconds)
    finally:
        stack.close()
        receiver.close()


@pytest.mark.parametrize("mood", MOODS[1:])
def test_jobs_run_as_fast_as_with_a_collector_that_is_well(outages: Outages, mood: Mood) -> None:
    usual, then = outages.by_mood["well"], outages.by_mood[mood]
    # One export that a job had to wait for would take longer than this.
    assert then.seconds < 2 * usual.seconds + 1, outages


@pytest.mark.parametrize("mood", MOODS[1:])
def test_memory_stays_within_bounds(outages: Outages, mood: Mood) -> None:
    assert max(outages.by_mood[mood].growth.values()) < MEBIBYTES * 2**20, outages


def test_services_stop_in_time_while_the_collector_hangs(outages: Outages) -> None:
    assert outages.stop_seconds < 10


def _run_jobs(stack: Stack, count: int = JOBS) -> float:
    """Run jobs one after the other on one lock; returns the seconds from the first to the last."""
    lock = stack.new_lock()
    began = time.monotonic()
    jobs = [stack.api.submit("nothing", lock) for _ in range(count)]
    assert jobs[-1].wait_for_end(60)["status"] == "Completed"
    return time.monotonic() - began


def _memory(stack: Stack) -> dict[str, int]:
    return {service.name: psutil.Process(service.pid).memory_info().rss for service in stack.services()}
