"""Doing one thing to many jobs: the bar with what is chosen, the dialog, its progress and its results."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import streamlit as st

from contracts.identifiers import new_id
from contracts.jobs import LONGEST_REASON
from coordination.clients.job_writer import JobRemovedError, NoSuchJobError
from coordination.ports import UnknownOutcomeError
from dashboard.bulk import BulkAction, Chosen, Standing
from dashboard.component import draw
from dashboard.dialog import open_dialog
from dashboard.jobs_page.bulk_actions import BULK_ACTS, BulkAct, Request
from dashboard.jobs_page.bulk_parts import before_node, result_node
from dashboard.jobs_page.parts import choice_text
from dashboard.parts.nodes import node
from dashboard.publisher_api import NotFoundError, PublisherAwayError
from dashboard.reading.earlier import EarlierJob, read_earlier
from dashboard.reading.jobs import MOST_CHOSEN
from dashboard.site import Site

_ACTION, _REASON = "jobs.bulk", "jobs-bulk-reason"

#: Seconds between two looks at a bulk action.
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Choosing:
    """What is chosen, and how that can be changed."""

    chosen: Mapping[str, Chosen]
    choose_all: Callable[[], None]
    #: Takes these ids out of the choice.
    drop: Callable[[set[str]], None]
    #: Whether more jobs match than could be chosen.
    more_match: bool = False


def show(site: Site, choosing: Choosing) -> None:
    """Show the bar while jobs are chosen. Its place is always there: a refresh can fill it, not make it."""
    with st.bottom, st.container(key="jobs-bulk-bar", horizontal=True, vertical_alignment="center"):
        chosen = choosing.chosen
        if not chosen or site.settings.read_only:
            return
        with st.container(width="content"):
            draw("jobs-bulk-count", choice_text(len(chosen), more_match=choosing.more_match))
        for act in BULK_ACTS:
            fits = any(job.status in act.statuses for job in chosen.values())
            if st.button(
                f"{act.verb}…", icon=act.icon, key=f"jobs-bulk-{act.name}", disabled=not fits,
                help=None if fits else act.none_fits,
            ):  # fmt: skip
                st.session_state[_ACTION] = None
                question = f"{act.verb} the chosen jobs?"
                open_dialog(question, act.icon, partial(_dialog, site, choosing, act), width="medium")
        st.button(
            "Choose all that match", key="jobs-bulk-all", type="tertiary", on_click=choosing.choose_all,
            help=f"On all pages: the newest {MOST_CHOSEN:,} that match, at most.",
        )  # fmt: skip
        st.button(
            "Choose none", key="jobs-bulk-none", type="tertiary", on_click=choosing.drop, args=(set(chosen),)
        )


def _dialog(site: Site, choosing: Choosing, act: BulkAct) -> None:
    action: BulkAction | None = st.session_state.get(_ACTION)
    if action is None:
        _ask(site, act, list(choosing.chosen.values()))
    else:
        st.fragment(lambda: _progress(act, action, choosing), run_every=_LOOK_SECONDS)()


def _ask(site: Site, act: BulkAct, jobs: list[Chosen]) -> None:
    fitting = [job for job in jobs if job.status in act.statuses]
    draw("jobs-bulk-before", before_node(act, jobs, fitting))
    reason = ""
    if act.example:
        reason = st.text_input(
            "Why (kept in the audit trail)",
            key=_REASON,
            max_chars=LONGEST_REASON,
            placeholder=f"for example: {act.example}",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button(f"{act.verb} {len(fitting):,}", type="primary", key="jobs-bulk-yes")
        if st.button(act.keep, key="jobs-bulk-no"):
            st.rerun()
        draw("jobs-bulk-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if wanted:
        request = _request(site, reason.strip())
        action = BulkAction(fitting, lambda job: act.act(request, job))
        action.start()
        st.session_state[_ACTION] = action
        st.rerun(scope="fragment")


def _request(site: Site, reason: str) -> Request:
    """Return what is asked for; a job that is tried again leads to the same new job."""
    ids: defaultdict[str, str] = defaultdict(new_id)

    def earlier(job: Chosen) -> EarlierJob:
        try:
            return site.reader.read(read_earlier(site.journal, site.register, job.job_id))
        except (NoSuchJobError, JobRemovedError) as error:
            raise NotFoundError("The job is not there any more.") from error
        except UnknownOutcomeError as error:
            sentence = f"The storage does not answer: {error}. The job was not submitted again."
            raise PublisherAwayError(sentence, may_be_done=False) from error

    return Request(site.publisher, site.viewer(), reason, earlier, ids.__getitem__)


def _progress(act: BulkAct, action: BulkAction, choosing: Choosing) -> None:
    standing = action.standing
    draw("jobs-bulk-result", result_node(act, standing))
    with st.container(horizontal=True):
        if standing.is_running:
            st.button("Stop", key="jobs-bulk-stop", icon=":material/stop:", on_click=action.stop)
            return
        if standing.left:
            st.button(
                "Try again" if standing.away else "Continue",
                type="primary",
                key="jobs-bulk-again",
                on_click=action.start,
            )
        if st.button("Close", key="jobs-bulk-close"):
            _close(standing, choosing)


def _close(standing: Standing, choosing: Choosing) -> None:
    """Leave chosen only what nothing was done to."""
    choosing.drop(set(choosing.chosen) - {job.job_id for job in standing.left})
    st.session_state[_ACTION] = None
    st.rerun()
