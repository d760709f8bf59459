"""Reading events and what they cover, from rows that may hold anything."""

import json

from contracts.policies import MOST_SLOTS
from coordination.journal.rows import EventRow
from coordination.ports import Values

#: Numbers from here on are none that the storage has, nor can be kept.
_TOO_LARGE = 2**63


class UnreadableRowError(ValueError):
    """The row is none that the protocol writes."""


def read_event(values: Values) -> EventRow:
    """Build an event from stored values. Raises UnreadableRowError."""
    try:
        fence = values.get("fence")
        event = EventRow(
            str(values["job_id"]),
            str(values["lock_name"]),
            int(values["seq"] or 0),
            str(values["status"]),
            str(values["message"]),
            str(values["timestamp"]),
            int(values["attempt"] or 0),
            str(values["actor"]),
            str(values["op_id"]),
            str(values["hash"]),
            None if fence is None else int(fence),
            _text(values.get("worker")),
            _text(values.get("traceparent")),
            str(values["data"]),
            str(values["previous_hash"]),
        )
        if max(abs(event.seq), abs(event.attempt), abs(event.fence or 0)) >= _TOO_LARGE:
            raise ValueError("a number is out of range")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnreadableRowError(f"{type(error).__name__}: {error}") from None
    return event


def kind_and_priority(data: str) -> tuple[str | None, int | None]:
    """Return kind and priority from the data of a submission's event; None for what it lacks."""
    try:
        values = json.loads(data)
        kind, priority = values.get("kind"), values.get("priority")
    except (ValueError, AttributeError, RecursionError):
        return None, None
    # Left out is what the database cannot keep: lone surrogates, and all but numbers of two digits.
    return (
        kind if isinstance(kind, str) and kind.isprintable() else None,
        priority if isinstance(priority, int) and 0 <= priority < 100 else None,
    )


def text_of(data: str, name: str) -> str:
    """Return a text of an event's data; empty where it has none."""
    try:
        found = json.loads(data).get(name)
    except (ValueError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def slot_in(data: str) -> int:
    """Return the slot that an event's data names; 0 where it names none that there is."""
    try:
        found = json.loads(data).get("slot") if '"slot"' in data else 0
    except (ValueError, AttributeError, RecursionError):
        return 0
    return found if isinstance(found, int) and 0 < found < MOST_SLOTS else 0


def storable(text: str) -> str:
    """Return a text as it can be kept: half a surrogate pair, which no product writes, becomes a mark."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _text(value: object) -> str | None:
    return None if value is None else str(value)
