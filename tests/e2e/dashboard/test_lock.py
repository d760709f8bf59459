"""The pages of locks in a real browser: what has them, what waits, every run, and what take-overs cost."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Locator, expect
from tests.e2e.dashboard.gallery import HOSTILE_LOCK, Gallery
from tests.e2e.dashboard.running import Dashboard, DashboardStack
from tests.e2e.dashboard.tab import PATIENCE_MS, Tab
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e


def card(tab: Tab, title: str) -> Locator:
    """Return the card with this title."""
    return tab.page.locator("section.card").filter(
        has=tab.page.get_by_role("heading", name=title, exact=True)
    )


def see_query(tab: Tab, **wanted: str) -> None:
    """See this query, and nothing else, in the address that the tab shows."""
    until(
        lambda: dict(parse_qsl(urlsplit(tab.location()).query)) == wanted,
        PATIENCE_MS / 1000,
        f"{wanted} in the address",
    )


def test_a_held_lock_shows_its_holder_its_fence_and_its_line(tab: Tab, gallery: Gallery) -> None:
    lock = gallery.running.lock
    tab.open("lock", lock=lock)
    expect(tab.heading).to_contain_text(lock)
    expect(tab.heading).to_contain_text("Held")
    expect(tab.page.locator(".sentence")).to_contain_text(
        re.compile(r"Held by worker-\S+ for .*; 3 jobs wait")
    )
    lane = tab.page.locator(".lane")
    expect(lane).to_contain_text(re.compile("lease for|renews its lease"))
    expect(lane.get_by_role("link", name="Close October 2026")).to_be_visible()
    places = card(tab, "The line").locator("li")
    expect(places).to_have_count(4)
    expect(places.nth(0)).to_contain_text("now")
    expect(places.nth(1)).to_contain_text("Close November 2026, early")
    expect(places.nth(1)).to_contain_text("priority 1")
    expect(places.nth(3)).to_contain_text("Close August 2026 again")


def test_progress_moves_by_itself(tab: Tab, gallery: Gallery) -> None:
    tab.open("lock", lock=gallery.running.lock)
    facts = tab.page.locator(".lane .facts")
    expect(facts).to_contain_text(re.compile(r"\d of [\d,]+"))
    before = facts.inner_text()
    expect(facts).not_to_have_text(before)


def test_a_take_over_is_shown_with_its_workers_its_cause_and_its_cost(tab: Tab, gallery: Gallery) -> None:
    tab.open("lock", lock=gallery.taken_over.lock)
    expect(tab.heading).to_contain_text("Free")
    item = card(tab, "Take-overs").locator("li")
    expect(item).to_have_count(1)
    expect(item).to_contain_text(re.compile(r"worker-\S+ → worker-\S+"))
    expect(item).to_contain_text(re.compile(r"was lost: at most \d+ s from its last event to the next start"))
    expect(item).to_contain_text("Fence 1 → 2")
    rows = card(tab, "Runs, newest first").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("taken over: worker lost")
    expect(rows.nth(0)).to_contain_text("Completed")
    expect(rows.nth(1)).to_contain_text("Interrupted")
    expect(rows.nth(1)).to_contain_text("first run of the lock")
    chart = tab.page.get_by_test_id("stVegaLiteChart")
    expect(chart.locator("svg, canvas")).to_be_visible()
    expect(tab.page.locator(".legend")).to_contain_text("taken over")


def test_a_run_whose_runner_died_was_taken_over_by_the_same_worker_or_another(
    tab: Tab, gallery: Gallery
) -> None:
    tab.open("lock", lock=gallery.resumed.lock)
    expect(card(tab, "Take-overs").locator("li")).to_contain_text("The runner process died")


def test_a_run_leads_to_its_job_by_keyboard_and_back(tab: Tab, gallery: Gallery) -> None:
    tab.open("lock", lock=gallery.taken_over.lock)
    link = card(tab, "Runs, newest first").get_by_role("link").first
    assert gallery.taken_over.id in (link.get_attribute("href") or "")
    link.focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url(re.compile(r"/job\?id="))
    tab.page.go_back()
    expect(tab.heading).to_contain_text(gallery.taken_over.lock)


def test_the_proof_of_a_lock_is_a_button_that_is_a_link(tab: Tab, gallery: Gallery) -> None:
    lock = gallery.taken_over.lock
    tab.open("lock", lock=lock)
    button = tab.page.get_by_role("link", name="Proof of this lock")
    expect(button).to_have_css("border-top-style", "solid")
    with tab.page.context.expect_page() as opened:
        button.click(button="middle")
    expect(opened.value.get_by_role("combobox", name="Lock")).to_have_value(lock)
    opened.value.close()
    button.focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("combobox", name="Lock")).to_have_value(lock)
    see_query(tab, lock=lock)
    tab.page.go_back()
    expect(tab.heading).to_contain_text(lock)


def test_the_period_is_in_the_address_and_survives_a_reload(tab: Tab, gallery: Gallery) -> None:
    tab.open("lock", lock=gallery.taken_over.lock)
    tab.page.get_by_text("24 h", exact=True).click()
    expect(tab.page.get_by_text("In use, 24 h")).to_be_visible()
    see_query(tab, lock=gallery.taken_over.lock, period="24h")
    tab.page.reload()
    expect(tab.page.get_by_text("In use, 24 h")).to_be_visible()
    tab.page.get_by_text("3 h", exact=True).first.click()
    expect(tab.page.get_by_text("In use, 3 h")).to_be_visible()
    see_query(tab, lock=gallery.taken_over.lock)


def test_a_period_that_does_not_exist_is_the_usual_one(tab: Tab, gallery: Gallery) -> None:
    tab.open("lock", lock=gallery.taken_over.lock, period="9 years")
    expect(tab.page.get_by_text("In use, 3 h")).to_be_visible()


@pytest.mark.parametrize(
    "name", ["never used", "a b/c%2F?d=1&e#f", 'it\'s "quoted" + more', "🔒 ledger", "x" * 200, "<i>x</i>"]
)
def test_a_lock_that_was_never_used_is_free_whatever_its_name(tab: Tab, name: str) -> None:
    tab.open("lock", lock=name)
    expect(tab.heading).to_contain_text(name)
    expect(tab.page.get_by_text("Free, never used.")).to_be_visible()
    assert tab.too_wide() == []


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\u200bb"])
def test_a_name_that_no_lock_can_have_is_explained(tab: Tab, name: str) -> None:
    tab.open("lock", lock=name)
    expect(tab.heading).to_contain_text("No such lock")
    tab.page.get_by_role("link", name="All locks").click()
    expect(tab.heading).to_contain_text("Locks")


def test_a_hostile_name_is_text_everywhere(tab: Tab) -> None:
    tab.open("locks")
    tab.page.get_by_role("link", name=HOSTILE_LOCK).first.click()
    expect(tab.heading).to_contain_text(HOSTILE_LOCK)
    see_query(tab, lock=HOSTILE_LOCK)
    assert not tab.is_hacked()
    tab.page.reload()
    expect(tab.heading).to_contain_text(HOSTILE_LOCK)


def test_locks_in_use_come_first_and_all_are_found_by_name(tab: Tab, gallery: Gallery) -> None:
    tab.open("locks")
    expect(tab.page.locator(".sentence")).to_contain_text("3 jobs wait")
    lane = tab.page.locator(".lane").filter(has_text=gallery.running.lock)
    expect(lane).to_contain_text("3 waiting")
    rows = card(tab, "All locks").locator("tbody tr")
    expect(rows.filter(has_text=gallery.taken_over.lock)).to_contain_text("Free")
    tab.page.get_by_label("Find a lock").fill("LEDGER-202")
    tab.page.keyboard.press("Enter")
    expect(rows.filter(has_text="prices")).to_have_count(0)
    expect(rows.filter(has_text=gallery.running.lock)).to_contain_text("Held")
    see_query(tab, q="LEDGER-202")
    tab.page.reload()
    expect(rows.filter(has_text=gallery.taken_over.lock)).to_be_visible()
    expect(tab.page.get_by_label("Find a lock")).to_have_value("LEDGER-202")


def test_a_name_that_no_lock_starts_with_leads_back_to_all(tab: Tab) -> None:
    tab.open("locks", q="nothing like this")
    expect(tab.page.get_by_text("No lock has a name that starts with")).to_be_visible()
    tab.page.get_by_role("button", name="Show all locks").click()
    expect(card(tab, "All locks").locator("tbody tr").first).to_be_visible()
    see_query(tab)


def test_a_cursor_that_no_list_gave_leads_back_to_the_first_page(tab: Tab) -> None:
    tab.open("locks", after="nonsense")
    tab.page.get_by_role("button", name="Show the first page").click()
    expect(card(tab, "All locks").locator("tbody tr").first).to_be_visible()


def test_storage_away_keeps_what_was_read(tab: Tab, dashboard: Dashboard, gallery: Gallery) -> None:
    tab.open("lock", lock=gallery.taken_over.lock)
    expect(card(tab, "Take-overs").locator("li")).to_have_count(1)
    dashboard.cut_storage()
    expect(tab.page.get_by_role("status")).to_contain_text("does not answer")
    expect(card(tab, "Take-overs").locator("li")).to_have_count(1)
    dashboard.heal()
    expect(tab.page.get_by_role("status")).to_have_count(0)


def test_a_lock_with_slots_shows_every_holder_and_who_set_its_limit(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    lock = "several at a time/2"
    first = stack.api.submit("close-month", lock, {"entries": 100_000}, name="Runs in the first slot")
    first.wait_for_attempt()
    second = stack.api.submit("close-month", lock, {"entries": 100_000}, name="Runs in the second slot")
    tab.open("lock", lock=lock)
    expect(tab.sentence).to_contain_text("1 job waits. One job at a time.")
    tab.page.get_by_role("button", name="Limit…").press("Enter")
    dialog = tab.page.get_by_test_id("stDialog")
    expect(dialog.get_by_role("button", name="Set the limit")).to_be_disabled()
    limit = dialog.get_by_label("Limit", exact=True)
    limit.fill("2")
    limit.press("Enter")
    expect(dialog).to_contain_text("handlers must be made for that")
    dialog.get_by_label("Why (kept in the audit trail)").fill("the service takes two")
    dialog.get_by_role("button", name="Set the limit").press("Enter")
    expect(dialog).to_have_count(0)
    expect(tab.heading).to_contain_text("Limit 2")
    second.wait_for_attempt()
    expect(tab.sentence).to_contain_text("2 of 2 slots held; no jobs wait. At most 2 jobs at a time.")
    lanes = tab.page.locator(".lane")
    expect(lanes).to_have_count(2)
    expect(lanes.nth(0)).to_contain_text(re.compile("Slot 0.*Runs in the first slot"))
    expect(lanes.nth(1)).to_contain_text(re.compile("Slot 1.*Runs in the second slot"))
    expect(card(tab, "Runs, newest first").locator("tbody tr")).to_have_count(2)
    trail = tab.page.get_by_label("Changes of the limit")
    expect(trail).to_contain_text(re.compile("chain intact.*1 → 2.*the service takes two"))
    assert tab.too_wide() == []
    tab.screenshot("lock-slots")
    tab.open("locks")
    row = tab.page.locator("table.locks tr").filter(has_text=lock)
    expect(row).to_contain_text("2 of 2 slots held")
    tab.screenshot("locks-slots")
    tab.open("jobs", lock=lock)
    expect(tab.page.locator("tbody tr").filter(has_text="second")).to_contain_text("slot 1")
    tab.open("job", id=second.id)
    expect(tab.page.get_by_text("slot 1, of its only run")).to_be_visible()
    third = stack.api.submit("close-month", lock, name="Waits for a slot")
    tab.open("job", id=third.id)
    expect(tab.page.get_by_text("it starts when one of them has ended")).to_be_visible()


def test_a_lower_limit_ends_no_job_and_its_slot_is_closed(
    tab: Tab, stack: DashboardStack, gallery: Gallery
) -> None:
    lock, client = "fewer at a time", stack.api.client
    client.put(f"/api/v1/locks/{lock}", json={"limit": 2}).raise_for_status()
    for name in ("One", "Two"):
        stack.api.submit("close-month", lock, {"entries": 100_000}, name=name).wait_for_attempt()
    tab.open("lock", lock=lock)
    client.put(f"/api/v1/locks/{lock}", json={"limit": 1, "reason": "too much"}).raise_for_status()
    expect(tab.page.locator(".lane").nth(1)).to_contain_text("closed: it starts no other job")
    expect(tab.page.get_by_label("Changes of the limit")).to_contain_text("too much")
