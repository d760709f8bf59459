"""What pages say when something is not there, and that it passes by itself."""

import pytest
from playwright.sync_api import expect
from tests.e2e.dashboard.running import Dashboard, MakeDashboard
from tests.e2e.dashboard.tab import OpenTab, Tab

pytestmark = pytest.mark.e2e

_NOTE = "The storage does not answer"


def test_a_storage_that_goes_away_is_reported_and_numbers_stay(tab: Tab, dashboard: Dashboard) -> None:
    tab.open()
    note = tab.page.get_by_text(_NOTE)
    expect(note).to_have_count(0)
    before = tab.heading.inner_text()
    dashboard.cut_storage()
    expect(note).to_be_visible()
    assert tab.heading.inner_text() == before
    dashboard.heal()
    expect(note).to_have_count(0)


def test_a_dashboard_starts_without_its_storage(open_tab: OpenTab, other_dashboard: MakeDashboard) -> None:
    alone = other_dashboard("dashboard-alone")
    alone.cut_storage()
    alone.launch()
    alone.wait_until_alive()
    tab = open_tab(of=alone)
    tab.open()
    note = tab.page.get_by_text(_NOTE)
    expect(note).to_be_visible()
    assert not alone.is_ready
    expect(tab.sentence).to_have_text("The first numbers are being read.")
    assert "worker" not in tab.text().split(_NOTE, 1)[1].split("The first numbers")[1]
    alone.heal()
    expect(note).to_have_count(0)
    expect(tab.sentence).to_contain_text("locks")


def test_a_dashboard_below_a_path_leads_to_pages_below_it(
    open_tab: OpenTab, other_dashboard: MakeDashboard
) -> None:
    below = other_dashboard("dashboard-below", base_path="ops/turnstile")
    below.start()
    tab = open_tab(of=below, below="/ops/turnstile").open()
    expect(tab.sentence).to_contain_text("locks")
    for link in tab.page.locator("[data-testid=stMain] a[href^='/'], [data-testid=stTopNavLink]").all():
        assert str(link.evaluate("one => new URL(one.href).pathname")).startswith("/ops/turnstile/")
