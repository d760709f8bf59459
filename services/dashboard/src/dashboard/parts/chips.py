"""Chips: a state by word, icon and colour, as colour is never the only sign."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from contracts.statuses import EventStatus, JobStatus
from dashboard.parts.nodes import Node, icon, node


@dataclass(frozen=True)
class Look:
    """How a state is shown.

    Blue continues, green ended well, red ended badly, orange was cut off; violet: a person decided.
    """

    word: str
    icon: str
    hue: str


def status_look(status: JobStatus) -> Look:
    """Return how a job's status is shown."""
    match status:
        case JobStatus.QUEUED:
            return Look("Waiting", "hourglass_empty", "gray")
        case JobStatus.RUNNING:
            return Look("Running", "play_arrow", "blue")
        case JobStatus.COMPLETED:
            return Look("Completed", "check", "green")
        case JobStatus.FAILED:
            return Look("Failed", "close", "red")
        case JobStatus.TIMED_OUT:
            return Look("Timed out", "timer_off", "red")
        case JobStatus.CANCELLED:
            return Look("Cancelled", "block", "violet")
        case JobStatus.EXPIRED:
            return Look("Expired", "event_busy", "red")
        case _:
            assert_never(status)


_EVENTS: Mapping[EventStatus, Look] = {
    EventStatus.SUBMITTED: Look("Submitted", "login", "gray"),
    EventStatus.LEASE_ACQUIRED: Look("Lease acquired", "key", "gray"),
    EventStatus.STARTED: Look("Started", "play_arrow", "blue"),
    EventStatus.STEP: Look("Step", "check", "blue"),
    EventStatus.STATE_SAVED: Look("State saved", "save", "gray"),
    EventStatus.CANCEL_REQUESTED: Look("Cancel requested", "hourglass_bottom", "violet"),
    EventStatus.INTERRUPTED: Look("Interrupted", "bolt", "orange"),
    EventStatus.ATTEMPT_FAILED: Look("Attempt failed", "replay", "orange"),
    EventStatus.FINALIZED: Look("Finalized", "inventory_2", "gray"),
    EventStatus.PINNED: Look("Pinned", "keep", "gray"),
    EventStatus.UNPINNED: Look("Unpinned", "keep_off", "gray"),
    EventStatus.COMPLETED: Look("Completed", "check_circle", "green"),
    EventStatus.FAILED: Look("Failed", "close", "red"),
    EventStatus.CANCELLED: Look("Cancelled", "block", "violet"),
    EventStatus.TIMED_OUT: Look("Timed out", "timer_off", "red"),
    EventStatus.EXPIRED: Look("Expired", "event_busy", "red"),
}

CANCELLING = Look("Cancelling", "hourglass_bottom", "violet")
TAKEN_OVER = Look("Taken over", "move_up", "orange")
ARCHIVED = Look("Archived", "archive", "gray")
ALSO_FINALIZED = Look("Also finalized", "inventory_2", "gray")


def event_look(status: EventStatus) -> Look:
    """Return how an event is shown."""
    return _EVENTS[status]


def chip(look: Look, word: str | None = None) -> Node:
    """Return a chip, with another word if one is given."""
    return node(f"span.chip.{look.hue}", icon(look.icon), word or look.word)


def dot(look: Look) -> Node:
    """Return a round mark with the icon alone; its word is the tooltip."""
    return node(f"span.dot.{look.hue}", icon(look.icon), title=look.word)


def status_chip(status: JobStatus, *, cancel_requested: bool = False) -> Node:
    """Return the chip of a job's status; a running job that is to stop is Cancelling."""
    if cancel_requested and status is JobStatus.RUNNING:
        return chip(CANCELLING)
    return chip(status_look(status))


def finalized_chip(finalized_by: str | None) -> Node | None:
    """Return the chip that tells who finalized a job; None when nobody has."""
    return chip(event_look(EventStatus.FINALIZED), f"Finalized by {finalized_by}") if finalized_by else None


def pinned_chip(pinned_by: str | None) -> Node | None:
    """Return the chip that tells who pinned a job; None when it is not pinned."""
    return chip(event_look(EventStatus.PINNED), f"Pinned by {pinned_by}") if pinned_by else None


def taken_over_chip(interruptions: int) -> Node | None:
    """Return the chip that tells how often a job was cut off and started again; None when never."""
    if not interruptions:
        return None
    times = "once" if interruptions == 1 else f"{interruptions} times"
    return chip(TAKEN_OVER, f"Taken over {times}")
