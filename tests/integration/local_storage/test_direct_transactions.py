"""Transactions have the answers that Azurite gives and change the same, directly or in its way."""

import json
from collections.abc import Callable

import pytest
from tests.integration.local_storage.raw import FULL, TRANSACTION, Answer, Client, batch, part, row_of, same

pytestmark = pytest.mark.integration

QUIET = "Prefer: return-no-content"
OLD = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""
POST = part("POST", "TABLE", FULL, QUIET)


def _row(row: str, partition: str = "p", **values: object) -> dict[str, object]:
    return {"PartitionKey": partition, "RowKey": row, **values}


def test_transactions_in_the_usual_form(clients: list[Client]) -> None:
    tag = _etag(clients, "b")

    def every(client: Client) -> Answer:
        return client.transact(
            POST,
            part("POST", "TABLE", _row("loud")),
            part("PUT", row_of("TABLE", "p", "a"), _row("a", New="x")),
            part("MERGE", row_of("TABLE", "p", "b"), {"More": 2, "Number": True}, f"If-Match: {tag(client)}"),
            part("PATCH", row_of("TABLE", "p", "new"), {"More": "x"}),
            part("DELETE", row_of("TABLE", "p", "c"), None, "If-Match: *"),
        )

    answer = same(clients, every, direct=True)
    assert answer.body.count("HTTP/1.1 20") == 6
    hundred = [part("POST", "TABLE", _row(f"{number:03}", "hundred"), QUIET) for number in range(100)]
    answer = same(clients, lambda client: client.transact(*hundred), direct=True)
    assert answer.body.count("HTTP/1.1 204") == 100


def _etag(clients: list[Client], row: str) -> Callable[[Client], str]:
    tags = {id(client): client.send("GET", row_of("TABLE", "p", row)).headers["etag"] for client in clients}
    return lambda client: tags[id(client)]


UNUSUAL = {
    "keys with quotes": [part("PUT", row_of("TABLE", "p", "it's"), _row("it's")), POST],
    "keys in other alphabets": [part("PUT", row_of("TABLE", "p", "é😀"), _row("é😀")), POST],
    "a key that only the body has": [part("POST", "TABLE", _row("o'brien", Name="it's")), POST],
    "numbers of parts": [part("POST", "TABLE", FULL, QUIET, before="Content-ID: 7\r\n")],
    "numbers of parts that are none": [part("POST", "TABLE", FULL, QUIET, before="Content-ID: x\r\n")],
    "a header that is not known": [part("POST", "TABLE", FULL, QUIET, "X-Other: yes")],
    "a part without a body": [POST, part("POST", "TABLE", "", QUIET)],
    "a value that is null": [part("POST", "TABLE", _row("null", Nothing=None), QUIET)],
    "a number with a fraction": [part("POST", "TABLE", _row("double", Half=0.5), QUIET)],
    "a type that does not fit": [
        part("POST", "TABLE", {**_row("typed", Long="x"), "Long@odata.type": "Edm.Int64"})
    ],
    "a GUID": [
        part(
            "POST",
            "TABLE",
            {**_row("g", Id="c9da6455-213d-42c9-9a79-3e9149a57833"), "Id@odata.type": "Edm.Guid"},
        )
    ],
    "a property that is too long": [POST, part("POST", "TABLE", _row("long", Text="x" * 33_000), QUIET)],
    "a key that is too long": [POST, part("POST", "TABLE", _row("x" * 600), QUIET)],
    "a key with a slash": [POST, part("POST", "TABLE", _row("a/b"), QUIET)],
    "a row twice": [POST, part("PUT", row_of("TABLE", "p", "full"), FULL)],
    "a row that exists": [POST, part("POST", "TABLE", _row("a"), QUIET)],
    "a row that does not exist": [POST, part("MERGE", row_of("TABLE", "p", "none"), {"A": 1}, "If-Match: *")],
    "a row to delete that does not exist": [
        POST,
        part("DELETE", row_of("TABLE", "p", "none"), None, "If-Match: *"),
    ],
    "a row that has changed": [POST, part("PUT", row_of("TABLE", "p", "a"), _row("a"), f"If-Match: {OLD}")],
    "a deletion of a row that has changed": [
        POST,
        part("DELETE", row_of("TABLE", "p", "a"), None, f"If-Match: {OLD}"),
    ],
    "an ETag that is none": [POST, part("PUT", row_of("TABLE", "p", "a"), _row("a"), "If-Match: x")],
    "a table that does not exist": [part("POST", "nosuchtable", FULL, QUIET)],
    "a hundred and one changes": [part("POST", "TABLE", _row(str(number)), QUIET) for number in range(101)],
}
#: These are in the usual form, too.
DIRECT = {"keys in other alphabets", "numbers of parts"}


@pytest.mark.parametrize("name", UNUSUAL)
def test_transactions_with_something_unusual(clients: list[Client], name: str) -> None:
    same(clients, lambda client: client.transact(*UNUSUAL[name]), direct=name in DIRECT)


def test_transactions_as_the_sdk_writes_them(clients: list[Client]) -> None:
    typed = {
        **_row("full"),
        "PartitionKey@odata.type": "Edm.String",
        "A": "text",
        "A@odata.type": "Edm.String",
    }
    date = "Date: Sun, 29 Nov 2026 17:40:36 GMT"
    text = batch(part("POST", "TABLE", json.dumps(typed), date, before="Content-ID: 0\r\n"))
    text = text.replace("--\r\n--batch_", "--\r\n\r\n--batch_")
    same(clients, lambda client: client.send("POST", "$batch", text, TRANSACTION), direct=True)


@pytest.mark.parametrize(
    "body",
    [
        batch(POST, end=""),
        batch(POST).replace("changeset_", "changes_", 1),
        batch(POST).replace("\r\n", "\n"),
        batch(POST).replace("POST", "POSTS"),
        batch(POST).replace("boundary=", "border="),
        batch(),
        "no transaction",
    ],
    ids=["no end", "two boundaries", "line ends", "another verb", "no boundary", "no part", "no transaction"],
)
def test_transactions_that_are_malformed(clients: list[Client], body: str) -> None:
    same(clients, lambda client: client.send("POST", "$batch", body, TRANSACTION), direct=False)


def test_a_long_body_is_read_by_azurite_when_it_is_unusual(clients: list[Client]) -> None:
    rows = [
        part("PUT", row_of("TABLE", "p", f"{number:03}"), {"Text": "é" * 3_000, "Half": 0.5})
        for number in range(40)
    ]
    assert same(clients, lambda client: client.transact(*rows), direct=False).status == 202
    plain = [row.replace('"Half":0.5', '"Half":5') for row in rows]
    assert same(clients, lambda client: client.transact(*plain), direct=True).status == 202
