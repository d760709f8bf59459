"""The six numbers on top of the Overview; each leads to the list that it counts."""

from datetime import datetime, timedelta

from contracts.statuses import JobStatus
from dashboard.board.snapshot import Snapshot
from dashboard.board.statistics import quantile
from dashboard.fleet import fleet
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, icon, node, since

_HOUR = timedelta(hours=1)

#: Little bars of the tile that counts what ended, and what each stands for.
_BARS, _BAR = 24, timedelta(seconds=150)


def tiles(snapshot: Snapshot, now: datetime) -> Node:
    """Return the tiles."""
    return node(
        "nav.tiles",
        _running(snapshot, now),
        _waiting(snapshot),
        _ended(snapshot, now),
        _waits(snapshot, now),
        _failed(snapshot),
        _overlaps(snapshot),
        aria_label="Numbers",
    )


def _tile(page: str, query: dict[str, str], name: tuple[str, str], value: Node, *notes: Node | None) -> Node:
    symbol, word = name
    title = node("span.name", icon(symbol), f" {word}")
    return node("a.tile", title, value, *notes, go=page, q=query)


def _running(snapshot: Snapshot, now: datetime) -> Node:
    workers = fleet(snapshot.workers, now)
    alive = len(workers.alive)
    used = len({slot.row.worker for slot in snapshot.held})
    note = f"on {used} of {count(alive, 'worker')}" if alive else "no worker is alive"
    hue = "span.note" if alive else "span.note.bad"
    value = node("span.value", f"{len(snapshot.held):,}")
    return _tile(
        "jobs", {"state": JobStatus.RUNNING.value}, ("play_arrow", "Running"), value, node(hue, note)
    )


def _waiting(snapshot: Snapshot) -> Node:
    oldest = snapshot.oldest_wait
    note = (
        node("span.note", "oldest ", since(oldest))
        if oldest is not None
        else node("span.note", "no jobs waiting")
    )
    value = node("span.value", f"{snapshot.waiting:,}")
    return _tile("jobs", {"state": JobStatus.QUEUED.value}, ("hourglass_empty", "Waiting"), value, note)


def _ended(snapshot: Snapshot, now: datetime) -> Node:
    statistics = snapshot.statistics
    ended = statistics.ended(now - _HOUR)
    # Before everything of the last hour was read, the number is a floor.
    is_floor = statistics.since is not None and statistics.since > now - _HOUR + timedelta(minutes=1)
    value = node(
        "span.value", f"{ended:,}{'+' if is_floor else ''} ", node("small", f"{ended / 60:.1f} a minute")
    )
    stretches = statistics.grouped(_BAR, now - _HOUR)[-_BARS:]
    counts = [sum(stretch.ended.values()) for stretch in stretches] or [0]
    highest = max(*counts, 1)
    bars = [node("span", h=round(100 * number / highest)) for number in counts]
    spark = node("span.spark", *bars, aria_hidden="true")
    return _tile("jobs", {}, ("check", "Ended in the last hour"), value, spark)


def _waits(snapshot: Snapshot, now: datetime) -> Node:
    waits = snapshot.statistics.waits(now - _HOUR)
    half, most = quantile(waits, 0.5), quantile(waits, 0.95)
    if half is None or most is None:
        value, note = node("span.value", "–"), "no job started"
    else:
        value = node("span.value", f"{duration(half)} ", node("small", "median"))
        note = f"p95 {duration(most)}"
    return _tile("jobs", {}, ("timer", "Wait for the start, last hour"), value, node("span.note", note))


def _failed(snapshot: Snapshot) -> Node:
    number = len(snapshot.failed)
    more = " or more" if snapshot.more_failed else ""
    note = node("span.note.good", "none") if not number else node("span.note", "failed or timed out")
    query = {"state": f"{JobStatus.FAILED},{JobStatus.TIMED_OUT}"}
    return _tile("jobs", query, ("close", "Failed in 24 h"), node("span.value", f"{number:,}{more}"), note)


def _overlaps(snapshot: Snapshot) -> Node:
    found = len(snapshot.overlaps)
    note = (
        node("span.note.bad", "the guarantee was broken")
        if found
        else node("span.note.good", "checked at every run")
    )
    value = node("span.value.bad" if found else "span.value", f"{found:,}")
    return _tile("proof", {}, ("gpp_bad" if found else "verified_user", "Overlaps ever found"), value, note)
