"""How far a check is, and a check that is stopped."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.unit.verification.asking import HurriedClock, Question, Scope, file_of
from tests.unit.verification.authored import effect, eventful
from tests.unit.verification.records import Records

from verification import Phase, Progress, Stored, checking, verify
from verification.scratch_database import ScratchDatabase


async def reported(records: Records, **question: Any) -> list[Progress]:
    found: list[Progress] = []
    await verify(records, HurriedClock(), Question(**{"patience_seconds": 0.0, **question}), found.append)
    return found


async def test_every_part_of_a_check_is_reported_in_its_order(tmp_path: Path) -> None:
    author = eventful()
    ledger = file_of(tmp_path, effect(author, next(iter(author.jobs)), "read"))
    ids = tmp_path / "ids"
    ids.write_text("\n".join(author.jobs))
    progress = await reported(Records(author), sink=ledger, accepted=ids)
    assert list(dict.fromkeys(each.phase for each in progress)) == list(Phase)


async def test_rows_are_counted_as_they_are_read() -> None:
    records = Records(eventful())
    progress = await reported(records)
    rows = [each.rows for each in progress]
    assert rows == sorted(rows)
    journal = [each.rows for each in progress if each.phase is Phase.JOURNAL]
    assert journal[:3] == [0, 7, 14], "after each page"
    in_journal = len(next(iter(records.partitions.values())))
    assert journal[-1] == in_journal
    lists = len(records.jobs) + len(records.runs) + len(records.locks)
    kept = len(records.tracebacks)
    assert rows[-1] == in_journal + len(records.told) + len(records.places) + lists + kept


async def test_jobs_of_a_chosen_lock_count_when_they_are_looked_up() -> None:
    records = Records(eventful())
    progress = await reported(records, scope=Scope(locks=("ledger",)))
    looked_up = [each.rows for each in progress if each.phase is Phase.REGISTER]
    assert looked_up[-1] - looked_up[0] == 5


class SlowRecords(Records):
    """Stops after its first page."""

    def __init__(self) -> None:
        super().__init__(eventful())
        self.is_reading = asyncio.Event()
        self.is_closed = False

    async def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        try:
            async for page in super().journal(partition):
                yield page
                self.is_reading.set()
                await asyncio.sleep(3600)
        finally:
            self.is_closed = True


async def test_a_check_that_is_cancelled_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Watched(ScratchDatabase):
        def close(self) -> None:
            super().close()
            closed.append(self)

    monkeypatch.setattr(checking, "ScratchDatabase", Watched)
    records = SlowRecords()
    check = asyncio.create_task(verify(records, HurriedClock(), Question()))
    await asyncio.wait_for(records.is_reading.wait(), 5)
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check
    assert len(closed) == 1
    gc.collect()
    await asyncio.sleep(0)
    assert records.is_closed, "what was being read is over"
