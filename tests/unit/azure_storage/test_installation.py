"""Connecting to the account that settings name."""

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.identity.aio import DefaultAzureCredential

from azure_storage.installation import connect, read_model_names
from service_defaults.settings import ServiceSettings

KEY = "AccountName=a;AccountKey=a2V5;EndpointSuffix=core.windows.net"


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECTION_STRING", "BLOB_URL", "TABLE_URL", "NAMESPACE"):
        monkeypatch.delenv(f"TURNSTILE_STORAGE_{name}", raising=False)


async def test_a_connection_string_connects_by_key_under_the_names_of_the_settings() -> None:
    settings = ServiceSettings.model_validate(
        {"storage_connection_string": KEY, "storage_namespace": "eu", "journal_table": "Truth"}
    )
    connection = connect(settings)
    assert isinstance(connection.credential, AzureNamedKeyCredential)
    assert connection.table_url == "https://a.table.core.windows.net"
    assert (connection.names.journal_table, connection.names.lock_container) == ("euTruth", "eulocks")
    assert read_model_names(settings).audit == "JobAuditTrail"
    await connection.aclose()


async def test_addresses_connect_by_identity() -> None:
    settings = ServiceSettings.model_validate(
        {"storage_blob_url": "https://a.blob.example", "storage_table_url": "https://a.table.example"}
    )
    connection = connect(settings)
    assert isinstance(connection.credential, DefaultAzureCredential)
    assert connection.blob_url == "https://a.blob.example"
    await connection.aclose()
