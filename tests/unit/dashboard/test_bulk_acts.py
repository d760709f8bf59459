"""What can be done to many jobs at once, and what the dialogs of a job's page say."""

from typing import Any

import pytest
from tests.unit.dashboard.shown import text

from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from dashboard.bulk import Chosen, Standing
from dashboard.jobs_page.bulk_actions import BULK_ACTS, CANCEL, FINALIZE, RETRY, BulkAct
from dashboard.jobs_page.bulk_parts import before_node, result_node
from dashboard.views import finalize_dialog, retry_dialog

FAILED, DONE = Chosen("1", "One", "Failed", "ledger"), Chosen("2", "Two", "Completed", "ledger")


class Publisher:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.asked.append((name, *given))


@pytest.mark.parametrize("act", BULK_ACTS, ids=lambda act: act.name)
def test_each_asks_the_publisher_for_what_its_name_says(act: BulkAct) -> None:
    publisher = Publisher()
    act.act(publisher, "1", "bob", "why")  # type: ignore[arg-type]
    assert publisher.asked == [(act.name, "1", "bob", "why")]


def test_only_jobs_that_did_not_complete_are_retried_or_finalized() -> None:
    expected = {"Failed", "Cancelled", "TimedOut", "Expired"}
    assert RETRY.statuses == FINALIZE.statuses == expected
    assert {"Queued", "Running"} == CANCEL.statuses


def test_the_dialog_says_what_happens_and_what_is_left_alone() -> None:
    told = text(before_node(RETRY, [FAILED, DONE], [FAILED]))
    assert "a new job waits at the end of its line" in told
    assert "Of the choice, 1 job did not fail and will not be touched." in told
    assert "1 job finalized." in text(result_node(FINALIZE, Standing(1, 1, (), (), is_running=False)))


def job(**values: Any) -> JobRow:
    return JobRow("1", "close-month", "ledger", **{"status": JobStatus.FAILED.value, **values})


@pytest.mark.parametrize(
    ("values", "can_retry", "can_finalize"),
    [
        ({}, True, True),
        ({"retried_by": "2"}, False, True),
        ({"finalized_at": "2026-11-30T00:00:00.000000Z"}, True, False),
        ({"status": "Completed"}, False, False),
        ({"status": "Running"}, False, False),
    ],
)
def test_a_page_offers_what_fits_the_job(
    values: dict[str, Any], *, can_retry: bool, can_finalize: bool
) -> None:
    assert retry_dialog.can_retry(job(**values)) is can_retry
    assert finalize_dialog.can_finalize(job(**values)) is can_finalize


def test_the_dialog_of_a_retry_says_with_what_the_new_job_continues() -> None:
    told = text(retry_dialog.consequences(job(steps=3)))
    assert "It continues with 3 recorded steps and the saved state" in told
    assert "under a new idempotency key" in told
    assert "1 recorded step and" in text(retry_dialog.consequences(job(steps=1)))
    assert "lists leave it out" in text(finalize_dialog.consequences(job()))
