"""Transactions are written and their answers read as the service documents it."""

import re

import pytest

from azure_storage.batch import BatchAnswer, MalformedBatchError, decode_batch, decode_error, encode_batch
from coordination.ports import Delete, GuardedUpdate, Insert, Operation, Replace, Update

EXPECTED = """\
--batch_B
Content-Type: multipart/mixed; boundary=changeset_C

--changeset_C
Content-Type: application/http
Content-Transfer-Encoding: binary

POST https://account.table.core.windows.net/Journal HTTP/1.1
Prefer: return-no-content
Content-Type: application/json
Accept: application/json;odata=minimalmetadata
DataServiceVersion: 3.0

{"PartitionKey":"it's","RowKey":"line|lock|00","fence":1,"big":"4294967296","big@odata.type":"Edm.Int64"}
--changeset_C
Content-Type: application/http
Content-Transfer-Encoding: binary

MERGE https://account.table.core.windows.net/Journal(PartitionKey='it%27%27s',RowKey='job%7C1') HTTP/1.1
If-Match: W/"1"
Content-Type: application/json
Accept: application/json;odata=minimalmetadata
DataServiceVersion: 3.0

{"value":0.5,"value@odata.type":"Edm.Double"}
--changeset_C
Content-Type: application/http
Content-Transfer-Encoding: binary

MERGE https://account.table.core.windows.net/Journal(PartitionKey='it%27%27s',RowKey='job%7C2') HTTP/1.1
If-Match: *
Content-Type: application/json
Accept: application/json;odata=minimalmetadata
DataServiceVersion: 3.0

{"text":"\\u00fc\\r\\n--changeset_C"}
--changeset_C
Content-Type: application/http
Content-Transfer-Encoding: binary

DELETE https://account.table.core.windows.net/Journal(PartitionKey='it%27%27s',RowKey='a%20b%25') HTTP/1.1
If-Match: W/"2"
Accept: application/json;odata=minimalmetadata
DataServiceVersion: 3.0


--changeset_C--
--batch_B--
"""


def test_a_transaction_is_one_changeset_in_one_batch() -> None:
    operations: list[Operation] = [
        Insert("line|lock|00", {"fence": 1, "big": 2**32, "none": None}),
        Update("job|1", {"value": 0.5}, 'W/"1"'),
        GuardedUpdate("job|2", {"text": "ü\r\n--changeset_C"}, "a b%"),
        Delete("a b%", 'W/"2"'),
    ]
    content_type, body = encode_batch("https://account.table.core.windows.net", "Journal", "it's", operations)
    batch = content_type.removeprefix("multipart/mixed; boundary=")
    changeset = re.findall(r"changeset_[0-9a-f-]{36}", body.decode())[0]
    expected = EXPECTED.replace("--batch_B", f"--{batch}").replace("\n", "\r\n")
    text = body.decode().replace(changeset, "changeset_C")
    assert text == expected


def answer(*parts: str) -> bytes:
    head = "--batchresponse_1\nContent-Type: multipart/mixed; boundary=changesetresponse_2\n\n"
    inner = "".join(f"--changesetresponse_2\nContent-Type: application/http\n\n{part}\n" for part in parts)
    return f"{head}{inner}--changesetresponse_2--\n--batchresponse_1--\n".replace("\n", "\r\n").encode()


def test_each_operation_has_its_answer() -> None:
    body = answer("HTTP/1.1 204 No Content\nETag: W/\"datetime'a'\"\n\n", "HTTP/1.1 204 No Content\n\n")
    assert decode_batch(body) == [BatchAnswer(204, "W/\"datetime'a'\""), BatchAnswer(204)]


def test_a_failed_operation_has_its_reason() -> None:
    document = '{"odata.error":{"code":"EntityAlreadyExists","message":{"value":"1:It exists."}}}'
    body = answer(f"HTTP/1.1 409 Conflict\nContent-Type: application/json\n\n{document}")
    assert decode_batch(body) == [BatchAnswer(409, "", "EntityAlreadyExists", "1:It exists.")]


def test_a_failed_operation_may_stand_outside_the_changeset() -> None:
    document = '{"odata.error":{"code":"InvalidInput","message":{"value":"0:bad"}}}'
    body = (
        "--batchresponse_1\r\nContent-Type: application/http\r\n\r\n"
        f"HTTP/1.1 400 Bad Request\r\n\r\n{document}\r\n--batchresponse_1--\r\n"
    )
    assert decode_batch(body.encode()) == [BatchAnswer(400, "", "InvalidInput", "0:bad")]


