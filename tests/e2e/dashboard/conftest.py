"""One stack, one gallery of jobs, one dashboard and one browser for all tests of this folder."""

from collections.abc import Generator, Iterator

import pytest
from deploy.servers import private
from playwright.sync_api import Browser
from tests.e2e.dashboard.browsers import chromium
from tests.e2e.dashboard.gallery import Gallery, fill
from tests.e2e.dashboard.running import Dashboard, DashboardStack
from tests.e2e.dashboard.tab import LIGHT, Look, OpenTab, Tab

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test has failed, for a picture of what it saw."""
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="package")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardStack]:
    """Return the stack that the dashboards show, in the place of the one without."""
    private.ensure_installed()
    folder = tmp_path_factory.mktemp("dashboard")
    with (
        private.rabbitmq(folder / "rabbitmq") as broker,
        private.azurite(folder / "azurite", in_memory=True) as storage,
    ):
        stack = DashboardStack(broker, storage, folder / "stack")
        try:
            stack.start()
            yield stack
        finally:
            stack.close()


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


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return the system's Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture
def open_tab(browser: Browser, dashboard: Dashboard, request: pytest.FixtureRequest) -> Iterator[OpenTab]:
    """Return what opens tabs. The test fails when one of them complains; a failed test leaves pictures."""
    tabs: list[Tab] = []

    def open_one(look: Look = LIGHT, of: Dashboard = dashboard, below: str = "") -> Tab:
        tabs.append(Tab(browser, of.url + below, look))
        return tabs[-1]

    yield open_one
    if request.node.stash.get(_FAILED, False):
        for number, tab in enumerate(tabs, 1):
            tab.screenshot(f"failed-{request.node.name}-{number}".replace("/", "_"))
    complaints = [complaint for tab in tabs for complaint in tab.complaints]
    for tab in tabs:
        tab.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def tab(open_tab: OpenTab) -> Tab:
    """Return a tab in light colours on a desk."""
    return open_tab()
