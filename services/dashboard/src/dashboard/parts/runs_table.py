"""The table of a lock's runs: one row for each fence, with how the run got the lock."""

from collections.abc import Sequence
from datetime import datetime

from contracts.statuses import EventStatus, JobStatus
from coordination.observations import HandOverCause
from dashboard.lock_history import Entry
from dashboard.obtaining import Gap, GapKind, Obtained, Way, seconds_between
from dashboard.parts.chips import Look, chip, event_look, status_chip
from dashboard.parts.durations import duration
from dashboard.parts.nodes import Node, clock, icon, link, node, since
from read_models.documents import LockRun

_CAUSES = {
    HandOverCause.WORKER_LOST: "worker lost",
    HandOverCause.RUNNER_DIED: "runner died",
    HandOverCause.WORKER_STOPPED: "worker stopped",
}

_END_UNKNOWN = Look("End not known", "question_mark", "gray")

_COLUMNS = (
    ("Fence", "right"),
    ("Job", ""),
    ("Worker", ""),
    ("State", ""),
    ("Began", "hide"),
    ("Ran", "right"),
    ("How it got the lock", "hide"),
)


def cause_text(cause: HandOverCause | None) -> str:
    """Return why a run was cut off."""
    return "run cut off" if cause is None else _CAUSES.get(cause, "run cut off")


def cost_text(obtained: Obtained) -> str:
    """Return how long a lock was without a run; when exactly a lost worker died is unknown."""
    text = duration(obtained.seconds)
    return f"at most {text}" if obtained.is_at_most else text


def job_link(run: LockRun) -> Node:
    """Return a link to the job of a run by its name, else its kind."""
    if run.job_id is None:
        return "–"
    text: Node = run.name or node("span.muted", run.kind or run.job_id)
    return link("job", text, {"id": run.job_id})


def runs_table(rows: Sequence[Entry | Gap], lock: str, *, has_slots: bool = False) -> Node:
    """Return the table of these runs and gaps, newest first; with slots, each says in which one it was."""
    head = [node(f"th.{classes}" if classes else "th", name, scope="col") for name, classes in _COLUMNS]
    body = [
        _gap(row, lock, has_slots=has_slots) if isinstance(row, Gap) else _entry(row, has_slots=has_slots)
        for row in rows
    ]
    table = node("table.runs", node("thead", node("tr", *head)), node("tbody", *body))
    return node("div.scroll.cards-on-phone", table)


def _slot(number: int, *, has_slots: bool) -> Node | None:
    return node("small", f"slot {number}") if has_slots else None


def _entry(entry: Entry, *, has_slots: bool) -> Node:
    run = entry.run
    classes = ".on" if entry.is_running else ".wrong" if run.overlap is not None else ""
    return node(
        f"tr{classes}",
        node(
            "td.right.at-4.left-on-phone",
            node("span.phone", "fence "),
            node("b", f"{run.fence:,}"),
            _slot(entry.slot, has_slots=has_slots),
        ),
        node("td.wide.at-3", job_link(run)),
        node("td.worker.at-5.right-on-phone", run.worker or "–"),
        node("td.at-1", _state(entry)),
        node("td.hide.nowrap", clock(run.began_at)),
        node("td.right.nowrap.at-2", _ran(entry)),
        node("td.hide", *_obtained(entry.obtained, has_slots=has_slots)),
        k=f"{entry.slot} {run.fence}",
    )


def _state(entry: Entry) -> Node:
    if entry.run.outcome is not None:
        return chip(event_look(EventStatus(entry.run.outcome)))
    return status_chip(JobStatus.RUNNING) if entry.is_running else chip(_END_UNKNOWN)


def _ran(entry: Entry) -> Node:
    run = entry.run
    if entry.is_running:
        return since(run.began_at)
    return _passed(run.began_at, run.ended_at)


def _passed(start: datetime | None, end: datetime | None) -> str:
    return "–" if start is None or end is None else duration(seconds_between(start, end))


def _obtained(obtained: Obtained | None, *, has_slots: bool) -> list[Node]:
    if obtained is None:
        return ["–"]
    match obtained.way:
        case Way.FIRST:
            return [icon("flag"), f" first run of the {'slot' if has_slots else 'lock'}"]
        case Way.CHAINED:
            return [icon("link"), " handed over", node("small", "in the same write")]
        case Way.HANDED_OVER:
            return [icon("link"), " handed over", node("small", f"after {cost_text(obtained)}")]
        case Way.FREE:
            return [icon("lock_open"), " was free", node("small", f"for {cost_text(obtained)}")]
        case Way.TAKEN_OVER:
            what = node("span.warn", icon("move_up"), f" taken over: {cause_text(obtained.cause)}")
            return [what, node("small", f"after {cost_text(obtained)}")]


def _gap(gap: Gap, lock: str, *, has_slots: bool) -> Node:
    fences = f"{gap.first:,}" if gap.first == gap.last else f"{gap.first:,} to {gap.last:,}"
    slot = _slot(gap.slot, has_slots=has_slots)
    number = node("td.right.at-1.nowrap.left-on-phone", node("span.phone", "fence "), fences, slot)
    match gap.kind:
        case GapKind.MISSING:
            proof = link("proof", "check the lock", {"lock": lock})
            text = node("td.wide.at-3", "No run is known with this fence: ", proof, colspan=6)
            return node("tr.wrong", number, text, k=f"gap-{gap.slot}-{gap.first}")
        case GapKind.PENDING:
            text = node("td.wide.at-3.muted", "not projected yet", colspan=6)
        case GapKind.CLOSING:
            said = "used to end the run of the worker that was lost, when no other job could start"
            text = node("td.wide.at-3.muted", said, colspan=6)
    return node("tr", number, text, k=f"gap-{gap.slot}-{gap.first}")
