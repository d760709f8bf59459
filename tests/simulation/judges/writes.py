"""What judges look at: one transaction of the journal."""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Delete, Operation, Row

#: Takes what does not hold: a topic in one word, and a sentence.
Tell = Callable[[str, str], None]

#: Takes what does not hold about a job that is known already.
Finding = tuple[str, str]


@dataclass(frozen=True)
class Write:
    """A transaction that was carried out, as far as it is about jobs."""

    partition: str
    #: When, by the clock of the storage.
    at: float
    #: Its events, each job's in their order.
    events: Sequence[EventRow]
    #: Whether the lock has a new holder from here on.
    takes_over: bool
    #: The rows of jobs that it wrote, as they stand after it; empty where only the last rows are known.
    jobs: Mapping[str, JobRow] = field(default_factory=dict)
    #: What it put in line, by key.
    tickets: Mapping[str, JobRow] = field(default_factory=dict)

    @cached_property
    def started(self) -> EventRow | None:
        """The start of a run, if there is one: no transaction starts two."""
        return next((event for event in self.events if event.status == EventStatus.STARTED), None)


def carried_out(
    partition: str, operations: Sequence[Operation], after: Mapping[str, Row], at: float
) -> Write:
    """Return a transaction by its operations, and the partition's rows after it."""
    events: list[EventRow] = []
    jobs: dict[str, JobRow] = {}
    tickets: dict[str, JobRow] = {}
    takes_over = False
    for operation in operations:
        key = operation.key
        if isinstance(operation, Delete):
            continue
        if key.startswith("event|"):
            events.append(EventRow.from_values(operation.values))
        elif key.startswith("job|"):
            row = JobRow.from_row(after[key])
            jobs[row.job_id] = row
        elif key.startswith((rows.LOCKS, rows.SLOTS)):
            # Not those who set a limit, who insert rows without a holder.
            takes_over |= bool(operation.values.get("tenure"))
        elif key.startswith((rows.TICKETS, rows.DUE)):
            tickets[key] = JobRow.from_row(after[key])
    return Write(partition, at, events, takes_over, jobs, tickets)


def from_events(partition: str, stored: Iterable[tuple[float, EventRow]]) -> list[Write]:
    """Return a lock's transactions in their order, by its events and the times at which they were written.

    Times do not order what came in the same millisecond, and a storage may give several times to one
    transaction. So order is taken first from what no clock can get wrong: the numbers of a job's events, and
    the fences of the runs of each slot.
    """
    times: dict[str, float] = {}
    parts: dict[str, list[EventRow]] = {}
    for at, event in stored:
        parts.setdefault(event.op_id, []).append(event)
        times[event.op_id] = max(at, times.get(event.op_id, at))
    writes = {
        op_id: Write(
            partition,
            times[op_id],
            sorted(events, key=lambda event: (event.job_id, event.seq)),
            takes_over=any(is_sign_of_take_over(event) for event in events),
        )
        for op_id, events in parts.items()
    }
    return _in_order(writes)


def is_sign_of_take_over(event: EventRow) -> bool:
    """Return whether only a new holder writes such an event."""
    return event.status == EventStatus.LEASE_ACQUIRED or (
        event.status == EventStatus.INTERRUPTED and event.message.endswith(" was lost")
    )


def _in_order(writes: Mapping[str, Write]) -> list[Write]:
    """Sort by time, but never against the numbers of events, and never against the fences."""
    chains: dict[str, list[tuple[int, str]]] = {}
    for op_id, write in writes.items():
        for event in write.events:
            chains.setdefault(event.job_id, []).append((event.seq, op_id))
        if write.started is not None:
            slot = f"slot {json.loads(write.started.data).get('slot', 0)}"
            chains.setdefault(slot, []).append((write.started.fence or 0, op_id))
    after: dict[str, set[str]] = {op_id: set() for op_id in writes}
    for chain in chains.values():
        numbered = [op_id for _, op_id in sorted(chain)]
        for earlier, later in itertools.pairwise(numbered):
            if earlier != later:
                after[later].add(earlier)
    ordered: list[Write] = []
    placed: set[str] = set()
    left = sorted(writes, key=lambda op_id: (writes[op_id].at, op_id))
    while left:
        # What follows from a loop is judged all the same: the judges find what is wrong with it.
        chosen = next((op_id for op_id in left if after[op_id] <= placed), left[0])
        left.remove(chosen)
        placed.add(chosen)
        ordered.append(writes[chosen])
    return ordered
