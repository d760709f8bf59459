"""Signed requests to an emulator's tables as they are sent, and their answers without what is by chance."""

import base64
import hashlib
import hmac
import http.client
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import quote, urlsplit

from deploy.servers.storage import ACCOUNT, ACCOUNT_KEY

Headers = dict[str, str]
JSON = "application/json;odata=minimalmetadata"
_BY_CHANCE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d(:|%3A)\d\d(:|%3A)\d\d\.\d+Z|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_COMPARED = ("content-type", "etag", "preference-applied", "server", "x-ms-error-code", "x-ms-version")
_BATCH, _CHANGESET = "batch_b9e70c42-b08c-46d4-820f-daf63480c177", "changeset_0c6b606a-d309-4fa5"
#: The headers of a transaction.
TRANSACTION = {"Content-Type": f"multipart/mixed; boundary={_BATCH}"}


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Headers
    body: str

    @property
    def is_direct(self) -> bool:
        """Whether the local storage answered without Azurite's layers, which state no length."""
        return self.status < 300 and "content-length" in self.headers

    def comparable(self) -> object:
        """Return what has to be the same on all servers."""
        headers = {name: self.headers.get(name) for name in _COMPARED}
        tokens = sorted(name for name in self.headers if name.startswith("x-ms-"))
        body: object = json.loads(self.body) if self.body.startswith("{") else self.body
        return json.loads(_BY_CHANCE.sub("?", json.dumps([self.status, headers, tokens, body])))


class Client:
    """One connection to the tables of one server, for tests of one table."""

    def __init__(self, connection_string: str, table: str, key: str = ACCOUNT_KEY) -> None:
        self.table = table
        #: How requests are signed: SharedKeyLite or SharedKey.
        self.scheme = "SharedKeyLite"
        parts = dict(part.split("=", 1) for part in connection_string.split(";") if part)
        self.host = urlsplit(parts["TableEndpoint"]).netloc
        self._connection = http.client.HTTPConnection(self.host, timeout=30)
        self._key = base64.b64decode(key)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def send(self, method: str, path: str, body: str = "", headers: Headers | None = None) -> Answer:
        """Send a request with a path below the account; HERE is the server's host, TABLE the table."""
        target, content, sent = self._signed(method, path, body, headers or {})
        self._connection.request(method, target, content, sent)
        answer = self._connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        text = answer.read().decode().replace(self.host, "HERE").replace(self.table, "TABLE")
        return Answer(answer.status, found, text)

    def raw(self, method: str, path: str, body: str) -> bytes:
        """Return the bytes of a request."""
        target, content, sent = self._signed(method, path, body, {})
        lines = {**sent, "Host": self.host, "Content-Length": str(len(content))}.items()
        head = "".join(f"{name}: {value}\r\n" for name, value in lines)
        return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + content

    def _signed(self, method: str, path: str, body: str, headers: Headers) -> tuple[str, bytes, Headers]:
        path, body = path.replace("TABLE", self.table), body.replace("TABLE", self.table)
        target = f"/{ACCOUNT}/{path}"
        usual = {"Accept": JSON, "x-ms-date": formatdate(usegmt=True), "x-ms-version": "2020-12-06"}
        sent = {**usual, **headers}
        if body:
            sent = {"Content-Type": "application/json", **sent}
        resource = f"/{ACCOUNT}{target.split('?', maxsplit=1)[0]}"
        text = f"{sent['x-ms-date']}\n{resource}"
        if self.scheme == "SharedKey":
            text = f"{method}\n\n{sent.get('Content-Type', '')}\n{text}"
        digest = base64.b64encode(hmac.digest(self._key, text.encode(), hashlib.sha256)).decode()
        sent.setdefault("Authorization", f"{self.scheme} {ACCOUNT}:{digest}")
        return target, body.replace("HERE", self.host).encode(), sent

    def transact(self, *parts: str) -> Answer:
        """Send a transaction of these parts."""
        return self.send("POST", "$batch", batch(*parts), TRANSACTION)


def text_of(row: object) -> str:
    """Return a row as the client of the services writes it."""
    return json.dumps(row, separators=(",", ":"))


def batch(*parts: str, end: str | None = None) -> str:
    """Return the body of a transaction."""
    lines = "".join(f"--{_CHANGESET}\r\n{part}\r\n" for part in parts)
    tail = f"--{_CHANGESET}--\r\n--{_BATCH}--\r\n" if end is None else end
    return f"--{_BATCH}\r\nContent-Type: multipart/mixed; boundary={_CHANGESET}\r\n\r\n{lines}{tail}"


def part(method: str, target: str, row: object = None, *lines: str, before: str = "") -> str:
    """Return one part of a transaction, with further headers."""
    body = "" if row is None else row if isinstance(row, str) else text_of(row)
    usual = ["Content-Type: application/json", "Accept: " + JSON, "DataServiceVersion: 3.0"]
    head = f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{before}\r\n"
    first = f"{method} http://HERE/{ACCOUNT}/{target} HTTP/1.1"
    return head + "\r\n".join([first, *lines, *usual, "", body])


def row_of(table: str, partition: str, row: str) -> str:
    """Return the path of a row."""
    keys = (quote(key.replace("'", "''"), safe="") for key in (partition, row))
    return "{}(PartitionKey='{}',RowKey='{}')".format(table, *keys)


def same(clients: list[Client], send: Callable[[Client], Answer], *, direct: bool | None = None) -> Answer:
    """Send to both servers; compare the answers, and what is in the table then. Return the first answer."""
    ours, theirs = (send(client) for client in clients)
    assert ours.comparable() == theirs.comparable()
    mine, other = (client.send("GET", "TABLE()") for client in clients)
    assert mine.comparable() == other.comparable()
    if direct is not None:
        assert ours.is_direct is direct
    return ours


#: Sends a request.
Send = Callable[[Client], Answer]
#: A row with a value of each kind, and with text that must not be taken for what is around it.
FULL = {
    "PartitionKey": "p",
    "RowKey": "full",
    "Text": 'é 😀 " \\ ,"eTag": } ,"lastModifiedTime":',
    "Yes": True,
    "Number": -7,
    "Long@odata.type": "Edm.Int64",
    "Long": "9007199254740993",
    "Time": "2026-11-29T17:12:24.198570Z",
    "Time@odata.type": "Edm.DateTime",
    "Bytes@odata.type": "Edm.Binary",
    "Bytes": "AP8=",
}
