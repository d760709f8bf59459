"""The one sentence that answers what people come to the page of a job for."""

from datetime import datetime

from contracts.statuses import EventStatus, JobStatus
from coordination.journal.rows import JobRow
from dashboard.job_page.rules import expiry
from dashboard.parts.durations import duration
from dashboard.parts.nodes import Node, clock, node, since, until
from dashboard.reading.job import JobView
from dashboard.waiting import WaitingLine
from read_models.start_estimates import left_at_this_pace

_ENDED = {
    JobStatus.COMPLETED: "Completed",
    JobStatus.FAILED: "Failed",
    JobStatus.TIMED_OUT: "Timed out",
    JobStatus.CANCELLED: "Cancelled",
    JobStatus.EXPIRED: "Expired in the line, as no run of it had started in time",
}

_LONGEST = 240


def sentence(view: JobView, line: WaitingLine | None, now: datetime) -> Node:
    """Return the sentence for a job as it is now."""
    job = view.job
    match view.status:
        case JobStatus.QUEUED:
            return _waiting_for_attempt(job) or _waiting(job, line)
        case JobStatus.RUNNING:
            return _running(view, now)
        case JobStatus.CANCELLED:
            return _cancelled(job)
        case _:
            return _ended(view)


def started_at(view: JobView) -> datetime | None:
    """Return when the latest attempt began."""
    starts = (entry.event for entry in reversed(view.entries) if entry.event.status is EventStatus.STARTED)
    return next((event.timestamp_utc for event in starts), None)


def _waiting_for_attempt(job: JobRow) -> Node | None:
    """Return why a job waits whose last attempt failed, and until when; None for another job."""
    if not job.due_at:
        return None
    parts: list[Node] = [f"Attempt {job.attempt} failed: ", node("code", job.failure_type or "")]
    parts += [f" {_short(job.failure_message or '')}. The next one is due at "]
    parts += [clock(datetime.fromisoformat(job.due_at), "b")]
    others = "it holds its place in line" if job.holds_place else "others pass it until then"
    return node("span", *parts, f"; {others}.")


def _waiting(job: JobRow, line: WaitingLine | None) -> Node:
    waited = since(datetime.fromisoformat(job.queued_at or job.submitted_at), "b")
    expires_at = expiry(job)
    expires: list[Node] = []
    if expires_at is not None:
        expires = [" It expires in ", until(expires_at, "b"), " unless it has started."]
    if line is None or line.me is None:
        return node("span", "Waits in the line for ", waited, ".", *expires)
    position = node("b", f"Position {line.me.position:,}")
    if line.ahead:
        behind = f" behind {title_of(line.ahead[-1].job)}."
    elif line.limit > 1 or line.others:
        behind = f"; {len(line.holders):,} of {line.limit:,} slots are held."
    elif line.holder is not None:
        behind = f" behind {title_of(line.holder.job)}." if line.holder.job else " behind the running job."
    else:
        behind = "; no job runs under this lock."
    return node("span", position, " in the line for ", waited, behind, *expires)


def _running(view: JobView, now: datetime) -> Node:
    job, began = view.job, started_at(view)
    parts: list[Node] = ["On ", node("b", job.worker), " for ", since(began, "b"), f", attempt {job.attempt}"]
    if job.step:
        parts += [", step ", node("b", job.step)]
    parts.append(".")
    if job.cancel_requested:
        parts += [" ", node("b", job.cancel_actor), " asked to cancel it", _because(job), "."]
        return node("span", *parts)
    left = left_at_this_pace(job, (now - began).total_seconds()) if began is not None else None
    if left is not None:
        parts.append(f" At this pace it is done in about {duration(round(left))}.")
    return node("span", *parts)


def _cancelled(job: JobRow) -> Node:
    if not job.cancel_actor:
        return "Cancelled."
    return node("span", "Cancelled by ", node("b", job.cancel_actor), _because(job), ".")


def _because(job: JobRow) -> str:
    return f": {_short(job.cancel_reason.rstrip('.'))}" if job.cancel_reason else ""


def _ended(view: JobView) -> Node:
    job = view.job
    took = ""
    if job.finished_at and job.started_at:
        seconds = _between(job.started_at, job.finished_at)
        took = f" after {duration(seconds)}"
    parts: list[Node] = [f"{_ENDED[view.status]}{took}"]
    if view.status is JobStatus.COMPLETED:
        attempt = "first attempt" if job.attempt == 1 else f"attempt {job.attempt}"
        parts += [" on ", node("b", job.worker), f", {attempt}."]
    elif job.error_type:
        parts += [": ", node("code", job.error_type), f" {_short(job.error_message)}"]
    elif view.status is JobStatus.EXPIRED:
        parts.append(".")
    return node("span", *parts)


def title_of(job: JobRow) -> str:
    """Return the name of a job, or its kind where it has none."""
    return job.name or job.kind


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _between(first: str, second: str) -> float:
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()
