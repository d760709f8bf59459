"""Connecting to the account that settings name."""

import asyncio

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.identity.aio import DefaultAzureCredential

from azure_storage.calls import StorageCall, deadline_in
from azure_storage.installation import connect
from service_defaults.settings import ServiceSettings

ADDRESSES = {"storage_blob_url": "https://a.blob.example", "storage_table_url": "https://a.table.example"}
KEY = "AccountName=a;AccountKey=a2V5;EndpointSuffix=core.windows.net"


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECTION_STRING", "BLOB_URL", "TABLE_URL", "NAMESPACE"):
        monkeypatch.delenv(f"TURNSTILE_STORAGE_{name}", raising=False)


async def test_a_connection_string_connects_by_key_under_names_with_the_namespace() -> None:
    settings = ServiceSettings.model_validate({"storage_connection_string": KEY, "storage_namespace": "eu"})
    connection = connect(settings)
    assert isinstance(connection.credential, AzureNamedKeyCredential)
    assert connection.table_url == "https://a.table.core.windows.net"
    assert (connection.names.journal_table, connection.names.lock_container) == ("euJournal", "eulocks")
    await connection.aclose()


async def test_addresses_connect_by_identity_under_the_same_names() -> None:
    settings = ServiceSettings.model_validate(ADDRESSES | {"storage_namespace": "eu"})
    connection = connect(settings)
    assert isinstance(connection.credential, DefaultAzureCredential)
    assert connection.blob_url == "https://a.blob.example"
    assert connection.table_url == "https://a.table.example"
    assert connection.names.index_table == "euJobIndex"
    await connection.aclose()


@pytest.mark.parametrize("account", [{"storage_connection_string": KEY}, ADDRESSES])
async def test_the_calls_of_a_connection_are_observed(account: dict[str, str]) -> None:
    calls: list[StorageCall] = []
    connection = connect(ServiceSettings.model_validate(account), calls.append)
    with pytest.raises(ZeroDivisionError):
        await connection.caller.carry_out("name", asyncio.to_thread(lambda: 1 // 0), deadline_in(60))
    assert [call.operation for call in calls] == ["name"]
    await connection.aclose()


@pytest.mark.parametrize("missing", ADDRESSES)
def test_half_of_the_addresses_is_not_an_account(missing: str) -> None:
    settings = ServiceSettings.model_validate(ADDRESSES).model_copy(update={missing: None})
    with pytest.raises(ValueError, match="needs a connection string, or a blob address and a table address"):
        connect(settings)
