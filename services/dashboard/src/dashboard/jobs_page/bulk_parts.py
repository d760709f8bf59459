"""What the dialog of a bulk action says: before, while it runs, and afterwards."""

from collections.abc import Sequence

from contracts.statuses import JobStatus
from dashboard.bulk import Chosen, Done, Standing
from dashboard.jobs_page.bulk_actions import BulkAct
from dashboard.jobs_page.listing import counts_by_status
from dashboard.parts.chips import status_chip
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, icon, link, node, short_id

#: Jobs that are named; of more, only their number is told.
_NAMED = 10
#: Jobs that are listed with what became of them.
_MOST_LISTED = 100


def before_node(act: BulkAct, jobs: Sequence[Chosen], fitting: Sequence[Chosen]) -> Node:
    """Return what is about to be done: how many jobs in each state, their names, what happens to them."""
    states = [
        node("span.chips", status_chip(JobStatus(status)), f" {number:,}")
        for status, number in counts_by_status(jobs).items()
    ]
    names = [node("li", job.title, node("span.muted", f" · {job.lock}")) for job in fitting[:_NAMED]]
    more = (
        [node("li.muted", f"… {count(len(fitting) - _NAMED, 'more job')}")] if len(fitting) > _NAMED else []
    )
    others = len(jobs) - len(fitting)
    points = [act.happens]
    if others:
        points.append(f"Of the choice, {count(others, 'job')} {act.others} and will not be touched.")
    return node(
        "div",
        node("p", *[part for state in states for part in (state, "  ")]),
        node("ul.points", *names, *more),
        *(node("p.muted", point) for point in points),
    )


def result_node(act: BulkAct, standing: Standing) -> Node:
    """Return how far it is: what was done, what was refused and why, and what is left."""
    over = len(standing.done) + len(standing.refused)
    percent = 100.0 if not standing.total else over / standing.total * 100
    said = f"{over:,} of {standing.total:,}"
    bar = node(
        "div.progress",
        node("span.track.violet", node("span", w=percent), role="progressbar", aria_valuenow=round(percent),
             aria_valuemin=0, aria_valuemax=100, aria_label="Progress", aria_valuetext=said),
        node("b", said),
    )  # fmt: skip
    return node("div.stack", bar, _outcome(act, standing), *_lists(act, standing))


def _outcome(act: BulkAct, standing: Standing) -> Node:
    was = sum(done.was_done for _, done in standing.done)
    said = [f"{count(len(standing.done) - was, 'job')} {act.done}"]
    if was:
        said.append(f"{was:,} {act.was_done}")
    if standing.refused:
        said.append(f"{len(standing.refused):,} refused")
    done = f"{', '.join(said)}."
    if standing.is_running:
        return node("p", done)
    left = count(len(standing.left), "job")
    if standing.away:
        text = node(
            "div",
            node("p.what", f"The publisher went away: {left} left."),
            node("p", f"{done} {standing.away} The rest can be tried again."),
        )
        return node("div.alert.orange", icon("cloud_off"), text, role="alert")
    if standing.left:
        return node("p", f"Stopped. {done} {left} left as they were.")
    return node("p", node("span.good", icon("check"), " Done. "), done)


def _lists(act: BulkAct, standing: Standing) -> list[Node | None]:
    """Return each job with what became of it: first those refused, then those that were done before."""
    was = [_done_row(job, done) for job, done in standing.done if done.was_done]
    new = [_done_row(job, done) for job, done in standing.done if not done.was_done]
    refused = [_row(job, why) for job, why in standing.refused]
    return [
        _list(f"{count(len(refused), 'job')} refused", refused),
        _list(f"{count(len(was), 'job')} {act.was_done}", was),
        _list(f"{count(len(new), 'job')} {act.done}", new, is_folded=True),
    ]


def _list(heading: str, rows: Sequence[Node], *, is_folded: bool = False) -> Node | None:
    if not rows:
        return None
    left = len(rows) - _MOST_LISTED
    more = [node("li.muted", f"… {count(left, 'more job')}")] if left > 0 else []
    listed = node("ul.points", *rows[:_MOST_LISTED], *more)
    if is_folded:
        return node("details", node("summary", heading), listed)
    return node("div", node("b", heading), listed)


def _done_row(job: Chosen, done: Done) -> Node:
    if done.job_id is None:
        return _row(job, done.said)
    new = link("job", short_id(done.job_id, copy=False), {"id": done.job_id})
    return _row(job, done.said, " \u2192 ", new)


def _row(job: Chosen, said: str, *more: Node) -> Node:
    words = [node("span.muted", f" · {said}")] if said else []
    return node("li", link("job", job.title, {"id": job.job_id}), *words, *more)
