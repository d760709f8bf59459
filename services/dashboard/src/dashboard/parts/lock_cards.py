"""The cards of a lock's page: facts of a period, the line, take-overs, and what the lock is."""

from collections.abc import Sequence
from datetime import datetime

from coordination.journal.rows import JobRow
from coordination.observations import HandOverCause
from dashboard.board.snapshot import LockState, SlotState, moment
from dashboard.board.statistics import quantile
from dashboard.forms.submission import priority_text
from dashboard.lock_history import LockHistory, TakeOver
from dashboard.parts.chips import TAKEN_OVER, dot
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, ago, clock, copy_button, date, icon, link, node, since
from dashboard.parts.runs_table import cost_text
from dashboard.reading.lock import LockView

#: Take-overs that are listed.
_MOST_TAKE_OVERS = 10


def fact_tiles(history: LockHistory, label: str, lock: str) -> Node:
    """Return five facts of a period, which `label` names."""
    return node(
        "div.tiles.five",
        _tile(f"In use, {label}", _share_text(history.use), _runs_note(history)),
        _hand_over_tile(history, label),
        _take_over_tile(history, label),
        _wait_tile(history, label),
        _overlap_tile(history, lock),
    )


def line_card(state: LockState, shown: int) -> Node:
    """Return the card of the job that runs and the first ones that wait."""
    items = [_now_item(state, slot) for slot in state.held]
    waiting = state.line[:shown]
    items += [_line_item(place, job) for place, job in enumerate(waiting, 1)]
    head = node("h2", "The line")
    aside = node("span.aside", "by priority, then first come") if state.line else None
    parts: list[Node] = [node("div.title", head, aside)]
    if items:
        parts.append(node("ol.list", *items))
    if not state.line:
        parts.append(node("p.pad.muted", "No jobs waiting."))
    listed = len(state.line)
    if listed > shown:
        parts.append(node("p.pad", node("button.action", f"Show the first {listed:,}", act="line")))
    if state.waiting > listed and shown >= listed:
        parts.append(node("p.pad.muted", f"and {state.waiting - listed:,} more"))
    return node("section.card", *parts)


def take_overs_card(history: LockHistory, label: str) -> Node:
    """Return the card of the runs that were cut off in a period, and what took over."""
    title = node("div.title", node("h2", "Take-overs"), node("span.aside", label))
    if not history.take_overs:
        return node("section.card", title, node("p.pad.muted", "None: no run was cut off."))
    items = [_take_over_item(each) for each in history.take_overs[:_MOST_TAKE_OVERS]]
    more = len(history.take_overs) - len(items)
    rest = node("p.pad.muted", f"and {more:,} more") if more else None
    return node("section.card", title, node("ul.list", *items), rest)


def about_card(view: LockView, partition: str) -> Node:
    """Return the card that says since when the lock is in use, and where it is stored."""
    pairs = [
        *_pair("First used", date(view.first_used) if view.first_used is not None else "–"),
        *_pair("Runs ever", f"{sum(slot.row.fence for slot in view.state.slots):,}"),
        *_pair("Limit", _limit_text(view.state.limit)),
        *_pair(
            "Partition",
            node("span", node("span.id.wrap", partition), copy_button(partition, "the partition")),
        ),
    ]
    title = node("div.title", node("h2", "About this lock"))
    return node("section.card", title, node("dl.pairs.pad", *pairs))


def take_over_title(take_over: TakeOver) -> str:
    """Return from which worker to which one a lock went."""
    lost, worker = take_over.cut_off.worker or "?", take_over.following.worker or "?"
    return f"{worker} again" if lost == worker else f"{lost} → {worker}"


def _tile(name: str, value: Node, note: Node, *, unit: str = "", look: str = "") -> Node:
    small = node("small", f" {unit}") if unit else None
    return node(
        "div.tile",
        node("span.name", name),
        node(f"span.value.text{look}", value, small),
        node(f"span.note{look}", note),
    )


def _share_text(share: float) -> str:
    return "< 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _runs_note(history: LockHistory) -> str:
    return f"{count(len(history.entries), 'run')}, {count(history.workers, 'worker')}"


def _hand_over_tile(history: LockHistory, label: str) -> Node:
    median, slow = quantile(history.hand_overs, 0.5), quantile(history.hand_overs, 0.95)
    if median is None or slow is None:
        return _tile(f"Between runs, {label}", "–", "no job waited for the lock")
    # Not the time between two handlers, which only the workers measure: one transaction ends a run and starts
    # the next.
    note = f"in the journal; p95 {duration(slow)}, of {len(history.hand_overs):,}"
    return _tile(f"Between runs, {label}", duration(median), note, unit="median")


