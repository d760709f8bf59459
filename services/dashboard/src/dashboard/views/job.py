"""The page of a job: where it stands, what happened to it, what it was given and what it left."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from contracts.statuses import JobStatus
from coordination.clients.job_writer import JobRemovedError, NoSuchJobError
from coordination.ports import UnknownOutcomeError
from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.job_page import events, texts
from dashboard.job_page.facts import facts, progress_bar
from dashboard.job_page.sentence import sentence, title_of
from dashboard.job_page.timeline import timeline_card
from dashboard.job_page.why_it_waits import why_it_waits_card
from dashboard.parts.chips import ARCHIVED, chip, finalized_chip, pinned_chip, status_chip, taken_over_chip
from dashboard.parts.nodes import Node, link, node
from dashboard.reading.job import JobView
from dashboard.site import Site
from dashboard.views import job_actions
from dashboard.waiting import WaitingLine, line_in
from read_models.run_durations import Durations

#: The last answer, and how many events are shown, both with the id of the job that they are of.
_LAST, _MOST_EVENTS = "job.last", "job.most-events"


@dataclass(frozen=True)
class _Moment:
    """A job and what the board knows around it, at one moment."""

    site: Site
    snapshot: Snapshot
    view: JobView
    line: WaitingLine | None
    now: datetime
    #: Whether the job could not be read just now.
    is_old: bool


def show(site: Site) -> None:
    """Show the page."""
    job_id = st.query_params.get("id", "").strip()
    frame.show_page(site, lambda snapshot: _page(site, job_id, snapshot))


def _page(site: Site, job_id: str, snapshot: Snapshot) -> None:
    last: JobView | None = st.session_state.get(_LAST)
    if last is not None and last.job.job_id != job_id.lower():
        last = None
    # While the board gets no answer, each further try would only hold the page up.
    view = last if snapshot.trouble is not None else None
    is_old = view is not None
    if view is None:
        try:
            view = site.reader.read(site.job_reader.view(job_id))
        except JobRemovedError:
            _removed(job_id)
            return
        except NoSuchJobError:
            _unknown(site, job_id)
            return
        except UnknownOutcomeError as error:
            if last is None:
                _unreadable(job_id, error)
                return
            view, is_old = last, True
    st.session_state[_LAST] = view
    line = _line(site, view, snapshot)
    moment = _Moment(site, snapshot, view, line, site.clock.now(), is_old)
    _head(moment)
    _body(moment)


def _line(site: Site, view: JobView, snapshot: Snapshot) -> WaitingLine | None:
    """Return the line that a waiting job stands in, as the board knows it."""
    job = view.job
    state = snapshot.locks.get(job.lock_name)
    if view.status is not JobStatus.QUEUED or state is None:
        return None
    site.board.watch([job.lock_name])
    return line_in(job.job_id, state)


def _head(moment: _Moment) -> None:
    job = moment.view.job
    chips = (
        status_chip(moment.view.status, cancel_requested=job.cancel_requested),
        taken_over_chip(job.interruptions),
        finalized_chip(job.finalized_by),
        pinned_chip(job.pinned_by),
        chip(ARCHIVED) if moment.view.archived_at else None,
    )
    crumb = node("span", link("jobs", "Jobs"), " / ", link("lock", job.lock_name, {"lock": job.lock_name}))
    state = moment.snapshot.locks.get(job.lock_name)
    follower = state.line[0] if state is not None and state.line else None
    with st.container(horizontal=True, key="job-head"):
        with st.container():
            frame.head(
                title_of(job), sentence(moment.view, moment.line, moment.now), chips=chips, crumb=crumb
            )
        job_actions.show(moment.site, moment.view, moment.line, follower, may_act=not moment.is_old)


def _body(moment: _Moment) -> None:
    site, view, now = moment.site, moment.view, moment.now
    known = moment.snapshot.heard(now)
    worker, workers = known.get(view.job.worker), tuple(known.values())
    settings = site.settings
    tiles = facts(view, worker, trace_url=settings.trace_url, logs_url=settings.logs_url)
    waits = None
    # One that others may pass does not stand in the line until its next attempt is due.
    if moment.line is not None and view.job.waits_at == view.job.ticket_key:
        waits = why_it_waits_card(moment.line, workers, _durations(moment), now)
    leases = (lease.seconds for one in moment.snapshot.workers for lease in one.leases)
    look = "div.stack.stale" if moment.is_old else "div.stack"
    draw("job-top", node(look, progress_bar(view.job), waits, tiles))
    if view.job.attempt or view.job.is_terminal:
        step = view.job.step if view.status is JobStatus.RUNNING else ""
        timeline = timeline_card(site.timelines.of(view, now, step, next(leases, None)))
        if timeline is not None:
            draw("job-timeline", node(look, timeline))
    left, right = st.columns([2, 1], gap="small")
    with left:
        _events(moment, look)
    with right:
        _texts(view, look)


def _durations(moment: _Moment) -> Durations:
    """Return how long jobs ran under the lock; without an answer, that is not known."""
    if moment.is_old:
        return {}
    try:
        return moment.site.reader.read(moment.site.durations.of_lock(moment.view.job.lock_name))
    except UnknownOutcomeError:
        return {}


def _events(moment: _Moment, look: str) -> None:
    job_id, most = st.session_state.get(_MOST_EVENTS, ("", events.PAGE))
    if job_id != moment.view.job.job_id:
        most = events.PAGE
    seen = draw("job-events", node(look, events.events_card(moment.view, moment.now, most)))
    if seen.act == "more-events":
        st.session_state[_MOST_EVENTS] = moment.view.job.job_id, most + events.PAGE
        st.rerun(scope="fragment")


def _texts(view: JobView, look: str) -> None:
    draw("job-texts", node(look, *texts.texts_cards(view)))
    for name, text in texts.large_texts(view).items():
        st.download_button(
            f"Download {name.lower()}, {texts.size(text)}",
            text,
            file_name=f"{view.job.job_id}-{name.lower().replace(' ', '-')}.json",
            mime="application/json",
            icon=":material/download:",
            key=f"job-download-{name}",
            on_click="ignore",
        )


def _removed(job_id: str) -> None:
    st.session_state.pop(_LAST, None)
    frame.head("Removed job", "This job has ended and was removed.", crumb=link("jobs", "Jobs"))
    draw(
        "job-removed",
        node(
            "div.card.empty",
            node("p.what", "This job has ended and was removed to save space."),
            node("p", "The id is ", node("code", job_id[:200]), "; it stays in use for a time."),
            node("p", link("jobs", "Show all jobs")),
        ),
    )


def _unknown(site: Site, job_id: str) -> None:
    st.session_state.pop(_LAST, None)
    frame.head("No such job", "No job has this id here.", crumb=link("jobs", "Jobs"))
    namespace = site.settings.storage_namespace or "default"
    said: Node = node(
        "span", "The id is ", node("code", job_id[:200] or "empty"), f"; the namespace is {namespace}."
    )
    draw(
        "job-unknown",
        node(
            "div.card.empty",
            node("p.what", "No job has this id here."),
            node("p", said),
            node("p", link("jobs", "Show all jobs")),
        ),
    )


def _unreadable(job_id: str, error: UnknownOutcomeError) -> None:
    frame.head("Job", "It cannot be read now.", crumb=link("jobs", "Jobs"))
    draw(
        "job-unreadable",
        node(
            "div.card.empty",
            node("p.what", "The storage does not answer, so this job cannot be shown yet."),
            node("p", "The id is ", node("code", job_id[:200]), ". The page tries again by itself."),
            node("span.mono", str(error)[:300]),
        ),
    )
