"""One stack, one gallery of jobs, one dashboard and one browser for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.e2e import outcomes
from tests.e2e.dashboard.browsers import chromium
from tests.e2e.dashboard.gallery import Gallery, fill
from tests.e2e.dashboard.running import Dashboard, DashboardStack, MakeDashboard
from tests.e2e.dashboard.tab import LIGHT, Look, OpenTab, Tab
from tests.e2e.dashboard.windows import Windows
from tests.e2e.stack import running

#: Seconds for one test: on a busy machine, each of the pages that it opens may take half a minute.
_MOST_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder more time than others."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(_MOST_SECONDS))


@pytest.fixture(scope="package")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardStack]:
    """Return the stack that the dashboards show, in the place of the one without."""
    with running(tmp_path_factory.mktemp("dashboard"), DashboardStack) as stack:
        yield stack


@pytest.fixture(scope="package")
def gallery(shared_stack: DashboardStack) -> Gallery:
    """Return jobs of every state."""
    return fill(shared_stack)


@pytest.fixture(scope="package")
def shared_dashboard(shared_stack: DashboardStack, gallery: Gallery) -> Dashboard:
    """Return a dashboard with the default settings."""
    made = shared_stack.dashboard()
    made.start()
    return made


@pytest.fixture
def dashboard(shared_dashboard: Dashboard, stack: DashboardStack) -> Dashboard:
    """Return the dashboard, with all its links whole; what it logs is looked at after the test."""
    return shared_dashboard


@pytest.fixture
def other_dashboard(stack: DashboardStack, gallery: Gallery) -> Iterator[MakeDashboard]:
    """Return what makes a dashboard for this test alone; it ends after the test's tabs are closed."""
    made: list[Dashboard] = []

    def make(name: str, **settings: str) -> Dashboard:
        made.append(stack.dashboard(name, **settings))
        return made[-1]

    yield make
    for one in made:
        stack.retire(one)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return the system's Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def windows(browser: Browser) -> Windows:
    """Return the windows that all tests share."""
    return Windows(browser)


@pytest.fixture
def open_tab(
    windows: Windows,
    dashboard: Dashboard,
    other_dashboard: MakeDashboard,
    request: pytest.FixtureRequest,
) -> Iterator[OpenTab]:
    """Return what opens tabs. The test fails when one of them complains; a failed test leaves pictures."""
    tabs: list[Tab] = []

    def open_one(look: Look = LIGHT, of: Dashboard = dashboard, below: str = "") -> Tab:
        tabs.append(windows.tab(of.url + below, look))
        return tabs[-1]

    yield open_one
    complaints = [complaint for tab in tabs for complaint in tab.complaints]
    if outcomes.has_failed(request.node):
        for number, tab in enumerate(tabs, 1):
            tab.screenshot(f"failed-{request.node.name}-{number}".replace("/", "_"))
        windows.close()
    else:
        windows.take_back(tabs)
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def tab(open_tab: OpenTab) -> Tab:
    """Return a tab in light colours on a desk."""
    return open_tab()
