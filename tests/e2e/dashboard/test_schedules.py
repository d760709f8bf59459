"""The pages of schedules, over a scheduler that really fires them."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, expect
from tests.e2e.dashboard.gallery import HOSTILE_LOCK, HOSTILE_NAME
from tests.e2e.dashboard.running import Dashboard, DashboardStack, MakeDashboard
from tests.e2e.dashboard.tab import DARK_PHONE, LOOKS, Look, OpenTab, Tab
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

LONG_NAME = "a-schedule.whose_name-goes-on-and-on-up-to-the-very-last-letter"
NIGHTLY: dict[str, Any] = {
    "cron": "30 2 * * MON-FRI",
    "zone": "Europe/Berlin",
    "job": {"kind": "import-prices", "lock": "scheduled", "parameters": {"rows": 1}},
}

#: Creates schedules, which are deleted after the test.
Put = Callable[..., dict[str, Any]]


@pytest.fixture
def put(stack: DashboardStack) -> Iterator[Put]:
    client = stack.api.client
    names: set[str] = set()

    def put_one(name: str, **body: Any) -> dict[str, Any]:
        names.add(name)
        answer = client.put(f"/api/v1/schedules/{name}", json={**NIGHTLY, **body}, headers={"X-Actor": "ann"})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    yield put_one
    for name in names:
        client.delete(f"/api/v1/schedules/{name}")


@pytest.fixture
def every_sort(put: Put, stack: DashboardStack) -> None:
    """Schedules by cron, at intervals and once; paused, ended, refused, with long and odd texts."""
    now = datetime.now(UTC)
    soon, later = (now + timedelta(seconds=15)).isoformat(), (now + timedelta(days=30)).isoformat()
    put("nightly", description=HOSTILE_NAME)
    put("quarterly", cron=None, interval=900)
    put("once", cron=None, zone="UTC", interval=86_400, start=soon, end=soon)
    put("later", cron=None, zone="UTC", interval=86_400, start=later, end=later)
    put("paused")
    reason = {"reason": HOSTILE_NAME}
    stack.api.client.post("/api/v1/schedules/paused:pause", json=reason).raise_for_status()
    odd = {
        "kind": "close-month",
        "lock": HOSTILE_LOCK,
        "name": HOSTILE_NAME,
        "properties": {"note": "x" * 200},
    }
    put(LONG_NAME, cron="*/5 8-18 * * MON-FRI", misfire="all", end=later, job=odd)
    busy = {"kind": "import-prices", "lock": "ledger-2026", "on_conflict": "reject"}
    put("refused", job=busy)
    answer = stack.api.client.post("/api/v1/schedules/refused:run")
    assert answer.status_code == httpx.codes.CONFLICT
    until(lambda: schedule(stack, "once")["state"] == "ended", 120, "the schedule to be fired once")


def schedule(stack: DashboardStack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.api.client.get(f"/api/v1/schedules/{name}").raise_for_status().json()
    return found


def row(tab: Tab, name: str) -> Locator:
    """Return the row of a schedule in the list."""
    return tab.page.locator("tbody tr", has=tab.page.get_by_role("link", name=name, exact=True))


def dialog(tab: Tab, button: str) -> Locator:
    """Open a dialog from the keyboard, and return it."""
    tab.page.get_by_role("button", name=button).press("Enter")
    return tab.page.get_by_test_id("stDialog")


def test_without_schedules_the_page_says_how_to_make_one(tab: Tab) -> None:
    tab.open("schedules")
    expect(tab.sentence).to_have_text("Nothing is scheduled.")
    expect(tab.page.get_by_text("turnstile schedules put")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Copy the command")).to_be_visible()


def test_each_says_when_it_is_due_and_what_became_of_the_latest(tab: Tab, every_sort: None) -> None:
    tab.open("schedules")
    expect(tab.sentence).to_contain_text(re.compile(r"7 schedules, 1 paused, 1 ended\. .* is due next, at"))
    expect(row(tab, "nightly")).to_contain_text("At 02:30 on Monday through Friday, Europe/Berlin")
    expect(row(tab, "quarterly")).to_contain_text(re.compile(r"Every 15 minutes.*in \d+ min"))
    expect(row(tab, "once")).to_contain_text(re.compile(r"Ended.*Once.*not due.*Submitted"))
    expect(row(tab, "later")).to_contain_text(re.compile(r"Active.*Once.*in 29 d"))
    expect(row(tab, "paused")).to_contain_text(HOSTILE_NAME)
    expect(row(tab, "refused")).to_contain_text(re.compile("Refused.*by hand.*is busy"))
    assert not tab.is_hacked()


def test_a_name_leads_to_the_schedule_and_an_address_does_too(tab: Tab, every_sort: None) -> None:
    tab.open("schedules")
    tab.page.get_by_role("link", name=LONG_NAME).press("Enter")
    expect(tab.heading).to_contain_text(LONG_NAME)
    expect(tab.page).to_have_url(re.compile(rf"schedule\?name={re.escape(LONG_NAME)}$"))
    expect(tab.page.get_by_label("Its job")).to_contain_text(HOSTILE_NAME)
    assert not tab.is_hacked()
    tab.page.get_by_role("link", name="Schedules").last.click()
    expect(tab.heading).to_have_text("Schedules")
    tab.open("schedule", name="nobody-made-this")
    expect(tab.page.get_by_text("No schedule has this name.").last).to_be_visible()


def test_it_is_created_from_the_keyboard_with_a_preview(tab: Tab, put: Put, stack: DashboardStack) -> None:
    put("by-hand", job=NIGHTLY["job"])
    stack.api.client.delete("/api/v1/schedules/by-hand")
    tab.open("schedules")
    form = dialog(tab, "Create…")
    name = form.get_by_label("Name", exact=True)
    name.fill("by-hand")
    name.press("Tab")
    cron = form.get_by_role("textbox", name="Cron expression")
    cron.fill("often")
    cron.press("Enter")
    expect(form.get_by_role("status")).to_contain_text("It is never due like this.")
    cron.fill("0 6 * * *")
    cron.press("Enter")
    expect(form.get_by_role("status")).to_contain_text(re.compile("At 06:00 every day.*next due times"))
    form.get_by_label("Why (kept in the audit trail)").fill("asked for")
    form.get_by_role("button", name="Save it").press("Enter")
    expect(tab.page).to_have_url(re.compile(r"schedule\?name=by-hand$"))
    expect(tab.heading).to_contain_text("by-hand")
    expect(tab.page.get_by_label("Audit trail")).to_contain_text(re.compile("Created.*asked for"))
    assert schedule(stack, "by-hand")["cron"] == "0 6 * * *"


def test_it_is_changed_and_the_trail_says_from_what_to_what(tab: Tab, put: Put) -> None:
    put("nightly")
    tab.open("schedule", name="nightly")
    form = dialog(tab, "Change…")
    cron = form.get_by_role("textbox", name="Cron expression")
    expect(cron).to_have_value(NIGHTLY["cron"])
    cron.fill("45 2 * * MON-FRI")
    cron.press("Tab")
    form.get_by_label("Why (kept in the audit trail)").fill("a quarter of an hour later")
    form.get_by_role("button", name="Save it").click()
    expect(form).to_have_count(0)
    expect(tab.sentence).to_contain_text("At 02:45 on Monday through Friday")
    trail = tab.page.get_by_label("Audit trail")
    expect(trail).to_contain_text("cron: 30 2 * * MON-FRI → 45 2 * * MON-FRI")
    expect(trail).to_contain_text("a quarter of an hour later")


def test_it_is_paused_and_resumed_with_a_reason(tab: Tab, put: Put) -> None:
    put("nightly")
    tab.open("schedule", name="nightly")
    asked = dialog(tab, "Pause…")
    expect(asked).to_contain_text("Nothing is due until it is resumed")
    asked.get_by_label("Why (kept in the audit trail)").fill("month's end")
    asked.get_by_role("button", name="Pause it").press("Enter")
    expect(asked).to_have_count(0)
    expect(tab.sentence).to_contain_text("month's end")
    expect(tab.heading).to_contain_text("Paused")
    dialog(tab, "Resume…").get_by_role("button", name="Resume it").press("Enter")
    expect(tab.sentence).to_contain_text("Due next in")


def test_a_run_by_hand_leads_to_its_job_and_the_job_leads_back(
    tab: Tab, put: Put, stack: DashboardStack
) -> None:
    put("nightly")
    tab.open("schedule", name="nightly")
    expect(tab.page.get_by_text("It was never due yet")).to_be_visible()
    dialog(tab, "Run now…").get_by_role("button", name="Run it now").press("Enter")
    history = tab.page.get_by_label("Latest due times")
    expect(history).to_contain_text(re.compile("run by hand.*Submitted"))
    (fired,) = schedule(stack, "nightly")["history"]
    job = stack.api.job(fired["job_id"], "scheduled")
    copied = history.get_by_role("button", name=f"Copy the id {job.id}")
    copied.click()
    expect(copied).to_have_class(re.compile("done"))
    history.locator(f'a[href$="{job.id}"]').first.click()
    expect(tab.page).to_have_url(re.compile(f"job.id={job.id}"))
    tab.page.get_by_role("link", name="nightly", exact=True).first.click()
    expect(tab.heading).to_contain_text("nightly")
    job.wait_for_end()
    stack.wait_until_projected([job])
    tab.page.get_by_role("link", name="all its jobs").click()
    expect(tab.page.locator(f'tbody a[href$="{job.id}"]')).to_be_visible()


def test_a_deleted_one_keeps_its_trail(tab: Tab, put: Put) -> None:
    put("nightly")
    tab.open("schedule", name="nightly")
    tab.page.get_by_role("button", name="More").click()
    asked = dialog(tab, "Delete…")
    asked.get_by_label("Why (kept in the audit trail)").fill("not needed")
    asked.get_by_role("button", name="Delete it").click()
    expect(tab.heading).to_have_text("Schedules")
    expect(row(tab, "nightly")).to_have_count(0)
    tab.open("schedule", name="nightly")
    expect(tab.heading).to_contain_text("Deleted")
    expect(tab.page.get_by_label("Audit trail")).to_contain_text(re.compile("Deleted.*not needed.*Created"))


def test_a_publisher_that_is_away_is_said_and_heals(tab: Tab, put: Put, dashboard: Dashboard) -> None:
    put("nightly")
    dashboard.cut_publisher()
    for path in ("schedules", "schedule?name=nightly"):
        tab.open(path)
        expect(tab.page.get_by_text("Schedules cannot be read now.")).to_be_visible()
    dashboard.heal()
    expect(tab.sentence).to_contain_text("Due next in")


def test_those_who_only_look_cannot_act(open_tab: OpenTab, other_dashboard: MakeDashboard, put: Put) -> None:
    put("nightly")
    looking = other_dashboard("dashboard-reads-schedules", read_only="true")
    looking.start()
    tab = open_tab(of=looking).open("schedule", name="nightly")
    expect(tab.sentence).to_contain_text("Due next in")
    for name in ("Run now…", "Pause…", "Change…", "More"):
        expect(tab.page.get_by_role("button", name=name)).to_have_count(0)


@pytest.mark.parametrize("look", [*LOOKS, DARK_PHONE], ids=str)
def test_they_fit_every_window(open_tab: OpenTab, look: Look, every_sort: None) -> None:
    tab = open_tab(look).open("schedules")
    expect(row(tab, "once")).to_contain_text("Submitted")
    assert tab.too_wide() == []
    tab.screenshot("schedules-all")
    for name in (LONG_NAME, "refused"):
        tab.open("schedule", name=name)
        expect(tab.page.get_by_label("Its job")).to_be_visible()
        assert tab.too_wide() == []
        tab.screenshot(f"schedule-{name}")
    dialog(tab, "Change…")
    expect(tab.page.get_by_role("textbox", name="Cron expression")).to_be_visible()
    tab.screenshot("schedule-form")
