"""What stays of a list while it refreshes."""

from datetime import timedelta

from tests.conformance.documents import NOON, summary

from contracts.jobs import JobSummary
from contracts.statuses import JobStatus
from dashboard.jobs_page.listing import as_chosen, chosen_after, counts_by_status, refreshed, up_to_date
from dashboard.reading.jobs import JobList


def jobs(count: int, **values: object) -> list[JobSummary]:
    return [
        summary(NOON - timedelta(minutes=number), name=f"job {number}", **values) for number in range(count)
    ]


def test_a_list_that_nobody_holds_is_replaced() -> None:
    before, after = JobList(jobs(2), None), JobList(jobs(3), "more")
    found = refreshed(before, after, keep_rows=False)
    assert (found.list, found.new) == (after, 0)


def test_new_jobs_do_not_push_rows_away_that_somebody_chose_from() -> None:
    shown = jobs(3)
    ended = shown[1].model_copy(update={"status": JobStatus.COMPLETED})
    newer = summary(NOON + timedelta(minutes=1))
    fresh = JobList([newer, shown[0], ended], "other")
    found = refreshed(JobList(shown, "cursor"), fresh, keep_rows=True)
    assert [job.job_id for job in found.list.jobs] == [job.job_id for job in shown]
    assert found.list.jobs[1].status is JobStatus.COMPLETED
    assert (found.list.next, found.new) == ("cursor", 1)


def test_when_all_rows_are_new_all_are_counted() -> None:
    assert refreshed(JobList(jobs(2), None), JobList(jobs(5), None), keep_rows=True).new == 5
    assert refreshed(JobList([], None), JobList([], None), keep_rows=True).new == 0


def test_jobs_of_other_pages_stay_chosen() -> None:
    first, second = jobs(2), jobs(2)
    choice = {first[0].job_id: as_chosen(first[0])}
    picked = {first[0].job_id, second[1].job_id}
    assert list(chosen_after(choice, picked, second)) == [first[0].job_id, second[1].job_id]
    assert list(chosen_after(choice, {second[0].job_id}, second)) == [second[0].job_id]
    assert chosen_after(choice, {"unknown"}, second) == {}


def test_a_choice_knows_the_latest_states() -> None:
    (job,) = jobs(1)
    choice = {job.job_id: as_chosen(job)}
    ended = job.model_copy(update={"status": JobStatus.FAILED})
    assert up_to_date(choice, [ended, *jobs(1)])[job.job_id].status == "Failed"
    assert len(up_to_date(choice, jobs(3))) == 1


def test_states_are_counted_the_most_frequent_first() -> None:
    chosen = [as_chosen(job) for job in [*jobs(1, status=JobStatus.RUNNING), *jobs(2)]]
    assert list(counts_by_status(chosen).items()) == [("Queued", 2), ("Running", 1)]