def _take_over_tile(history: LockHistory, label: str) -> Node:
    if not history.take_overs:
        return _tile(f"Take-overs, {label}", "0", "no run was cut off")
    is_at_most = any(each.obtained.is_at_most for each in history.take_overs)
    lost = f"{'at most ' if is_at_most else ''}{duration(history.seconds_lost)} lost"
    return _tile(f"Take-overs, {label}", f"{len(history.take_overs):,}", lost)


def _wait_tile(history: LockHistory, label: str) -> Node:
    median = quantile(history.waits, 0.5)
    if median is None:
        return _tile(f"Wait, {label}", "–", "no job began to run")
    return _tile(f"Wait, {label}", duration(median), f"longest {duration(history.waits[-1])}", unit="median")


def _overlap_tile(history: LockHistory, lock: str) -> Node:
    if history.overlaps:
        proof = link("proof", "see the proof", {"lock": lock})
        value = node("span", icon("gpp_bad"), f" {len(history.overlaps):,}")
        return _tile("Overlaps", value, proof, look=".bad")
    value = node("span", icon("check"), " 0")
    missing = sum(gap.last - gap.first + 1 for gap in history.missing)
    if missing:
        without = node("span.bad", f"{count(missing, 'fence')} without a run")
        return _tile("Overlaps", node("span.good", value), without)
    return _tile("Overlaps", node("span.good", value), f"{count(len(history.entries), 'fence')}, all rising")


def _limit_text(limit: int) -> str:
    return "one job at a time" if limit == 1 else f"{limit:,} jobs at the same time"


def _now_item(state: LockState, slot: SlotState) -> Node:
    job = slot.running
    name: Node = (job.name or job.kind) if job is not None else slot.row.job_id
    share = _share(job)
    said = "running" if share is None else f"running, {share:.0%} done"
    if len(state.shown_slots) > 1:
        said = f"slot {slot.number}, {said}"
    return node(
        "li",
        node("span.place", "now"),
        node("div.main", link("job", name, {"id": slot.row.job_id}), node("span.second", said)),
        since(moment(slot.row.started_at), "span.when"),
        k=f"now {slot.number}",
    )


def _share(job: JobRow | None) -> float | None:
    if job is None or job.progress_value is None or not job.progress_limit:
        return None
    return min(1.0, max(0.0, job.progress_value / job.progress_limit))


def _line_item(place: int, job: JobRow) -> Node:
    said: list[Node] = ["priority ", node("b", priority_text(job.priority)), f" · by {job.actor}"]
    if job.interruptions:
        said.append(f" · cut off {'once' if job.interruptions == 1 else f'{job.interruptions} times'}")
    name: Node = job.name or node("span.muted", job.kind)
    return node(
        "li",
        node("span.place", f"{place:,}"),
        node("div.main", link("job", name, {"id": job.job_id}), node("span.second", *said)),
        since(moment(job.queued_at or job.submitted_at), "span.when"),
        k=job.job_id,
    )


def _take_over_item(take_over: TakeOver) -> Node:
    return node(
        "li",
        dot(TAKEN_OVER),
        node(
            "div.main", node("b", take_over_title(take_over)), node("span.second", take_over_text(take_over))
        ),
        ago(take_over.following.began_at, "span.when"),
        k=f"{take_over.following.slot or 0} {take_over.following.fence}",
    )


def take_over_text(take_over: TakeOver) -> str:
    """Return what happened, what it cost, and between which fences."""
    cut_off, following = take_over.cut_off, take_over.following
    cost = cost_text(take_over.obtained)
    match take_over.obtained.cause:
        case HandOverCause.WORKER_LOST:
            what = f"{cut_off.worker or 'The worker'} was lost: {cost} from its last event to the next start."
        case HandOverCause.RUNNER_DIED:
            what = f"The runner process died; {cost} until the next start."
        case HandOverCause.WORKER_STOPPED:
            what = f"The worker stopped the run; {cost} until the next start."
        case _:
            what = f"The run was cut off; {cost} until the next start."
    return f"{what} Fence {cut_off.fence:,} → {following.fence:,}."


def _pair(name: str, value: Node) -> Sequence[Node]:
    return node("dt", name), node("dd", value)


def free_sentence(last_ended_at: datetime | None) -> list[Node]:
    """Return that no job has the lock, and since when."""
    if last_ended_at is None:
        return ["This lock is free."]
    return ["Free since ", node("b", clock(last_ended_at)), ", ", ago(last_ended_at), "."]
