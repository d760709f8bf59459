"""The dialog that finalizes a job from its page."""

import streamlit as st

from contracts.jobs import LONGEST_REASON
from coordination.clients.retrying import RETRYABLE
from coordination.journal.rows import JobRow
from dashboard.component import draw
from dashboard.job_page.sentence import title_of
from dashboard.parts.nodes import Node, node
from dashboard.site import Site
from dashboard.views.sending import Unsent, send

_REASON = "job-finalize-reason"


def can_finalize(job: JobRow) -> bool:
    """Return whether a job did not complete and is not finalized yet."""
    return job.status in RETRYABLE and job.finalized_at is None


def consequences(job: JobRow) -> Node:
    """Return what happens if the job is finalized."""
    return node(
        "div",
        node("b", title_of(job)),
        node("p.muted", f"{job.lock_name} · {job.status}"),
        node("p", "It needs no attention any more: lists leave it out, unless finalized jobs are asked for."),
    )


def ask(site: Site, job: JobRow) -> None:
    """Ask whether to finalize a job, and do so."""
    draw("job-finalize-what", consequences(job))
    reason = st.text_input(
        "Why (kept in the audit trail)",
        key=_REASON,
        max_chars=LONGEST_REASON,
        placeholder="for example: corrected by hand",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button("Finalize the job", type="primary", key="job-finalize-yes")
        if st.button("Leave it", key="job-finalize-no"):
            st.rerun()
        draw("job-finalize-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if not wanted:
        return
    actor = site.viewer()
    sent = send(
        lambda: site.publisher.finalize(job.job_id, actor, reason.strip()), "finalized", "Finalize the job"
    )
    site.job_reader.forget(job.job_id)
    if isinstance(sent, Unsent):
        draw("job-finalize-problem", sent.note)
        return
    st.session_state.pop(_REASON, None)
    st.toast("The job is finalized.", icon=":material/inventory_2:")
    st.rerun()
