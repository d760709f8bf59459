"""A tab of a real Chromium: what it shows, what moves in it, and what it complains about."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from deploy import ROOT
from playwright.sync_api import (
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebSocket,
    expect,
)

#: Where screenshots stay after the run.
SCREENSHOTS = Path(os.environ.get("TEST_SCREENSHOTS", ROOT / ".data" / "screenshots"))

#: Longer than any page takes on a busy machine, on which opening one has taken half a minute.
PATIENCE_MS = 120_000

#: Layout shifts below this are of a pixel or two; https://web.dev/articles/cls calls up to 0.1 in sum good.
VISIBLE_SHIFT = 0.001

_OBSERVE_SHIFTS = """() => {
    window.layoutShifts = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries())
            if (!entry.hadRecentInput)
                window.layoutShifts.push({
                    value: entry.value,
                    what: entry.sources.map(({node}) => node?.outerHTML?.slice(0, 200) ?? String(node)),
                });
    }).observe({type: 'layout-shift'});
}"""

_GROUND = """() => {
    const color = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor;
    return color.match(/[0-9.]+/g).slice(0, 3).map(Number);
}"""

#: Text within a component is not part of that of the page around it.
_TEXT = """() => {
    const parts = [];
    const collect = node => {
        if (node.nodeType === Node.TEXT_NODE) parts.push(node.data);
        else if (!['SCRIPT', 'STYLE'].includes(node.nodeName))
            for (const child of [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]) collect(child);
    };
    collect(document.querySelector('[data-testid=stMain]'));
    return parts.join(' ').replace(/\\s+/g, ' ');
}"""

_WIDTHS = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    return [document.documentElement, ...(main ? [main] : [])].map(one => [one.scrollWidth, one.clientWidth]);
}"""


@dataclass(frozen=True)
class Look:
    """How a viewer sees the pages."""

    theme: str
    width: int

    @property
    def is_phone(self) -> bool:
        """Whether it is a phone in a hand."""
        return self.width < 700

    def __str__(self) -> str:
        return f"{self.theme}-{'phone' if self.is_phone else self.width}"


LIGHT, DARK = Look("light", 1440), Look("dark", 1440)
PHONE, DARK_PHONE = Look("light", 390), Look("dark", 390)
#: How pages are looked at.
LOOKS = (LIGHT, DARK, PHONE)


class Tab:
    """One viewer, with a session of its own, of the dashboard at an address."""

    def __init__(self, page: Page, url: str, look: Look) -> None:
        self.look = look
        self.url = url.rstrip("/")
        #: Errors on the console, exceptions, failed answers, and requests to other machines.
        self.complaints: list[str] = []
        self.page = page
        self.page.set_default_timeout(PATIENCE_MS)
        #: What the page has asked the server for, which is a refresh as long as it is left alone.
        self.refreshes = 0
        #: Bytes that the server has sent to the page since it was opened.
        self.received = 0
        self._listeners: dict[Any, Callable[[Any], None]] = {
            "console": self._note_message,
            "pageerror": lambda error: self.complaints.append(f"exception: {error}"),
            "request": self._note_request,
            "websocket": self._note_socket,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)

    # --- going somewhere -------------------------------------------------------

    def open(self, path: str = "", **query: str) -> "Tab":
        """Load a page by its address, and wait until it is drawn."""
        self.page.goto(self.address(path, **query), wait_until="domcontentloaded")
        self.settle()
        return self

    def address(self, path: str = "", **query: str) -> str:
        """Return the address of a page."""
        return f"{self.url}/{path.lstrip('/')}" + (f"?{urlencode(query)}" if query else "")

    def settle(self) -> None:
        """Wait until the page has its heading, and nothing is being drawn for the first time."""
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        expect(self.heading).to_be_visible(timeout=PATIENCE_MS)

    def wait_for_refreshes(self, count: int, *, since: int | None = None) -> None:
        """Wait until the page has refreshed this often, from now or from when `refreshes` was `since`."""
        # The one that is asked for last is still to be drawn.
        goal = (self.refreshes if since is None else since) + count + 1
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while self.refreshes < goal:
            assert time.monotonic() < deadline, f"{self.location()} does not refresh"
            self.page.wait_for_timeout(50)

    def leave(self) -> None:
        """Leave the page to another viewer, who shares with this one only what the browser has loaded."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        if self.page.url.startswith("http"):
            self.page.evaluate("localStorage.clear(); sessionStorage.clear()")
        self.page.context.clear_cookies()
        # Rows stay where they are under a pointer.
        self.page.mouse.move(0, 0)
        self.page.goto("about:blank")

    def close(self) -> None:
        """Close the tab with its window."""
        self.page.context.close()

    # --- what it shows ---------------------------------------------------------

    @property
    def heading(self) -> Locator:
        """The name of the page."""
        return self.page.locator("h1").first

    @property
    def sentence(self) -> Locator:
        """What the page says first."""
        return self.page.locator("p.sentence").first

    def theme(self) -> str:
        """Return whether the page is light or dark."""
        color = self.page.evaluate(_GROUND)
        return "dark" if sum(color) < 3 * 128 else "light"

    def text(self) -> str:
        """Return all text of the page, with that of its components."""
        return str(self.page.evaluate(_TEXT))

    def location(self) -> str:
        """Return the address that the tab shows."""
        return str(self.page.evaluate("location.href"))

    def is_hacked(self) -> bool:
        """Whether text of a job was run as a script."""
        return bool(self.page.evaluate("'hacked' in window"))

    def too_wide(self) -> list[list[int]]:
        """Return the widths of what can be scrolled sideways: of its content and of what is seen of it."""
        widths: list[list[int]] = self.page.evaluate(_WIDTHS)
        return [pair for pair in widths if pair[0] > pair[1]]

    def layout_shifts(self, seconds: float) -> list[dict[str, Any]]:
        """Watch for some seconds; return what has moved without being touched, and by how much."""
        self.watch_layout()
        self.page.wait_for_timeout(seconds * 1000)
        return self.shifts()

    def watch_layout(self) -> None:
        """Note from now on what moves without being touched."""
        self.page.evaluate(_OBSERVE_SHIFTS)

    def shifts(self) -> list[dict[str, Any]]:
        """Return what has moved since `watch_layout`, and by how much, as far as a viewer sees it."""
        found: list[dict[str, Any]] = self.page.evaluate("window.layoutShifts")
        return [shift for shift in found if shift["value"] >= VISIBLE_SHIFT]

    def screenshot(self, name: str) -> Path:
        """Take a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        target = SCREENSHOTS / f"{name}-{self.look}.png"
        shown = self.page.viewport_size
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
        assert shown is not None
        # The page scrolls within a window that stays: all of it is seen when the window is high enough.
        self.page.set_viewport_size({"width": shown["width"], "height": max(height, shown["height"])})
        self.page.screenshot(path=target, animations="disabled")
        self.page.set_viewport_size(shown)
        return target

    # --- what is noted -----------------------------------------------------------

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _note_socket(self, socket: WebSocket) -> None:
        socket.on("framesent", self._note_sent)
        socket.on("framereceived", self._note_received)

    def _note_sent(self, frame: object) -> None:
        self.refreshes += 1

    def _note_received(self, frame: str | bytes) -> None:
        self.received += len(frame)

    def _note_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname != "127.0.0.1":
            self.complaints.append(f"request to another machine: {request.url}")


#: Opens a tab as a viewer with a look, of the shared dashboard unless another is named.
OpenTab = Callable[..., Tab]
