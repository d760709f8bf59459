"""The events of a job, newest first, each with its distance to the one before and its hash."""

from datetime import datetime

from contracts.jobs import Event
from contracts.statuses import EventStatus
from dashboard.parts.chips import Look, chip, event_look
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, clock, copy_button, link, node, short_id
from dashboard.reading.job import JobView
from read_models import TrailEntry

#: Events shown at first, and more of them each time.
PAGE = 30

_MINUTE = 60

_INTACT = Look("intact", "link", "green")
_BROKEN = Look("broken", "link_off", "red")
_BEHIND = Look("behind", "hourglass_empty", "gray")


def events_card(view: JobView, now: datetime, most: int = PAGE) -> Node:
    """Return the card with the newest events of a job."""
    entries = view.entries
    first = max(0, len(entries) - most)
    shown = entries[first:]
    befores: list[TrailEntry | None] = [entries[first - 1] if first else None, *shown[:-1]]
    rows = [_row(entry, before) for entry, before in zip(shown, befores, strict=True)]
    columns = ("#", "Time", "Event", "What and who", "Fence", "Hash")
    heads = [node("th.right" if name in {"#", "Fence"} else "th", name, scope="col") for name in columns]
    table = node("table.cards-on-phone", node("thead", node("tr", *heads)), node("tbody", *reversed(rows)))
    more = (
        node(
            "p.pad",
            f"The newest {len(shown):,} of {count(len(entries), 'event')}. ",
            node("button.action", f"Show {min(PAGE, first):,} more", act="more-events"),
        )
        if first
        else None
    )
    title = node("div.title", node("h2", "Events"), node("span.aside", chain_chip(view, now)))
    return node("section.card", title, node("div.scroll", table), more, k="events")


def chain_chip(view: JobView, now: datetime) -> Node:
    """Return whether the chain of hashes holds, recomputed from what is shown; or that events are missing."""
    total = len(view.entries)
    broken_at = view.chain_broken_at
    if broken_at is not None:
        return chip(_BROKEN, f"chain broken at {broken_at:,}")
    if view.behind_since is not None:
        behind = max(0.0, (now - view.behind_since).total_seconds())
        how_much = f"{behind:.0f} s" if behind < _MINUTE else duration(behind)
        return chip(_BEHIND, f"the audit trail is {how_much} behind")
    return chip(_INTACT, f"{view.chain.events:,} of {count(total, 'event')}, chain intact")


def _row(entry: TrailEntry, before: TrailEntry | None) -> Node:
    event = entry.event
    by = [node("b", event.actor)]
    if event.attempt:
        by.append(f" · attempt {event.attempt}")
    fence = f"{event.fence:,}" if event.fence is not None else "\u2013"
    slot = node("small", f"slot {event.data['slot']}") if event.data.get("slot") else None
    hashed = node(
        "span", node("code", entry.hash[:8]), copy_button(entry.hash, f"the hash of event {event.seq}")
    )
    return node(
        "tr.wrong" if entry.is_broken else "tr",
        node("td.right.muted.hide", f"{event.seq:,}"),
        node("td.nowrap", clock(event.timestamp_utc), node("small.hide", _distance(event, before))),
        node("td", chip(event_look(event.status))),
        node("td.wide", said(event), *_replacement(event), node("small", "by ", *by)),
        node("td.right.hide", fence, slot),
        node("td.nowrap.hide", hashed),
        k=str(event.seq),
    )


def _replacement(event: Event) -> list[Node]:
    """Return a link to the job for which this one had to go."""
    other = event.data.get("replaced_by")
    if not isinstance(other, str):
        return []
    return [" \u2192 ", link("job", short_id(other, copy=False), {"id": other})]


def said(event: Event) -> str:
    """Return what an event says happened, with its sizes and times."""
    if event.status is EventStatus.STEP:
        seconds = event.data.get("seconds")
        return event.message if seconds is None else f"{event.message} · {duration(float(seconds))}"
    characters = event.data.get("characters") or event.data.get("result_characters")
    if isinstance(characters, int) and characters > len("null"):
        return f"{event.message} · {count(characters, 'character')}"
    return event.message


def _distance(event: Event, before: TrailEntry | None) -> str:
    if before is None:
        return "the first" if event.seq == 1 else ""
    seconds = (event.timestamp_utc - before.event.timestamp_utc).total_seconds()
    if seconds == 0:
        return "same write"
    if seconds < 0:
        return f"\u2212 {duration(-seconds)}, another clock"
    return f"+ {duration(seconds)}"
