"""The HTTP API over the in-memory doubles."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.unit.publisher.doubles import (
    Api,
    CountingDirectory,
    FakeWorker,
    HintingNotifier,
    ImpatientClock,
    ScriptedQuarantine,
    StorageSwitch,
    WorkerOf,
)

from coordination.testing.memory import InMemoryJournal, InMemoryRegister
from publisher.http.application import make_application
from publisher.use_cases import make_use_cases
from read_models.memory import InMemoryReadModels


@pytest.fixture
def worker_of(api: Api) -> WorkerOf:
    return lambda lock: FakeWorker(api, lock)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    storage = StorageSwitch()
    journal, register = InMemoryJournal(storage), InMemoryRegister(storage)
    notifier, read_models = HintingNotifier(), InMemoryReadModels(storage)
    quarantine = ScriptedQuarantine()
    clock, directory = ImpatientClock(), CountingDirectory()
    use_cases = make_use_cases(
        journal,
        register,
        notifier,
        read_models,
        directory,
        clock,
        quarantine,
        schedule_table=InMemoryJournal(storage),
    )
    app = make_application(use_cases)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://publisher") as client:
        yield Api(
            app,
            client,
            journal,
            register,
            notifier,
            read_models,
            directory,
            clock,
            storage,
            quarantine,
            use_cases,
        )
