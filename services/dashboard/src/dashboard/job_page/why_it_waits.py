"""The card that says why a job waits: who has the lock, who is ahead, and what would start the job."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from contracts.jobs import Worker
from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from dashboard.job_page.sentence import title_of
from dashboard.parts.chips import status_chip
from dashboard.parts.durations import count
from dashboard.parts.holder import held_lease
from dashboard.parts.nodes import Node, lease_ring, link, node, since
from dashboard.waiting import Gap, Waiter, WaitingLine, start_of, start_sentence
from read_models.start_estimates import Holder

_DEFAULT_PRIORITY = 5


def why_it_waits_card(
    line: WaitingLine, workers: Sequence[Worker], durations: Mapping[str, Sequence[float]], now: datetime
) -> Node:
    """Return the card for a job that waits."""
    rows = [
        *([] if line.holders else [_no_holder()]),
        *(_holder(holder, workers, line.lock) for holder in line.holders),
        *(_gap(one) if isinstance(one, Gap) else _waiter(one) for one in line.shown),
        _me(line.me) if line.me is not None else None,
    ]
    position = f"position {line.me.position:,} of {line.length:,}" if line.me else f"{line.length:,} wait"
    aside = node("span.aside", f"{position} in the line of ", link("lock", line.lock, {"lock": line.lock}))
    return node(
        "section.card",
        node("div.title", node("h2", "Why it waits"), aside),
        node("ul.list", *rows),
        node("p.pad.muted", start_sentence(line, start_of(line, durations, now))),
        k="why-it-waits",
    )


def _no_holder() -> Node:
    main = node("div.main", node("b", "No job runs under this lock."))
    return node("li", node("span.place", "now"), main, k="holder")


def _holder(holder: Holder, workers: Sequence[Worker], lock: str) -> Node:
    job = holder.job
    name = title_of(job) if job is not None else holder.job_id
    facts: list[Node] = [holder.worker, " for ", since(holder.since)]
    if job is not None and job.progress_value is not None and job.progress_limit:
        facts.append(f" · {job.progress_value / job.progress_limit:.0%} done")
    main = node(
        "div.main",
        status_chip(JobStatus.RUNNING, cancel_requested=job is not None and job.cancel_requested),
        " ",
        link("job", node("b", name), {"id": holder.job_id}),
        node("span.second", *facts),
    )
    worker = next((worker for worker in workers if worker.worker == holder.worker), None)
    lease = None if worker is None else held_lease(worker, lock, holder.fence)
    ring = lease_ring(lease.renewed_at, lease.seconds) if lease is not None else None
    return node("li", node("span.place", "now"), main, ring, k=f"holder {holder.job_id}")


def _waiter(waiter: Waiter) -> Node:
    name = link("job", node("b", title_of(waiter.job)), {"id": waiter.job.job_id})
    return _place(waiter, name)


def _me(waiter: Waiter) -> Node:
    return _place(waiter, node("b", f"{title_of(waiter.job)} (this job)"))


def _place(waiter: Waiter, name: Node) -> Node:
    job = waiter.job
    urgency = _urgency(job)
    main = node("div.main", name, node("span.second", f"priority {job.priority}{urgency} · by {job.actor}"))
    waits = node("span.muted.nowrap", "waits ", since(_since(job)))
    return node("li", node("span.place", f"{waiter.position:,}"), main, waits, k=job.job_id)


def _urgency(job: JobRow) -> str:
    if job.priority == _DEFAULT_PRIORITY:
        return ""
    return ", more urgent" if job.priority < _DEFAULT_PRIORITY else ", less urgent"


def _gap(gap: Gap) -> Node:
    return node("li", node("span.place", "…"), node("div.main.muted", count(gap.count, "more job")), k="gap")


def _since(job: JobRow) -> datetime:
    return datetime.fromisoformat(job.queued_at or job.submitted_at)
