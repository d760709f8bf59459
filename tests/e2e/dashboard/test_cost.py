"""What open tabs cost the storage: many as much as one, and none nothing."""

import pytest
from tests.e2e.dashboard.running import Dashboard
from tests.e2e.dashboard.tab import OpenTab, Tab

pytestmark = pytest.mark.e2e

_SECONDS = 6.0

#: Seconds without a viewer after which nothing is read, and one look that may be under way.
_REST_SECONDS = 15.0 + 3.0


def test_many_tabs_cost_what_one_costs_and_none_costs_nothing(
    tab: Tab, open_tab: OpenTab, dashboard: Dashboard
) -> None:
    tab.open()
    alone = requests(tab, dashboard, _SECONDS)
    others = [open_tab().open() for _ in range(4)]
    together = requests(tab, dashboard, _SECONDS)
    assert 0 < together <= 1.5 * alone
    for other in (tab, *others):
        other.page.goto("about:blank")
    tab.page.wait_for_timeout(_REST_SECONDS * 1000)
    assert requests(tab, dashboard, 3) == 0


def requests(tab: Tab, dashboard: Dashboard, seconds: float) -> int:
    """Return how many requests a dashboard sends to the storage within some seconds."""
    # What a page reads when it opens does not count.
    tab.page.wait_for_timeout(2000)
    before = dashboard.storage_requests
    tab.page.wait_for_timeout(seconds * 1000)
    return dashboard.storage_requests - before
