"""The page on which jobs are submitted, by hand and in a real browser."""

import json

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.api import Job
from tests.e2e.dashboard.gallery import HOSTILE_NAME, Gallery
from tests.e2e.dashboard.running import Dashboard, DashboardStack
from tests.e2e.dashboard.tab import Tab

pytestmark = pytest.mark.e2e

#: Stops on the way from the page's beginning to its button.
_MOST_TABS = 60


def choose(page: Page, name: str, text: str) -> None:
    """Choose an option of a select box by typing."""
    page.get_by_role("combobox", name=name, exact=True).fill(text)
    page.get_by_role("option", name=text, exact=True).click()


def fill_in(page: Page, **fields: str) -> None:
    """Fill in text fields, and leave each."""
    for name, value in fields.items():
        page.get_by_label(name.replace("__", " "), exact=True).fill(value)
        page.keyboard.press("Tab")


def send(page: Page) -> None:
    page.get_by_role("button", name="Submit the job").click()


def submitted(tab: Tab, stack: DashboardStack) -> Job:
    """Return the job that the page says it has submitted."""
    note = tab.page.get_by_role("status").filter(has_text="Submitted: ")
    expect(note).to_be_visible()
    address = note.get_by_role("link").first.get_attribute("href") or ""
    return stack.api.job(address.partition("id=")[2], "tours")


def tours(stack: DashboardStack) -> int:
    """Count the jobs of the kind with every type of field."""
    found = stack.api.client.get("/api/v1/jobs", params={"kind": "plan-tour", "limit": 200}).json()
    return len(found["items"])


def plan_tour(tab: Tab) -> Page:
    """Open the form of the kind with every type of field."""
    page = tab.open("submit").page
    choose(page, "Kind", "plan-tour")
    expect(page.get_by_label("weight", exact=True)).to_have_value("12.5")
    return page


def test_a_job_with_fields_of_every_type_is_submitted_and_runs(tab: Tab, stack: DashboardStack) -> None:
    page = plan_tour(tab)
    fill_in(
        page, title="Tour **7**", parcels="30", first__street="High", last__street="Low", last__number="4"
    )
    page.get_by_role("spinbutton", name="year, day").click()
    page.keyboard.type("20261201")
    choose(page, "vehicle", "bicycle")
    fill_in(page, between='[{"street": "Mid"}]', labels='{"a": "b"}', Name="Tour of Monday")
    page.get_by_text("cooled", exact=True).locator(
        "xpath=ancestor::*[contains(@class, 'st-key-field')]"
    ).get_by_role("switch").check(force=True)
    choose(page, "Priority", "3 · urgent")
    send(page)
    job = submitted(tab, stack)
    job.wait_for_end()
    state = job.state()
    assert (state["status"], state["name"], state["priority"]) == ("Completed", "Tour of Monday", 3)
    assert state["result"] == {
        "title": "Tour **7**",
        "day": "2026-12-01",
        "weight": 12.5,
        "parcels": 30,
        "vehicle": "bicycle",
        "cooled": True,
        "first": {"street": "High", "number": None},
        "last": {"street": "Low", "number": 4},
        "between": [{"street": "Mid", "number": None}],
        "labels": {"a": "b"},
    }
    assert job.events()[0]["actor"] == "dashboard"


def test_wrong_fields_are_marked_where_they_are(tab: Tab, stack: DashboardStack) -> None:
    page = plan_tour(tab)
    before = tours(stack)
    send(page)
    expect(page.get_by_text("Nothing was sent, as these fields are not right yet")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="is required")).to_have_count(3)
    fill_in(page, title="T", parcels="300", first__street="High", between="[1,")
    page.get_by_role("spinbutton", name="year, day").click()
    page.keyboard.type("20261201")
    expect(page.get_by_role("alert").filter(has_text="the text is not JSON")).to_be_visible()
    fill_in(page, between="[]")
    send(page)
    # What the publisher found, at its fields; a field that is changed loses its mark.
    expect(page.get_by_role("alert")).to_have_count(2)
    fill_in(page, title="Tour")
    expect(page.get_by_role("alert")).to_have_count(1)
    assert tours(stack) == before


def test_a_failed_job_is_submitted_again_with_other_parameters(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    page = tab.open("submit", **{"from": gallery.failed.id}).page
    expect(page.get_by_label("source", exact=True)).to_have_value("prices.pdf")
    fill_in(page, source="prices.csv")
    send(page)
    job = submitted(tab, stack)
    job.wait_for_end()
    state = job.state()
    assert (state["status"], state["lock"], state["name"]) == (
        "Completed",
        "prices",
        "Import November's prices",
    )
    assert job.id != gallery.failed.id


def test_what_an_earlier_job_says_is_text(tab: Tab, gallery: Gallery) -> None:
    page = tab.open("submit", **{"from": gallery.hostile.id}).page
    expect(page.get_by_label("Name", exact=True)).to_have_value(HOSTILE_NAME)
    expect(page.get_by_role("link", name=HOSTILE_NAME)).to_be_visible()
    assert not tab.is_hacked()


@pytest.mark.parametrize(
    "job_id", ["nothing", "018f6c3e-7b1a-7c4e-9d3a-0123456789ab", "<script>window.hacked=1</script>"]
)
def test_an_earlier_job_that_does_not_exist_is_said(tab: Tab, job_id: str) -> None:
    page = tab.open("submit", **{"from": job_id}).page
    expect(page.get_by_text("no job has this id here")).to_be_visible()
    expect(page.get_by_text(job_id)).to_be_visible()
    assert not tab.is_hacked()


def test_while_the_publisher_is_away_what_is_entered_stays(
    tab: Tab, stack: DashboardStack, dashboard: Dashboard
) -> None:
    page = tab.open("submit").page
    choose(page, "Kind", "import-prices")
    fill_in(page, source="kept.csv")
    dashboard.cut_publisher()
    send(page)
    expect(page.get_by_text("Not submitted.").or_(page.get_by_text("Not confirmed."))).to_be_visible()
    dashboard.heal()
    send(page)
    job = submitted(tab, stack)
    job.wait_for_end()
    assert job.state()["result"] == {"rows": 3}


def test_the_command_beside_the_form_is_the_same_submission(tab: Tab) -> None:
    page = plan_tour(tab)
    fill_in(page, title="It's")
    shown = page.get_by_test_id("stCode")
    expect(shown).to_contain_text('"title": "It')
    assert json.dumps("plan-tour") in shown.inner_text()


def test_the_keyboard_leads_to_the_button(tab: Tab, stack: DashboardStack) -> None:
    page = tab.open("submit").page
    choose(page, "Kind", "import-prices")
    page.get_by_label("source", exact=True).focus()
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText").strip().endswith("Submit the job"):
            break
    page.keyboard.press("Enter")
    submitted(tab, stack).wait_for_end()
