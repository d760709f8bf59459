"""The list of jobs: filters in the address, pages by cursor, a choice of jobs to act on."""

from dataclasses import dataclass, field, replace

import streamlit as st

from coordination.ports import UnknownOutcomeError
from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.bulk import Chosen
from dashboard.component import draw, picked_before
from dashboard.jobs_csv import jobs_csv
from dashboard.jobs_page.listing import Refreshed, as_chosen, chosen_after, refreshed, up_to_date
from dashboard.jobs_page.parts import cursor_problem, empty, foot, problems_note, sentence
from dashboard.jobs_page.table import jobs_table
from dashboard.jobs_question import JobsQuestion
from dashboard.navigation import open_page
from dashboard.parts.durations import count
from dashboard.parts.nodes import node
from dashboard.reading.jobs import MOST_CHOSEN, MOST_DOWNLOADED, JobList
from dashboard.site import Site
from dashboard.views import jobs_bulk, jobs_filters
from read_models import CursorError

_STATE, _TABLE = "jobs.state", "jobs-table"


@dataclass
class _State:
    """What a tab remembers between two refreshes of the list."""

    question: JobsQuestion = field(default_factory=JobsQuestion)
    shown: JobList | None = None
    #: Jobs that came in since, and are not shown yet.
    new: int = 0
    #: Cursors of the pages before this one, the newest first.
    before: list[str | None] = field(default_factory=list)
    chosen: dict[str, Chosen] = field(default_factory=dict)
    #: Whether more jobs match than could be chosen.
    more_match: bool = False
    #: When the boxes were last changed by the viewer.
    picked_at: float = 0.0
    #: What the fields say that the address cannot.
    problems: tuple[str, ...] = ()
    #: A job whose id was typed in full.
    go_to: str | None = None


def show(site: Site) -> None:
    """Show the page."""
    frame.show_page(site, lambda snapshot: _page(site, snapshot))


def _page(site: Site, snapshot: Snapshot) -> None:
    state: _State = st.session_state.setdefault(_STATE, _State())
    if state.go_to is not None:
        job_id, state.go_to = state.go_to, None
        open_page("job", {"id": job_id})
    question = jobs_filters.current_question()
    if question != state.question:
        _begin(state, question)
    frame.head("Jobs", sentence(snapshot, site.clock.now()))
    jobs_filters.show(question, snapshot, lambda asked: _ask(state, asked))
    draw("jobs-problems", problems_note((*question.problems, *state.problems)))
    problem = _read(site, state, snapshot)
    _table(site, state, snapshot, problem)
    if state.shown is not None:
        _foot(site, state, state.shown)
    jobs_bulk.show(
        site,
        jobs_bulk.Choosing(
            state.chosen, lambda: _choose_all(site, state), lambda ids: _drop(state, ids), state.more_match
        ),
    )


# --- what is asked ------------------------------------------------------------------


def _ask(state: _State, asked: JobsQuestion) -> None:
    """Take a change of the filters."""
    state.problems = tuple(asked.problems)
    if asked.job_id is not None:
        state.go_to = asked.job_id
        return
    jobs_filters.ask(asked)


def _begin(state: _State, question: JobsQuestion) -> None:
    """Begin another list; what is chosen stays chosen."""
    is_further = replace(question, cursor=None) == replace(state.question, cursor=None)
    if not is_further or question.cursor is None:
        state.before = []
    state.question, state.shown, state.new = question, None, 0


def _read(site: Site, state: _State, snapshot: Snapshot) -> str:
    """Read the list where it must be read; return what went wrong."""
    question, shown = state.question, state.shown
    # While the board gets no answer, each further try would only hold the page up.
    if shown is not None and (question.cursor is not None or shown.is_dear or snapshot.trouble is not None):
        return ""
    try:
        fresh = site.reader.read(site.jobs_reader.page(question))
    except CursorError as error:
        return cursor_problem(error)
    except UnknownOutcomeError as error:
        return f"The list cannot be read now: {error}"
    keep_rows = bool(state.chosen) and shown is not None
    found = refreshed(shown, fresh, keep_rows=True) if keep_rows and shown is not None else Refreshed(fresh)
    state.shown, state.new = found.list, found.new
    state.chosen = up_to_date(state.chosen, fresh.jobs)
    return ""


# --- what is shown ------------------------------------------------------------------


