"""What can be done to a job from its page: cancel, retry, finalize, pin, submit it again, copy a link."""

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from contracts.jobs import LONGEST_REASON
from contracts.statuses import JobStatus
from contracts.traceparent import trace_id_of
from coordination.journal.rows import JobRow
from dashboard.component import draw
from dashboard.dialog import open_dialog
from dashboard.job_page.sentence import title_of
from dashboard.navigation import open_page
from dashboard.parts.nodes import Node, copy_button, node
from dashboard.reading.job import JobView
from dashboard.site import Site
from dashboard.views import finalize_dialog, pin_dialog, retry_dialog
from dashboard.views.sending import Unsent, send
from dashboard.waiting import WaitingLine

_REASON = "job-cancel-reason"


def show(
    site: Site, view: JobView, line: WaitingLine | None, follower: JobRow | None, *, may_act: bool
) -> None:
    """Show the actions that fit the job; those that change something only where the viewer may act.

    `follower` is the first job in the line of the lock.
    """
    job = view.job
    with st.container(key="frame-actions", horizontal=True, width="content"):
        # What has left the journal cannot be changed any more.
        may_change = not site.settings.read_only and not view.archived_at
        can_cancel = not job.is_terminal and not job.cancel_requested
        if (
            may_change
            and can_cancel
            and st.button("Cancel…", icon=":material/block:", key="job-cancel", disabled=not may_act)
        ):
            open_dialog("Cancel this job?", ":material/block:", lambda: _cancel(site, job, line, follower))
        if (
            may_change
            and retry_dialog.can_retry(job)
            and st.button("Retry…", icon=":material/restart_alt:", key="job-retry", disabled=not may_act)
        ):
            open_dialog("Retry this job?", ":material/restart_alt:", lambda: retry_dialog.ask(site, job))
        if (
            may_change
            and finalize_dialog.can_finalize(job)
            and st.button(
                "Finalize…", icon=":material/inventory_2:", key="job-finalize", disabled=not may_act
            )
        ):
            open_dialog(
                "Finalize this job?", ":material/inventory_2:", lambda: finalize_dialog.ask(site, job)
            )
        if may_change and pin_dialog.can_pin(job):
            pin_dialog.button(site, job, may_act=may_act)
        with st.popover("More", icon=":material/more_horiz:", key="job-more"):
            _more(site, job)


def _more(site: Site, job: JobRow) -> None:
    if not site.settings.read_only and st.button(
        "Submit again…", icon=":material/replay:", key="job-again", type="tertiary"
    ):
        open_page("submit", {"from": job.job_id})
    trace_id = trace_id_of(job.traceparent)
    settings = site.settings
    if settings.trace_url and trace_id:
        st.link_button("Open its trace", settings.trace_url.replace("{trace_id}", trace_id), type="tertiary")
    if settings.logs_url:
        st.link_button("Open its logs", settings.logs_url.replace("{job_id}", job.job_id), type="tertiary")
    draw(
        "job-copies",
        node(
            "ul.stack",
            node("li", "Copy a link ", copy_button(link_to(job.job_id), "a link to this job")),
            node("li", "Copy the id ", copy_button(job.job_id, "the id of this job")),
        ),
    )


def link_to(job_id: str) -> str:
    """Return the address of a job's page, as the viewer reaches it."""
    parts = urlsplit(st.context.url or "")
    path = f"{parts.path.rpartition('/')[0]}/job"
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode({"id": job_id}), ""))


def _cancel(site: Site, job: JobRow, line: WaitingLine | None, follower: JobRow | None) -> None:
    draw("job-cancel-what", consequences(job, line, follower))
    reason = st.text_input(
        "Why (kept in the audit trail)",
        key=_REASON,
        max_chars=LONGEST_REASON,
        placeholder="for example: wrong month",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button("Cancel the job", type="primary", key="job-cancel-yes")
        kept = "Keep it running" if job.status == JobStatus.RUNNING else "Keep it"
        if st.button(kept, key="job-cancel-no"):
            st.rerun()
        draw("job-cancel-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if wanted:
        actor = site.viewer()
        sent = send(
            lambda: site.publisher.cancel(job.job_id, actor, reason.strip()), "cancelled", "Cancel the job"
        )
        site.job_reader.forget(job.job_id)
        if not isinstance(sent, Unsent):
            st.session_state.pop(_REASON, None)
            st.toast("The cancellation is recorded.", icon=":material/block:")
            st.rerun()
        else:
            draw("job-cancel-problem", sent.note)


def consequences(job: JobRow, line: WaitingLine | None, follower: JobRow | None) -> Node:
    """Return what happens if the job is cancelled."""
    is_running = job.status == JobStatus.RUNNING
    if is_running:
        where = f"{job.lock_name} · attempt {job.attempt} on {job.worker}"
        if job.progress_value is not None and job.progress_limit:
            where += f", {job.progress_value / job.progress_limit:.0%} done"
        points: list[Node] = [
            "It stops at its next check. If it does not check, its worker ends it after the cancel grace.",
            "Recorded steps and the saved state stay; effects that it has had are not undone.",
        ]
        if follower is not None:
            points.append(node("span", "Then ", node("b", title_of(follower)), " starts."))
    else:
        position = f", position {line.me.position:,}" if line is not None and line.me is not None else ""
        where = f"{job.lock_name} · waits{position}"
        points = ["It leaves the line at once and never runs."]
        if job.attempt:
            points.append("What its earlier attempts did is not undone.")
    return node(
        "div",
        node("b", title_of(job)),
        node("p.muted", where),
        node("ul.points", *(node("li", point) for point in points)),
    )
