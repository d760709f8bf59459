"""The list of jobs, over jobs that really run."""

import csv
import io
import re

import pytest
from playwright.sync_api import Locator, expect
from tests.e2e.api import Job
from tests.e2e.dashboard.gallery import HOSTILE_LOCK, HOSTILE_NAME, Gallery
from tests.e2e.dashboard.running import Dashboard, DashboardStack, MakeDashboard
from tests.e2e.dashboard.tab import OpenTab, Tab

pytestmark = pytest.mark.e2e


def rows(tab: Tab) -> Locator:
    """Return the jobs that the table shows."""
    return tab.page.locator("tbody tr")


def waits(stack: DashboardStack, lock: str, count: int) -> list[Job]:
    """Return a job that runs, and those that wait behind it."""
    running = stack.api.submit("close-month", lock, {"entries": 100_000}, name=f"Holds {lock}")
    running.wait_for_attempt()
    return [running] + [
        stack.api.submit("close-month", lock, name=f"Waits for {lock} {number}") for number in range(count)
    ]


def test_a_filter_is_in_the_address_and_the_way_back_leads_to_it(tab: Tab, gallery: Gallery) -> None:
    tab.open("jobs")
    tab.page.get_by_role("button", name="Failed", exact=True).click()
    expect(tab.page).to_have_url(re.compile(r"jobs\?state=Failed$"))
    name = "Import November's prices"
    tab.page.get_by_role("link", name=name).click()
    expect(tab.heading).to_contain_text(name)
    tab.page.go_back()
    expect(tab.heading).to_contain_text("Jobs")
    expect(tab.page.get_by_role("link", name=name)).to_be_visible()
    expect(tab.page).to_have_url(re.compile(r"jobs\?state=Failed$"))
    expect(tab.page.get_by_role("link", name="Import October's prices")).to_have_count(0)


def test_a_shared_address_shows_the_same_list(tab: Tab, gallery: Gallery) -> None:
    tab.open("jobs", q="october", kind="import-prices", lock="prices", submitted="24h", state="Completed")
    expect(tab.page.get_by_role("link", name="Import October's prices")).to_be_visible()
    expect(rows(tab)).to_have_count(1)
    expect(tab.page.get_by_role("textbox", name="Search")).to_have_value("october")


def test_text_is_found_in_names_whatever_its_case(tab: Tab, gallery: Gallery) -> None:
    tab.open("jobs")
    search = tab.page.get_by_role("textbox", name="Search")
    search.fill("NOVEMBER'S")
    search.press("Enter")
    expect(tab.page).to_have_url(re.compile("q=NOVEMBER"))
    expect(tab.page.get_by_role("link", name="Import November's prices")).to_be_visible()


def test_an_id_in_full_opens_the_job(tab: Tab, gallery: Gallery) -> None:
    tab.open("jobs")
    search = tab.page.get_by_role("textbox", name="Search")
    search.fill(gallery.failed.id)
    search.press("Enter")
    expect(tab.heading).to_contain_text("Import November's prices")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"state": "Exploded"}, "There is no state “Exploded”."),
        ({"submitted": "1y"}, "The time “1y” is not one of"),
        ({"property": "team"}, "is not written as name:value"),
        ({"cursor": "nobody-gave-this"}, "names a page that does not exist"),
        ({"cursor": "WyIxIiwgImIiXQ"}, "names a page of another list"),
    ],
    ids=str,
)
def test_what_an_address_says_wrong_is_named(
    tab: Tab, gallery: Gallery, query: dict[str, str], said: str
) -> None:
    tab.open("jobs", **query)
    expect(tab.page.get_by_text(said)).to_be_visible()


def test_when_nothing_matches_each_condition_can_be_taken_away(tab: Tab, gallery: Gallery) -> None:
    tab.open("jobs", q="no such name", kind="import-prices")
    expect(tab.page.get_by_text("No job matches")).to_be_visible()
    tab.page.get_by_title("Without: “no such name” in the name or id").click()
    expect(tab.page).to_have_url(re.compile(r"jobs\?kind=import-prices$"))
    expect(tab.page.get_by_role("link", name="Import October's prices")).to_be_visible()


