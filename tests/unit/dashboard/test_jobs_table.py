"""The table of jobs."""

from dataclasses import replace
from datetime import timedelta

from tests.conformance.documents import NOON, summary
from tests.unit.dashboard.shown import attribute, find, joined, links

from contracts.jobs import JobError
from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from dashboard.jobs_page.table import foot_text, jobs_table


def cells(tree: object) -> list[list[str]]:
    return [[joined(cell) for cell in row[2:]] for row in find(tree, "tr")[1:]]


def test_a_row_says_all_that_people_choose_by() -> None:
    job = summary(
        NOON, name="Close of May", kind="close-month", status=JobStatus.COMPLETED, attempt=2, interruptions=1,
        worker="worker-3", actor="maria.k", started_at=NOON + timedelta(seconds=22),
        finished_at=NOON + timedelta(seconds=322),
    )  # fmt: skip
    (row,) = cells(jobs_table([job]))
    assert row[1] == "checkCompletedinterrupted"
    assert row[2] == "Close of Mayclose-month · by maria.k"
    assert row[3].startswith("ledger")
    assert row[5:] == ["22 s", "5 min 00 s", "2", "worker-3"]


def test_a_job_without_a_name_is_called_by_its_kind() -> None:
    (row,) = cells(jobs_table([summary(NOON, kind="close-month")]))
    assert row[2] == "close-monthby test"
    assert row[5:] == ["", "\u2013", "\u2013", "\u2013"]


def test_a_failed_job_shows_its_error_instead() -> None:
    error = JobError(type="ValueError", message="no such month" * 50)
    (row,) = cells(jobs_table([summary(NOON, status=JobStatus.FAILED, error=error)]))
    assert "ValueError: no such month" in row[2]
    assert len(row[2]) < 200


def test_a_job_that_is_tried_again_says_when() -> None:
    due = summary(NOON, attempt=1, next_attempt_at=NOON + timedelta(seconds=30))
    (row,) = cells(jobs_table([due]))
    assert row[1] == "hourglass_emptyWaitingnext attempt at "


def test_running_and_waiting_jobs_show_what_the_board_knows() -> None:
    runs = summary(NOON, status=JobStatus.RUNNING, started_at=NOON, attempt=1, interruptions=3)
    waits = summary(NOON, cancel_requested=True)
    row = JobRow(runs.job_id, "k", "ledger", progress_value=61.0, progress_limit=100.0)
    table = jobs_table([runs, waits], running={runs.job_id: row}, positions={waits.job_id: 1042})
    one, two = cells(table)
    assert (one[1], one[6]) == ("play_arrowRunninginterrupted 3 times", "61%")
    assert (two[1], two[5]) == ("hourglass_emptyWaiting", "position 1,042")
    assert str(find(table, "tr")[1][0]) == "tr.on"
    asked = runs.model_copy(update={"cancel_requested": True})
    assert "Cancelling" in joined(jobs_table([asked]))
    over = jobs_table([runs], running={runs.job_id: replace(row, progress_value=200.0)})
    assert cells(over)[0][6] == "100%"


def test_boxes_are_there_only_for_those_who_may_act() -> None:
    job = summary(NOON, name="Close of May")
    table = jobs_table([job], chosen={job.job_id})
    assert [attribute(box, "pick") for box in find(table, "input")] == ["*", job.job_id]
    assert attribute(find(table, "input")[1], "aria-label") == "Choose Close of May"
    assert str(find(table, "tr")[1][0]) == "tr.chosen"
    assert not find(jobs_table([job], may_choose=False), "input")


def test_the_foot_says_how_far_a_search_looked() -> None:
    assert "".join(map(joined, foot_text(25, 0))).startswith("25 jobs, newest first.")
    assert "".join(map(joined, foot_text(1, 0))).startswith("1 job, newest first.")
    assert "page 3" in "".join(map(joined, foot_text(25, 2)))
    told = "".join(map(joined, foot_text(2, 0, searched=5000, back_to=NOON)))
    assert told == "Looked through 5,000 jobs, back to : 2 found."


def test_a_job_in_another_slot_says_so_and_one_of_a_schedule_leads_to_it() -> None:
    runs = summary(NOON, status=JobStatus.RUNNING, started_at=NOON, worker="w", actor="schedule:nightly")
    table = jobs_table([runs], running={runs.job_id: JobRow(runs.job_id, "k", "ledger", slot=3)})
    assert cells(table)[0][8] == "wslot 3"
    assert ("schedule", {"name": "nightly"}) in links(table)
