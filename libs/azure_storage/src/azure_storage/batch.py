"""The wire format of an entity-group transaction: a changeset in a batch, both multipart/mixed.

Source: learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions. Written by hand
because the standard library's multipart classes, which the SDK uses, cost more than the request itself.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import quote

from azure_storage.values import encode_values
from coordination.ports import Delete, GuardedUpdate, Insert, Operation, Replace, Update

#: Properties of a row as they are sent, with their types beside them.
Document = Mapping[str, object]


@dataclass(frozen=True)
class Write:
    """Write a row of a read model: insert it, or replace or merge into what is there."""

    key: str
    document: Document
    #: The version that is replaced; "" inserts the row, and None writes it whatever is there.
    etag: str | None
    merge: bool = False

    def method_and_condition(self) -> tuple[str, dict[str, str]]:
        """Return the method of the request, and the headers that say on which condition it is carried out."""
        if self.etag == "":
            return "POST", {"Prefer": "return-no-content"}
        return "PATCH" if self.merge else "PUT", {} if self.etag is None else {"If-Match": self.etag}

    @cached_property
    def size(self) -> int:
        """Characters of the row as it is sent, without those of its partition."""
        return len(self.key) + len(self._values)

    def body(self, partition: str) -> str:
        """Return what is sent of the row."""
        keys = _json({"PartitionKey": partition, "RowKey": self.key})
        return keys if self._values == "{}" else f"{keys[:-1]},{self._values[1:]}"

    @cached_property
    def _values(self) -> str:
        return _json(self.document)


@dataclass(frozen=True)
class BatchAnswer:
    """The store's answer to one operation."""

    status: int
    etag: str = ""
    code: str = ""
    message: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the operation was carried out."""
        return 200 <= self.status < 300


class MalformedBatchError(ValueError):
    """The answer to a batch cannot be understood."""


def encode_batch(
    url: str, table: str, partition: str, operations: Sequence[Operation | Write]
) -> tuple[str, bytes]:
    """Return the content type and the body of a transaction; `url` is the table service's."""
    batch, changeset = f"batch_{uuid.uuid4()}", f"changeset_{uuid.uuid4()}"
    lines = [f"--{batch}", f"Content-Type: multipart/mixed; boundary={changeset}", ""]
    for operation in operations:
        lines += [
            f"--{changeset}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            *_request(f"{url}/{table}", partition, operation),
        ]
    lines += [f"--{changeset}--", f"--{batch}--", ""]
    return f"multipart/mixed; boundary={batch}", "\r\n".join(lines).encode()


def _request(table: str, partition: str, operation: Operation | Write) -> list[str]:
    match operation:
        case Insert(key, values):
            document = {"PartitionKey": partition, "RowKey": key, **encode_values(values)}
            return [f"POST {table} HTTP/1.1", "Prefer: return-no-content", *_content(document)]
        case Update(key, values, etag):
            row = row_address(table, partition, key)
            return [f"MERGE {row} HTTP/1.1", f"If-Match: {etag}", *_content(encode_values(values))]
        case GuardedUpdate(key, values):
            # Any version will do: the transaction deletes the row's guard at a known version.
            row = row_address(table, partition, key)
            return [f"MERGE {row} HTTP/1.1", "If-Match: *", *_content(encode_values(values))]
        case Replace(key, values, etag):
            row = row_address(table, partition, key)
            document = {"PartitionKey": partition, "RowKey": key, **encode_values(values)}
            return [f"PUT {row} HTTP/1.1", f"If-Match: {etag}", *_content(document)]
        case Delete(key, etag):
            row = row_address(table, partition, key)
            return [f"DELETE {row} HTTP/1.1", f"If-Match: {etag}", *_ACCEPT, "", ""]
        case Write(key):
            method, condition = operation.method_and_condition()
            place = row_address(table, partition, key) if method != "POST" else table
            headers = [f"{name}: {value}" for name, value in condition.items()]
            return [f"{method} {place} HTTP/1.1", *headers, *_CONTENT, operation.body(partition)]


_ACCEPT = ("Accept: application/json;odata=minimalmetadata", "DataServiceVersion: 3.0")
_CONTENT = ("Content-Type: application/json", *_ACCEPT, "")


def _content(document: Document) -> list[str]:
    return [*_CONTENT, _json(document)]


#: Text of a document without blanks.
_json = json.JSONEncoder(separators=(",", ":")).encode


def row_address(table: str, partition: str, key: str) -> str:
    """Return the address of a row below that of its table."""
    return f"{table}(PartitionKey='{_quoted(partition)}',RowKey='{_quoted(key)}')"


# Rows of one partition are written together, and a row that is known is written again.
@lru_cache(10_000)
def _quoted(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")


_INNER_BOUNDARY = re.compile(r'boundary="?([^\s";]+)')
_STATUS = re.compile(r"^HTTP/1\.[01] (\d{3})\b")
_ETAG = re.compile(r"^ETag: *(.+?)\r?$", re.MULTILINE | re.IGNORECASE)


def decode_batch(body: bytes) -> list[BatchAnswer]:
    """Read the answers: one per operation, or, when one failed, its alone. Raises MalformedBatchError."""
    try:
        text = body.decode().lstrip()
    except UnicodeDecodeError as error:
        raise MalformedBatchError("the answer to a batch is not text") from error
    outer, _, _ = text.partition("\r\n")
    head, _, _ = text.partition("\r\n\r\n")
    inner = _INNER_BOUNDARY.search(head)
    boundary = f"--{inner[1]}" if inner else outer
    pieces = text.split(boundary) if len(boundary) > 2 else []
    if len(pieces) < 3 or not pieces[-1].startswith("--"):
        raise MalformedBatchError("the answer to a batch is cut off, or is none")
    return [_decode(piece) for piece in pieces[1:-1]]


def _decode(part: str) -> BatchAnswer:
    _, _, answer = part.partition("\r\n\r\n")
    head, _, body = answer.partition("\r\n\r\n")
    status = _STATUS.match(head)
    if status is None:
        raise MalformedBatchError("the answer to an operation has no status")
    etag = _ETAG.search(head)
    code, message = ("", "") if status[1].startswith("2") else decode_error(body)
    return BatchAnswer(int(status[1]), etag[1] if etag else "", code, message)


def decode_error(body: str) -> tuple[str, str]:
    """Read code and message of an error document; both are empty when there is none."""
    try:
        error = json.loads(body)["odata.error"]
        return str(error["code"]), str(error["message"]["value"])
    except (ValueError, LookupError, TypeError):
        return "", body.strip()[:200]
