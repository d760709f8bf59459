"""How far many jobs are projected is read minute by minute, in as few requests as it takes."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.azure_storage.answers import page, row, stored, table_refusal
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.read_models import TableReadModels
from azure_storage.read_models.keys import summary_key
from coordination.ports import UnknownOutcomeError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ABSENT = table_refusal(404, "ResourceNotFound")


@pytest.fixture
def models(service: FakeService) -> TableReadModels:
    return TableReadModels(service.connection)


def jobs(count: int, since: datetime = NOON) -> dict[str, datetime]:
    return {f"job-{number}": since + timedelta(milliseconds=number) for number in range(count)}


def summaries(of: dict[str, datetime], following: str = "") -> Prepared:
    stored_keys = sorted(summary_key(job_id, at)[1] for job_id, at in of.items())
    return page(
        *(stored(key, ProjectedSeq=len(key.split("|")[1])) for key in stored_keys), following=following
    )


async def test_a_few_jobs_are_read_one_by_one(service: FakeService, models: TableReadModels) -> None:
    asked = jobs(3)
    service.answers = [ABSENT, row("x", ProjectedSeq=7), row("y", ProjectedSeq=9)]
    found = await models.projected_seqs(asked)
    assert found == {"job-1": 7, "job-0": 9}
    partition, key = summary_key("job-1", asked["job-1"])
    assert service.asked[1] == ("GET", f"/JobSummaries(PartitionKey='{partition}',RowKey='{key}')")


async def test_many_jobs_of_a_minute_are_one_range(service: FakeService, models: TableReadModels) -> None:
    asked = jobs(20)
    service.answer = summaries({job_id: asked[job_id] for job_id in list(asked)[:15]})
    assert await models.projected_seqs(asked) == {
        f"job-{number}": len(f"job-{number}") for number in range(15)
    }
    (request,) = service.requests
    partition, last = summary_key("job-0", asked["job-0"])
    _, first = summary_key("job-19", asked["job-19"])
    expected = f"PartitionKey eq '{partition}' and RowKey ge '{first}' and RowKey le '{last}'"
    assert request.query["$filter"] == expected


async def test_each_minute_is_a_request(service: FakeService, models: TableReadModels) -> None:
    asked = jobs(5) | {f"later-{number}": NOON + timedelta(minutes=1) for number in range(5)}
    service.answer = page()
    assert await models.projected_seqs(asked) == {}
    assert len(service.requests) == 2


async def test_a_range_goes_on_while_it_holds_what_is_wanted(
    service: FakeService, models: TableReadModels
) -> None:
    asked = jobs(20)
    parts = (
        {job_id: asked[job_id] for job_id in list(asked)[10:]},
        {job_id: asked[job_id] for job_id in list(asked)[:10]},
    )
    service.answers = [summaries(parts[0], following="more"), summaries(parts[1])]
    assert set(await models.projected_seqs(asked)) == set(asked)
    assert len(service.requests) == 2


async def test_a_range_of_other_jobs_is_given_up(service: FakeService, models: TableReadModels) -> None:
    asked = jobs(5)
    others = page(*(stored(f"0-{number}", ProjectedSeq=1) for number in range(1000)), following="more")
    service.answers = [others, *[row("x", ProjectedSeq=2)] * 5]
    assert await models.projected_seqs(asked) == dict.fromkeys(asked, 2)
    assert len(service.requests) == 6


async def test_without_jobs_nothing_is_asked(service: FakeService, models: TableReadModels) -> None:
    assert await models.projected_seqs({}) == {}
    assert service.requests == []


@pytest.mark.parametrize("count", [1, 10])
async def test_a_refusal_is_no_answer(service: FakeService, models: TableReadModels, count: int) -> None:
    service.answer = table_refusal(400)
    with pytest.raises(UnknownOutcomeError):
        await models.projected_seqs(jobs(count))
