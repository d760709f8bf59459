"""The six facts of a job in one frame, and its progress."""

import json
from datetime import datetime

from contracts.jobs import Worker
from contracts.schedules import SCHEDULE_PROPERTY
from contracts.statuses import EventStatus, JobStatus
from contracts.traceparent import trace_id_of
from coordination.journal.rows import JobRow
from dashboard.parts.durations import duration
from dashboard.parts.holder import held_lease
from dashboard.parts.nodes import Node, ago, clock, lease_ring, link, node, outward, short_id, since
from dashboard.reading.job import JobView
from dashboard.schedule_page.words import by_whom, schedule_link, schedule_of


def progress_bar(job: JobRow) -> Node | None:
    """Return how far a running job is, once it has said so."""
    if job.status != JobStatus.RUNNING or job.progress_value is None:
        return None
    value = f"{job.progress_value:,.10g}"
    if not job.progress_limit:
        return node("div.progress", node("b", f"{value} done"), k="progress")
    percent = min(max(job.progress_value / job.progress_limit, 0.0), 1.0) * 100
    said = f"{value} of {job.progress_limit:,.10g}"
    return node(
        "div.progress",
        node("span.track", node("span", w=percent), role="progressbar", aria_valuenow=round(percent),
             aria_valuemin=0, aria_valuemax=100, aria_label="Progress", aria_valuetext=said),
        node("b", said),
        k="progress",
    )  # fmt: skip


def facts(
    view: JobView, worker: Worker | None, *, trace_url: str | None = None, logs_url: str | None = None
) -> Node:
    """Return the tiles with lock, fence, kind, submission, waiting time and id."""
    job = view.job
    links = _links(job, trace_url, logs_url)
    return node(
        "div.tiles",
        _tile("Lock", link("lock", job.lock_name, {"lock": job.lock_name}), _lease(job, worker)),
        _tile("Fence", f"{job.fence:,}" if job.fence else "\u2013", _fence_note(view)),
        _tile("Kind", job.kind, _retries(job) or f"priority {job.priority}"),
        _tile(
            "Submitted",
            ago(_moment(job.submitted_at)),
            node("span", clock(_moment(job.submitted_at)), *_by_whom(job)),
        ),
        _tile("Waited", *_waited(view)),
        _tile("Id", short_id(job.job_id), links),
        k="facts",
    )


def _tile(name: str, value: Node, note: Node | None = None) -> Node:
    return node(
        "div.tile", node("span.name", name), node("span.value.text", value), node("span.note", note or "")
    )


def _by_whom(job: JobRow) -> list[Node]:
    """Return who submitted it, and the schedule that someone ran by hand."""
    name = schedule_of(json.loads(job.properties))
    by_hand = name is not None and job.actor != f"{SCHEDULE_PROPERTY}:{name}"
    with_it = [", by hand with ", schedule_link(name)] if name is not None and by_hand else []
    return [" by ", by_whom(job.actor), *with_it]


def _retries(job: JobRow) -> Node | None:
    """Return links to the job that it retries and to the one that retries it."""
    others = [("retry of ", job.retry_of), ("retried by ", job.retried_by)]
    found = [node("span", says, link("job", short_id(of), {"id": of})) for says, of in others if of]
    return node("span", *(part for one in found for part in (one, " "))) if found else None


def _lease(job: JobRow, worker: Worker | None) -> Node:
    if job.status == JobStatus.QUEUED:
        return "not held by this job"
    if job.status != JobStatus.RUNNING:
        return "released"
    lease = None if worker is None else held_lease(worker, job.lock_name, job.fence)
    if lease is not None:
        return lease_ring(lease.renewed_at, lease.seconds)
    if worker is not None:
        return node("span", "heard ", ago(worker.seen_at))
    return "held by this job"


def _fence_note(view: JobView) -> str:
    """Return what there is to say of its fence; that of another slot than slot 0 names the slot."""
    said = _first_fence(view)
    return f"slot {view.job.slot}, {said}" if view.job.slot else said


def _first_fence(view: JobView) -> str:
    starts = [entry.event for entry in view.entries if entry.event.status is EventStatus.STARTED]
    if not starts:
        return "given at the start"
    if len(starts) == 1 or starts[0].fence is None:
        return "of its only run"
    return f"first was {starts[0].fence:,}"


def _waited(view: JobView) -> tuple[Node, Node]:
    job = view.job
    if job.status == JobStatus.QUEUED:
        return since(_moment(job.queued_at or job.submitted_at)), "so far"
    first = next((entry.event for entry in view.entries if entry.event.status is EventStatus.STARTED), None)
    if first is None:
        return "\u2013", "it never started"
    seconds = (first.timestamp_utc - _moment(job.submitted_at)).total_seconds()
    return duration(seconds), "before its first run"


def _links(job: JobRow, trace_url: str | None, logs_url: str | None) -> Node | None:
    trace_id = trace_id_of(job.traceparent)
    found: list[Node] = []
    if trace_url and trace_id:
        found.append(outward(trace_url.replace("{trace_id}", trace_id), "trace"))
    if logs_url:
        found.append(outward(logs_url.replace("{job_id}", job.job_id), "logs"))
    if not found:
        return None
    return node(
        "span", *(part for place, one in enumerate(found) for part in ([" · "] if place else []) + [one])
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
