"""A lease is taken on a blob that is created when missing, for exactly the time that was asked for."""

import pytest
from tests.unit.azure_storage.answers import blob_error
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.leases import BlobLeases
from coordination.ports import (
    AccessDeniedError,
    LeaseHeldError,
    Leases,
    UnknownOutcomeError,
)

DONE = Prepared(201, headers={"ETag": "x", "Last-Modified": "Sat, 21 Nov 2026 01:47:05 GMT"})
MISSING = blob_error(404, "BlobNotFound")

LEASE, BLOB, CONTAINER = (
    ("PUT", "/locks/a-lock", "lease"),
    ("PUT", "/locks/a-lock", ""),
    ("PUT", "/locks", ""),
)


@pytest.fixture
def leases(service: FakeService) -> Leases:
    service.answer = DONE
    return BlobLeases(service.connection)


def asked(service: FakeService) -> list[tuple[str, str, str]]:
    requests = zip(service.requests, service.asked, strict=True)
    return [(*each, request.query.get("comp", "")) for request, each in requests]


@pytest.mark.parametrize(("asked_for", "sent"), [(15, "15"), (60, "60"), (59.01, "60"), (22.0, "22")])
async def test_the_store_never_ends_a_lease_before_its_holder_expects(
    service: FakeService, leases: Leases, asked_for: float, sent: str
) -> None:
    await leases.acquire("a-lock", asked_for, "an-id", 5.0)
    assert asked(service) == [LEASE]
    headers = service.requests[0].headers
    assert headers["x-ms-lease-action"] == "acquire"
    assert headers["x-ms-lease-duration"] == sent
    assert headers["x-ms-proposed-lease-id"] == "an-id"


@pytest.mark.parametrize("call", ["renew", "release"])
async def test_a_lease_is_renewed_and_given_back_under_its_id_time_and_again(
    service: FakeService, leases: Leases, call: str
) -> None:
    service.answer = Prepared(200, headers=DONE.headers)
    for _ in range(2):
        await getattr(leases, call)("a-lock", "an-id", 5.0)
    assert asked(service) == [LEASE, LEASE]
    for request in service.requests:
        assert request.headers["x-ms-lease-action"] == call
        assert request.headers["x-ms-lease-id"] == "an-id"
    assert [each.operation for each in service.calls] == [f"leases.{call}"] * 2


@pytest.mark.parametrize("seconds", [14.99, 60.01, 0, -1])
async def test_a_duration_that_the_store_does_not_grant_is_not_asked_for(
    service: FakeService, leases: Leases, seconds: float
) -> None:
    with pytest.raises(ValueError, match="between 15 and 60 seconds"):
        await leases.acquire("a-lock", seconds, "an-id", 5.0)
    assert service.requests == []


@pytest.mark.parametrize("code", ["BlobNotFound", "ContainerNotFound"])
async def test_a_lease_that_was_never_taken_is_free(service: FakeService, leases: Leases, code: str) -> None:
    service.answer = blob_error(404, code)
    assert await leases.is_free("a-lock", 5.0) is True


async def test_whether_a_lease_is_free_is_asked_without_touching_it(
    service: FakeService, leases: Leases
) -> None:
    service.answer = Prepared(200, headers={"x-ms-lease-state": "leased", "x-ms-blob-type": "BlockBlob"})
    assert await leases.is_free("a-lock", 5.0) is False
    assert asked(service) == [("HEAD", "/locks/a-lock", "")]
    assert [each.operation for each in service.calls] == ["leases.is_free"]


async def test_a_lease_without_a_state_is_not_free(service: FakeService, leases: Leases) -> None:
    service.answer = Prepared(200, headers={"x-ms-blob-type": "BlockBlob"})
    assert await leases.is_free("a-lock", 5.0) is False


async def test_a_missing_blob_is_created_empty_and_only_if_it_is_still_missing(
    service: FakeService, leases: Leases
) -> None:
    service.answers = [MISSING]
    await leases.acquire("a-lock", 15, "an-id", 5.0)
    assert asked(service) == [LEASE, BLOB, LEASE]
    assert service.requests[1].headers["If-None-Match"] == "*"
    assert service.bodies[1] == b""
    assert service.requests[2].headers["x-ms-proposed-lease-id"] == "an-id"
    assert service.requests[2].headers["x-ms-lease-duration"] == "15"
    operations = [call.operation for call in service.calls]
    assert operations == ["leases.acquire", "leases.create", "leases.acquire"]


