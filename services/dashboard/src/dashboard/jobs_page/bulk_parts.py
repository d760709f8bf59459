"""What the dialog of a bulk action says: before, while it runs, and afterwards."""

from collections.abc import Sequence

from contracts.statuses import JobStatus
from dashboard.bulk import Chosen, Standing
from dashboard.jobs_page.bulk_actions import BulkAct
from dashboard.jobs_page.listing import counts_by_status
from dashboard.parts.chips import status_chip
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, icon, link, node

#: Jobs that are named; of more, only their number is told.
_NAMED = 10
_MOST_REFUSED = 100


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
    over = standing.done + len(standing.refused)
    percent = 100.0 if not standing.total else over / standing.total * 100
    said = f"{over:,} of {standing.total:,}"
    bar = node(
        "div.progress",
        node("span.track.violet", node("span", w=percent), role="progressbar", aria_valuenow=round(percent),
             aria_valuemin=0, aria_valuemax=100, aria_label="Progress", aria_valuetext=said),
        node("b", said),
    )  # fmt: skip
    return node("div.stack", bar, _outcome(act, standing), _refusals(standing))


def _outcome(act: BulkAct, standing: Standing) -> Node:
    done = f"{count(standing.done, 'job')} {act.done}."
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


def _refusals(standing: Standing) -> Node | None:
    if not standing.refused:
        return None
    rows = [
        node("li", link("job", job.title, {"id": job.job_id}), node("span.muted", f" · {why}"))
        for job, why in standing.refused[:_MOST_REFUSED]
    ]
    heading = f"{count(len(standing.refused), 'job')} refused"
    return node("div", node("b", heading), node("ul.points", *rows))
