"""The board: read once for all viewers, little by little, and not at all while no page is open."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.coordination.journaled_lock import LOCK, JournaledLock
from tests.unit.dashboard.test_statistics import event

from contracts.identifiers import new_id
from contracts.jobs import Worker
from contracts.statuses import EventStatus
from coordination.clients.limits import LimitSetter
from coordination.clock import VirtualClock
from coordination.ports import Registration, UnknownOutcomeError
from coordination.slot import Slot
from coordination.testing.memory import InMemoryNotifier, InMemoryRegister
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from dashboard.board.poller import REST_SECONDS, BoardPoller
from dashboard.board.snapshot import Snapshot
from read_models import TrailEntry
from read_models.documents import LockRun
from read_models.memory import InMemoryReadModels


class Board(JournaledLock):
    """A lock with jobs, and the board that shows it; counts what the board asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.register, self.models = InMemoryRegister(), InMemoryReadModels()
        self.directory = InMemoryWorkerDirectory()
        self.asked: list[str] = []
        self.is_away = False
        for port in (self.journal, self.register, self.models, self.directory):
            port.calls.fault = self._asked
        self.poller = BoardPoller(self.journal, self.register, self.models, self.directory, self.clock)

    async def _asked(self, when: str, call: str) -> None:
        if when == "before":
            self.asked.append(call)
            if self.is_away:
                raise UnknownOutcomeError("the storage is away")

    async def submit_job(self, name: str) -> str:
        job_id = new_id()
        row = await self.submit(job_id, name=name)
        await self.register.add(
            Registration(job_id, LOCK, Slot(LOCK).partition, row.request_hash, self.clock.now())
        )
        return job_id

    async def happened(self, status: EventStatus, job_id: str, seq: int = 1, lock: str = LOCK) -> None:
        at = self.clock.now()
        found = event(status, 0, job_id, seq, timestamp_utc=at, lock=lock)
        await self.models.record_recent([TrailEntry(found, "", "")])

    async def read(self) -> list[str]:
        """Look once, and return what the board asked for."""
        self.asked.clear()
        await self.poller.read()
        return sorted(call for call in self.asked if not call.startswith("read_models.record"))


@pytest.fixture
def board() -> Board:
    return Board()


async def test_the_first_look_finds_what_waits_although_its_events_are_not_projected(board: Board) -> None:
    await board.submit_job("Close of May")
    await board.submit_job("Close of June")
    await board.read()
    snapshot = board.poller.snapshot
    (lock,) = snapshot.locks.values()
    assert (lock.name, lock.waiting, [job.name for job in lock.line]) == (
        LOCK,
        2,
        ["Close of May", "Close of June"],
    )
    assert snapshot.read_at == board.clock.now()
    assert snapshot.waiting == 2
    assert not snapshot.busy


async def test_an_event_has_its_lock_read_again_and_no_other(board: Board) -> None:
    await board.read()
    assert await board.read() == ["read_models.list_events"]
    job_id = await board.submit_job("Close of May")
    await board.happened(EventStatus.SUBMITTED, job_id)
    asked = await board.read()
    assert asked.count("journal.read_range") == 1
    assert board.poller.snapshot.waiting == 1
    assert [one.job_id for one in board.poller.snapshot.events] == [job_id]


async def test_a_lost_event_is_made_up_for_by_the_active_jobs(board: Board) -> None:
    await board.read()
    await board.submit_job("Close of May")
    await board.read()
    assert board.poller.snapshot.waiting == 0
    board.clock.jump(31)
    await board.read()
    assert board.poller.snapshot.waiting == 1


async def test_progress_is_read_only_while_a_page_shows_it(board: Board) -> None:
    await board.submit_job("Close of May")
    await board.take_over()
    await board.read()
    assert [lock.running.name for lock in board.poller.snapshot.busy if lock.running] == ["Close of May"]
    assert "journal.read" not in await board.read()
    board.poller.watch([LOCK])
    assert (await board.read()).count("journal.read") == 1
    board.clock.jump(6)
    assert "journal.read" not in await board.read()


async def test_storage_that_is_away_leaves_what_was_read_and_is_forgotten_when_it_is_back(
    board: Board,
) -> None:
    await board.submit_job("Close of May")
    board.poller.look()
    running = asyncio.create_task(board.poller.run())
    await board.clock.advance(1)
    board.is_away = True
    began = board.clock.now()
    for _ in range(4):
        board.poller.look()
        await board.clock.advance(5)
    trouble = board.poller.snapshot.trouble
    assert trouble is not None
    assert trouble.error == "the storage is away"
    assert trouble.since - began < timedelta(seconds=3)
    assert board.poller.snapshot.waiting == 1
    board.is_away = False
    board.poller.look()
    await board.clock.advance(6)
    assert board.poller.snapshot.trouble is None
    running.cancel()


