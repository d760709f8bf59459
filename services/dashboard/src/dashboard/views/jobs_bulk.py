"""Doing one thing to many jobs: the bar with what is chosen, the dialog, its progress and its results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from contracts.jobs import LONGEST_REASON
from dashboard.bulk import BulkAction, Chosen, Standing
from dashboard.component import draw
from dashboard.jobs_page.bulk_actions import BULK_ACTS, BulkAct
from dashboard.jobs_page.bulk_parts import before_node, result_node
from dashboard.jobs_page.parts import choice_text
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


def show(site: Site, choosing: Choosing) -> None:
    """Show the bar while jobs are chosen. Its place is always there: a refresh can fill it, not make it."""
    with st.bottom, st.container(key="jobs-bulk-bar", horizontal=True, vertical_alignment="center"):
        chosen = choosing.chosen
        if not chosen or site.settings.read_only:
            return
        with st.container(width="content"):
            draw("jobs-bulk-count", choice_text(len(chosen)))
        for act in BULK_ACTS:
            fits = any(job.status in act.statuses for job in chosen.values())
            if st.button(
                f"{act.verb}…", icon=act.icon, key=f"jobs-bulk-{act.name}", disabled=not fits,
                help=None if fits else act.none_fits,
            ):  # fmt: skip
                st.session_state[_ACTION] = None
                _open(site, choosing, act)
        st.button("Choose all that match", key="jobs-bulk-all", type="tertiary", on_click=choosing.choose_all)
        st.button(
            "Choose none", key="jobs-bulk-none", type="tertiary", on_click=choosing.drop, args=(set(chosen),)
        )


def _open(site: Site, choosing: Choosing, act: BulkAct) -> None:
    @st.dialog(f"{act.verb} the chosen jobs?", icon=act.icon, width="medium")
    def dialog() -> None:
        action: BulkAction | None = st.session_state.get(_ACTION)
        if action is None:
            _ask(site, act, list(choosing.chosen.values()))
        else:
            st.fragment(lambda: _progress(act, action, choosing), run_every=_LOOK_SECONDS)()

    dialog()


def _ask(site: Site, act: BulkAct, jobs: list[Chosen]) -> None:
    fitting = [job for job in jobs if job.status in act.statuses]
    draw("jobs-bulk-before", before_node(act, jobs, fitting))
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
    if wanted:
        actor = site.viewer()

        def carry_out(job: Chosen) -> None:
            act.act(site.publisher, job.job_id, actor, reason.strip())

        action = BulkAction(fitting, carry_out)
        action.start()
        st.session_state[_ACTION] = action
        st.rerun(scope="fragment")


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
