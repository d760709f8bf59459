"""Answers as Azure Storage gives them, for the service that answers what a test has prepared."""

import json
from typing import Any

from tests.unit.azure_storage.fake_service import Prepared

ETAG = "W/\"datetime'x'\""


def part(status: int, *headers: str, body: str = "") -> str:
    return "\r\n".join(
        [
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            f"HTTP/1.1 {status} Whatever",
            "X-Content-Type-Options: nosniff",
            *headers,
            "",
            body,
            "",
        ]
    )


def batch(*parts: str) -> Prepared:
    head = "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_2\r\n\r\n"
    inner = "".join(f"--changesetresponse_2\r\n{each}" for each in parts)
    body = f"{head}{inner}--changesetresponse_2--\r\n--batchresponse_1--\r\n".encode()
    return Prepared(202, body, {"Content-Type": "multipart/mixed; boundary=batchresponse_1"})


def table_error(code: str, message: str = "what went wrong") -> str:
    return json.dumps({"odata.error": {"code": code, "message": {"lang": "en-US", "value": message}}})


COMMITTED = batch(part(204, f"ETag: {ETAG}"), part(204))


def blob_error(status: int, code: str) -> Prepared:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>no</Message></Error>'
    headers = {"x-ms-error-code": code, "Content-Type": "application/xml", "Retry-After": "0"}
    return Prepared(status, body.encode(), headers)


def table_refusal(status: int, code: str = "SomeCode") -> Prepared:
    """Refuse a request for one row, or for a page of them."""
    return Prepared(
        status, table_error(code).encode(), {"Content-Type": "application/json", "Retry-After": "0"}
    )


def stored(key: str, /, of: str = "p", **values: Any) -> dict[str, Any]:
    """Return a row of the partition `of` as it stands in an answer."""
    return {"odata.etag": ETAG, "PartitionKey": of, "RowKey": key, **values}


def row(key: str, /, **values: Any) -> Prepared:
    """Answer with one row."""
    return Prepared(200, json.dumps(stored(key, **values)).encode(), {"Content-Type": "application/json"})


def page(*rows: dict[str, Any], following: str = "") -> Prepared:
    """Answer with a page of rows; more of them follow from the key `following` on, if that is given."""
    headers = {"Content-Type": "application/json"}
    if following:
        headers |= {"x-ms-continuation-NextPartitionKey": "p", "x-ms-continuation-NextRowKey": following}
    return Prepared(200, json.dumps({"value": rows}).encode(), headers)


def sent(body: str | bytes) -> dict[str, Any]:
    """Return the row that a request carries, without the types of its texts, which the SDK adds to some."""
    values = json.loads(body)
    return {name: value for name, value in values.items() if value != "Edm.String"}


def written(etag: str = ETAG) -> Prepared:
    """Answer that a row was written."""
    return Prepared(204, headers={"ETag": etag})


def inserted(etag: str = ETAG) -> Prepared:
    """Return the answer to a row that was inserted."""
    body = json.dumps(stored("k")).encode()
    return Prepared(201, body, {"ETag": etag, "Content-Type": "application/json"})
