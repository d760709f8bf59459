"""Requests are let in by an account key or by an identity's token, fetched no more often than needed."""

import time

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import AioHttpTransport, HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from tests.unit.azure_storage.identity import FakeIdentity

from azure_storage import authorization as module
from azure_storage.authorization import blob_authorization, table_authorization
from azure_storage.calls import CallOutcome, StorageCall
from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from coordination.ports import AccessDeniedError, Insert, Transaction, UnknownOutcomeError

URL = "https://account.table.core.windows.net/$batch"
DATE = "Sat, 21 Nov 2026 01:47:05 GMT"
KEY = AzureNamedKeyCredential("account", "c2VjcmV0")


@pytest.fixture
def date(monkeypatch: pytest.MonkeyPatch) -> None:
    def formatdate(*, usegmt: bool) -> str:
        assert usegmt
        return DATE

    monkeypatch.setattr(module, "formatdate", formatdate)


@pytest.mark.usefixtures("date")
async def test_an_account_key_signs_date_and_path() -> None:
    headers = await table_authorization(KEY).headers("POST", URL, {})
    assert headers == {
        "x-ms-date": DATE,
        "Authorization": "SharedKeyLite account:CBFyEdyTbjx57ykeRD1L0qp6uAHyyrd6sagXlVarWvg=",
    }


@pytest.mark.usefixtures("date")
async def test_neither_host_nor_query_is_signed_and_the_rest_of_the_path_is() -> None:
    way_in = table_authorization(KEY)
    signed = (await way_in.headers("POST", URL, {}))["Authorization"]
    assert (await way_in.headers("POST", "http://127.0.0.1:10002/$batch?x=1", {}))["Authorization"] == signed
    assert (await way_in.headers("POST", "http://127.0.0.1:10002/account/$batch", {}))[
        "Authorization"
    ] != signed


#: Every kind of request about a blob: method, address below the account's, and headers.
ABOUT_BLOBS = [
    (
        "PUT",
        "locks/a%20lock-1a?comp=lease",
        {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "30", "x-ms-proposed-lease-id": "an-id"},
    ),
    ("PUT", "locks/a-lock?comp=lease", {"x-ms-lease-action": "renew", "x-ms-lease-id": "an-id"}),
    ("HEAD", "locks/a-lock", {}),
    ("PUT", "locks/a-lock", {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"}),
    ("GET", "locks?restype=container&comp=list&marker=2%21a%2Fb%3D&include=", {}),
    ("GET", "locks/a-lock", {"Range": "", "Content-Type": "text/plain", "If-Match": '"1"'}),
]


@pytest.mark.usefixtures("date")
@pytest.mark.parametrize("account", ["https://account.blob.core.windows.net", "http://127.0.0.1:1/account"])
@pytest.mark.parametrize("about", ABOUT_BLOBS)
async def test_a_request_about_a_blob_is_signed_as_the_sdk_signs_it(
    account: str, about: tuple[str, str, dict[str, str]]
) -> None:
    method, path, headers = about
    sent = {"x-ms-version": "2020-12-06", "Accept": "application/xml", **headers}
    request = HttpRequest(method, f"{account}/{path}", headers={**sent, "x-ms-date": DATE})
    context = PipelineContext(AioHttpTransport())
    SharedKeyCredentialPolicy("account", KEY.named_key.key).on_request(PipelineRequest(request, context))
    ours = await blob_authorization(KEY).headers(method, f"{account}/{path}", sent)
    assert ours == {"x-ms-date": DATE, "Authorization": request.headers["Authorization"]}


async def test_a_request_about_a_blob_is_let_in_by_a_token_too() -> None:
    headers = await blob_authorization(FakeIdentity(3600)).headers("HEAD", "https://a.blob.x/locks/l", {})
    assert headers["Authorization"] == "Bearer token-1"


@pytest.mark.usefixtures("date")
async def test_a_token_is_kept_until_shortly_before_it_expires() -> None:
    identity = FakeIdentity(lifetime=3600)
    way_in = table_authorization(identity)
    for _ in range(2):
        assert await way_in.headers("POST", URL, {}) == {"x-ms-date": DATE, "Authorization": "Bearer token-1"}
    assert identity.scopes == ["https://storage.azure.com/.default"]


@pytest.mark.parametrize(("left", "second"), [(300, "token-1"), (299, "token-2")])
async def test_a_token_with_less_than_five_minutes_left_is_replaced(
    monkeypatch: pytest.MonkeyPatch, left: float, second: str
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000_000)
    way_in = table_authorization(FakeIdentity(lifetime=left))
    assert (await way_in.headers("POST", URL, {}))["Authorization"] == "Bearer token-1"
    assert (await way_in.headers("POST", URL, {}))["Authorization"] == f"Bearer {second}"


async def test_a_token_is_never_sent_in_the_clear() -> None:
    identity = FakeIdentity(3600)
    with pytest.raises(ValueError, match="https"):
        await table_authorization(identity).headers("POST", URL.replace("https", "http"), {})
    assert identity.scopes == []


@pytest.mark.parametrize(
    ("error", "expected", "outcome"),
    [
        (ClientAuthenticationError("no such identity"), AccessDeniedError, CallOutcome.DENIED),
        (ServiceRequestError("no answer"), UnknownOutcomeError, CallOutcome.UNKNOWN),
    ],
)
async def test_an_identity_without_a_token_is_denied_and_one_that_is_silent_is_unknown(
    error: Exception, expected: type[Exception], outcome: CallOutcome
) -> None:
    identity, calls = FakeIdentity(3600), list[StorageCall]()
    identity.error = error
    connection = StorageConnection("https://a.blob.x", "https://a.table.x", identity, None, calls.append)
    with pytest.raises(expected) as raised:
        await TableJournal(connection).commit("p", Transaction("op", [Insert("row", {})]), 5.0)
    assert type(raised.value) is expected
    assert [call.outcome for call in calls] == [outcome]
    await connection.aclose()


async def test_headers_are_good_for_one_address_and_one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    dates = iter(["first", "second", "third"])
    monkeypatch.setattr(module, "formatdate", lambda **_: next(dates))
    moment = 1_000_000.0
    monkeypatch.setattr(time, "time", lambda: moment)
    other = f"{URL}/other"
    way_in = table_authorization(KEY)
    assert [(await way_in.headers("POST", URL, {}))["x-ms-date"] for _ in range(2)] == ["first", "first"]
    assert (await way_in.headers("POST", other, {}))["x-ms-date"] == "second"
    moment += 1
    assert (await way_in.headers("POST", other, {}))["x-ms-date"] == "third"
