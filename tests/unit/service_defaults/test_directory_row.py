"""What a process that stops leaves in the worker directory, and how long that may take."""

import asyncio
import logging
import time

import pytest

from contracts.telemetry import attributes as at
from coordination.clock import VirtualClock
from coordination.ports import UnknownOutcomeError
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from service_defaults import directory_row
from service_defaults.directory_row import kept_up
from service_defaults.heartbeat import InstanceHeartbeat


def heartbeat(directory: InMemoryWorkerDirectory, clock: VirtualClock) -> InstanceHeartbeat:
    return InstanceHeartbeat("scheduler", directory, clock, dict)


async def test_the_row_says_when_the_process_was_stopped_and_is_not_written_after_that() -> None:
    clock, directory = VirtualClock(), InMemoryWorkerDirectory()
    async with kept_up(heartbeat(directory, clock)):
        await clock.advance(25)
        [alive] = await directory.instances()
        stop = clock.now()
    [stopped] = await directory.instances()
    await clock.advance(60)
    assert alive.stopped_at is None
    assert (stopped.stopped_at, stopped.seen_at) == (stop, stop)
    assert await directory.instances() == [stopped]


async def test_a_process_that_begins_again_under_its_name_is_alive() -> None:
    clock, directory = VirtualClock(), InMemoryWorkerDirectory()
    for _ in range(2):
        async with kept_up(heartbeat(directory, clock)):
            await clock.advance(1)
            assert [one.stopped_at for one in await directory.instances()] == [None]


async def test_a_heartbeat_that_is_on_its_way_does_not_undo_the_stop() -> None:
    may_go_on, is_writing = asyncio.Event(), asyncio.Event()

    async def hold_back(when: str, name: str) -> None:
        if when == "before" and name == "directory.record_instance":
            is_writing.set()
            await may_go_on.wait()

    clock, directory = VirtualClock(), InMemoryWorkerDirectory(hold_back)
    one = heartbeat(directory, clock)
    beating = asyncio.create_task(one.keep_up())
    await is_writing.wait()
    stopping = asyncio.create_task(one.stop())
    await clock.settle()
    assert directory.known_instances == {}
    may_go_on.set()
    await stopping
    await clock.settle()
    assert [found.stopped_at for found in directory.known_instances.values()] == [clock.now()]
    beating.cancel()


@pytest.mark.parametrize("is_silent", [True, False])
async def test_storage_that_is_away_delays_the_stop_only_a_little(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_silent: bool
) -> None:
    monkeypatch.setattr(directory_row, "STOP_SECONDS", 0.05)

    async def fail(when: str, name: str) -> None:
        if is_silent:
            await asyncio.Event().wait()
        raise UnknownOutcomeError("the tables do not answer")

    clock, directory = VirtualClock(), InMemoryWorkerDirectory(fail)
    began = time.monotonic()
    async with kept_up(heartbeat(directory, clock)):
        await clock.settle()
    assert time.monotonic() - began < 2
    assert directory.known_instances == {}
    [said] = [record for record in caplog.records if record.message == "writing the stop failed"]
    reason = "no answer within 0.05 s" if is_silent else "the tables do not answer"
    assert (said.levelno, vars(said)[at.ERROR_MESSAGE]) == (logging.WARNING, reason)


def test_a_stop_waits_for_the_storage_two_seconds() -> None:
    assert directory_row.STOP_SECONDS == 2
