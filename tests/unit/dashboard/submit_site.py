"""What the page needs of a site, over doubles and the publisher's real application."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from tests.unit.dashboard.publisher_app import InProcess
from tests.unit.publisher.doubles import (
    CountingDirectory,
    HintingNotifier,
    ImpatientClock,
    ScriptedQuarantine,
    StorageSwitch,
)

from coordination.journal.rows import LockRow
from coordination.testing.memory import InMemoryJournal, InMemoryRegister
from dashboard.board.snapshot import LockState, Snapshot
from dashboard.publisher_api import PublisherApi
from dashboard.reading.schedules import ScheduleReader
from dashboard.reading.shared import Shared
from dashboard.site import Site
from publisher.http.application import make_application
from publisher.use_cases import make_use_cases
from read_models.memory import InMemoryReadModels

URL = "http://publisher"


def _run(answer: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(answer)


@dataclass
class Submitting:
    """A publisher, and the site of a dashboard that submits to it."""

    storage: StorageSwitch = field(default_factory=StorageSwitch)
    directory: CountingDirectory = field(default_factory=CountingDirectory)

    def __post_init__(self) -> None:
        self.journal, self.register = InMemoryJournal(self.storage), InMemoryRegister(self.storage)
        self.clock = clock = ImpatientClock()
        models = InMemoryReadModels(self.storage)
        self.network = InProcess(
            make_application(
                make_use_cases(
                    self.journal,
                    self.register,
                    HintingNotifier(),
                    models,
                    self.directory,
                    clock,
                    ScriptedQuarantine(),
                    schedule_table=InMemoryJournal(self.storage),
                )
            )
        )
        self.api = PublisherApi(URL, transport=self.network)
        settings = SimpleNamespace(
            public_url=URL, read_only=False, refresh_seconds=2, storage_namespace="t", trace_url=None
        )
        ledger = LockState("ledger", LockRow("ledger"))
        board = SimpleNamespace(
            look=lambda _=0.0: Snapshot(read_at=clock.now(), locks={"ledger": ledger}), watch=lambda _: None
        )
        self.site = cast(
            "Site",
            SimpleNamespace(
                settings=settings,
                viewer=lambda: "ann",
                clock=clock,
                reader=SimpleNamespace(read=_run),
                journal=self.journal,
                register=self.register,
                models=models,
                board=board,
                requests=SimpleNamespace(per_minute=lambda: 0),
                publisher=self.api,
                kinds=Shared(self.api.kinds, clock, 0),
                schedule_reader=ScheduleReader(self.api, clock, 0),
            ),
        )

    def later(self) -> None:
        """Let time pass, until the publisher reads the kinds again."""
        asyncio.run(self.clock.sleep(3600))

    def jobs(self) -> list[dict[str, Any]]:
        """Return the jobs that were accepted."""
        rows = (row for rows in self.journal.partitions.values() for row in rows.values())
        return [dict(row.values) for row in rows if row.key.startswith("job|")]
