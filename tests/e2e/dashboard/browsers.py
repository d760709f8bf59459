"""Starting the system's Chromium for tests and measurements."""

from collections.abc import Iterator
from contextlib import contextmanager

from deploy.servers import installation
from playwright.sync_api import Browser, expect, sync_playwright
from tests.e2e.dashboard.tab import PATIENCE_MS

#: Without a sandbox, as root and containers have no namespaces to make one of; without what calls home.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-component-update",
    "--disable-background-networking",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium without a window for as long as the context lasts."""
    program = installation.ensure_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        try:
            yield started
        finally:
            started.close()
