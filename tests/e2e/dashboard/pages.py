"""The pages, their addresses and what each says first."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.dashboard.gallery import HOSTILE_LOCK, Gallery


@dataclass(frozen=True)
class ShownPage:
    """A page as a viewer comes to it."""

    name: str
    path: str
    #: The heading, and the one sentence below it.
    heading: str
    sentence: re.Pattern[str]
    query: Callable[[Gallery], dict[str, str]] = lambda gallery: {}


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
        "lock", "lock", "ledger-2025", re.compile("."), lambda gallery: {"lock": gallery.taken_over.lock}
    ),
    ShownPage("lock-hostile", "lock", HOSTILE_LOCK, re.compile("."), lambda _: {"lock": HOSTILE_LOCK}),
    ShownPage("proof", "proof", "Proof", re.compile("."), lambda gallery: {"lock": gallery.taken_over.lock}),
    ShownPage("workers", "workers", "Workers", re.compile("worker")),
    ShownPage("quarantine", "quarantine", "Quarantine", re.compile("quarantine")),
    ShownPage("submit", "submit", "Submit", re.compile("the line of its lock")),
]
