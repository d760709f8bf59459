"""Dashboards within the test's process, on histories of different lengths."""

import asyncio
from collections.abc import Iterator

import pytest
from deploy.servers import private
from tests.integration.dashboard.history import LONG, SHORT, write

from azure_storage.connection import StorageConnection
from azure_storage.names import StorageNames
from dashboard.requests import RequestCount
from dashboard.settings import DashboardSettings
from dashboard.site import Site, make_site, use_site


@pytest.fixture(scope="package")
def histories(azurite: private.Azurite) -> dict[int, DashboardSettings]:
    """Write both histories; return the settings that lead to each, by its length."""
    found = {}
    for jobs in (SHORT, LONG):
        namespace = f"history{jobs}"
        asyncio.run(_write(azurite.connection_string, namespace, jobs))
        found[jobs] = DashboardSettings(
            storage_connection_string=azurite.connection_string, storage_namespace=namespace
        )
    return found


@pytest.fixture
def sites(histories: dict[int, DashboardSettings]) -> Iterator[dict[int, Site]]:
    """Return what pages share, by the length of the history; nothing is read unless the test reads it."""
    made = {jobs: make_site(settings, RequestCount()) for jobs, settings in histories.items()}
    yield made
    use_site(None)
    for site in made.values():
        site.close()


async def _write(connection_string: str, namespace: str, jobs: int) -> None:
    storage = StorageConnection.from_connection_string(connection_string, StorageNames(prefix=namespace))
    try:
        await write(storage, jobs)
    finally:
        await storage.aclose()