async def test_a_missing_container_is_created_before_the_blob(service: FakeService, leases: Leases) -> None:
    service.answers = [blob_error(404, "ContainerNotFound")] * 2
    await leases.acquire("a-lock", 15, "an-id", 5.0)
    assert asked(service) == [LEASE, BLOB, CONTAINER, BLOB, LEASE]
    assert service.requests[2].query["restype"] == "container"
    assert [request.headers.get("If-None-Match") for request in service.requests] == [
        None,
        "*",
        None,
        "*",
        None,
    ]


@pytest.mark.parametrize(
    "answer",
    [blob_error(409, "BlobAlreadyExists"), blob_error(412, "LeaseIdMissing"), blob_error(409, "Any")],
)
async def test_what_another_has_just_created_is_taken_all_the_same(
    service: FakeService, leases: Leases, answer: Prepared
) -> None:
    service.answers = [MISSING, MISSING, blob_error(409, "ContainerAlreadyExists"), answer]
    await leases.acquire("a-lock", 15, "an-id", 5.0)
    assert asked(service) == [LEASE, BLOB, CONTAINER, BLOB, LEASE]


async def test_what_another_has_just_created_and_taken_is_held(service: FakeService, leases: Leases) -> None:
    service.answers = [
        MISSING,
        blob_error(412, "LeaseIdMissing"),
        blob_error(409, "LeaseAlreadyPresent"),
    ]
    with pytest.raises(LeaseHeldError):
        await leases.acquire("a-lock", 15, "an-id", 5.0)
    assert asked(service) == [LEASE, BLOB, LEASE]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (blob_error(400, "Any"), UnknownOutcomeError),
        (blob_error(413, "Any"), UnknownOutcomeError),
        (blob_error(403, "Any"), AccessDeniedError),
        (blob_error(503, "Any"), UnknownOutcomeError),
        (blob_error(409, "ContainerBeingDeleted"), UnknownOutcomeError),
    ],
)
@pytest.mark.parametrize("missing", [1, 2])
async def test_what_cannot_be_created_leaves_the_lease_unknown(
    service: FakeService, leases: Leases, answer: Prepared, error: type[Exception], missing: int
) -> None:
    service.answers = [MISSING] * missing
    service.answer = answer
    with pytest.raises(error) as raised:
        await leases.acquire("a-lock", 15, "an-id", 5.0)
    assert type(raised.value) is error
    assert len(service.requests) == missing + 1


async def test_a_blob_that_is_missing_after_it_was_created_is_neither_held_nor_taken(
    service: FakeService, leases: Leases
) -> None:
    service.answers = [MISSING, DONE, MISSING]
    with pytest.raises(UnknownOutcomeError, match="a-lock is missing"):
        await leases.acquire("a-lock", 15, "an-id", 5.0)
    assert asked(service) == [LEASE, BLOB, LEASE]


@pytest.mark.parametrize("status", [200, 202, 204, 302])
async def test_only_what_the_store_says_of_a_new_lease_is_one(
    service: FakeService, leases: Leases, status: int
) -> None:
    service.answer = Prepared(status, headers={"Location": "/locks/another"})
    with pytest.raises(UnknownOutcomeError):
        await leases.acquire("a-lock", 15, "an-id", 5.0)
    assert asked(service) == [LEASE]


@pytest.mark.parametrize("call", ["renew", "release", "is_free"])
async def test_what_is_not_the_stores_answer_to_a_holder_says_nothing(
    service: FakeService, leases: Leases, call: str
) -> None:
    service.answer = Prepared(201, headers={"x-ms-lease-state": "available"})
    with pytest.raises(UnknownOutcomeError):
        await getattr(leases, call)("a-lock", *(() if call == "is_free" else ("an-id",)), 5.0)


async def test_the_name_of_a_lock_stays_one_part_of_the_address(service: FakeService, leases: Leases) -> None:
    await leases.acquire("a/../b?c#d%", 15, "an-id", 5.0)
    assert service.requests[0].raw_path == "/account/locks/a%2F..%2Fb%3Fc%23d%25?comp=lease"


@pytest.mark.parametrize("code", ["ContainerBeingDeleted", "TableBeingDeleted"])
async def test_a_container_that_is_being_deleted_says_nothing_about_a_lease(
    service: FakeService, leases: Leases, code: str
) -> None:
    service.answer = blob_error(409, code)
    with pytest.raises(UnknownOutcomeError):
        await leases.acquire("a-lock", 15, "an-id", 5.0)
    with pytest.raises(UnknownOutcomeError):
        await leases.renew("a-lock", "an-id", 5.0)
    with pytest.raises(UnknownOutcomeError):
        await leases.release("a-lock", "an-id", 5.0)
    with pytest.raises(UnknownOutcomeError):
        await leases.is_free("a-lock", 5.0)
