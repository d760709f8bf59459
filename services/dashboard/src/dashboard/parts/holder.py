"""The lanes of locks: which run has the lock, how far it is, and what waits."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from contracts.heartbeats import Pulse, pulse
from contracts.jobs import DEFAULT_PRIORITY, HeldLease, Worker
from contracts.statuses import EventStatus, JobStatus
from coordination.journal.rows import JobRow
from dashboard.board.snapshot import LockState, SlotState, moment
from dashboard.obtaining import seconds_between
from dashboard.parts.chips import chip, event_look, status_chip
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, ago, icon, lease_ring, link, node, since
from dashboard.parts.runs_table import job_link
from read_models.documents import LockRun
from read_models.start_estimates import left_at_this_pace

#: A lease that lasts no longer than until the next refresh is not counted down to its end.
_SHORT_SECONDS = 3.0

#: Places of the line that are drawn.
_MOST_PIPS = 12


def holder_lane(
    state: LockState, workers: Mapping[str, Worker], last: Sequence[LockRun | None], now: datetime
) -> Node:
    """Return the lane of each slot of a lock, with its worker's last heartbeat or its last run.

    `last` has the last run of each shown slot, as far as it is known.
    """
    slots = state.shown_slots
    lanes = [
        _slot_lane(state, slot, workers.get(slot.row.worker), run, now)
        for slot, run in zip(slots, last, strict=True)
    ]
    return node("div.card", *lanes)


def _slot_lane(
    state: LockState, slot: SlotState, worker: Worker | None, last: LockRun | None, now: datetime
) -> Node:
    number = f"{slot.row.fence:,}" if slot.row.fence else "none yet"
    if len(state.shown_slots) == 1:
        said = [node("span.muted", "Fence"), node("span.large", number)]
    else:
        said = [*_slot_name(slot), node("span.fence", f"fence {number}")]
    fence = node("div.lock", *said, _lease(state, slot, worker, now))
    inside = _busy(slot, worker, now) if slot.is_busy else _free(last)
    return node("div.lane", fence, inside, _next(state, slot, now), k=f"slot {slot.number}")


def _slot_name(slot: SlotState) -> list[Node]:
    closed = [] if slot.is_open else [node("small", "closed: it starts no other job")]
    return [node("b", f"Slot {slot.number}"), *(node("div", said) for said in closed)]


def lock_lane(state: LockState, workers: Mapping[str, Worker], now: datetime) -> Node:
    """Return the lane of a lock among others: with its name, and the first places of its line."""
    held = state.held
    is_single = len(state.shown_slots) == 1
    fence = node("span.fence", f"fence {state.row.fence:,}" if state.row.fence else "no run yet")
    slots = node("span.fence", state.slots_text)
    name = node(
        "div.lock",
        link("lock", state.name, {"lock": state.name}),
        fence if is_single else slots,
        _lease(state, held[0], workers.get(held[0].row.worker), now) if is_single and held else None,
    )
    runs = [_busy(slot, workers.get(slot.row.worker), now, is_named=not is_single) for slot in held]
    inside = runs[0] if len(runs) == 1 else node("div.runs", *runs) if runs else _nothing_runs()
    return node("div.lane", name, inside, _places(state), k=state.name)


def free_lane(state: LockState) -> Node:
    """Return the lane of a lock that is free, among others."""
    freed = moment(state.freed_at)
    fence = f"fence {state.row.fence:,}" if state.limit == 1 else count(state.limit, "slot")
    name = node("div.lock", link("lock", state.name, {"lock": state.name}), node("span.fence", fence))
    said = node("span", "Free since ", ago(freed)) if freed is not None else node("span", "Free")
    inside = node("div.inside.free", icon("lock_open"), said)
    return node("div.lane", name, inside, _places(state), k=state.name)


def _lease(state: LockState, slot: SlotState, worker: Worker | None, now: datetime) -> Node | None:
    """Return for how long the lease lasts at least, as of the worker's last heartbeat.

    A worker that lives has renewed it since, so only that of a silent one is ever shown to run out.
    """
    if not slot.is_busy or worker is None:
        return None
    held = held_lease(worker, state.name, slot.row.fence)
    if held is None:
        return None
    left = seconds_between(now, held.renewed_at + timedelta(seconds=held.seconds))
    if left < _SHORT_SECONDS and pulse(worker, now) is Pulse.ALIVE:
        return node("span.muted", "renews its lease")
    return lease_ring(held.renewed_at, held.seconds)


def held_lease(worker: Worker, lock: str, fence: int) -> HeldLease | None:
    """Return the lease of a run, as of its worker's last heartbeat: of several slots, by the fence."""
    leases = [lease for lease in worker.leases if lease.lock == lock]
    exact = (lease for lease in leases if lease.fence == fence)
    return next(exact, leases[0] if len(leases) == 1 else None)