def test_pages_lead_back_in_time_and_forth_again(tab: Tab, stack: DashboardStack, gallery: Gallery) -> None:
    fillers = [
        stack.api.submit("import-prices", f"pages-{number % 3}", {"rows": 1}, name=f"Page filler {number}")
        for number in range(30)
    ]
    stack.wait_until_projected(fillers)
    tab.open("jobs", q="page filler")
    first = tab.page.locator("tbody a").first
    expect(first).to_contain_text("filler 29")
    tab.page.get_by_role("button", name="Older").click()
    expect(tab.page).to_have_url(re.compile("cursor="))
    expect(tab.page.get_by_role("link", name="Page filler 4", exact=True)).to_be_visible()
    tab.page.get_by_role("button", name="Newer").click()
    expect(tab.page.get_by_role("link", name="Page filler 29")).to_be_visible()
    expect(tab.page).not_to_have_url(re.compile("cursor="))


def test_a_new_job_appears_by_itself(tab: Tab, stack: DashboardStack, gallery: Gallery) -> None:
    tab.open("jobs")
    stack.api.submit("import-prices", "appearing", name="Appears by itself")
    expect(tab.page.get_by_role("link", name="Appears by itself")).to_be_visible()


def test_while_jobs_are_chosen_new_ones_wait_above_the_table(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    tab.open("jobs")
    first = rows(tab).first
    expect(first).to_be_visible()
    name = first.locator("a").first.inner_text()
    first.get_by_role("checkbox").check()
    expect(tab.page.get_by_text("1 job chosen")).to_be_visible()
    stack.api.submit("import-prices", "held-back", name="Held back for now")
    news = tab.page.get_by_role("button", name="1 new job · show")
    expect(news).to_be_visible()
    expect(tab.page.locator("tbody a").first).to_have_text(name, use_inner_text=True)
    news.click()
    expect(tab.page.get_by_role("link", name="Held back for now")).to_be_visible()
    expect(tab.page.get_by_text("1 job chosen")).to_be_visible()


def test_chosen_jobs_are_cancelled_together_and_the_choice_survives_filters(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    _, *waiting = waits(stack, "bulk", 3)
    tab.open("jobs", lock="bulk")
    expect(rows(tab)).to_have_count(4)
    for number in range(3):
        tab.page.get_by_role("checkbox", name=f"Choose Waits for bulk {number}").check()
    expect(tab.page.get_by_text("3 jobs chosen")).to_be_visible()
    tab.page.get_by_role("button", name="Completed", exact=True).click()
    expect(tab.page.get_by_text("No job matches")).to_be_visible()
    expect(tab.page.get_by_text("3 jobs chosen")).to_be_visible()
    tab.page.get_by_role("button", name="Cancel…").click()
    dialog = tab.page.get_by_test_id("stDialog")
    expect(dialog).to_contain_text("Waits for bulk 1")
    dialog.get_by_label("Why (kept in the audit trail)").fill("not needed")
    dialog.get_by_role("button", name="Cancel 3").click()
    expect(dialog.get_by_text("3 of 3")).to_be_visible()
    assert {job.wait_for_end()["cancel_reason"] for job in waiting} == {"not needed"}
    dialog.locator("button", has_text="Close").click()
    expect(tab.page.get_by_text("jobs chosen")).to_have_count(0)


def test_when_the_publisher_goes_away_the_rest_can_be_cancelled_later(
    tab: Tab, stack: DashboardStack, dashboard: Dashboard, gallery: Gallery
) -> None:
    _, *waiting = waits(stack, "bulk-away", 3)
    tab.open("jobs", lock="bulk-away")
    expect(rows(tab)).to_have_count(4)
    tab.page.get_by_role("checkbox", name="Choose all on this page").check()
    expect(tab.page.get_by_text("4 jobs chosen")).to_be_visible()
    waiting[0].cancel().raise_for_status()
    tab.page.get_by_role("button", name="Cancel…").click()
    dialog = tab.page.get_by_test_id("stDialog")
    dashboard.cut_publisher()
    dialog.get_by_role("button", name=re.compile("Cancel [34]")).click()
    expect(dialog.get_by_text("The publisher went away")).to_be_visible()
    dashboard.heal()
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_text("Done.")).to_be_visible()
    assert {job.wait_for_end()["status"] for job in waiting} == {"Cancelled"}


def test_chosen_jobs_are_retried_and_submitted_again_with_an_outcome_for_each(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    _, *cancelled = waits(stack, "bulk-outcomes", 3)
    for job in cancelled:
        job.cancel().raise_for_status()
    stack.wait_until_projected(cancelled)
    retry = f"/api/v1/jobs/{cancelled[0].id}/retry"
    stack.api.client.post(retry, json={"reason": "mine"}, headers={"X-Actor": "eve"}).raise_for_status()
    tab.open("jobs", lock="bulk-outcomes", state="Cancelled")
    expect(rows(tab)).to_have_count(3)
    dialog = tab.page.get_by_test_id("stDialog")
    for button, go, outcome in (
        ("Retry…", "Retry 3", "2 jobs retried, 1 retried before."),
        ("Submit again…", "Submit again 3", "3 jobs submitted again."),
    ):
        tab.page.get_by_role("checkbox", name="Choose all on this page").check()
        expect(tab.page.get_by_text("3 jobs chosen")).to_be_visible()
        tab.page.get_by_role("button", name=button).press("Enter")
        dialog.get_by_role("button", name=go).press("Enter")
        expect(dialog.get_by_text("3 of 3")).to_be_visible()
        expect(dialog).to_contain_text(outcome)
        dialog.locator("summary").click()
        expect(dialog.get_by_role("link", name=re.compile("Waits for bulk-outcomes")).first).to_be_visible()
        tab.screenshot(f"bulk-{button.removesuffix('…').lower().replace(' ', '-')}")
        dialog.locator("button", has_text="Close").click()
        expect(tab.page.get_by_text("jobs chosen")).to_have_count(0)
    # Three retried, one of them before, and three submitted again.
    assert stack.api.lock("bulk-outcomes")["waiting"] == 6


def test_all_that_match_are_chosen_and_how_many_that_are_at_most_is_said(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    tab.open("jobs")
    rows(tab).first.get_by_role("checkbox").check()
    every = tab.page.get_by_role("button", name="Choose all that match")
    every.hover()
    expect(tab.page.get_by_text("the newest 500 that match, at most")).to_be_visible()
    every.click()
    expect(tab.page.get_by_text(re.compile(r"\d\d jobs chosen"))).to_be_visible()


def test_a_click_in_a_dialog_counts_while_the_page_is_refreshed(
    tab: Tab, stack: DashboardStack, dashboard: Dashboard, gallery: Gallery
) -> None:
    """A page that is read for longer than a refresh takes is refreshed without a pause between."""
    holder, *waiting = waits(stack, "bulk-slow", 2)
    tab.open("jobs", lock="bulk-slow")
    expect(rows(tab)).to_have_count(3)
    tab.page.get_by_role("checkbox", name="Choose all on this page").check()
    expect(tab.page.get_by_text("3 jobs chosen")).to_be_visible()
    dashboard.slow_storage(1.5)
    tab.page.get_by_role("button", name="Cancel…").click()
    dialog = tab.page.get_by_test_id("stDialog")
    dialog.get_by_role("button", name="Cancel 3").click()
    expect(dialog.get_by_text("Done.")).to_be_visible()
    dashboard.heal()
    assert {job.wait_for_end()["status"] for job in (holder, *waiting)} == {"Cancelled"}


def test_a_list_is_downloaded_without_formulas(tab: Tab, stack: DashboardStack, gallery: Gallery) -> None:
    stack.api.submit("import-prices", "formulas", name="=cmd()|' /C calc'!A0").wait_for_end()
    tab.open("jobs", lock="formulas")
    expect(tab.page.get_by_role("link", name="=cmd()")).to_be_visible()
    with tab.page.expect_download() as downloading:
        tab.page.get_by_role("button", name="CSV").click()
    text = downloading.value.path().read_text(encoding="utf-8-sig")
    assert [row["name"] for row in csv.DictReader(io.StringIO(text))] == ["'=cmd()|' /C calc'!A0"]


def test_names_are_shown_as_they_are_written(tab: Tab, gallery: Gallery) -> None:
    tab.open("jobs", lock=HOSTILE_LOCK)
    expect(tab.page.get_by_role("link", name=HOSTILE_NAME)).to_be_visible()
    expect(tab.page.locator("tbody").get_by_role("link", name=HOSTILE_LOCK)).to_be_visible()
    assert not tab.is_hacked()


def test_those_who_only_look_cannot_choose(
    open_tab: OpenTab, other_dashboard: MakeDashboard, gallery: Gallery
) -> None:
    looking = other_dashboard("dashboard-read-only", read_only="true")
    looking.start()
    tab = open_tab(of=looking).open("jobs")
    expect(rows(tab).first).to_be_visible()
    expect(tab.page.get_by_role("checkbox")).to_have_count(0)
    tab.open("job", id=gallery.running.id)
    expect(tab.page.get_by_role("button", name="Cancel…")).to_have_count(0)
