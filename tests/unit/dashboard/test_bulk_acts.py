"""What can be done to many jobs at once, and what the dialogs of a job's page say."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.dashboard.shown import links, text

from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from dashboard.bulk import Chosen, Done, Standing
from dashboard.jobs_page.bulk_actions import AGAIN, CANCEL, FINALIZE, RETRY, BulkAct, Request
from dashboard.jobs_page.bulk_parts import before_node, result_node
from dashboard.publisher_api import RefusedError
from dashboard.reading.earlier import EarlierJob
from dashboard.views import finalize_dialog, retry_dialog

FAILED, DONE = Chosen("1", "One", "Failed", "ledger"), Chosen("2", "Two", "Completed", "ledger")


class Publisher:
    """Notes what is asked of it, and answers with what it is given, or raises it."""

    def __init__(self, answer: Any = None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answer = answer

    def __getattr__(self, name: str) -> Any:
        def ask(*given: Any) -> Any:
            self.asked.append((name, *given))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return ask


EARLIER = EarlierJob(
    "1", "close-month", "ledger", "", "about", 3, {"team": "a"}, {"month": 1}, {"expires_in": 60.0}
)


def request(answer: Any) -> Request:
    publisher = Publisher(answer)
    return Request(publisher, "bob", "why", lambda _: EARLIER, lambda job_id: f"new-{job_id}")  # type: ignore[arg-type]


def cancelled(actor: str, reason: str | None) -> Any:
    return SimpleNamespace(cancel_requested_by=actor, cancel_reason=reason)


def finalized(actor: str, reason: str | None) -> Any:
    return SimpleNamespace(finalized_by=actor, finalize_reason=reason)


def ended(status: str) -> RefusedError:
    return RefusedError(f"The job has already ended: {status}.", "cancel_too_late", job_status=status)


@pytest.mark.parametrize(
    ("act", "answer", "done"),
    [
        (CANCEL, cancelled("bob", "why"), Done()),
        (CANCEL, cancelled("eve", "mine"), Done(was_done=True, said="by eve: mine")),
        (CANCEL, ended("Cancelled"), Done(was_done=True)),
        (FINALIZE, finalized("bob", "why"), Done()),
        (FINALIZE, finalized("eve", None), Done(was_done=True, said="by eve")),
        (RETRY, SimpleNamespace(job_id="9", existing=False), Done(job_id="9")),
        (RETRY, SimpleNamespace(job_id="9", existing=True), Done(was_done=True, job_id="9")),
        (RETRY, RefusedError("already", "already_retried", job_id="8"), Done(was_done=True, job_id="8")),
        (AGAIN, SimpleNamespace(job_id="new-1"), Done(job_id="new-1")),
        (AGAIN, SimpleNamespace(job_id="7"), Done(was_done=True, job_id="7")),
    ],
)
def test_each_asks_the_publisher_for_what_its_name_says(act: BulkAct, answer: Any, done: Done) -> None:
    asked = request(answer)
    assert act.act(asked, FAILED) == done
    (first,) = asked.publisher.asked  # type: ignore[attr-defined]
    assert first[0] == ("submit" if act is AGAIN else act.name)
    if act is not AGAIN:
        assert first[1:] == ("1", "bob", "why")


def test_the_like_is_submitted_with_all_that_the_earlier_job_said() -> None:
    asked = request(SimpleNamespace(job_id="new-1"))
    AGAIN.act(asked, FAILED)
    ((_, body, actor),) = asked.publisher.asked  # type: ignore[attr-defined]
    assert actor == "bob"
    assert body == {
        "kind": "close-month",
        "lock": "ledger",
        "parameters": {"month": 1},
        "job_id": "new-1",
        "description": "about",
        "priority": 3,
        "properties": {"team": "a"},
        "expires_in": 60.0,
    }


@pytest.mark.parametrize("act", [CANCEL, RETRY, FINALIZE, AGAIN], ids=lambda act: act.name)
def test_other_refusals_are_the_jobs_own(act: BulkAct) -> None:
    with pytest.raises(RefusedError):
        act.act(request(ended("Completed")), FAILED)


def test_only_jobs_that_did_not_complete_are_retried_or_finalized() -> None:
    expected = {"Failed", "Cancelled", "TimedOut", "Expired"}
    assert RETRY.statuses == FINALIZE.statuses == expected
    assert {"Queued", "Running"} == CANCEL.statuses


def test_the_dialog_says_what_happens_and_what_is_left_alone() -> None:
    told = text(before_node(RETRY, [FAILED, DONE], [FAILED]))
    assert "a new job waits at the end of its line" in told
    assert "Of the choice, 1 job did not fail and will not be touched." in told


def test_each_job_is_listed_with_what_became_of_it() -> None:
    done = [(FAILED, Done(job_id="9")), (DONE, Done(was_done=True, said="by eve", job_id="8"))]
    third = Chosen("3", "Three", "Failed", "ledger")
    shown = result_node(RETRY, Standing(3, done, [(third, "The lock is busy.")], (), is_running=False))
    told = text(shown)
    assert "3 of 3" in told
    assert "1 job retried, 1 retried before, 1 refused." in told
    assert "Three · The lock is busy." in told
    assert "Two · by eve" in told
    assert [query["id"] for _, query in links(shown)] == ["3", "2", "8", "1", "9"]


def test_of_many_jobs_the_first_are_listed() -> None:
    jobs = [(Chosen(str(number), f"Job {number}", "Failed", "l"), Done()) for number in range(250)]
    told = text(result_node(RETRY, Standing(250, jobs, (), (), is_running=False)))
    assert "150 more jobs" in told
    assert "Job 100" not in told


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