def _busy(slot: SlotState, worker: Worker | None, now: datetime, *, is_named: bool = False) -> Node:
    row, job = slot.row, slot.running
    name: Node = row.job_id
    if job is not None:
        name = job.name or node("span.muted", job.kind)
    first = node(
        "div.first",
        status_chip(JobStatus.RUNNING, cancel_requested=job is not None and job.cancel_requested),
        link("job", name, {"id": row.job_id}),
        since(moment(row.started_at)),
    )
    interruptions = job.interruptions if job is not None else 0
    times = "once" if interruptions == 1 else f"{interruptions} times"
    where = node("span", f"slot {slot.number} · fence {row.fence:,}") if is_named else None
    facts = [
        where,
        _step(job),
        _heard(row.worker, worker, now),
        node(
            "span", "attempt ", node("b", f"{row.attempt}"), f" · taken over {times}" if interruptions else ""
        ),
    ]
    is_lost = worker is not None and pulse(worker, now) is not Pulse.ALIVE
    hue = "orange" if is_lost else "violet" if job is not None and job.cancel_requested else ""
    return node("div.inside", first, _progress(job, hue), node("div.facts", *facts), k=f"{slot.number}")


def _progress(job: JobRow | None, hue: str) -> Node | None:
    if job is None or job.progress_value is None or not job.progress_limit:
        return None
    share = min(1.0, max(0.0, job.progress_value / job.progress_limit))
    track = node(f"div.track.{hue}" if hue else "div.track", node("span", w=round(share * 100, 1)))
    return node(
        "div.progress",
        track,
        node("b", f"{share:.0%}"),
        role="progressbar",
        aria_valuenow=round(share * 100),
        aria_valuemin=0,
        aria_valuemax=100,
        aria_label="Progress",
    )


def _step(job: JobRow | None) -> Node | None:
    if job is None:
        return None
    parts: list[Node] = ["step ", node("b", job.step)] if job.step else []
    if job.progress_value is not None:
        of = f" of {job.progress_limit:,.10g}" if job.progress_limit else ""
        parts.append(f"{' · ' if parts else ''}{job.progress_value:,.10g}{of}")
    return node("span", *parts) if parts else None


def _heard(name: str, worker: Worker | None, now: datetime) -> Node:
    if worker is None:
        return node("span", node("b", name))
    if pulse(worker, now) is Pulse.ALIVE:
        return node("span", node("b", name), " heard ", ago(worker.seen_at))
    said = (
        node("span.chip.orange", icon("logout"), "stopped ", ago(worker.stopped_at))
        if worker.stopped_at is not None
        else node("span.chip.orange", icon("heart_minus"), "silent for ", since(worker.seen_at))
    )
    return node("span", node("b", name), " ", said)


def _free(last: LockRun | None) -> Node:
    if last is None:
        return node("div.inside.free", icon("lock_open"), node("span", "Free"))
    since_when: list[Node] = ["Free since ", ago(last.ended_at)] if last.ended_at else ["Free"]
    look = None if last.outcome is None else chip(event_look(EventStatus(last.outcome)))
    said = node("span", *since_when, "; the last run was ", job_link(last))
    return node("div.inside.free", icon("lock_open"), said, look)


def _nothing_runs() -> Node:
    said = "No job runs: the first one in line starts as soon as a worker that knows its kind is free"
    return node("div.inside.free", icon("lock_open"), node("span", said))


def _places(state: LockState) -> Node:
    if not state.waiting:
        return node("div.queue", node("span.muted", "No jobs waiting"))
    pips = [_pip(place, job) for place, job in enumerate(state.line[:_MOST_PIPS], 1)]
    more = node("span.pip", f"+{state.waiting - _MOST_PIPS:,}") if state.waiting > _MOST_PIPS else None
    return node(
        "div.queue",
        node("b", f"{state.waiting:,} waiting"),
        node("div.pips", *pips, more, aria_hidden="true"),
        node("small", "oldest ", since(state.oldest_wait)),
    )


def _pip(place: int, job: JobRow) -> Node:
    is_urgent = job.priority < DEFAULT_PRIORITY
    title = f"{job.name or job.kind}, priority {job.priority}"
    return node("span.pip.urgent" if is_urgent else "span.pip", f"{place}", title=title)


def _next(state: LockState, slot: SlotState, now: datetime) -> Node:
    if not slot.is_busy:
        # The line is that of the lock: the first slot tells of it.
        if slot.number:
            return node("div.queue")
        waiting = f"{state.waiting:,} waiting" if state.waiting else "No jobs waiting"
        return node("div.queue", node("span.muted", waiting))
    began, job = moment(slot.row.started_at), slot.running
    left = None
    if began is not None and job is not None:
        left = left_at_this_pace(job, seconds_between(began, now))
    if left is None:
        return node("div.queue", node("span.muted", "Free again"), node("small", "when this run has ended"))
    return node(
        "div.queue",
        node("span.muted", "Free again in about"),
        node("b", duration(left)),
        node("small", "at the pace of this attempt"),
    )
