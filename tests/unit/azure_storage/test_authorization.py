"""Requests are let in by an account key or by an identity's token, fetched no more often than needed."""

import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential

from azure_storage import authorization as module
from azure_storage.authorization import authorization
from azure_storage.connection import StorageConnection
from azure_storage.names import StorageNames

URL = "https://account.table.core.windows.net/$batch"


class FakeIdentity:
    """Hands out numbered tokens."""

    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(f"token-{len(self.scopes)}", int(time.time() + self.lifetime))

    async def close(self) -> None:
        self.lifetime = 0

    async def __aenter__(self) -> "FakeIdentity":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def test_an_account_key_signs_date_and_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "formatdate", lambda **_: "Sat, 21 Nov 2026 01:47:05 GMT")
    headers = await authorization(AzureNamedKeyCredential("account", "c2VjcmV0")).headers(URL)
    assert headers == {
        "x-ms-date": "Sat, 21 Nov 2026 01:47:05 GMT",
        "Authorization": "SharedKeyLite account:CBFyEdyTbjx57ykeRD1L0qp6uAHyyrd6sagXlVarWvg=",
    }


async def test_a_token_is_kept_until_shortly_before_it_expires() -> None:
    identity = FakeIdentity(lifetime=3600)
    way_in = authorization(identity)
    assert (await way_in.headers(URL))["Authorization"] == "Bearer token-1"
    assert (await way_in.headers(URL))["Authorization"] == "Bearer token-1"
    assert identity.scopes == ["https://storage.azure.com/.default"]


async def test_a_token_about_to_expire_is_replaced() -> None:
    way_in = authorization(FakeIdentity(lifetime=299))
    assert (await way_in.headers(URL))["Authorization"] == "Bearer token-1"
    assert (await way_in.headers(URL))["Authorization"] == "Bearer token-2"


async def test_a_token_is_never_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="https"):
        await authorization(FakeIdentity(3600)).headers("http://account.table.core.windows.net/$batch")


async def test_a_connection_closes_its_identity() -> None:
    identity = FakeIdentity(3600)
    connection = StorageConnection("https://a.blob.x", "https://a.table.x", identity)
    assert connection.tables.credential is identity
    await connection.aclose()
    assert identity.lifetime == 0


def test_a_connection_string_names_account_and_key() -> None:
    connection = StorageConnection.from_connection_string(
        "DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=a2V5PT0=;EndpointSuffix=core.windows.net"
    )
    assert connection.blob_url == "https://mine.blob.core.windows.net"
    assert connection.table_url == "https://mine.table.core.windows.net"
    assert isinstance(connection.credential, AzureNamedKeyCredential)
    assert connection.credential.named_key.key == "a2V5PT0="


def test_a_connection_string_may_name_its_endpoints() -> None:
    connection = StorageConnection.from_connection_string(
        "AccountName=dev;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/dev/;TableEndpoint=http://127.0.0.1:2/dev;"
    )
    assert (connection.blob_url, connection.table_url) == ("http://127.0.0.1:1/dev", "http://127.0.0.1:2/dev")


@pytest.mark.parametrize(("text", "missing"), [("AccountName=a", "AccountKey"), ("", "AccountName")])
def test_a_connection_string_without_a_part_says_which(text: str, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        StorageConnection.from_connection_string(text)


def test_names_share_their_prefix() -> None:
    names = StorageNames(prefix="Blue")
    assert (names.journal_table, names.index_table) == ("BlueJournal", "BlueJobIndex")
    assert (names.lock_container, names.table("Workers")) == ("bluelocks", "BlueWorkers")


@pytest.mark.parametrize(
    "wrong",
    [
        {"prefix": "a-b"},
        {"prefix": "1a"},
        {"journal": "x"},
        {"index": "x" * 64},
        {"locks": "a_b"},
        {"locks": "x"},
    ],
)
def test_a_name_the_store_would_refuse_is_refused_at_once(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        StorageNames(**wrong)
