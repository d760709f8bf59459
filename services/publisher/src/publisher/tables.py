"""The read models on Table Storage."""

from collections.abc import Sequence

from contracts.jobs import Event, Kind, Page, Worker


class TableReadModels:
    """Empty for now."""

    async def recent_events(self, limit: int, cursor: str | None) -> Page[Event]:
        """Give nothing."""
        return Page[Event](items=[])

    async def lock_names(self, limit: int, cursor: str | None) -> Page[str]:
        """Give nothing."""
        return Page[str](items=[])

    async def kinds(self) -> Sequence[Kind]:
        """Give nothing."""
        return []

    async def workers(self) -> Sequence[Worker]:
        """Give nothing."""
        return []
