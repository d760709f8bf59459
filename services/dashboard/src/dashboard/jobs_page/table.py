"""The table of jobs: two lines each, with boxes to choose them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from contracts.jobs import JobSummary
from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from dashboard.parts.chips import status_chip
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, ago, clock, link, node, short_id, since
from dashboard.schedule_page.words import by_whom

_COLUMNS = ("State", "Job", "Lock", "Submitted", "Waited", "Ran", "Attempts", "Worker")
_RIGHT = {"Waited", "Ran", "Attempts"}
_NONE = "\u2013"


def jobs_table(
    jobs: Sequence[JobSummary],
    *,
    chosen: Collection[str] = (),
    running: Mapping[str, JobRow] | None = None,
    positions: Mapping[str, int] | None = None,
    may_choose: bool = True,
    question: str = "all",
) -> Node:
    """Return the table; `running` and `positions` tell of jobs by id what changes faster than the list.

    Rows of the same question do not move while a viewer points at one.
    """
    box = [node("th.box.hide", node("input", pick="*", aria_label="Choose all on this page"), scope="col")]
    heads = [node("th.right" if name in _RIGHT else "th", name, scope="col") for name in _COLUMNS]
    rows = [
        _row(
            job,
            is_chosen=job.job_id in chosen,
            running=(running or {}).get(job.job_id),
            position=(positions or {}).get(job.job_id),
            may_choose=may_choose,
        )
        for job in jobs
    ]
    head = node("thead", node("tr", *(box if may_choose else []), *heads))
    return node("table.jobs.cards-on-phone", head, node("tbody", *rows, hold=question))


def _row(
    job: JobSummary, *, is_chosen: bool, running: JobRow | None, position: int | None, may_choose: bool
) -> Node:
    is_running = job.status is JobStatus.RUNNING
    look = "chosen" if is_chosen else "on" if is_running else ""
    title = job.name or job.kind
    box = node("td.box.hide", node("input", pick=job.job_id, aria_label=f"Choose {title}"))
    return node(
        f"tr.{look}" if look else "tr",
        box if may_choose else None,
        node(
            "td.state",
            status_chip(job.status, cancel_requested=job.cancel_requested),
            _taken_over(job),
            _next_attempt(job),
            node("small", "finalized") if job.finalized else None,
        ),
        node("td.wide.job", link("job", node("b", title), {"id": job.job_id}), _second(job)),
        node("td.lock", link("lock", job.lock, {"lock": job.lock}), node("small.hide", short_id(job.job_id))),
        node("td.submitted", ago(job.submitted_at), node("small.hide", clock(job.submitted_at))),
        node("td.right.hide", *_waited(job, position)),
        node("td.right.ran", *_ran(job, running)),
        node("td.right.hide", f"{job.attempt}" if job.attempt else _NONE),
        node("td.worker.hide", job.worker or _NONE, _slot(running)),
        k=job.job_id,
    )


def _slot(running: JobRow | None) -> Node | None:
    """Return in which slot a job runs, under a lock that has several."""
    return node("small", f"slot {running.slot}") if running is not None and running.slot else None


def _taken_over(job: JobSummary) -> Node | None:
    if not job.interruptions:
        return None
    times = "" if job.interruptions == 1 else f" {job.interruptions} times"
    return node("small", f"interrupted{times}")


def _next_attempt(job: JobSummary) -> Node | None:
    """Return when a job is tried again that waits for it."""
    if job.next_attempt_at is None:
        return None
    return node("small", "next attempt at ", clock(job.next_attempt_at))


def _second(job: JobSummary) -> Node:
    if job.error is not None:
        return node("span.second.bad", f"{job.error.type}: {job.error.message}"[:160])
    kind = f"{job.kind} · " if job.name else ""
    return node("span.second", f"{kind}by ", by_whom(job.actor))


def _waited(job: JobSummary, position: int | None) -> list[Node]:
    if job.status is JobStatus.QUEUED:
        place = [node("small", f"position {position:,}")] if position is not None else []
        return [since(job.queued_at or job.submitted_at), *place]
    if job.started_at is None:
        return [_NONE]
    return [duration((job.started_at - job.submitted_at).total_seconds())]


def _ran(job: JobSummary, running: JobRow | None) -> list[Node]:
    if job.started_at is None:
        return [_NONE]
    if job.status is JobStatus.RUNNING:
        share = _share(running)
        return [since(job.started_at), *([node("small", share)] if share else [])]
    if job.finished_at is None:
        return [_NONE]
    return [duration((job.finished_at - job.started_at).total_seconds())]


def _share(running: JobRow | None) -> str:
    if running is None or running.progress_value is None or not running.progress_limit:
        return ""
    return f"{min(running.progress_value / running.progress_limit, 1.0):.0%}"


def foot_text(found: int, page: int, *, searched: int = 0, back_to: datetime | None = None) -> list[Node]:
    """Return what stands below the table: what is shown, and how far a search went."""
    if searched > found:
        back: list[Node] = [", back to ", clock(back_to)] if back_to is not None else []
        return [f"Looked through {count(searched, 'job')}", *back, f": {found:,} found."]
    where = "newest first" if page == 0 else f"page {page + 1}, older ones"
    return [f"{count(found, 'job')}, {where}. A page is one storage request, however far back."]
