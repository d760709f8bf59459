"""Windows of the browser, one for each look, in which tests follow each other."""

from collections import defaultdict

from playwright.sync_api import Browser, BrowserContext, Page
from tests.e2e.dashboard.tab import Look, Tab

_ZONE = "Europe/Berlin"


class Windows:
    """Gives tabs to tests.

    A tab that a test has left serves the next one. What Streamlit needs is then loaded and compiled
    already, which takes longer than a page itself; the session on the server is a new one at each load.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._windows: dict[Look, BrowserContext] = {}
        self._free: defaultdict[Look, list[Page]] = defaultdict(list)

    def tab(self, url: str, look: Look) -> Tab:
        """Return a tab of a viewer who has just come."""
        if look not in self._windows:
            self._windows[look] = _new_window(self._browser, look)
        free = self._free[look]
        return Tab(free.pop() if free else self._windows[look].new_page(), url, look)

    def take_back(self, tabs: list[Tab]) -> None:
        """Keep one tab of each look for the next test, and close the others."""
        for tab in tabs:
            if self._free[tab.look]:
                tab.page.close()
            else:
                tab.leave()
                self._free[tab.look].append(tab.page)

    def close(self) -> None:
        """Close all windows, after a failure that may have left something in them."""
        for window in self._windows.values():
            window.close()
        self._windows.clear()
        self._free.clear()


def lone_tab(browser: Browser, url: str, look: Look) -> Tab:
    """Return a tab in a window of its own that has loaded nothing yet."""
    return Tab(_new_window(browser, look).new_page(), url, look)


def _new_window(browser: Browser, look: Look) -> BrowserContext:
    return browser.new_context(
        viewport={"width": look.width, "height": 844 if look.is_phone else 900},
        color_scheme="dark" if look.theme == "dark" else "light",
        timezone_id=_ZONE,
        locale="en-GB",
        has_touch=look.is_phone,
        is_mobile=look.is_phone,
        accept_downloads=True,
    )
