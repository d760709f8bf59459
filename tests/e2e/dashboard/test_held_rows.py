"""Rows of a live list stay under the pointer and the focus, however many new ones come."""

import re

import pytest
from playwright.sync_api import Locator, expect
from tests.e2e.dashboard.gallery import Gallery
from tests.e2e.dashboard.running import DashboardStack
from tests.e2e.dashboard.tab import Tab

pytestmark = pytest.mark.e2e


def new_job(stack: DashboardStack, name: str) -> None:
    stack.api.submit("import-prices", "prices", {"rows": 1}, name=name)


def place(row: Locator) -> tuple[str, float]:
    """Return what a row says first, and how far down it is."""
    box = row.bounding_box()
    assert box is not None
    return row.locator("a").first.inner_text(), box["y"]


def leave(tab: Tab) -> None:
    tab.page.mouse.move(700, 4)


def test_a_list_of_jobs_waits_until_the_pointer_leaves_it(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    tab.open("jobs")
    row = tab.page.locator("tbody tr").nth(1)
    row.hover()
    before = place(row)
    new_job(stack, "Comes while the pointer is on a row")
    expect(tab.page.locator("table.jobs")).to_have_attribute("data-news", "1 new")
    assert place(row) == before
    leave(tab)
    first = tab.page.locator("tbody tr").first
    expect(first).to_contain_text("Comes while the pointer is on a row")
    expect(tab.page.locator("[data-news]")).to_have_count(0)


def test_a_row_with_the_focus_of_the_keyboard_stays(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    tab.open("jobs")
    leave(tab)
    row = tab.page.locator("tbody tr").nth(1)
    row.get_by_role("checkbox").focus()
    tab.page.keyboard.press("Tab")
    before = place(row)
    new_job(stack, "Comes while the focus is on a row")
    expect(tab.page.locator("table.jobs")).to_have_attribute("data-news", "1 new")
    assert place(row) == before
    tab.page.get_by_role("textbox", name="Search").focus()
    expect(tab.page.locator("tbody tr").first).to_contain_text("Comes while the focus is on a row")


def test_a_row_that_stays_still_shows_what_becomes_of_its_job(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    job = stack.api.submit("close-month", "held-rows", {"entries": 4, "seconds": 2}, name="Ends in a moment")
    tab.open("jobs")
    row = tab.page.locator("tbody tr").filter(has_text="Ends in a moment")
    row.hover()
    job.wait_for_end()
    expect(row).to_contain_text("Completed")


def test_another_question_is_answered_under_the_pointer(tab: Tab, gallery: Gallery) -> None:
    tab.open("jobs")
    search = tab.page.get_by_role("textbox", name="Search")
    search.fill("November's")
    tab.page.locator("tbody tr").nth(1).hover()
    search.press("Enter")
    expect(tab.page.locator("tbody tr")).to_have_count(1)


def test_recent_events_wait_until_the_pointer_leaves_them(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    tab.open()
    events = tab.page.get_by_label("Recent events").locator("ul")
    row = events.locator("li").nth(1)
    row.hover()
    before = place(row)
    new_job(stack, "Comes while the pointer is on an event")
    expect(events).to_have_attribute("data-news", re.compile("[1-9] new"))
    assert place(row) == before
    leave(tab)
    expect(events).to_contain_text("Comes while the pointer is on an event")
