"""Cancelling many jobs: the bar with what is chosen, the dialog, its progress and its results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from contracts.jobs import LONGEST_REASON
from contracts.statuses import JobStatus
from dashboard.bulk import BulkAction, Chosen, Standing
from dashboard.component import draw
from dashboard.jobs_page.bulk_parts import before_node, result_node
from dashboard.jobs_page.parts import choice_text
from dashboard.site import Site

_ACTION, _REASON = "jobs.bulk", "jobs-bulk-reason"

#: Seconds between two looks at a bulk action.
_LOOK_SECONDS = 0.5

_CAN_BE_CANCELLED = {JobStatus.QUEUED.value, JobStatus.RUNNING.value}


@dataclass(frozen=True)
class Choosing:
    """What is chosen, and how that can be changed."""

    chosen: Mapping[str, Chosen]
    choose_all: Callable[[], None]
    #: Takes these ids out of the choice.
    drop: Callable[[set[str]], None]


def show(site: Site, choosing: Choosing) -> None:
    """Show the bar while jobs are chosen. Its place is always there: a refresh can fill it, not make it."""
    with st.bottom, st.container(key="jobs-bulk-bar", horizontal=True, vertical_alignment="center"):
        chosen = choosing.chosen
        if not chosen or site.settings.read_only:
            return
        with st.container(width="content"):
            draw("jobs-bulk-count", choice_text(len(chosen)))
        fitting = [job for job in chosen.values() if job.status in _CAN_BE_CANCELLED]
        if st.button(
            "Cancel…", icon=":material/block:", key="jobs-bulk-cancel", disabled=not fitting,
            help=None if fitting else "None of the chosen jobs runs or waits.",
        ):  # fmt: skip
            st.session_state[_ACTION] = None
            _dialog(site, choosing)
        st.button("Choose all that match", key="jobs-bulk-all", type="tertiary", on_click=choosing.choose_all)
        st.button(
            "Choose none", key="jobs-bulk-none", type="tertiary", on_click=choosing.drop, args=(set(chosen),)
        )


@st.dialog("Cancel the chosen jobs?", icon=":material/block:", width="medium")
def _dialog(site: Site, choosing: Choosing) -> None:
    action: BulkAction | None = st.session_state.get(_ACTION)
    if action is None:
        _ask(site, list(choosing.chosen.values()))
    else:
        st.fragment(lambda: _progress(action, choosing), run_every=_LOOK_SECONDS)()


def _ask(site: Site, jobs: list[Chosen]) -> None:
    fitting = [job for job in jobs if job.status in _CAN_BE_CANCELLED]
    draw("jobs-bulk-before", before_node(jobs, fitting))
    reason = st.text_input(
        "Why (kept in the audit trail)",
        key=_REASON,
        max_chars=LONGEST_REASON,
        placeholder="for example: wrong month",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button(f"Cancel {len(fitting):,}", type="primary", key="jobs-bulk-yes")
        if st.button("Keep them", key="jobs-bulk-no"):
            st.rerun()
    if wanted:
        actor = site.viewer()

        def cancel(job: Chosen) -> None:
            site.publisher.cancel(job.job_id, actor, reason.strip())

        action = BulkAction(fitting, cancel)
        action.start()
        st.session_state[_ACTION] = action
        st.rerun(scope="fragment")


def _progress(action: BulkAction, choosing: Choosing) -> None:
    standing = action.standing
    draw("jobs-bulk-result", result_node(standing))
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
