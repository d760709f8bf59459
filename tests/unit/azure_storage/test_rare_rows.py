"""The rows of jobs in rare states are written before the summary, and never go back."""

from typing import Any

import pytest
from tests.unit.azure_storage.answers import ETAG, inserted, row, sent, table_refusal, written
from tests.unit.azure_storage.documents import JOB, MOMENT, summary
from tests.unit.azure_storage.fake_service import FakeService

from azure_storage.read_models import TableReadModelWriter, rare_rows
from azure_storage.read_models.keys import summary_key
from contracts.jobs import JobSummary
from contracts.statuses import JobStatus
from coordination.ports import UnknownOutcomeError
from read_models.documents import StaleError, Watermark

MINUTE, KEY = summary_key(JOB, MOMENT)
V1, V2 = 'W/"1"', 'W/"2"'
ABSENT, CHANGED = table_refusal(404, "ResourceNotFound"), table_refusal(412)


def path(state: str = "") -> str:
    return f"/JobSummaries(PartitionKey='{state and f'state|{state}|'}{MINUTE}',RowKey='{KEY}')"


def failed(**values: Any) -> JobSummary:
    return summary(status=JobStatus.FAILED, interruptions=0, **values)


def taken_over(**values: Any) -> JobSummary:
    return summary(status=JobStatus.RUNNING, interruptions=1, **values)


@pytest.fixture
def writer(service: FakeService) -> TableReadModelWriter:
    return TableReadModelWriter(service.connection)


async def test_a_job_is_in_the_list_of_its_state_before_its_summary_says_so(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [inserted(V1), written(V2)]
    assert await writer.record_summary(failed(), Watermark(9, "h", as_of=11), V1) == V2
    assert service.asked == [("POST", "/JobSummaries"), ("PUT", path())]
    rare, whole = map(sent, service.bodies)
    assert (rare["PartitionKey"], rare["RowKey"], rare["AsOf"]) == (f"state|Failed|{MINUTE}", KEY, 11)
    watermark = {"ProjectedSeq", "ProjectedHash", "RunningFence"}
    keys = {"PartitionKey", "AsOf", "RunningFence@odata.type"} | watermark
    assert {name: value for name, value in rare.items() if name not in keys} == {
        name: value for name, value in whole.items() if name not in keys
    }
    assert not watermark & rare.keys()


async def test_a_job_that_failed_after_a_take_over_is_in_both_lists(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [inserted(), inserted(), written()]
    await writer.record_summary(failed().model_copy(update={"interruptions": 1}), Watermark(9, "h"), V1)
    states = [sent(body)["PartitionKey"].split("|")[1:-1] for body in service.bodies]
    assert sorted(states[:2]) == [["Failed"], ["TakenOver"]]


@pytest.mark.parametrize(("stored", "is_replaced"), [(8, True), (9, False), (10, False)])
async def test_a_row_is_replaced_by_one_that_takes_more_into_account_and_by_no_other(
    service: FakeService, writer: TableReadModelWriter, stored: int, is_replaced: bool
) -> None:
    there = row(KEY, AsOf=stored)
    service.answers = [table_refusal(409, "EntityAlreadyExists"), there]
    service.answer = written()
    await writer.record_summary(failed(), Watermark(9, "h"), V1)
    replaced = [("PUT", path("Failed"))] if is_replaced else []
    expected = [("POST", "/JobSummaries"), ("GET", path("Failed")), *replaced, ("PUT", path())]
    assert service.asked == expected
    if is_replaced:
        assert service.requests[2].headers["If-Match"] == ETAG


async def test_a_row_that_others_change_or_wipe_in_between_is_read_again(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    conflict = table_refusal(409, "EntityAlreadyExists")
    service.answers = [conflict, row(KEY, AsOf=1), CHANGED, ABSENT, conflict, row(KEY, AsOf=2)]
    service.answer = written()
    await writer.record_summary(failed(), Watermark(9, "h"), V1)
    methods = [method for method, _ in service.asked]
    assert methods == ["POST", "GET", "PUT", "GET", "POST", "GET", "PUT", "PUT"]


async def test_a_job_that_goes_on_after_a_take_over_is_written_again_only_when_it_changed(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [inserted(V1)]
    service.answer = written(V2)
    await writer.record_summary(taken_over(), Watermark(5, "h"), V1)
    for seq in (6, 7):
        await writer.record_summary(taken_over(), Watermark(seq, "h"), V1)
    await writer.record_summary(taken_over(cancel_requested=False), Watermark(8, "h"), V1)
    rare = [(request.method, request.headers.get("If-Match")) for request in service.requests]
    whole = ("PUT", V1)
    assert rare == [("POST", None), whole, whole, whole, ("PUT", V1), whole]
    assert service.asked[4] == ("PUT", path("TakenOver"))
    # An older summary that comes late changes nothing.
    await writer.record_summary(taken_over(attempt=1), Watermark(7, "h"), V1)
    assert service.asked[6:] == [("PUT", path())]


async def test_a_row_of_which_it_is_not_known_whether_it_was_written_is_written_again(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [table_refusal(503)]
    service.answer = written()
    with pytest.raises(UnknownOutcomeError):
        await writer.record_summary(failed(), Watermark(9, "h"), V1)
    assert service.asked == [("POST", "/JobSummaries")]
    service.answers = [inserted()]
    await writer.record_summary(failed(), Watermark(9, "h"), V1)
    assert [method for method, _ in service.asked] == ["POST", "POST", "PUT"]


async def test_a_stale_summary_leaves_a_row_that_the_next_try_finds(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [inserted(V1), CHANGED]
    with pytest.raises(StaleError):
        await writer.record_summary(taken_over(), Watermark(5, "h"), V1)
    service.answers = [written(V2), written(V2)]
    await writer.record_summary(taken_over(attempt=7), Watermark(6, "h"), V1)
    assert [method for method, _ in service.asked] == ["POST", "PUT", "PUT", "PUT"]


async def test_what_was_written_is_forgotten_when_there_is_too_much_and_then_read(
    service: FakeService, writer: TableReadModelWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rare_rows, "_MOST_WRITTEN", 1)
    service.answer = inserted()
    other = "018f6c3e-7b1a-7c4e-9d3a-ba9876543210"
    for job in (taken_over(), taken_over(job_id=other)):
        await writer._rare_rows.record(job, 5)
    service.requests.clear()
    service.answers = [table_refusal(409, "EntityAlreadyExists"), row(KEY, AsOf=5), written()]
    await writer._rare_rows.record(taken_over(attempt=7), 6)
    assert [method for method, _ in service.asked] == ["POST", "GET", "PUT"]
