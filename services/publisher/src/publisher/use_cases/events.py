"""Use case: return what happened, to one job or to all of them."""

from dataclasses import dataclass

from contracts.jobs import Event, Page
from coordination.clients.job_writer import JobRemovedError
from coordination.journal import rows
from coordination.journal.rows import EventRow
from coordination.ports import JobRegister, Journal, Registration
from publisher.use_cases.jobs import find_job, read_job
from read_models import ReadModels
from read_models.archived import read_archived
from read_models.documents import event_document

#: Most events of one job in one answer.
MOST_EVENTS = 1000


@dataclass(frozen=True)
class Events:
    """Returns events."""

    journal: Journal
    register: JobRegister
    read_models: ReadModels

    async def of_job(self, job_id: str, limit: int, after: int) -> Page[Event]:
        """Return a job's events in order, from the journal: what was accepted is there at once.

        Those of an archived job come from its audit trail. `after` is the number of the last event known
        already. Raises NoSuchJobError, JobRemovedError or UnknownOutcomeError.
        """
        registration = await find_job(self.register, job_id)
        events = await read_events(self.journal, registration, limit + 1, after)
        if not events:
            events = (await self._archived(registration, after))[: limit + 1]
        more = len(events) > limit
        return Page[Event](items=events[:limit], next=str(events[limit - 1].seq) if more else None)

    async def _archived(self, registration: Registration, after: int) -> list[Event]:
        """Return the events of an archived job behind a number; none for a job that is there."""
        try:
            await read_job(self.journal, registration)
        except JobRemovedError as error:
            archived = error.has_trail and await read_archived(self.journal, self.read_models, registration)
            if not archived:
                raise
            return [entry.event for entry in archived.entries if entry.event.seq > after]
        return []

    async def recent(self, limit: int, cursor: str | None) -> Page[Event]:
        """Return events of all jobs, newest first. Raises UnknownOutcomeError or CursorError."""
        return await self.read_models.events(limit, cursor)


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
