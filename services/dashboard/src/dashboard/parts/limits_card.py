"""The card that says who set the limit of a lock, from what to what, and why."""

from collections.abc import Sequence
from datetime import datetime

from coordination.journal.limits import LimitRecord
from dashboard.parts.chips import Look, chip
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, ago, clock, copy_button, node

#: Records that are listed.
_MOST_LISTED = 10

_INTACT = Look("chain intact", "link", "green")
_BROKEN = Look("broken", "link_off", "red")


def limits_card(records: Sequence[LimitRecord]) -> Node | None:
    """Return the audit trail of a lock's limits, the newest first; None where none was ever set."""
    if not records:
        return None
    broken_at = chain_broken_at(records)
    look = chip(_INTACT) if broken_at is None else chip(_BROKEN, f"chain broken at {broken_at}")
    rows = [_record(record) for record in list(reversed(records))[:_MOST_LISTED]]
    left = len(records) - len(rows)
    more = node("p.pad.muted", f"and {count(left, 'earlier one')}") if left else None
    title = node("div.title", node("h2", "Changes of the limit"), node("span.aside", look))
    return node("section.card", title, node("ul.list", *rows), more, aria_label="Changes of the limit")


def chain_broken_at(records: Sequence[LimitRecord]) -> int | None:
    """Return the number of the first record that does not follow the one before; None when all do."""
    before = ""
    for number, record in enumerate(records, 1):
        is_whole = record.hash == record.computed_hash and record.previous_hash == before
        if record.number != number or not is_whole:
            return record.number
        before = record.hash
    return None


def _record(record: LimitRecord) -> Node:
    at = datetime.fromisoformat(record.at)
    reason = f": {record.reason}" if record.reason else ""
    hashed = node(
        "span", node("code", record.hash[:8]), copy_button(record.hash, f"the hash of change {record.number}")
    )
    return node(
        "li",
        node("span.place", f"{record.limit}"),
        node(
            "div.main",
            node("b", f"{record.previous} \u2192 {record.limit}"),
            node("span.second", "by ", node("b", record.actor), reason),
            node("span.second", clock(at), " · ", hashed),
        ),
        ago(at, "span.when"),
        k=f"limit {record.number}",
    )
