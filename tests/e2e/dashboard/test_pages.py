"""Every page opens by its address, in both themes and on a phone, without errors or sideways scroll."""

from typing import Any

import pytest
from playwright.sync_api import expect
from tests.e2e.dashboard.gallery import Gallery
from tests.e2e.dashboard.pages import PAGES, ShownPage
from tests.e2e.dashboard.tab import LOOKS, Look, OpenTab, Tab

pytestmark = pytest.mark.e2e

#: Of a window's height; what Google's Web Vitals call good is ten times as much.
_MOST_SHIFT = 0.01


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_opens_by_its_address(
    page: ShownPage, look: Look, open_tab: OpenTab, gallery: Gallery
) -> None:
    tab = page.open(open_tab(look), gallery)
    expect(tab.heading).to_contain_text(page.heading)
    expect(tab.sentence).to_have_text(page.sentence)
    assert tab.theme() == look.theme
    assert tab.too_wide() == []
    assert not tab.is_hacked()
    tab.screenshot(page.name)


def test_nothing_moves_when_pages_refresh(open_tab: OpenTab, gallery: Gallery) -> None:
    tabs = {page.name: page.open(open_tab(), gallery) for page in PAGES}
    live = [tabs[page.name] for page in PAGES if page.is_live]
    # The first refresh may bring what was not read yet.
    wait_for_refreshes(live, 1)
    for tab in tabs.values():
        tab.watch_layout()
    wait_for_refreshes(live, 3)
    moved = {name: tab.shifts() for name, tab in tabs.items()}
    assert {name: shifts for name, shifts in moved.items() if _sum(shifts) > _MOST_SHIFT} == {}


def wait_for_refreshes(tabs: list[Tab], count: int) -> None:
    """Wait until each of the tabs has refreshed this number of times."""
    before = [tab.refreshes for tab in tabs]
    for tab, already in zip(tabs, before, strict=True):
        tab.wait_for_refreshes(count, since=already)


def _sum(shifts: list[dict[str, Any]]) -> float:
    return sum(float(shift["value"]) for shift in shifts)
