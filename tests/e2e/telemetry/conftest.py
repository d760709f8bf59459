"""A stack that tells a receiver everything, and what happens to it: each scenario once, for many tests."""

from collections.abc import Iterator
from functools import partial

import pytest
from tests.e2e.stack import Stack, running
from tests.e2e.telemetry import scenarios
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver


@pytest.fixture(scope="package")
def receiver() -> Iterator[OtlpReceiver]:
    """Return what the stack sends its telemetry to."""
    receiver = OtlpReceiver()
    receiver.start()
    yield receiver
    receiver.close()


@pytest.fixture(scope="package")
def shared_stack(tmp_path_factory: pytest.TempPathFactory, receiver: OtlpReceiver) -> Iterator[Stack]:
    """Return a stack with telemetry, in the place of the one without."""
    make = partial(Stack, more=scenarios.telling(receiver))
    with running(tmp_path_factory.mktemp("telemetry"), make) as stack:
        yield stack


@pytest.fixture(scope="package")
def deaths(shared_stack: Stack) -> scenarios.Deaths:
    """Let workers be killed and frozen first of all: their jobs go on only when the leases have run out."""
    return scenarios.bring_deaths(shared_stack)


@pytest.fixture(scope="package")
def busy_stack(shared_stack: Stack, deaths: scenarios.Deaths) -> Stack:
    """Return the stack for further scenarios."""
    return shared_stack


@pytest.fixture(scope="package")
def ordinary(busy_stack: Stack, receiver: OtlpReceiver) -> scenarios.Traced:
    """Return a job that ran on its own."""
    return scenarios.run_ordinary(busy_stack, receiver)


@pytest.fixture(scope="package")
def line(
    busy_stack: Stack, receiver: OtlpReceiver, tmp_path_factory: pytest.TempPathFactory
) -> scenarios.Line:
    """Return a job that ran for a while, and those that waited behind it."""
    return scenarios.run_line(busy_stack, receiver, tmp_path_factory.mktemp("gates") / "line")


@pytest.fixture(scope="package")
def killed_runner(busy_stack: Stack, receiver: OtlpReceiver) -> scenarios.Traced:
    """Return a job whose runner was killed."""
    return scenarios.run_with_killed_runner(busy_stack, receiver)


@pytest.fixture(scope="package")
def lost_wake_up(busy_stack: Stack, receiver: OtlpReceiver) -> scenarios.Traced:
    """Return a job whose wake-up went nowhere, so that the sweeper came."""
    return scenarios.run_without_wake_up(busy_stack, receiver)


@pytest.fixture(scope="package")
def commanded(busy_stack: Stack, receiver: OtlpReceiver) -> scenarios.Commanded:
    """Return a job that was submitted by a message with a trace context."""
    return scenarios.run_commanded(busy_stack, receiver)


@pytest.fixture(scope="package")
def scheduled(busy_stack: Stack, receiver: OtlpReceiver) -> scenarios.Traced:
    """Return a job that a schedule submitted."""
    return scenarios.run_scheduled(busy_stack, receiver)


@pytest.fixture(scope="package")
def failures(busy_stack: Stack, receiver: OtlpReceiver) -> scenarios.Failures:
    """Return jobs that did not complete."""
    return scenarios.run_failures(busy_stack, receiver)


@pytest.fixture(scope="package")
def mishaps(
    lost_worker: scenarios.Traced,
    frozen_worker: scenarios.Traced,
    shared_stack: Stack,
    receiver: OtlpReceiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Let happen what happens seldom; after what needs the storage in time."""
    scenarios.cause_mishaps(shared_stack, receiver, tmp_path_factory.mktemp("mishaps"))


@pytest.fixture(scope="package")
def lost_worker(deaths: scenarios.Deaths, shared_stack: Stack, receiver: OtlpReceiver) -> scenarios.Traced:
    """Return a job whose worker was killed whole."""
    return scenarios.see_through(shared_stack, receiver, deaths.killed, deaths)


@pytest.fixture(scope="package")
def frozen_worker(deaths: scenarios.Deaths, shared_stack: Stack, receiver: OtlpReceiver) -> scenarios.Traced:
    """Return a job whose worker was frozen for longer than its lease, and then went on."""
    return scenarios.see_through(shared_stack, receiver, deaths.frozen, deaths)
