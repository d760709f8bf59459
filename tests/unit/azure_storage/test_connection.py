"""The connection: which account, over which session, and what is created in it."""

from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from tests.unit.azure_storage.answers import ETAG, blob_error, table_refusal
from tests.unit.azure_storage.fake_service import FakeService, Prepared
from tests.unit.azure_storage.identity import FakeIdentity

from azure_storage.connection import StorageConnection
from azure_storage.names import StorageNames
from coordination.ports import AccessDeniedError, CoordinationError, UnknownOutcomeError

CREATED = Prepared(201, headers={"ETag": ETAG, "Last-Modified": "Sat, 21 Nov 2026 01:47:05 GMT"})


def test_a_connection_string_names_account_and_key() -> None:
    connection = StorageConnection.from_connection_string(
        "DefaultEndpointsProtocol=http;AccountName=mine;AccountKey=a2V5PT0=;EndpointSuffix=core.example"
    )
    assert connection.blob_url == "http://mine.blob.core.example"
    assert connection.table_url == "http://mine.table.core.example"
    assert isinstance(connection.credential, AzureNamedKeyCredential)
    assert connection.credential.named_key == ("mine", "a2V5PT0=")


def test_an_account_is_one_of_azures_own_reached_over_tls_unless_said_otherwise() -> None:
    connection = StorageConnection.from_connection_string(" AccountName=mine ; AccountKey=a2V5 ;; ")
    assert connection.blob_url == "https://mine.blob.core.windows.net"
    assert connection.table_url == "https://mine.table.core.windows.net"
    assert connection.credential.named_key.key == "a2V5"


def test_a_connection_string_may_name_its_endpoints() -> None:
    connection = StorageConnection.from_connection_string(
        "AccountName=dev;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/dev/;TableEndpoint=http://127.0.0.1:2/dev/;"
    )
    assert (connection.blob_url, connection.table_url) == ("http://127.0.0.1:1/dev", "http://127.0.0.1:2/dev")


@pytest.mark.parametrize(("text", "missing"), [("AccountName=a", "AccountKey"), ("", "AccountName")])
def test_a_connection_string_without_a_part_says_which(text: str, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        StorageConnection.from_connection_string(text)


def test_a_connection_string_keeps_names_and_observer() -> None:
    names, calls = StorageNames(prefix="Blue"), list[Any]()
    connection = StorageConnection.from_connection_string(
        "AccountName=a;AccountKey=a2V5", names, calls.append
    )
    assert connection.names is names
    assert connection.caller._observe == calls.append
    assert StorageConnection("", "", connection.credential).names == StorageNames()


@pytest.mark.parametrize(
    ("scheme", "idle_seconds", "by_proxy"),
    [
        # The emulator closes idle connections after 5 s.
        ("http", 4, False),
        ("https", 60, True),
    ],
)
async def test_all_clients_share_one_session_that_outlives_no_idle_connection(
    monkeypatch: pytest.MonkeyPatch, scheme: str, idle_seconds: float, by_proxy: bool
) -> None:
    made: list[dict[str, Any]] = []

    class Connector(aiohttp.TCPConnector):
        def __init__(self, **options: Any) -> None:
            made.append(options)
            super().__init__(**options)

    monkeypatch.setattr(aiohttp, "TCPConnector", Connector)
    connection = StorageConnection(f"{scheme}://b", f"{scheme}://t", AzureNamedKeyCredential("a", "a2V5"))
    session = connection.session
    blobs: Any = connection.blobs._pipeline._transport
    tables: Any = connection.tables._client._client._pipeline._transport
    assert blobs.session is tables.session is session
    assert made == [{"limit": 64, "keepalive_timeout": idle_seconds}]
    assert isinstance(session.connector, Connector)
    assert session.trust_env is by_proxy
    # Its users do these themselves, or bound each call in time.
    assert session.auto_decompress is False
    assert session.timeout == aiohttp.ClientTimeout(total=None)
    assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
    await connection.blobs.close()
    assert not session.closed
    await connection.aclose()
    assert session.closed


async def test_a_connection_closes_its_identity_also_when_it_was_never_used() -> None:
    identity = FakeIdentity(3600)
    connection = StorageConnection("https://a.blob.x", "https://a.table.x", identity)
    await connection.aclose()
    assert identity.is_closed
    assert "session" not in vars(connection)


async def test_a_used_connection_closes_its_identity() -> None:
    identity = FakeIdentity(3600)
    connection = StorageConnection("https://a.blob.x", "https://a.table.x", identity)
    assert connection.tables.credential is identity
    await connection.aclose()
    assert identity.is_closed


async def test_preparing_creates_the_container_and_every_table_once(service: FakeService) -> None:
    service.answer = CREATED
    service.connection.names = StorageNames(prefix="Blue")
    await service.connection.prepare(["BlueWorkers"])
    assert service.asked == [("PUT", "/bluelocks")] + [("POST", "/Tables")] * 4
    assert service.requests[0].query["restype"] == "container"
    assert service.bodies[1:] == [
        f'{{"TableName": "{name}"}}'.encode()
        for name in ("BlueJournal", "BlueJobIndex", "BlueSchedules", "BlueWorkers")
    ]
    assert {call.operation for call in service.calls} == {"storage.prepare"}
    signatures = [request.headers["Authorization"].partition(":")[0] for request in service.requests]
    assert signatures == ["SharedKey account"] * 5


async def test_what_exists_already_is_left_and_the_rest_created(service: FakeService) -> None:
    service.answers = [blob_error(409, "ContainerAlreadyExists"), table_refusal(409, "TableAlreadyExists")]
    service.answer = CREATED
    await service.connection.prepare(["Workers"])
    assert len(service.requests) == 5


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (blob_error(400, "InvalidResourceName"), ValueError),
        (blob_error(409, "ContainerBeingDeleted"), UnknownOutcomeError),
        (blob_error(503, "ServerBusy"), UnknownOutcomeError),
        (blob_error(403, "AuthorizationFailure"), AccessDeniedError),
    ],
)
async def test_what_cannot_be_created_is_an_error_of_its_kind(
    service: FakeService, answer: Prepared, error: type[Exception]
) -> None:
    service.answer = answer
    with pytest.raises(error) as raised:
        await service.connection.prepare()
    assert type(raised.value) is error
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("code", "error"), [("InvalidResourceName", ValueError), ("TableBeingDeleted", UnknownOutcomeError)]
)
async def test_a_table_that_cannot_be_created_is_an_error_of_its_kind(
    service: FakeService, code: str, error: type[CoordinationError]
) -> None:
    service.answers = [CREATED]
    service.answer = table_refusal(409, code)
    with pytest.raises(error, match=code):
        await service.connection.prepare()
    assert len(service.requests) == 2