TWO = answer("HTTP/1.1 204 No Content\nETag: a\n\n", "HTTP/1.1 204 No Content\nETag: b\n\n")


END = TWO.index(b"--changesetresponse_2--") + len(b"--changesetresponse_2--")


def test_an_answer_that_is_cut_off_is_not_believed_wherever_it_ends() -> None:
    for length in range(END):
        with pytest.raises(MalformedBatchError):
            decode_batch(TWO[:length])


def test_an_answer_is_believed_once_its_last_boundary_is_there() -> None:
    both = [BatchAnswer(204, "a"), BatchAnswer(204, "b")]
    assert decode_batch(TWO) == both
    assert decode_batch(TWO[:END]) == both
    assert (
        decode_batch(
            b"\r\n" + TWO.replace(b"boundary=changesetresponse_2", b'boundary="changesetresponse_2"')
        )
        == both
    )


@pytest.mark.parametrize("boundary", ["--x", "--" + "x" * 70])
def test_an_answer_has_a_boundary_of_any_length(boundary: str) -> None:
    body = f"{boundary}\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n{boundary}--\r\n"
    assert decode_batch(body.encode()) == [BatchAnswer(204)]


@pytest.mark.parametrize(
    "body", ["ab\r\n\r\nHTTP/1.1 204 x\r\n\r\nab--", "--x boundary=y\r\n\r\n--y--\r\n", "--"]
)
def test_an_answer_without_a_boundary_or_without_a_part_is_not_believed(body: str) -> None:
    with pytest.raises(MalformedBatchError):
        decode_batch(body.encode())


def test_nothing_in_a_key_can_be_read_as_a_part_of_the_address() -> None:
    _, body = encode_batch("http://t", "Journal", "a/b", [Delete("c/d?e#f&g=h%2F", "v")])
    assert (
        b"\r\nDELETE http://t/Journal(PartitionKey='a%2Fb',RowKey='c%2Fd%3Fe%23f%26g%3Dh%252F') HTTP/1.1"
        in body
    )


def test_the_name_of_a_header_is_read_in_any_case_and_only_from_the_head() -> None:
    assert decode_batch(answer('HTTP/1.0 200 OK\netag:W/"x y"\n\nETag: no')) == [BatchAnswer(200, 'W/"x y"')]
    assert decode_batch(answer("HTTP/1.1 200 OK\nX-ETag: no\n\n")) == [BatchAnswer(200)]


@pytest.mark.parametrize("line", ["HTTP/1.1 20 Odd", "HTTP/1.1 2044 Odd", "HTTP/2 204", "204", ""])
def test_an_operation_without_a_status_is_not_believed(line: str) -> None:
    with pytest.raises(MalformedBatchError, match="no status"):
        decode_batch(answer(f"{line}\n\n"))


@pytest.mark.parametrize(
    ("status", "is_success"),
    [(199, False), (200, True), (204, True), (299, True), (300, False), (404, False)],
)
def test_an_operation_succeeded_when_its_status_says_so(status: int, is_success: bool) -> None:
    assert BatchAnswer(status).is_success is is_success


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", ("", "")),
        ("  no JSON  ", ("", "no JSON")),
        ("x" * 300, ("", "x" * 200)),
        ("[]", ("", "[]")),
        ("7", ("", "7")),
        ('{"odata.error":{"code":"C"}}', ("", '{"odata.error":{"code":"C"}}')),
        ('{"odata.error":{"code":"C","message":{"value":"v"}}}', ("C", "v")),
    ],
)
def test_an_error_is_read_as_far_as_it_can_be(body: str, expected: tuple[str, str]) -> None:
    assert decode_error(body) == expected


def test_a_row_is_replaced_at_its_version_and_as_a_whole() -> None:
    _, body = encode_batch("https://a.net", "Journal", "p", [Replace("job", {"a": 1}, "W/1")])
    text = body.decode()
    assert "PUT https://a.net/Journal(PartitionKey='p',RowKey='job') HTTP/1.1\r\nIf-Match: W/1\r\n" in text
    assert '\r\n\r\n{"PartitionKey":"p","RowKey":"job","a":1}\r\n' in text
