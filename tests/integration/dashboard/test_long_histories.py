"""How many storage requests pages cost, counted: the same after a hundred jobs and after five thousand."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest
from tests.integration.dashboard.history import LOCK, LONG, SHORT

from dashboard.site import Site, use_site

#: Requests of the poller when it begins, after an hour in which few locks were used, and when nothing is new.
AT_START, AT_REST = 50, 1

#: Pages with their query: requests to open one, and for another viewer who opens it at the same time.
PAGES: list[tuple[str, dict[str, str], int, int]] = [
    ("overview", {}, 0, 0),
    ("workers", {}, 0, 0),
    ("jobs", {}, 1, 0),
    ("jobs", {"status": "Failed"}, 1, 0),
    ("locks", {}, 1, 0),
    # Its newest runs, and when its first one was.
    ("lock", {"lock": LOCK}, 2, 0),
]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def counted(site: Site, do: Callable[[], object]) -> int:
    """Return the number of storage requests that something takes."""
    before = sum(site.requests.total.values())
    do()
    return sum(site.requests.total.values()) - before


def look(site: Site) -> int:
    """Let the poller read what is due; return the number of storage requests that this takes."""
    return counted(site, lambda: site.reader.read(site.board.read()))


def show(module: str) -> None:
    """Draw a page. Runs as a script of its own, so that it imports what it needs."""
    import importlib  # noqa: PLC0415

    from dashboard.site import current_site  # noqa: PLC0415

    importlib.import_module(module).show(current_site())


def page(view: str, **query: str) -> AppTest:
    made = AppTest.from_function(show, kwargs={"module": f"dashboard.views.{view}"}, default_timeout=30)
    for name, value in query.items():
        made.query_params[name] = value
    return made


def test_the_poller_reads_a_long_history_as_cheaply_as_a_short_one(sites: dict[int, Site]) -> None:
    found = {}
    for jobs, site in sites.items():
        found[jobs] = (look(site), look(site))
    assert found[SHORT] == found[LONG]
    first, again = found[LONG]
    assert first <= AT_START
    assert again == AT_REST


@pytest.mark.parametrize(("view", "query", "first", "again"), PAGES)
def test_a_page_costs_the_same_after_many_jobs(
    sites: dict[int, Site], view: str, query: dict[str, str], first: int, again: int
) -> None:
    for jobs, site in sites.items():
        use_site(site)
        look(site)
        shown = page(view, **query)
        found = [counted(site, shown.run), counted(site, shown.run)]
        assert not shown.exception
        assert found[0] == (first if view != "lock" or jobs == LONG else first - 1), f"after {jobs} jobs"
        assert found[1] == again, f"after {jobs} jobs"
