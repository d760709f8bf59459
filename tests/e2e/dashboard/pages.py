"""The pages, their addresses and what each says first."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import expect
from tests.e2e.dashboard.gallery import HOSTILE_LOCK, Gallery
from tests.e2e.dashboard.tab import Tab

CHART = "[data-testid=stVegaLiteChart] :is(svg, canvas)"


@dataclass(frozen=True)
class ShownPage:
    """A page as a viewer comes to it."""

    name: str
    path: str
    #: The heading, and the one sentence below it.
    heading: str
    sentence: re.Pattern[str]
    query: Callable[[Gallery], dict[str, str]] = lambda gallery: {}
    #: Selectors of what is drawn last.
    last: tuple[str, ...] = ()
    #: Whether it refreshes.
    is_live: bool = True

    def open(self, tab: Tab, gallery: Gallery) -> Tab:
        """Open the page in a tab, and wait until all of it is drawn."""
        tab.open(self.path, **self.query(gallery))
        for selector in self.last:
            expect(tab.page.locator(selector).first).to_be_visible()
        return tab


PAGES = [
    ShownPage("overview", "", "Overview", re.compile(r"\d+ of \d+ locks")),
    ShownPage("jobs", "jobs", "Jobs", re.compile(r"Newest first\. \d+ runs?, \d+ waits?;")),
    ShownPage(
        "job",
        "job",
        "Close December 2025",
        re.compile(r"Completed after .* on worker-\d, attempt 2\."),
        lambda gallery: {"id": gallery.taken_over.id},
    ),
    ShownPage(
        "job-waiting",
        "job",
        "Close September 2026 again",
        re.compile(r"Position 2 in the line for .* behind Close November 2026, early\."),
        lambda gallery: {"id": gallery.waiting[1].id},
    ),
    ShownPage("locks", "locks", "Locks", re.compile("lock")),
    ShownPage(
        "lock",
        "lock",
        "ledger-2025",
        re.compile("."),
        lambda gallery: {"lock": gallery.taken_over.lock},
        (CHART,),
    ),
    ShownPage(
        "lock-held",
        "lock",
        "ledger-2026",
        re.compile("Held by worker-"),
        lambda gallery: {"lock": gallery.running.lock},
        (CHART,),
    ),
    ShownPage("lock-hostile", "lock", HOSTILE_LOCK, re.compile("."), lambda _: {"lock": HOSTILE_LOCK}),
    ShownPage(
        "proof",
        "proof",
        "Proof",
        re.compile("."),
        lambda gallery: {"lock": gallery.taken_over.lock},
        ("h2:has-text('No two runs overlapped')", CHART),
        is_live=False,
    ),
    ShownPage("workers", "workers", "Workers", re.compile("worker")),
    ShownPage("schedules", "schedules", "Schedules", re.compile("schedule")),
    ShownPage("quarantine", "quarantine", "Quarantine", re.compile("quarantine"), is_live=False),
    ShownPage("submit", "submit", "Submit", re.compile("the line of its lock"), is_live=False),
]
