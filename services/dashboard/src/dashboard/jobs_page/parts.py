"""The parts of the list of jobs around its table."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.board.snapshot import Snapshot
from dashboard.jobs_page.table import foot_text
from dashboard.jobs_question import JobsQuestion
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, icon, link, node
from dashboard.reading.jobs import JobList
from read_models import CursorError, ForeignCursorError


def sentence(snapshot: Snapshot, now: datetime) -> Node:
    """Return how many jobs run, wait, and ended lately, once that was read."""
    if snapshot.read_at is None:
        return "Newest first."
    runs, waits = len(snapshot.held), snapshot.waiting
    running = node("b", f"{runs:,} run" + ("s" if runs == 1 else ""))
    waiting = node("b", f"{waits:,} wait" + ("s" if waits == 1 else ""))
    ended = snapshot.statistics.ended(now - timedelta(hours=1))
    more = "+" if snapshot.more_failed else ""
    failed = f"{len(snapshot.failed):,}{more} failed in 24 hours."
    return node(
        "span", "Newest first. ", running, ", ", waiting, f"; {ended:,} ended in the last hour, {failed}"
    )


def problems_note(problems: Sequence[str]) -> Node:
    """Return a note on what of the filters cannot be used; an empty place without any."""
    if not problems:
        return node("div")
    said = [node("p", problem) for problem in problems]
    return node("div.alert.orange", icon("filter_alt_off"), node("div", *said), role="status")


def cursor_problem(error: CursorError) -> str:
    """Return what is wrong with an address whose page cannot be found in the list."""
    if isinstance(error, ForeignCursorError):
        return "The address names a page of another list: with other filters, or of an earlier version."
    return "The address names a page that does not exist."


def empty(question: JobsQuestion, problem: str, *, is_searched: bool = False) -> Node:
    """Return what stands in the place of the table: why it is empty, and what to do about it."""
    if problem:
        again = node("p", link("jobs", "Show the newest jobs"))
        return node("div.card.empty", node("p.what", problem), again, role="status")
    if question.is_everything and question.cursor is None:
        return node(
            "div.card.empty",
            node("p.what", "No job yet."),
            node("p", link("submit", "Submit the first one"), ", or use the API or the command line."),
        )
    conditions = [
        link(
            "jobs",
            node("span.chip.gray", text, " ", icon("close")),
            _flat(without.query()),
            title=f"Without: {text}",
        )
        for text, without in question.conditions()
    ]
    what = "No job matches so far." if is_searched else "No job matches."
    return node("div.card.empty", node("p.what", what), node("p.chips", *conditions))


def foot(shown: JobList, page: int, *, is_live: bool) -> Node:
    """Return the line below the table."""
    searched = shown.looked_through if shown.is_dear else 0
    said = foot_text(len(shown.jobs), page, searched=searched, back_to=shown.back_to)
    if is_live and shown.is_dear:
        said.append(" Such a search does not refresh by itself.")
    if shown.next is None and page:
        said.append(" This is the end of the history.")
    return node("p.muted", *said)


def _flat(query: dict[str, str | list[str]]) -> dict[str, str]:
    """Return a query whose repeated values are separated by commas, as links take them."""
    return {name: value if isinstance(value, str) else ",".join(value) for name, value in query.items()}


def choice_text(number: int, *, more_match: bool = False) -> Node:
    """Return how many jobs are chosen, and that more may match than can be chosen at once."""
    more = node("small", ", the newest that match; there may be more") if more_match else None
    return node("span", node("b", f"{count(number, 'job')} chosen"), more)
