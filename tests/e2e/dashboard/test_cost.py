"""What open tabs cost: the storage as much for many as for one, and the wire little while nothing happens."""

import pytest
from playwright.sync_api import WebSocket
from tests.e2e.dashboard.gallery import Gallery
from tests.e2e.dashboard.running import Dashboard
from tests.e2e.dashboard.tab import OpenTab, Tab

pytestmark = pytest.mark.e2e

_SECONDS = 6.0

#: Refreshes that are counted together, seconds between two, and most bytes of one that shows nothing new.
_REFRESHES, _REFRESH_SECONDS, _MOST_BYTES = 5, 2.0, 7_000

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


@pytest.mark.parametrize("page", ["job", "lock"])
def test_what_has_not_changed_is_not_sent_again(tab: Tab, gallery: Gallery, page: str) -> None:
    received: list[int] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: received.append(len(frame)))

    tab.page.on("websocket", listen)
    job = gallery.taken_over
    tab.open(page, **({"id": job.id} if page == "job" else {"lock": job.lock}))
    # What is drawn for the first time is sent in full, and so is the rest of the pages while it loads.
    tab.page.wait_for_timeout(4 * _REFRESH_SECONDS * 1000)
    opened = sum(received)
    received.clear()
    tab.page.wait_for_timeout(_REFRESHES * _REFRESH_SECONDS * 1000)
    assert len(received) > _REFRESHES, "it refreshes"
    assert sum(received) < _REFRESHES * _MOST_BYTES, (sum(received), opened)


def requests(tab: Tab, dashboard: Dashboard, seconds: float) -> int:
    """Return how many requests a dashboard sends to the storage within some seconds."""
    # What a page reads when it opens does not count.
    tab.page.wait_for_timeout(2000)
    before = dashboard.storage_requests
    tab.page.wait_for_timeout(seconds * 1000)
    return dashboard.storage_requests - before
