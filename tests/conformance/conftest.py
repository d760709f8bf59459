"""The ports under test: the in-memory doubles, and the adapters on a real server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.conformance.stores import Store, in_memory, on_azurite

from coordination.clock import SystemClock, VirtualClock
from coordination.ports import Clock, JobRegister, Journal, Leases

STORES = ["memory", pytest.param("azurite", marks=pytest.mark.integration)]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, storage_namespace: str) -> AsyncIterator[Store]:
    """The storage ports on memory, and on Azurite."""
    if request.param == "memory":
        yield in_memory()
        return
    async with AsyncExitStack() as stack:
        yield await on_azurite(request.getfixturevalue("azurite").connection_string, storage_namespace, stack)


@pytest.fixture
def journal(store: Store) -> Journal:
    return store.journal


@pytest.fixture
def register(store: Store) -> JobRegister:
    return store.register


@pytest.fixture
def leases(store: Store) -> Leases:
    return store.leases


@pytest.fixture(params=["virtual", "system"])
def clock(request: pytest.FixtureRequest) -> Clock:
    return VirtualClock() if request.param == "virtual" else SystemClock()