def _table(site: Site, state: _State, snapshot: Snapshot, problem: str) -> None:
    shown = state.shown
    if shown is None:
        draw(_TABLE, empty(state.question, problem))
        return
    before = picked_before(_TABLE)
    if before is not None and before.at != state.picked_at:
        state.chosen = chosen_after(state.chosen, before.ids, shown.jobs)
        state.picked_at = before.at
    if not shown.jobs:
        draw(_TABLE, empty(state.question, problem, is_searched=shown.is_partial))
        return
    site.board.watch({job.lock for job in shown.jobs} & set(snapshot.locks))
    running = {slot.running.job_id: slot.running for slot in snapshot.held if slot.running is not None}
    positions = {
        job.job_id: place for lock in snapshot.locks.values() for place, job in enumerate(lock.line, 1)
    }
    table = jobs_table(
        shown.jobs,
        chosen=state.chosen,
        running=running,
        positions=positions,
        may_choose=not site.settings.read_only,
        question=repr(state.question),
    )
    news = (
        node("button.action.news", f"{count(state.new, 'new job')} · show", act="show-new")
        if state.new
        else None
    )
    seen = draw(
        _TABLE,
        node("div.stale" if snapshot.trouble else "div", news, node("div.card", node("div.scroll", table))),
        all_ids=[job.job_id for job in shown.jobs],
        picked=list(state.chosen),
    )
    if seen.act == "show-new":
        state.shown = None
        st.rerun(scope="fragment")


def _foot(site: Site, state: _State, shown: JobList) -> None:
    question = state.question
    with st.container(horizontal=True, key="jobs-foot", vertical_alignment="center"):
        draw("jobs-foot-text", foot(shown, len(state.before), is_live=question.cursor is None))
        if shown.is_partial and st.button(
            "Look further", key="jobs-further", icon=":material/manage_search:"
        ):
            _look_further(site, state, shown)
        st.button(
            "Newest", key="jobs-newest", icon=":material/first_page:", disabled=question.cursor is None,
            on_click=_turn, args=(state, None, []),
        )  # fmt: skip
        st.button(
            "Newer", key="jobs-newer", icon=":material/chevron_left:", disabled=not state.before,
            on_click=_turn, args=(state, (state.before or [None])[-1], state.before[:-1]),
        )  # fmt: skip
        st.button(
            "Older", key="jobs-older", icon=":material/chevron_right:", icon_position="right",
            disabled=shown.next is None or shown.is_partial,
            on_click=_turn, args=(state, shown.next, [*state.before, question.cursor]),
        )  # fmt: skip
        st.download_button(
            "CSV", lambda: _csv(site, question), file_name="jobs.csv", mime="text/csv", key="jobs-csv",
            icon=":material/download:", on_click="ignore",
            help=f"The newest {MOST_DOWNLOADED:,} jobs that match, as a file for spreadsheets.",
        )  # fmt: skip


def _turn(state: _State, cursor: str | None, before: list[str | None]) -> None:
    """Go to another page."""
    question = replace(state.question, cursor=cursor)
    jobs_filters.ask(question)
    _begin(state, question)
    state.before = before


def _look_further(site: Site, state: _State, shown: JobList) -> None:
    try:
        more = site.reader.read(site.jobs_reader.page(replace(state.question, cursor=shown.next)))
    except (UnknownOutcomeError, CursorError):
        st.toast("The list could not be read further. Try again.", icon=":material/cloud_off:")
        return
    state.shown = shown.followed_by(more)
    st.rerun(scope="fragment")


def _csv(site: Site, question: JobsQuestion) -> bytes:
    """Return the jobs that match as a file; the mark in front tells spreadsheets that it is UTF-8."""
    found = site.reader.read(site.jobs_reader.all(replace(question, cursor=None), MOST_DOWNLOADED))
    return jobs_csv(found.jobs).encode("utf-8-sig")


def _choose_all(site: Site, state: _State) -> None:
    """Choose all jobs that match, at most this number."""
    try:
        found = site.reader.read(site.jobs_reader.all(replace(state.question, cursor=None), MOST_CHOSEN))
    except UnknownOutcomeError:
        st.toast("The jobs that match could not be read. Try again.", icon=":material/cloud_off:")
        return
    state.chosen = {**state.chosen, **{job.job_id: as_chosen(job) for job in found.jobs}}
    state.more_match = found.next is not None


def _drop(state: _State, ids: set[str]) -> None:
    """Take jobs out of the choice."""
    state.chosen = {job_id: job for job_id, job in state.chosen.items() if job_id not in ids}
    state.more_match = state.more_match and bool(state.chosen)
