"""The dialog that retries a job from its page."""

import streamlit as st

from contracts.jobs import LONGEST_REASON
from coordination.clients.retrying import RETRYABLE
from coordination.journal.rows import JobRow
from dashboard.component import draw
from dashboard.job_page.sentence import title_of
from dashboard.navigation import open_page
from dashboard.parts.nodes import Node, node
from dashboard.site import Site
from dashboard.views.sending import Unsent, send

_REASON, _FRESH = "job-retry-reason", "job-retry-fresh"


def can_retry(job: JobRow) -> bool:
    """Return whether a job did not complete, and no job retries it yet."""
    return job.status in RETRYABLE and not job.retried_by


def consequences(job: JobRow) -> Node:
    """Return what happens if the job is retried."""
    steps = f"{job.steps:,} recorded step{'s' if job.steps != 1 else ''}"
    points = [
        f"A new job with the same parameters waits at the end of the line of {job.lock_name}.",
        f"It continues with {steps} and the saved state, unless it begins from the beginning.",
        "A step that was begun and not recorded runs again, under a new idempotency key.",
    ]
    return node(
        "div",
        node("b", title_of(job)),
        node("p.muted", f"{job.lock_name} · {job.status}"),
        node("ul.points", *(node("li", point) for point in points)),
    )


def ask(site: Site, job: JobRow) -> None:
    """Ask whether to retry a job, do so, and show the new one."""
    draw("job-retry-what", consequences(job))
    is_fresh = st.checkbox("Begin from the beginning", key=_FRESH)
    reason = st.text_input(
        "Why (kept in the audit trail)",
        key=_REASON,
        max_chars=LONGEST_REASON,
        placeholder="for example: the ledger is open again",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button("Retry the job", type="primary", key="job-retry-yes")
        if st.button("Leave it", key="job-retry-no"):
            st.rerun()
        draw("job-retry-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if not wanted:
        return
    actor = site.viewer()
    new = send(
        lambda: site.publisher.retry(job.job_id, actor, reason.strip(), is_fresh=is_fresh),
        "retried",
        "Retry the job",
    )
    site.job_reader.forget(job.job_id)
    if isinstance(new, Unsent):
        draw("job-retry-problem", new.note)
        return
    for key in (_REASON, _FRESH):
        st.session_state.pop(key, None)
    open_page("job", {"id": new.job_id})
