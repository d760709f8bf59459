"""A job in the journal's double, with an audit trail that follows when told to, and counted requests."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tests.unit.coordination.journaled_lock import LOCK, PARTITION, JournaledLock

from contracts.identifiers import new_id
from coordination.clock import VirtualClock
from coordination.journal.events import Writer, timestamp
from coordination.ports import Registration
from coordination.testing.memory import InMemoryRegister
from dashboard.reading.job import JobReader
from read_models import TrailEntry
from read_models.documents import event_document
from read_models.memory import InMemoryReadModels

_MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


class JournaledJob(JournaledLock):
    """A lock with the job that a page shows."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0
        self.clock = VirtualClock()
        self.job_id = new_id()
        self.register = InMemoryRegister()
        self.models = InMemoryReadModels()
        self.requests: Counter[str] = Counter()
        for port in (self.journal, self.register, self.models):
            port.calls.fault = self._count
        self.reader = JobReader(self.journal, self.register, self.models, self.clock)

    async def _count(self, when: Literal["before", "after"], call: str) -> None:
        if when == "before" and call.rpartition(".")[2] in {"find", "read", "read_range", "trail_entries"}:
            self.requests[call] += 1

    def writer(self, worker: str) -> Writer:
        """Write at moments that go on for hours."""
        writer = super().writer(worker)
        self._seconds += 1
        return replace(writer, at=timestamp(_MIDNIGHT + timedelta(seconds=self._seconds)))

    async def submit_it(self, **more: Any) -> None:
        """Register and submit the job."""
        row = await self.submit(self.job_id, **more)
        await self.register.add(
            Registration(self.job_id, LOCK, PARTITION, row.request_hash, self.clock.now())
        )

    async def project(self, up_to: int = 1_000_000) -> None:
        """Bring the audit trail up to an event of the job."""
        await self.models.record_trail(
            [
                TrailEntry(event_document(event), event.hash, event.previous_hash)
                for event in self.events(self.job_id)
                if event.seq <= up_to
            ]
        )

    async def counted(self, *, after: float = 2.0) -> dict[str, int]:
        """Look at the job some seconds later, and return the requests that this took."""
        await self.clock.advance(after)
        self.requests.clear()
        await self.reader.view(self.job_id)
        return dict(self.requests)
