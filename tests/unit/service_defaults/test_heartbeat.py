"""What others learn of an instance of a service, how often, and again after an outage."""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from importlib.metadata import version

import pytest
from pydantic import JsonValue

from contracts.jobs import Instance
from contracts.telemetry import attributes as at
from coordination.clock import VirtualClock
from coordination.ports import UnknownOutcomeError
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from service_defaults.heartbeat import InstanceHeartbeat

NAME = f"{socket.gethostname()}-{os.getpid()}"


async def test_an_instance_says_what_it_is_and_how_it_is_every_ten_seconds_while_that_changes() -> None:
    clock, directory = VirtualClock(), InMemoryWorkerDirectory()
    began = clock.now()
    heartbeat = InstanceHeartbeat("scheduler", directory, clock, lambda: {"round": clock.boot() - 1000})
    task = asyncio.create_task(heartbeat.keep_up())
    await clock.advance(25)
    task.cancel()
    await clock.advance(100)
    (found,) = await directory.instances()
    assert (found.seen_at - began).total_seconds() == 20
    assert found == Instance(
        service="scheduler",
        instance=NAME,
        seen_at=found.seen_at,
        started_at=began,
        version=version("turnstile-scheduler"),
        details={"round": 20},
    )


async def test_an_instance_that_says_the_same_says_it_every_twenty_seconds() -> None:
    clock, directory, began = VirtualClock(), InMemoryWorkerDirectory(), VirtualClock().boot()
    beats: list[float] = []
    says = {"leads": False}
    record = directory.record_instance

    async def note(instance: Instance) -> None:
        beats.append(clock.boot() - began)
        await record(instance)

    directory.record_instance = note  # type: ignore[method-assign]

    def details() -> Mapping[str, JsonValue]:
        return {**says, "swept_at": str(clock.boot())}

    heartbeat = InstanceHeartbeat("scheduler", directory, clock, details, times={"swept_at"})
    task = asyncio.create_task(heartbeat.keep_up())
    await clock.advance(45)
    says["leads"] = True
    await clock.advance(30)
    task.cancel()
    assert beats == [0, 20, 40, 50, 70]
    (found,) = await directory.instances()
    assert found.details == {"leads": True, "swept_at": str(began + 70)}


async def test_storage_that_is_away_costs_a_heartbeat_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_away = True

    async def answer(when: str, name: str) -> None:
        if is_away:
            raise UnknownOutcomeError("the tables do not answer")

    clock, directory = VirtualClock(), InMemoryWorkerDirectory(answer)
    task = asyncio.create_task(InstanceHeartbeat("scheduler", directory, clock, dict).keep_up())
    await clock.advance(25)
    assert (directory.known_instances, task.done()) == ({}, False)
    missed = [record for record in caplog.records if record.message == "writing the heartbeat failed"]
    assert [record.levelno for record in missed] == [logging.WARNING] * 3
    assert vars(missed[0])[at.ERROR_MESSAGE] == "the tables do not answer"
    is_away = False
    await clock.advance(10)
    assert list(directory.known_instances) == [("scheduler", NAME)]
    task.cancel()
