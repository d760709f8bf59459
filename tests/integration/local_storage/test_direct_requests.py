"""Single requests have the answers that Azurite gives and change the same, directly or in its way."""

import base64
import contextlib
import socket
import time
from urllib.parse import quote

import pytest
from deploy.servers.private import Azurite
from tests.integration.local_storage.raw import (
    FULL,
    TRANSACTION,
    Client,
    Send,
    batch,
    part,
    row_of,
    same,
    text_of,
)

pytestmark = pytest.mark.integration

OLD = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""


def _row(row: str, partition: str = "p", **values: object) -> dict[str, object]:
    return {"PartitionKey": partition, "RowKey": row, **values}


_EXISTING, _OTHER, _NONE = (row_of("TABLE", "p", row) for row in ("a", "🎈", "none"))
_ANY, _NO_ANSWER = {"If-Match": "*"}, {"Prefer": "return-no-content"}
REQUESTS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "insert": ("POST", "TABLE", text_of(FULL), _NO_ANSWER),
    "insert with an answer": ("POST", "TABLE", text_of(FULL), {}),
    "insert of what exists": ("POST", "TABLE", text_of(_row("a")), _NO_ANSWER),
    "replace": ("PUT", _EXISTING, text_of(_row("a", New=1)), {}),
    "replace with other keys": ("PUT", _EXISTING, text_of(_row("b")), {}),
    "replace what has changed": ("PUT", _EXISTING, "{}", {"If-Match": OLD}),
    "merge": ("PATCH", _OTHER, text_of(_row("🎈", New=1)), {}),
    "merge of nothing": ("PATCH", _NONE, "{}", _ANY),
    "delete": ("DELETE", _EXISTING, "", _ANY),
    "delete nothing": ("DELETE", _NONE, "", _ANY),
    "read": ("GET", _OTHER, "", {"x-ms-client-request-id": "mine"}),
    "read nothing": ("GET", _NONE, "", {}),
    "read of no table": ("GET", row_of("nosuchtable", "p", "a"), "", {}),
    "read with all metadata": ("GET", _EXISTING, "", {"Accept": "application/json;odata=fullmetadata"}),
    "read without metadata": ("GET", _EXISTING, "", {"Accept": "application/json;odata=nometadata"}),
    "read some properties": ("GET", f"{_EXISTING}?$select=Name", "", {}),
}
DIRECT_READS = {"read", "read without metadata"}
SCHEMES = pytest.mark.parametrize("scheme", ["SharedKeyLite", "SharedKey"])


@pytest.mark.parametrize("name", REQUESTS)
@SCHEMES
def test_single_requests(clients: list[Client], name: str, scheme: str) -> None:
    for client in clients:
        client.scheme = scheme
    answer = same(clients, lambda client: client.send(*REQUESTS[name]))
    if answer.status == 200:
        assert answer.is_direct is (name in DIRECT_READS)


def test_a_deletion_needs_a_condition(clients: list[Client]) -> None:
    assert same(clients, lambda client: client.send("DELETE", _EXISTING)).status == 400


@pytest.mark.parametrize(
    "filter_",
    [
        "PartitionKey eq 'p'",
        "PartitionKey eq 'p' and RowKey ge 'a' and RowKey lt 'c'",
        "PartitionKey eq 'p' and RowKey gt 'a' and RowKey le 'c'",
        "PartitionKey eq 'p' and RowKey gt 'a'",
        "PartitionKey eq 'p' and RowKey lt '🎈'",
        "PartitionKey eq 'p' and RowKey eq 'b'",
        "PartitionKey eq 'it''s'",
        "PartitionKey eq ''",
    ],
)
def test_queries_by_keys(clients: list[Client], filter_: str) -> None:
    for client in clients:
        client.send("POST", "TABLE", text_of(_row("it's", "it's", Name="it's")))
    for most in ("1", "2", "1000"):
        target = page = f"TABLE()?$filter={quote(filter_)}&$top={most}"
        while True:
            answer = same(clients, _get(target), direct=True)
            token = answer.headers.get("x-ms-continuation-nextrowkey")
            if token is None:
                break
            partition = quote(answer.headers["x-ms-continuation-nextpartitionkey"])
            target = f"{page}&NextPartitionKey={partition}&NextRowKey={quote(token)}"


@pytest.mark.parametrize(
    "query",
    [
        "$filter=PartitionKey%20eq%20'p'%20or%20RowKey%20eq%20'a'",
        "$filter=PartitionKey+eq+'p'&$top=2",
        "$filter=PartitionKey%20eq%20'p'&$select=Name",
        "$filter=Number%20eq%201",
        "$filter=PartitionKey%20eq%20'p",
        "$top=2",
    ],
)
def test_queries_with_something_unusual(clients: list[Client], query: str) -> None:
    same(clients, lambda client: client.send("GET", f"TABLE()?{query}"), direct=False)


@pytest.mark.parametrize("name", [*REQUESTS, "transaction"])
@SCHEMES
def test_nothing_is_done_with_another_key(
    azurite: Azurite, clients: list[Client], name: str, scheme: str
) -> None:
    before = clients[0].send("GET", "TABLE()")
    key = base64.b64encode(b"another key").decode()
    stranger = Client(azurite.connection_string, clients[0].table, key)
    stranger.scheme = scheme
    with contextlib.closing(stranger):
        transaction = ("POST", "$batch", batch(part("POST", "TABLE", FULL)), TRANSACTION)
        assert stranger.send(*REQUESTS.get(name, transaction)).status == 403
    assert clients[0].send("GET", "TABLE()").body == before.body


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "SharedKey devstoreaccount1:"},
        {"Authorization": ""},
        # What is signed is the other one of them, if both are sent.
        {"x-ms-date": "Sun, 29 Nov 2026 17:12:22 GMT", "date": "Sun, 29 Nov 2026 17:12:23 GMT"},
    ],
    ids=["no signature", "nothing", "another date"],
)
def test_a_request_that_is_not_signed_as_it_is_sent(clients: list[Client], headers: dict[str, str]) -> None:
    assert same(clients, lambda client: client.send("GET", _EXISTING, headers=headers)).status == 403


def test_a_client_that_leaves_within_a_body_stops_no_other(clients: list[Client]) -> None:
    ours = clients[0]
    start, _, end = ours.raw("PUT", _EXISTING, text_of(_row("a", Half="way"))).partition(b"Half")
    host, port = ours.host.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(start)
    assert "Half" not in same(clients, _get(_EXISTING), direct=True).body
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        for piece in (start[:20], start[20:], b"Ha", b"lf", end):
            connection.sendall(piece)
            time.sleep(0.01)
        assert connection.recv(1000).startswith(b"HTTP/1.1 204")
    assert "Half" in ours.send("GET", _EXISTING).body


def test_each_change_has_another_etag(clients: list[Client]) -> None:
    ours = clients[0]
    path = row_of("TABLE", "p", "a")
    tags = [ours.send("PUT", path, "{}").headers["etag"] for _ in range(300)]
    many = [part("PUT", row_of("TABLE", "p", f"{number:03}"), {"A": 1}) for number in range(100)]
    answer = ours.transact(*many)
    tags += [line[6:] for line in answer.body.split("\r\n") if line.startswith("ETag: ")]
    # Also those of Azurite itself.
    tags += [ours.send("PUT", path, '{"A":0.5}').headers["etag"] for _ in range(100)]
    assert len(tags) == 500
    assert tags == sorted(set(tags))


def _get(path: str) -> Send:
    return lambda client: client.send("GET", path)
