"""The pages, their addresses and what each says first."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.dashboard.gallery import Gallery


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
]
