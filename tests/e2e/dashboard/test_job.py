"""The page of a job, over jobs that really run."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.e2e.dashboard.gallery import HOSTILE_NAME, Gallery
from tests.e2e.dashboard.running import Dashboard, DashboardStack
from tests.e2e.dashboard.tab import Tab

from contracts.identifiers import new_id

pytestmark = pytest.mark.e2e


def test_progress_is_seen_to_move(tab: Tab, gallery: Gallery) -> None:
    tab.open("job", id=gallery.running.id)
    expect(tab.sentence).to_contain_text(re.compile(r"On worker-\d"))
    bar = tab.page.get_by_role("progressbar", name="Progress")
    before = bar.get_attribute("aria-valuetext")
    expect(bar).not_to_have_attribute("aria-valuetext", str(before))


def test_a_job_that_was_taken_over_shows_both_attempts_and_an_intact_chain(
    tab: Tab, gallery: Gallery
) -> None:
    tab.open("job", id=gallery.taken_over.id)
    expect(tab.heading).to_contain_text("Taken over once")
    timeline = tab.page.get_by_role("list", name="Timeline, in order of time")
    for label in ("Attempt 1", "cut off", "No holder", "Attempt 2", "kept, not run again"):
        expect(timeline.get_by_text(label).first).to_be_visible()
    events = len(gallery.taken_over.events())
    expect(tab.page.get_by_text(f"{events} of {events} events, chain intact")).to_be_visible()


def test_a_job_that_waits_says_why_and_behind_whom(tab: Tab, gallery: Gallery) -> None:
    tab.open("job", id=gallery.waiting[1].id)
    expect(tab.sentence).to_contain_text("Position 2")
    card = tab.page.locator("section", has=tab.page.get_by_role("heading", name="Why it waits"))
    expect(card).to_contain_text("position 2 of 3 in the line of")
    expect(card).to_contain_text("(this job)")
    expect(card).to_contain_text("It starts when the running job and the job ahead have ended.")
    card.get_by_role("link").nth(0).click()
    expect(tab.page).to_have_url(re.compile(r"lock\?lock="))


def test_a_failed_job_shows_its_error_with_its_traceback(tab: Tab, gallery: Gallery) -> None:
    tab.open("job", id=gallery.failed.id)
    expect(tab.sentence).to_contain_text("ValueError prices.pdf is not a list of prices")
    tab.page.get_by_text("Traceback", exact=True).click()
    expect(tab.page.get_by_text("raise ValueError")).to_be_visible()


def test_a_cancellation_takes_effect_with_its_reason_and_the_viewer_sees_it_at_once(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    job = stack.api.submit("close-month", "to-cancel", {"entries": 100_000}, name="Close the wrong year")
    job.wait_for_attempt()
    tab.open("job", id=job.id)
    expect(tab.heading).to_contain_text("Running")
    # Without refreshes: what is seen then came with the action itself.
    tab.page.get_by_role("button", name="Pause").click()
    expect(tab.page.get_by_role("button", name="Resume")).to_be_visible()
    tab.page.get_by_role("button", name="Cancel…").click()
    dialog = tab.page.get_by_test_id("stDialog")
    expect(dialog).to_contain_text("It stops at its next check.")
    dialog.get_by_label("Why (kept in the audit trail)").fill("wrong year")
    dialog.get_by_role("button", name="Cancel the job").click()
    expect(dialog).to_have_count(0)
    expect(tab.heading).to_contain_text(re.compile("Cancelling|Cancelled"))
    tab.page.get_by_role("button", name="Resume").click()
    ended = job.wait_for_end()
    assert (ended["status"], ended["cancel_reason"]) == ("Cancelled", "wrong year")
    expect(tab.heading).to_contain_text("Cancelled")
    expect(tab.sentence).to_contain_text("Cancelled by")
    expect(tab.sentence).to_contain_text("wrong year")
    expect(tab.page.get_by_role("button", name="Cancel…")).to_have_count(0)


def test_without_the_publisher_nothing_is_cancelled_and_the_reason_stays_for_another_try(
    tab: Tab, stack: DashboardStack, dashboard: Dashboard, gallery: Gallery
) -> None:
    job = stack.api.submit("close-month", "to-cancel-later", {"entries": 100_000})
    job.wait_for_attempt()
    tab.open("job", id=job.id)
    dashboard.cut_publisher()
    tab.page.get_by_role("button", name="Cancel…").click()
    dialog = tab.page.get_by_test_id("stDialog")
    reason = dialog.get_by_label("Why (kept in the audit trail)")
    reason.fill("wrong year")
    dialog.get_by_role("button", name="Cancel the job").click()
    expect(dialog.get_by_role("alert").first).to_be_visible()
    expect(reason).to_have_value("wrong year")
    dashboard.heal()
    dialog.get_by_role("button", name="Cancel the job").click()
    expect(dialog).to_have_count(0)
    assert job.wait_for_end()["cancel_reason"] == "wrong year"


@pytest.mark.parametrize("job_id", ["42", "<b>x</b>", "", new_id(), "x" * 2000], ids=str)
def test_an_unknown_id_is_said_to_be_unknown(tab: Tab, gallery: Gallery, job_id: str) -> None:
    tab.open("job", id=job_id)
    expect(tab.heading).to_contain_text("No such job")
    tab.page.get_by_role("link", name="Show all jobs").click()
    expect(tab.heading).to_contain_text("Jobs")


def test_text_of_a_job_is_shown_as_it_is_written(tab: Tab, gallery: Gallery) -> None:
    tab.open("job", id=gallery.hostile.id)
    expect(tab.heading).to_contain_text(HOSTILE_NAME)
    expect(tab.page.get_by_role("definition").get_by_text(HOSTILE_NAME)).to_be_visible()
    assert not tab.is_hacked()


def test_a_large_result_is_shown_in_part_and_downloaded_whole(
    tab: Tab, gallery: Gallery, tmp_path: Path
) -> None:
    tab.open("job", id=gallery.large.id)
    expect(tab.page.get_by_text("Only the first 16 KiB")).to_be_visible()
    with tab.page.expect_download() as downloading:
        tab.page.get_by_role("button", name="Download result").click()
    target = tmp_path / "result.json"
    downloading.value.save_as(target)
    assert json.loads(target.read_text()) == gallery.large.state()["result"]


def test_an_ended_job_that_is_looked_at_costs_no_request_of_its_own(
    tab: Tab, dashboard: Dashboard, gallery: Gallery
) -> None:
    with dashboard.noting_requests() as noted:
        tab.open("job", id=gallery.running.id)
        tab.wait_for_refreshes(2)
        assert [request for request in noted if gallery.running.id in request]
        tab.open("job", id=gallery.completed.id)
        expect(tab.page.get_by_text("chain intact")).to_be_visible()
        noted.clear()
        tab.wait_for_refreshes(4)
        assert noted, "the board is kept up to date"
        assert [request for request in noted if gallery.completed.id in request] == []
