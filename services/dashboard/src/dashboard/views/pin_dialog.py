"""The dialogs that pin a job, and unpin it, from its page."""

import streamlit as st

from contracts.jobs import LONGEST_REASON
from coordination.journal.rows import JobRow
from dashboard.component import draw
from dashboard.dialog import open_dialog
from dashboard.job_page.sentence import title_of
from dashboard.parts.nodes import Node, node
from dashboard.site import Site
from dashboard.views.sending import Unsent, send

_REASON = "job-pin-reason"


def can_pin(job: JobRow) -> bool:
    """Return whether a job has ended, so that it may be pinned or unpinned."""
    return job.is_terminal


def consequences(job: JobRow) -> Node:
    """Return what happens if the job is pinned, or unpinned where it is pinned."""
    what = (
        "It goes when its time is over, which may be soon."
        if job.is_pinned
        else "It stays, with its events and its result, whatever time is set for it, until it is unpinned."
    )
    return node(
        "div",
        node("b", title_of(job)),
        node("p.muted", f"{job.lock_name} · {job.status}"),
        node("p", what),
    )


def button(site: Site, job: JobRow, *, may_act: bool) -> None:
    """Show the button that asks whether to pin the job, or to unpin it."""
    if job.is_pinned:
        if st.button("Unpin…", icon=":material/keep_off:", key="job-unpin", disabled=not may_act):
            open_dialog("Unpin this job?", ":material/keep_off:", lambda: ask(site, job))
    elif st.button("Pin…", icon=":material/keep:", key="job-pin", disabled=not may_act):
        open_dialog("Pin this job?", ":material/keep:", lambda: ask(site, job))


def ask(site: Site, job: JobRow) -> None:
    """Ask whether to pin a job, or to unpin it where it is pinned, and do so."""
    verb, done = ("Unpin", "unpinned") if job.is_pinned else ("Pin", "pinned")
    draw("job-pin-what", consequences(job))
    reason = st.text_input(
        "Why (kept in the audit trail)",
        key=_REASON,
        max_chars=LONGEST_REASON,
        placeholder="for example: the auditors ask for it",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button(f"{verb} the job", type="primary", key="job-pin-yes")
        if st.button("Leave it", key="job-pin-no"):
            st.rerun()
        draw("job-pin-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if not wanted:
        return
    actor = site.viewer()
    act = site.publisher.unpin if job.is_pinned else site.publisher.pin
    sent = send(lambda: act(job.job_id, actor, reason.strip()), done, f"{verb} the job")
    site.job_reader.forget(job.job_id)
    if isinstance(sent, Unsent):
        draw("job-pin-problem", sent.note)
        return
    st.session_state.pop(_REASON, None)
    st.toast(f"The job is {done}.", icon=":material/keep:")
    st.rerun()
