"""Measures the dashboard's pages next to an empty page of Streamlit, in one run on the same machine.

    python -m bench.dashboard [--loads 7] [--tabs 10] [--most 3.0]

A stack with jobs of every state runs, and a real Chromium loads each page, in turn with an empty page that
Streamlit serves in the same way. A load counts from the request to the first paint of the heading, in a
browser without a cache. What counts is the ratio of the medians, as a busy machine slows both. Then tabs stay
open, and the server's memory is compared with that before. Exits with 1 when a page takes more than `--most`
times as long as the empty one.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser
from tests.e2e.dashboard.browsers import chromium
from tests.e2e.dashboard.gallery import Gallery, on_show
from tests.e2e.dashboard.pages import PAGES
from tests.e2e.dashboard.running import Dashboard, DashboardStack
from tests.e2e.dashboard.tab import LIGHT
from tests.e2e.dashboard.windows import lone_tab
from tests.e2e.services import Service

_EMPTY_SCRIPT = 'import streamlit as st\n\nst.title("Empty")\n'
_MIB = 1024 * 1024

#: Seconds that tabs stay open before memory is measured, so that each has refreshed several times.
_STAY_SECONDS = 20.0


def main() -> int:
    """Measure and print; return 1 when a page takes too long."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loads", type=int, default=7, help="loads of each page")
    parser.add_argument("--tabs", type=int, default=10, help="tabs that are open at the same time")
    parser.add_argument("--most", type=float, default=3.0, help="highest ratio that is accepted")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        on_show(Path(folder)) as (stack, gallery, dashboard),
        chromium() as browser,
    ):
        empty = _empty_page(stack)
        ratios = _first_paints(browser, dashboard, empty, gallery, arguments.loads)
        _memory(browser, dashboard, arguments.tabs)
        empty.close()
    slow = [name for name, ratio in ratios.items() if ratio > arguments.most]
    if slow:
        print(f"More than {arguments.most:g} times an empty page: {', '.join(slow)}.", file=sys.stderr)
    return 1 if slow else 0


def _first_paints(
    browser: Browser, dashboard: Dashboard, empty: Service, gallery: Gallery, loads: int
) -> dict[str, float]:
    addresses = {page.name: (dashboard.url, page.path, page.query(gallery)) for page in PAGES}
    found: dict[str, list[float]] = {name: [] for name in ("empty", *addresses)}
    for round_number in range(loads + 1):
        for name, taken in found.items():
            url, path, query = addresses.get(name, (empty.url, "", {}))
            seconds = _first_paint(browser, url, path, query)
            # The first load of a process imports what later loads find there.
            if round_number:
                taken.append(seconds)
    medians = {name: statistics.median(values) for name, values in found.items()}
    ratios = {name: median / medians["empty"] for name, median in medians.items()}
    print(f"{'page':<12}{'first paint':>12}{'ratio':>8}")
    for name, median in medians.items():
        print(f"{name:<12}{median * 1000:>9.0f} ms{ratios[name]:>8.2f}")
    return ratios


def _first_paint(browser: Browser, url: str, path: str, query: dict[str, str]) -> float:
    tab = lone_tab(browser, url, LIGHT)
    began = time.monotonic()
    tab.page.goto(tab.address(path, **query), wait_until="commit")
    tab.page.wait_for_selector("h1", state="visible")
    took = time.monotonic() - began
    tab.close()
    return took


def _memory(browser: Browser, dashboard: Dashboard, tabs: int) -> None:
    server = psutil.Process(dashboard.pid)
    before = server.memory_info().rss
    opened = [lone_tab(browser, dashboard.url, LIGHT).open() for _ in range(tabs)]
    opened[0].page.wait_for_timeout(_STAY_SECONDS * 1000)
    after = server.memory_info().rss
    print(f"server: {before / _MIB:.0f} MiB, and {(after - before) / _MIB / tabs:.2f} MiB for each open tab")
    for tab in opened:
        tab.close()


def _empty_page(stack: DashboardStack) -> Service:
    script = stack.folder / "empty.py"
    script.write_text(_EMPTY_SCRIPT)
    service = Service("empty", "bench.empty_page", {"EMPTY_PAGE": str(script)}, stack.folder)
    service.start()
    return service


if __name__ == "__main__":
    sys.exit(main())
