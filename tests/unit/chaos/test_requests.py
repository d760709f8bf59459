"""The chaos recognises Turnstile's writes by what the adapters really send."""

import pytest
from tests.chaos.requests import Kind, Request, is_carried_out, kind_of

from azure_storage.batch import encode_batch
from coordination.ports import Delete, GuardedUpdate, Insert, Operation, Update

_LOCK = Update("line|lock|00", {"op_id": "1"}, "etag")
_JOB = Update("job|a", {"status": "Running"}, "etag")
_TICKET = Delete("line|ticket|05|1|a", "etag")


def event(status: str, number: int = 1) -> Insert:
    return Insert(f"event|a|{number:06d}", {"status": status})


@pytest.mark.parametrize(
    ("kind", "operations"),
    [
        (Kind.SUBMIT, [Insert("job|a", {"status": "Queued"}), event("Submitted")]),
        (Kind.TAKE_OVER, [_LOCK, _TICKET, event("LeaseAcquired"), event("Started", 2)]),
        (Kind.TAKE_OVER, [_LOCK, _JOB, event("Interrupted"), event("LeaseAcquired", 2), event("Started", 3)]),
        (Kind.STEP, [_LOCK, _JOB, event("Step")]),
        (Kind.STATE, [_LOCK, _JOB, event("StateSaved")]),
        (Kind.PROGRESS, [_LOCK, _JOB]),
        (Kind.END, [_LOCK, _JOB, event("Failed")]),
        (
            Kind.END_AND_START,
            [_LOCK, _JOB, GuardedUpdate("job|b", {}, "x"), event("Completed"), event("Started", 2)],
        ),
        (Kind.INTERRUPT, [_LOCK, _JOB, event("Interrupted")]),
        (Kind.CANCEL, [_JOB, event("CancelRequested")]),
        (Kind.CANCEL, [_JOB, _TICKET, event("Cancelled")]),
        (Kind.END, [_LOCK, _JOB, event("Cancelled")]),
        (None, [_JOB]),
    ],
)
def test_a_transaction_is_recognised_by_its_events(kind: Kind | None, operations: list[Operation]) -> None:
    assert kind_of(batch("Journal", operations)) is kind


def test_registrations_and_read_models_are_recognised_by_their_table() -> None:
    assert kind_of(batch("JobIndex", [Insert("job|a", {}), Insert("active|a", {})])) is Kind.REGISTER
    assert kind_of(batch("JobAuditTrail", [Insert("1", {}), Insert("2", {})])) is Kind.TRAIL
    address = "/devstoreaccount1/e0123456789abJobSummaries(PartitionKey='a',RowKey='b')"
    assert kind_of(request("PATCH", address)) is Kind.SUMMARY
    assert kind_of(request("GET", address)) is None
    retiring = "/devstoreaccount1/e0123456789abJobIndex(PartitionKey='a',RowKey='active%7Cb')"
    assert kind_of(request("DELETE", retiring)) is Kind.RETIRE


@pytest.mark.parametrize(
    ("action", "kind"), [("acquire", Kind.ACQUIRE), ("renew", Kind.RENEW), ("release", Kind.RELEASE)]
)
def test_leases_are_recognised_by_their_action(action: str, kind: Kind) -> None:
    target = "/devstoreaccount1/locks/a?comp=lease"
    assert kind_of(request("PUT", target, f"x-ms-lease-action: {action}\r\n")) is kind


@pytest.mark.parametrize(
    ("status", "parts", "carried_out"),
    [
        ("204 No Content", [], True),
        ("201 Created", [], True),
        ("409 Conflict", [], False),
        ("503 Service Unavailable", [], False),
        ("202 Accepted", ["204 No Content", "204 No Content"], True),
        ("202 Accepted", ["412 Precondition Failed"], False),
        ("202 Accepted", ["204 No Content", "409 Conflict"], False),
    ],
)
def test_the_answer_tells_whether_a_write_was_carried_out(
    status: str, parts: list[str], carried_out: bool
) -> None:
    body = "".join(f"--part\r\n\r\nHTTP/1.1 {part}\r\nETag: x\r\n\r\n" for part in parts)
    answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    assert is_carried_out(answer) is carried_out


def batch(table: str, operations: list[Operation]) -> Request:
    url = "http://127.0.0.1:20002/devstoreaccount1"
    _, body = encode_batch(url, f"e0123456789ab{table}", "partition", operations)
    return request("POST", "/devstoreaccount1/$batch", body=body)


def request(method: str, target: str, headers: str = "", body: bytes = b"") -> Request:
    return Request.of(f"{method} {target} HTTP/1.1\r\n{headers}\r\n".encode(), body)
