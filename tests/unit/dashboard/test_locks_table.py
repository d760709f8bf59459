"""The table of all locks, and what it reads."""

import asyncio
from collections import Counter
from typing import Literal

import pytest
from tests.unit.dashboard.runs import ago
from tests.unit.dashboard.shown import find, links, text

from contracts.jobs import Page
from contracts.lock_names import partition
from coordination.clock import VirtualClock
from coordination.journal.events import timestamp
from coordination.journal.rows import LockRow
from coordination.ports import UnknownOutcomeError
from dashboard.board.snapshot import LockState
from dashboard.parts.locks_table import locks_table
from dashboard.reading.locks import LockListReader
from read_models.cursors import CursorError
from read_models.documents import KnownLock
from read_models.memory import InMemoryReadModels


def known(name: str, fence: int = 7, used: float | None = 5) -> KnownLock:
    return KnownLock(name, partition(name), fence, None if used is None else ago(used))


def rows(locks: list[KnownLock], *states: LockState) -> list[str]:
    table = locks_table(locks, {state.name: state for state in states})
    return [text(row) for row in find(table, "tr")[1:]]


def test_a_lock_that_is_not_in_use_is_free() -> None:
    assert rows([known("ledger", 1042)]) == ["ledger Free fence 1,042 [ago] none waiting"]


def test_a_lock_in_use_shows_what_the_board_knows_which_is_newer() -> None:
    row = LockRow("ledger", fence=8, job_id="j", started_at=timestamp(ago(1)))
    assert rows([known("ledger", 7)], LockState("ledger", row, waiting=1_200)) == [
        "ledger Held fence 8 runs for [for] 1,200 waiting"
    ]


def test_a_lock_that_only_waits_is_free_with_a_line() -> None:
    state = LockState("ledger", LockRow("ledger"), waiting=2)
    assert rows([known("ledger", 0, None)], state) == ["ledger Free fence \u2013 \u2013 2 waiting"]


@pytest.mark.parametrize("name", ["a b/c%2F?d=1&e#f", 'it\'s "quoted"', "🔒", "x" * 200, "<b>bold</b>"])
def test_odd_names_are_text_and_lead_to_their_locks(name: str) -> None:
    table = locks_table([known(name)], {})
    assert name in text(table)
    assert links(table) == [("lock", {"lock": name})]
    assert find(table, "tr")[1][1]["k"] == partition(name)


class ListWorld:
    def __init__(self, *names: str) -> None:
        self.models = InMemoryReadModels()
        self.clock = VirtualClock()
        self.requests: Counter[str] = Counter()
        self.models.calls.fault = self._count
        self.models.known_locks = {partition(name): known(name) for name in names}
        self.reader = LockListReader(self.models, self.clock)

    async def _count(self, when: Literal["before", "after"], call: str) -> None:
        self.requests[call] += when == "before"


async def test_a_page_costs_one_request_in_ten_seconds_for_all_viewers() -> None:
    world = ListWorld("ledger", "payroll")
    pages = await asyncio.gather(*(world.reader.page() for _ in range(20)))
    assert all(page is pages[0] for page in pages)
    assert sorted(lock.lock for lock in pages[0].items) == ["ledger", "payroll"]
    await world.clock.advance(9)
    await world.reader.page()
    assert world.requests == {"read_models.list_locks": 1}
    await world.clock.advance(1)
    await world.reader.page()
    assert world.requests == {"read_models.list_locks": 2}


async def test_locks_are_found_by_the_start_of_their_names_page_by_page() -> None:
    world = ListWorld(*(f"tenant-{number:03}" for number in range(120)), "other")
    first = await world.reader.page("tenant-")
    assert first.next is not None
    second = await world.reader.page("tenant-", first.next)
    third = await world.reader.page("tenant-", second.next)
    assert [len(page.items) for page in (first, second, third)] == [50, 50, 20]
    assert third.next is None
    assert [lock.lock for lock in (await world.reader.page("oth")).items] == ["other"]


async def test_a_cursor_that_no_list_gave_is_refused() -> None:
    with pytest.raises(CursorError):
        await ListWorld("a").reader.page("", "nonsense")


async def test_what_was_read_is_read_again_once_the_storage_answers() -> None:
    world = ListWorld("ledger")

    async def away(when: Literal["before", "after"], call: str) -> None:
        raise UnknownOutcomeError

    world.models.calls.fault = away
    with pytest.raises(UnknownOutcomeError):
        await world.reader.page()
    world.models.calls.fault = None
    assert len((await world.reader.page()).items) == 1


class ShortPages(InMemoryReadModels):
    """Names that begin alike in their partitions alone may fill pages: some of a page's locks fall out."""

    async def locks(self, limit: int, cursor: str | None = None, prefix: str = "") -> Page[KnownLock]:
        return await super().locks(min(limit, 20), cursor, prefix)


async def test_short_pages_are_filled_up_with_few_requests() -> None:
    names = [f"tenant-{number:03}" for number in range(120)]
    world = ListWorld(*names)
    world.models = ShortPages(world.models.calls)
    world.models.known_locks = {partition(name): known(name) for name in names}
    world.reader = LockListReader(world.models, world.clock)
    found: list[str] = []
    cursor: str | None = None
    sizes: list[int] = []
    while cursor is not None or not sizes:
        page = await world.reader.page("", cursor)
        found += [lock.lock for lock in page.items]
        sizes.append(len(page.items))
        cursor = page.next
    assert (found, sizes) == (names, [50, 50, 20])
    assert world.requests == {"read_models.list_locks": 7}
