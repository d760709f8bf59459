"""The page of workers: who is alive, who is silent, and what runs where."""

import re

import pytest
from playwright.sync_api import expect
from tests.e2e.dashboard.gallery import Gallery
from tests.e2e.dashboard.tab import Tab

pytestmark = pytest.mark.e2e


def test_the_silent_worker_is_first_and_the_others_say_what_they_run(tab: Tab, gallery: Gallery) -> None:
    tab.open("workers")
    lost = gallery.taken_over.events()[1]["worker"]
    row = tab.page.get_by_role("table").first.get_by_role("row").nth(1)
    expect(row).to_contain_text("Silent for")
    expect(row).to_contain_text(lost)
    expect(tab.page.get_by_text("2 of 3 workers are alive and run 1 of 4 jobs.")).to_be_visible()
    running = tab.page.get_by_role("link", name="Close October 2026", exact=True)
    expect(running).to_have_attribute("href", f"/job?id={gallery.running.id}")
    lock = tab.page.get_by_role("link", name=gallery.running.lock, exact=True)
    expect(lock).to_have_attribute("href", f"/lock?lock={gallery.running.lock}")


def test_the_other_services_say_how_they_are(tab: Tab) -> None:
    tab.open("workers")
    services = tab.page.get_by_label("Services")
    expect(services).to_contain_text("on duty")
    # It depends on whether an event was projected within the last seconds.
    expect(services).to_contain_text(re.compile(r"behind|up to date"))
    expect(services.get_by_text("Alive")).to_have_count(2)


def test_heartbeats_are_seen_to_come(tab: Tab) -> None:
    tab.open("workers")
    seen = (
        tab.page.get_by_label("Workers")
        .locator("tr", has_text="Alive")
        .locator("td:nth-child(3) small")
        .first
    )
    before = seen.inner_text()
    expect(seen).not_to_have_text(before)


def test_kinds_are_folded_and_stay_open(tab: Tab) -> None:
    tab.open("workers")
    fold = tab.page.get_by_label("Workers").locator("details").first
    fold.locator("summary").click()
    kind = fold.get_by_text("close-month")
    expect(kind).to_be_visible()
    tab.wait_for_refreshes(2)
    expect(kind).to_be_visible()


def test_a_worker_is_drained_and_resumed_with_a_reason(tab: Tab) -> None:
    tab.open("workers")
    # The silent one: nothing else depends on it.
    row = tab.page.get_by_role("table").first.get_by_role("row").nth(1)
    dialog = tab.page.get_by_test_id("stDialog")
    tab.page.get_by_role("button", name="Drain or resume…").click()
    expect(dialog).to_contain_text("It takes no new jobs from its next heartbeat on")
    dialog.get_by_label("Why (others see it)").fill("update of the host")
    dialog.get_by_role("button", name="Drain the worker").click()
    expect(dialog).to_have_count(0)
    expect(row).to_contain_text("Draining", timeout=15_000)
    expect(row).to_contain_text("update of the host")
    tab.page.get_by_role("button", name="Drain or resume…").click()
    dialog.get_by_role("button", name="Let it take jobs again").click()
    expect(dialog).to_have_count(0)
    expect(row).not_to_contain_text("Draining", timeout=15_000)