async def test_nothing_is_read_while_nobody_looks(board: Board) -> None:
    running = asyncio.create_task(board.poller.run())
    await board.clock.advance(60)
    assert board.asked == []
    board.poller.look()
    await board.clock.advance(REST_SECONDS + 2)
    assert board.asked
    board.asked.clear()
    await board.clock.advance(60)
    assert board.asked == []
    running.cancel()


async def test_the_first_viewer_after_a_rest_waits_for_a_read(board: Board) -> None:
    running = asyncio.create_task(board.poller.run())
    board.poller.look()
    await board.clock.advance(REST_SECONDS + 60)
    old = board.poller.snapshot.read_at
    back = asyncio.create_task(asyncio.to_thread(board.poller.look, 30.0))
    while not back.done():
        await asyncio.to_thread(lambda: None)
        await board.clock.advance(1)
    read_at = (await back).read_at
    assert old is not None
    assert read_at is not None
    assert read_at - old > timedelta(seconds=40)
    running.cancel()


async def test_processes_are_judged_by_what_was_heard_of_them_and_not_by_the_time_since(board: Board) -> None:
    await board.directory.record_heartbeat(Worker(worker="worker-1", seen_at=board.clock.now()))
    await board.read()
    snapshot = board.poller.snapshot
    heard_at = board.clock.now()
    assert snapshot.heard_at == heard_at
    for seconds, judged in ((0, 0), (9, 9), (10, 10), (600, 10)):
        now = heard_at + timedelta(seconds=seconds)
        assert snapshot.judged_at(now) == heard_at + timedelta(seconds=judged)
    assert list(snapshot.heard(heard_at + timedelta(seconds=25))) == ["worker-1"]
    assert snapshot.heard(heard_at + timedelta(seconds=26)) == {}
    assert Snapshot().judged_at(heard_at) == heard_at


async def test_a_run_that_overlapped_is_on_the_board(board: Board) -> None:
    run = LockRun(LOCK, 3, new_id(), 1)
    await board.models.record_lock_runs(Slot(LOCK).partition, [run])
    (seen,) = await board.models.lock_runs_around(Slot(LOCK).partition, 3)
    await board.models.mark_overlap(Slot(LOCK).partition, seen, "mark")
    await board.read()
    assert [(found.lock, found.fence) for found in board.poller.snapshot.overlaps] == [(LOCK, 3)]


async def test_free_locks_are_kept_up_to_a_number(board: Board, monkeypatch: Any) -> None:
    monkeypatch.setattr("dashboard.board.poller._MOST_FREE", 3)
    for number in range(6):
        await board.happened(EventStatus.COMPLETED, new_id(), lock=f"lock-{number}")
    await board.read()
    assert len(board.poller.snapshot.locks) == 3
    board.poller.snapshot = replace(board.poller.snapshot, locks={})


async def test_the_first_viewer_waits_until_something_is_known(board: Board) -> None:
    first = asyncio.create_task(asyncio.to_thread(board.poller.look, 30.0))
    await asyncio.to_thread(lambda: None)
    assert not first.done()
    await board.read()
    assert (await first).read_at is not None
    assert board.poller.look(30.0).read_at is not None


async def test_a_lock_with_a_limit_is_read_with_all_its_slots(board: Board) -> None:
    await LimitSetter(board.journal, InMemoryNotifier(), board.clock).set(LOCK, 2, "ann")
    await board.submit_job("Close of May")
    await board.read()
    (lock,) = board.poller.snapshot.locks.values()
    assert (lock.limit, [slot.number for slot in lock.slots]) == (2, [0, 1])
    assert (lock.held, board.poller.snapshot.held) == ([], [])


async def test_a_lock_that_a_viewer_changed_is_read_with_the_next_look(board: Board) -> None:
    await board.submit_job("Close of May")
    await board.read()
    await LimitSetter(board.journal, InMemoryNotifier(), board.clock).set(LOCK, 2, "ann")
    await board.read()
    assert board.poller.snapshot.locks[LOCK].limit == 1
    board.poller.reread(LOCK)
    assert (await board.read()).count("journal.read_range") == 2
    assert board.poller.snapshot.locks[LOCK].limit == 2
