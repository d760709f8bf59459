"""What open tabs cost: the storage as much for many as for one, and the wire little while nothing happens."""

import time
from collections import Counter

import pytest
from tests.e2e.dashboard.gallery import Gallery
from tests.e2e.dashboard.running import Dashboard
from tests.e2e.dashboard.tab import PATIENCE_MS, OpenTab, Tab
from tests.e2e.waiting import until

from dashboard.board.poller import LOOK_SECONDS

pytestmark = pytest.mark.e2e

#: Refreshes that are counted together, and most bytes of one that shows nothing new.
_REFRESHES, _MOST_BYTES = 5, 7_000


def test_many_tabs_cost_what_one_costs_and_none_costs_nothing(
    open_tab: OpenTab, dashboard: Dashboard
) -> None:
    tabs = [open_tab().open() for _ in range(5)]
    began = time.monotonic()
    with dashboard.noting_requests() as noted:
        for tab in tabs:
            tab.wait_for_refreshes(4)
    looks = (time.monotonic() - began) / LOOK_SECONDS + 1
    # A look may read the row of a running job twice: with its lock, and for its progress.
    request, times = Counter(noted).most_common(1)[0]
    assert 2 <= times <= 2 * looks, (request, times, looks)
    for tab in tabs:
        tab.page.goto("about:blank")
    until(lambda: is_at_rest(dashboard), PATIENCE_MS / 1000, "the dashboard to rest")


@pytest.mark.parametrize("page", ["job", "lock"])
def test_what_has_not_changed_is_not_sent_again(tab: Tab, gallery: Gallery, page: str) -> None:
    job = gallery.taken_over
    tab.open(page, **({"id": job.id} if page == "job" else {"lock": job.lock}))
    # What is drawn for the first time is sent in full, and so is the rest of the pages while it loads.
    tab.wait_for_refreshes(4)
    opened, before = tab.received, tab.refreshes
    tab.wait_for_refreshes(_REFRESHES)
    received, refreshes = tab.received - opened, tab.refreshes - before
    assert 0 < received < refreshes * _MOST_BYTES, (received, refreshes, opened)


def is_at_rest(dashboard: Dashboard) -> bool:
    """Watch for longer than from one look to the next; return whether the storage was not asked."""
    before = dashboard.storage_requests
    time.sleep(1.5 * LOOK_SECONDS)
    return dashboard.storage_requests == before
