"""The card of health: each worker, the scheduler, the projector, and whether one of them needs a look."""

from datetime import datetime

from contracts.heartbeats import Pulse, pulse
from contracts.jobs import Instance, Worker
from dashboard.board.snapshot import Snapshot, moment
from dashboard.fleet import fleet
from dashboard.parts.chips import Look, chip
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, ago, link, node

_MOST_ROWS = 12

#: Seconds behind from which on the trail counts as late.
_LATE_SECONDS = 10.0

_ALIVE = Look("alive", "favorite", "green")
_SILENT = Look("silent", "heart_minus", "orange")
_STOPPED = Look("stopped", "logout", "gray")
_LATE = Look("late", "schedule", "orange")
_UP_TO_DATE = Look("up to date", "check", "green")
_SWEEPS = Look("sweeps", "check", "green")
_STANDS_BY = Look("stands by", "remove", "gray")


def health_card(snapshot: Snapshot, now: datetime) -> Node:
    """Return the card."""
    workers, services = fleet(snapshot.workers, now), fleet(snapshot.instances, now)
    rows = [_worker(worker, now) for worker in workers.shown[:_MOST_ROWS]]
    more = len(workers.shown) - len(rows)
    if more > 0:
        rows.append(node("tr", node("td", link("workers", f"and {count(more, 'more worker')}"), colspan=4)))
    unprojected = unprojected_seconds(snapshot, now)
    rows += [_service(one, now, unprojected) for one in services.shown]
    missing = things_to_look_at(snapshot, now)
    aside = (
        node("span.aside", "all well")
        if not missing
        else node("span.aside.warn", f"{count(len(missing), 'thing')} to look at", title="\n".join(missing))
    )
    title = node("div.title", node("h2", link("workers", "Health")), aside)
    head = node(
        "thead", node("tr", *(node("th", word, scope="col") for word in ("Process", "State", "Heard", "")))
    )
    table = node("table", head, node("tbody", *rows))
    start = node("p.empty", "No process was ever heard. Start the stack with ", node("code", "make up"), ".")
    inside = table if rows else start
    notes = node("ul.pad", *(node("li.warn", text) for text in missing)) if missing else None
    return node("section.card", title, inside, notes, aria_label="Health")


def things_to_look_at(snapshot: Snapshot, now: datetime) -> list[str]:
    """Return what is not well, a sentence each."""
    workers, services = fleet(snapshot.workers, now), fleet(snapshot.instances, now)
    # One that ran nothing is missed by no job, and others are alive.
    found = [f"{worker.worker} is silent, and ran jobs" for worker in workers.silent if worker.running]
    if not workers.alive:
        found.append("No worker is alive: no job starts")
    kinds = {one.service for one in services.alive}
    if snapshot.instances:
        if "scheduler" not in kinds:
            found.append("No scheduler is alive: lost wake-ups and lost workers are found later")
        if "audit-projector" not in kinds:
            found.append("No audit-projector is alive: lists and the audit trail stand still")
    behind = max([unprojected_seconds(snapshot, now), *(_behind(one) for one in services.alive)])
    if behind >= _LATE_SECONDS:
        found.append(f"The audit trail is {duration(behind)} behind")
    return found


def unprojected_seconds(snapshot: Snapshot, now: datetime) -> float:
    """Return how long ago something happened that the board sees and the trail does not have; else 0.

    A projector whose messages do not arrive does not know that it is behind.
    """
    newest = snapshot.events[0].timestamp_utc if snapshot.events else None
    texts = [
        text
        for lock in snapshot.locks.values()
        for text in (*(slot.row.started_at for slot in lock.held), *(job.queued_at for job in lock.line))
    ]
    moments = [known for text in texts if (known := moment(text)) is not None]
    late = [known for known in moments if newest is None or known > newest]
    return max(0.0, (now - min(late)).total_seconds()) if late else 0.0


def _worker(worker: Worker, now: datetime) -> Node:
    look = _look(worker, now)
    jobs = count(len(worker.running), "job") if worker.running else "" if look is _STOPPED else "idle"
    return _row(worker.worker, worker.worker, look, worker.seen_at, jobs)


def _look(process: Worker | Instance, now: datetime) -> Look:
    found = pulse(process, now)
    return _ALIVE if found is Pulse.ALIVE else _STOPPED if found is Pulse.STOPPED else _SILENT


def _service(one: Instance, now: datetime, unprojected: float) -> Node:
    key = f"{one.service} {one.instance}"
    look = _look(one, now)
    if look is not _ALIVE:
        return _row(key, one.service, look, one.seen_at, "")
    if "behind_seconds" in one.details:
        behind = max(0.0, _behind(one), unprojected)
        return _row(
            key,
            one.service,
            _LATE if behind >= _LATE_SECONDS else _UP_TO_DATE,
            one.seen_at,
            f"{behind:.1f} s behind",
        )
    if "leads" in one.details:
        leads = one.details["leads"] is True
        repairs = one.details.get("repairs")
        said = count(repairs, "repair") if leads and isinstance(repairs, int) else ""
        return _row(key, one.service, _SWEEPS if leads else _STANDS_BY, one.seen_at, said)
    return _row(key, one.service, look, one.seen_at, "")


def _row(key: str, name: str, look: Look, seen_at: datetime, said: str) -> Node:
    cells = [node("td", node("b", name)), node("td", chip(look)), node("td.nowrap", ago(seen_at))]
    return node("tr", *cells, node("td.right.muted.nowrap", said), k=key)


def _behind(one: Instance) -> float:
    behind = one.details.get("behind_seconds")
    return float(behind) if isinstance(behind, int | float) else 0.0
