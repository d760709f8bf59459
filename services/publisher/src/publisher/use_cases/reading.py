"""What the API reads in addition to the journal: tables that other services keep up to date."""

from collections.abc import Sequence
from typing import Protocol

from contracts.jobs import Event, Kind, Page, Worker


class ReadModels(Protocol):
    """Derived tables. Every call raises UnknownOutcomeError when the storage does not answer."""

    async def recent_events(self, limit: int, cursor: str | None) -> Page[Event]:
        """Return events of all jobs, newest first. Raises ValueError for a cursor not from the API."""

    async def lock_names(self, limit: int, cursor: str | None) -> Page[str]:
        """Return the names of locks that were ever used. Raises ValueError for an unknown cursor."""

    async def kinds(self) -> Sequence[Kind]:
        """Return the kinds that workers have published."""

    async def workers(self) -> Sequence[Worker]:
        """Return the latest heartbeat of every worker."""
