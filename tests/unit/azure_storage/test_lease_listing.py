"""Many leases are looked up in lists, as far as those cost less than to ask for each."""

from collections.abc import Mapping

import pytest
from aiohttp import web
from tests.unit.azure_storage.answers import blob_error
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage import lease_listing as module
from azure_storage.leases import BlobLeases
from coordination.ports import AccessDeniedError, UnknownOutcomeError

TIMEOUT = 5.0


def listing(states: Mapping[str, str | None], marker: str = "") -> Prepared:
    """Answer with a list of blobs and the states of their leases."""
    blobs = "".join(
        f"<Blob><Name>{name}</Name><Properties><LeaseStatus>any</LeaseStatus>"
        f"{'' if state is None else f'<LeaseState>{state}</LeaseState>'}</Properties></Blob>"
        for name, state in states.items()
    )
    following = f"<NextMarker>{marker}</NextMarker>" if marker else "<NextMarker/>"
    text = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{blobs}</Blobs>{following}'
    return Prepared(200, f"{text}</EnumerationResults>".encode(), {"Content-Type": "application/xml"})


def head(state: str) -> Prepared:
    """Answer to a question about one blob."""
    return Prepared(200, headers={"x-ms-lease-state": state})


@pytest.fixture
def leases(service: FakeService) -> BlobLeases:
    return BlobLeases(service.connection)


async def test_one_list_tells_of_all_leases(service: FakeService, leases: BlobLeases) -> None:
    states = {"a": "available", "b": "leased", "c": "expired", "d": "breaking", "e": "broken", "f": None}
    service.answer = listing({**states, "not asked for": "available"})
    assert await leases.free([*states, "never taken"], TIMEOUT) == {"a", "c", "e", "never taken"}
    assert service.asked == [("GET", "/locks")]
    query = dict(service.requests[0].query)
    assert query == {"restype": "container", "comp": "list", "maxresults": "70"}
    assert [call.operation for call in service.calls] == ["leases.list"]


async def test_a_list_goes_on_behind_its_marker_also_over_empty_pages(
    service: FakeService, leases: BlobLeases, limits: list[float]
) -> None:
    service.answers = [
        listing({"a": "leased"}, marker="2!a/b="),
        listing({}, marker="c"),
        listing({"d": "leased"}),
    ]
    assert await leases.free(["a", "b", "d"], TIMEOUT) == {"b"}
    assert [request.query.get("marker") for request in service.requests] == [None, "2!a/b=", "c"]
    assert [request.query["maxresults"] for request in service.requests] == ["30", "29", "29"]
    assert limits == [TIMEOUT] * 3


async def test_no_page_is_larger_than_a_thousand_blobs(service: FakeService, leases: BlobLeases) -> None:
    service.answer = listing({})
    await leases.free([str(number) for number in range(200)], TIMEOUT)
    assert service.requests[0].query["maxresults"] == "1000"


async def test_leases_behind_a_list_that_is_too_long_are_asked_for_one_by_one(
    service: FakeService, leases: BlobLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = {f"b{number:02d}": "leased" for number in range(20)}
    service.answers = [listing(long, marker="more")]

    def answer(request: web.BaseRequest) -> Prepared:
        return head("leased" if request.path.endswith("/y") else "available")

    service.answer = answer
    assert await leases.free(["a", "z"], TIMEOUT) == {"a", "z"}
    assert service.asked == [("GET", "/locks"), ("HEAD", "/locks/z")]
    # The next list would be too long as well.
    assert await leases.free(["x", "y"], TIMEOUT) == {"x"}
    assert service.asked[2:] == [("HEAD", "/locks/x"), ("HEAD", "/locks/y")]
    monkeypatch.setattr(module, "_SECONDS_WITHOUT", 0.0)
    another = BlobLeases(service.connection)
    for _ in range(2):
        service.answers = [listing(long, marker="more")]
        await another.free(["a", "z"], TIMEOUT)
    assert service.asked[4:] == [("GET", "/locks"), ("HEAD", "/locks/z")] * 2


async def test_where_no_lease_was_ever_taken_all_are_free(service: FakeService, leases: BlobLeases) -> None:
    service.answer = blob_error(404, "ContainerNotFound")
    assert await leases.free(["a", "b"], TIMEOUT) == {"a", "b"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"<html></html>",
        listing({"a": "leased", "b": "leased"}).body[:-40],
        b"<EnumerationResults><NextMarker/></EnumerationResults>",
        b"<EnumerationResults><Blobs></Blobs></EnumerationResults>",
    ],
)
async def test_a_list_that_is_cut_off_names_no_lease_as_free(
    service: FakeService, leases: BlobLeases, body: bytes
) -> None:
    service.answer = Prepared(200, body)
    with pytest.raises(UnknownOutcomeError):
        await leases.free(["a", "b"], TIMEOUT)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (blob_error(400, "Any"), UnknownOutcomeError),
        (blob_error(403, "Any"), AccessDeniedError),
        (blob_error(409, "ContainerBeingDeleted"), UnknownOutcomeError),
        (blob_error(503, "Any"), UnknownOutcomeError),
        (Prepared(204), UnknownOutcomeError),
        (Prepared(0), UnknownOutcomeError),
    ],
)
async def test_a_list_that_is_not_given_says_nothing(
    service: FakeService, leases: BlobLeases, answer: Prepared, error: type[Exception]
) -> None:
    service.answers = [listing({"a": "leased"}, marker="b")]
    service.answer = answer
    with pytest.raises(error) as raised:
        await leases.free(["a", "b"], TIMEOUT)
    assert type(raised.value) is error
