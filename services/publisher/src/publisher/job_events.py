"""Use case: what happened, to one job or to all of them."""

from contracts.jobs import Event, Page
from coordination.journal import rows
from coordination.journal.rows import EventRow
from coordination.ports import Journal, Registration
from publisher.documents import event_document
from publisher.job_state import read_job

#: Most events of one job in one answer.
MOST_EVENTS = 1000


async def job_events(journal: Journal, registration: Registration, limit: int, after: int = 0) -> Page[Event]:
    """Return a job's events in order, from the journal: what was accepted is there at once.

    `after` is the number of the last event known already. Raises NoSuchJobError or UnknownOutcomeError.
    """
    events = await read_events(journal, registration, limit + 1, after)
    if not events:
        await read_job(journal, registration)
    more = len(events) > limit
    return Page[Event](items=events[:limit], next=str(events[limit - 1].seq) if more else None)


async def read_events(
    journal: Journal, registration: Registration, limit: int | None = None, after: int = 0
) -> list[Event]:
    """Read a job's events behind a number, in order. Raises UnknownOutcomeError."""
    found = await journal.read_range(
        registration.partition,
        rows.event_prefix(registration.job_id),
        limit,
        rows.event_key(registration.job_id, after) if after else "",
    )
    return [event_document(EventRow.from_row(row)) for row in found]
