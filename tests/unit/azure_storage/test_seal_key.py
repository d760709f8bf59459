"""The key that seals announcements: made once, and the same for every process."""

import json

import pytest
from tests.unit.azure_storage.answers import ETAG, batch, part, row, table_error, table_refusal
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.seal_key import seal_key
from coordination.ports import AccessDeniedError, UnknownOutcomeError

ROW = row("announcements", key_name="a-name", key="00ff")
ABSENT = table_refusal(404, "ResourceNotFound")
MADE = batch(part(204, f"ETag: {ETAG}"))
ADDRESS = "/JobIndex(PartitionKey='seal',RowKey='announcements')"


async def test_the_key_that_is_there_is_read(service: FakeService) -> None:
    service.answer = ROW
    assert await seal_key(service.connection) == ("a-name", b"\x00\xff")
    assert service.asked == [("GET", ADDRESS)]


async def test_where_none_is_a_long_random_one_is_made_and_what_is_stored_counts(
    service: FakeService,
) -> None:
    made = []
    for _ in range(2):
        service.answers = [ABSENT, MADE, ROW]
        assert await seal_key(service.connection) == ("a-name", b"\x00\xff")
        made.append(json.loads(service.bodies[-2].decode().split("\r\n\r\n")[3].splitlines()[0]))
    assert [method for method, _ in service.asked] == ["GET", "POST", "GET"] * 2
    assert all(len(bytes.fromhex(one["key"])) == 32 and len(one["key_name"]) == 16 for one in made)
    assert made[0]["key"] != made[1]["key"]
    assert "POST http" in service.bodies[1].decode()  # an insert, which a row that is there refuses


async def test_a_key_that_another_process_made_at_the_same_moment_is_used(service: FakeService) -> None:
    refused = batch(part(409, body=table_error("EntityAlreadyExists")))
    service.answers = [ABSENT, refused, ROW]
    assert await seal_key(service.connection) == ("a-name", b"\x00\xff")


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([table_refusal(403)], AccessDeniedError),
        ([ABSENT, Prepared(503)], UnknownOutcomeError),
        ([ABSENT, MADE, ABSENT], UnknownOutcomeError),
    ],
)
async def test_without_a_definite_answer_there_is_no_key(
    service: FakeService, answers: list[Prepared], error: type[Exception]
) -> None:
    service.answers = answers
    with pytest.raises(error):
        await seal_key(service.connection)
