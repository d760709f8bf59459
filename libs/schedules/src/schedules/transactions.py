"""The transactions of schedules. Each names the schedule's row at the version read, and moves it.

So of two that change a schedule, one is refused and looks again. The row of the next due time is inserted and
deleted together with that move, and never changed: the schedule's row vouches for it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contracts.schedules import (
    ScheduleAction,
    ScheduleDefinition,
    ScheduleFiring,
    changed_fields,
    is_same,
)
from coordination.journal.events import timestamp
from coordination.ports import Delete, Insert, Operation, Replace, Row, Transaction, Update
from schedules.misfires import Plan
from schedules.rows import (
    FiringRow,
    ScheduleEventRow,
    ScheduleRow,
    definition_text,
    run_key,
    schedule_key,
    waiting_key,
)

#: Who acts for a schedule, for the audit trail.
SCHEDULER = "scheduler"


@dataclass(frozen=True)
class Found:
    """A schedule as it was read, with the version of its row, and the row of its next due time."""

    row: ScheduleRow
    etag: str
    waiting: Row | None = None


@dataclass(frozen=True)
class Author:
    """Who changes a schedule, when, and why; and the ids of the transaction and of its event."""

    actor: str
    at: datetime
    op_id: str
    event_id: str
    reason: str = ""

    @property
    def stamp(self) -> str:
        """The time as rows have it."""
        return timestamp(self.at)


@dataclass(frozen=True)
class Change:
    """A schedule as it will be, None when it is deleted, and the transaction that writes it."""

    row: ScheduleRow | None
    transaction: Transaction
    #: The row with the mark of the transaction.
    marked: str
    firings: Sequence[FiringRow] = ()


def creation(name: str, asked: ScheduleDefinition, author: Author) -> Change:
    """Build a new schedule."""
    at = author.stamp
    row = ScheduleRow(name, definition_text(asked), at, author.actor, at, author.actor, op_id=author.op_id)
    row = _due_from(row, author)
    event = _event(row, "created", author, {"changes": changed_fields(None, asked)})
    return _change(row, author, [Insert(schedule_key(name), row.values()), *_waits(row)], event)


def edit(found: Found, asked: ScheduleDefinition, author: Author) -> Change | None:
    """Build what a schedule is to be from now on; None when it is so already."""
    earlier = found.row.asked
    if is_same(earlier, asked):
        return None
    row = replace(
        found.row, definition=definition_text(asked), changed_at=author.stamp, changed_by=author.actor
    )
    if _times(earlier) != _times(asked) and not row.paused_at:
        row = _due_from(row, author)
    event = _event(row, "changed", author, {"changes": changed_fields(earlier, asked)})
    return _moved(found, row, author, event)


def pause(found: Found, author: Author) -> Change | None:
    """Build a schedule that is due no more until it is resumed; None when it is paused already."""
    if found.row.paused_at:
        return None
    row = replace(
        found.row,
        next_due="",
        paused_at=author.stamp,
        paused_by=author.actor,
        pause_reason=author.reason,
        changed_at=author.stamp,
        changed_by=author.actor,
    )
    return _moved(found, row, author, _event(row, "paused", author))


def resumption(found: Found, author: Author) -> Change | None:
    """Build a schedule that is due again from now on; None when it is not paused."""
    if not found.row.paused_at:
        return None
    row = replace(
        found.row,
        paused_at="",
        paused_by="",
        pause_reason="",
        changed_at=author.stamp,
        changed_by=author.actor,
    )
    row = _due_from(row, author)
    return _moved(found, row, author, _event(row, "resumed", author))


def deletion(found: Found, author: Author) -> Change:
    """Build the end of a schedule. Its audit trail stays, and so do jobs whose due time was decided."""
    operations: list[Operation] = [Delete(schedule_key(found.row.name), found.etag), *_waits_no_more(found)]
    event = _event(found.row, "deleted", author)
    return replace(_change(found.row, author, operations, event), row=None)


def run_by_hand(found: Found, job_id: str, author: Author, *, is_kept: bool) -> Change:
    """Build a firing that is not due: the next due time stays.

    `is_kept` says whether its id is remembered, so that it is fired once.
    """
    row = replace(found.row, op_id=author.op_id)
    firing = FiringRow.by_hand(row, job_id, author.actor, author.stamp, author.op_id)
    event = _event(row, "run", author, {"job_id": job_id})
    operations: list[Operation] = [
        Update(schedule_key(row.name), {"op_id": author.op_id}, found.etag),
        Insert(firing.key, firing.values()),
    ]
    if is_kept:
        operations.append(Insert(run_key(row.name, job_id), {"op_id": author.op_id}))
    return replace(_change(row, author, operations, event), firings=[firing])


def firing(found: Found, plan: Plan, author: Author) -> Change:
    """Build the firings of due times that have come, and move the schedule behind them."""
    before = found.row
    decided = max(
        before.decided,
        *(timestamp(at) for at in [*plan.fire, *([plan.last_missed] if plan.last_missed else [])]),
    )
    next_due = timestamp(plan.next_due) if plan.next_due is not None else ""
    row = replace(before, next_due=next_due, decided=decided, op_id=author.op_id)
    event = None
    if plan.missed and plan.last_missed is not None:
        row = row.with_firing(_missed(plan.missed, plan.last_missed, author))
        event = _event(row, "missed", author, {"count": plan.missed})
    elif plan.next_due is None:
        event = _event(row, "ended", author)
    firings = [FiringRow.of(row, at, author.op_id) for at in plan.fire]
    operations: list[Operation] = [
        Update(schedule_key(row.name), row.changes(before), found.etag),
        *_waits_no_more(found),
        *_waits(row),
        *(Insert(each.key, each.values()) for each in firings),
    ]
    return replace(_change(row, author, operations, event), firings=firings)


def settlement(
    found: Found | None, firing: FiringRow, taken_off: Delete | None, said: ScheduleFiring, op_id: str
) -> Change:
    """Build what became of a firing; of a schedule that is there no more, only the firing is taken off."""
    removals: list[Operation] = [] if taken_off is None else [taken_off]
    if found is None:
        return Change(None, Transaction(op_id, removals), firing.key)
    row = replace(found.row.with_firing(said), op_id=op_id)
    key = schedule_key(row.name)
    moved = Update(key, row.changes(found.row), found.etag)
    return Change(row, Transaction(op_id, [moved, *removals]), key)


def _due_from(row: ScheduleRow, author: Author) -> ScheduleRow:
    """Return the schedule with its first due time from now on, behind all that were decided."""
    decided = datetime.fromisoformat(row.decided) if row.decided else author.at
    next_due = row.timing.after(max(author.at, decided))
    return replace(row, next_due="" if next_due is None else timestamp(next_due))


def _moved(found: Found, row: ScheduleRow, author: Author, event: ScheduleEventRow) -> Change:
    row = replace(row, op_id=author.op_id)
    operations: list[Operation] = [Replace(schedule_key(row.name), row.values(), found.etag)]
    if row.next_due != found.row.next_due:
        operations += [*_waits_no_more(found), *_waits(row)]
    return _change(row, author, operations, event)


def _change(
    row: ScheduleRow, author: Author, operations: Sequence[Operation], event: ScheduleEventRow | None
) -> Change:
    told = [] if event is None else [Insert(event.key, event.values())]
    marked = schedule_key(row.name) if event is None else event.key
    return Change(row, Transaction(author.op_id, [*operations, *told]), marked)


def _waits(row: ScheduleRow) -> list[Operation]:
    return [Insert(waiting_key(row.name, row.next_due), {"op_id": row.op_id})] if row.next_due else []


def _waits_no_more(found: Found) -> list[Operation]:
    return [] if found.waiting is None else [Delete(found.waiting.key, found.waiting.etag)]


def _event(
    row: ScheduleRow, action: ScheduleAction, author: Author, data: dict[str, Any] | None = None
) -> ScheduleEventRow:
    text = json.dumps(data or {}, ensure_ascii=False)
    return ScheduleEventRow(
        row.name, author.event_id, action, author.actor, author.reason, author.stamp, text, author.op_id
    )


def _missed(count: int, last: datetime, author: Author) -> ScheduleFiring:
    counted = "1 due time was" if count == 1 else f"{count} due times were"
    return ScheduleFiring(
        due_at=last, trigger="due", outcome="missed", job_id=None, detail=f"{counted} missed", at=author.at
    )


def _times(asked: ScheduleDefinition) -> tuple[Any, ...]:
    return asked.cron, asked.zone, asked.interval, asked.start, asked.end
