"""The card of jobs that failed or timed out in the last 24 hours."""

from contracts.jobs import JobSummary
from dashboard.board.snapshot import Snapshot
from dashboard.parts.chips import status_chip
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, ago, link, node

_MOST_ROWS = 5


def failed_card(snapshot: Snapshot) -> Node:
    """Return the card."""
    query = {"state": "Failed,TimedOut"}
    title = node(
        "div.title",
        node("h2", "Failed and timed out in 24 hours"),
        node("span.aside", link("jobs", "show in Jobs", query)) if snapshot.failed else None,
    )
    if not snapshot.failed:
        return node("section.card", title, node("p.pad.muted", "No job failed or timed out."))
    rows = [_row(job) for job in snapshot.failed[:_MOST_ROWS]]
    head = node(
        "thead", node("tr", *(node("th", word, scope="col") for word in ("State", "Job", "Why", "Ended")))
    )
    more = len(snapshot.failed) - len(rows)
    rest = f"and {count(more, 'more')}" if not snapshot.more_failed else f"and {more:,} or more"
    return node(
        "section.card",
        title,
        node("table.cards-on-phone", head, node("tbody", *rows, hold="failed")),
        node("p.pad.muted", rest.replace("mores", "more")) if more else None,
        aria_label="Failed jobs",
    )


def _row(job: JobSummary) -> Node:
    error = job.error
    why = [node("code", error.type), f" {error.message[:160]}"] if error is not None else ["–"]
    return node(
        "tr",
        node("td", status_chip(job.status)),
        node("td.wide", link("job", job.name or job.kind, {"id": job.job_id}), node("small", job.lock)),
        node("td.wide", *why),
        node("td.nowrap", ago(job.finished_at)),
        k=job.job_id,
    )
