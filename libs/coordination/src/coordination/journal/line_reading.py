"""Reading which jobs of a lock may be started now, also those that others could pass until they were due."""

from collections.abc import Sequence
from dataclasses import replace

from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.line import Line, Outside, read_own_row, read_tickets
from coordination.journal.persistence import until_known
from coordination.ports import Clock, Journal, Row
from coordination.slot import Slot

#: Tickets outside the line that are read at a time, those first that were due first.
_MOST_DUE = 64


async def read_line_at(
    journal: Journal, clock: Clock, slot: Slot, tickets: int = 1, known: Outside | None = None
) -> Line:
    """Read a lock's row and its first tickets, those of jobs that may be started now.

    Among them are those that the jobs in line could pass until they were due. To read them costs requests
    only when the row of slot 0 says that one may be due, and fewer where `known` is what it said before.
    Raises what `read_line` does.
    """
    known = known or Outside()
    while True:
        due: Sequence[Row] | None = None
        if known.may_be_due(timestamp(clock.now())):
            # Before the line, so that nothing that comes into the line is missed for their sake.
            due = await journal.read_range(slot.partition, rows.DUE, _MOST_DUE)
        own = await read_own_row(journal, slot)
        at = timestamp(clock.now())
        line = await read_tickets(journal, slot, own, tickets)
        if line.outside.may_be_due(at):
            # Rule R27 (spec/turnstile.pml): if none was put there since, the tickets that were read are all.
            if due is None or line.outside != known:
                known = line.outside
                continue
            line = _joined(line, due, at)
        elif line.outside.next_due:
            line = replace(line, later=line.outside.next_due)
        line = line.at(at)
        if line.tickets or not line.has_more or not 0 < len(line.held) < line.limit:
            return line
        # Those behind it may be started in other slots, and were not read.
        tickets += line.limit


async def read_line_until(journal: Journal, clock: Clock, slot: Slot, until: float) -> Line:
    """Read the row of a lock's slot and its first ticket, repeatedly while the journal is silent.

    The ticket of a job that may not be started now is left out.

    Raises UnknownOutcomeError once the boot clock has passed `until`, and WrongLockError.
    """
    return await until_known(clock, lambda: read_line_at(journal, clock, slot), until)


def _joined(line: Line, due: Sequence[Row], at: str) -> Line:
    """Return the line with the tickets outside of it that are due, as far as it was read."""
    found = [row for row in due if rows.is_due(row.values, at)]
    last = line.tickets[-1].key if line.has_more and line.tickets else ""
    joined = [*line.tickets, *(row for row in found if not last or rows.place_of(row) < last)]
    return replace(
        line,
        tickets=tuple(sorted(joined, key=rows.place_of)),
        next_due=None if line.slot.number else str(due[0].values["due_at"]) if due else "",
        later=str(due[len(found)].values["due_at"]) if len(due) > len(found) else None,
    )
