"""What others learn of a worker: its kinds, and every ten seconds itself; and both again after an outage."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import pytest

from contracts.heartbeats import QUIET_HEARTBEAT_SECONDS
from contracts.jobs import Drain, HeldLease, Instance, Kind, Worker
from contracts.policies import JobPolicy
from contracts.telemetry import attributes as at
from coordination.clock import VirtualClock
from coordination.ports import UnknownOutcomeError
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from coordination.worker_directory import Listed
from worker.execution import KindInfo
from worker.heartbeat import Heartbeat, Placement

POLICY = JobPolicy(max_runner_crashes=7, max_worker_losses=8)


class Directory(InMemoryWorkerDirectory):
    """A directory that remembers what is written, and when; does not answer while it is away."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(self._answer)
        self._clock = clock
        self._began = clock.boot()
        self.is_away = False
        #: Writes left until the directory is away.
        self.left: int | None = None
        self.published: list[tuple[float, Kind]] = []
        self.beats: list[tuple[float, Worker]] = []

    async def publish_kind(self, kind: Kind) -> None:
        await super().publish_kind(kind)
        self.published.append((self._clock.boot() - self._began, kind))

    async def record_heartbeat(self, worker: Worker) -> Drain | None:
        drain = await super().record_heartbeat(worker)
        self.beats.append((self._clock.boot() - self._began, worker))
        return drain

    async def _answer(self, when: str, name: str) -> None:
        if when == "after":
            return
        if self.left is not None:
            self.left -= 1
            self.is_away = self.left < 0
        if self.is_away:
            raise UnknownOutcomeError("the tables do not answer")


class Place:
    """A worker's presence, and what it is made of."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.directory = Directory(self.clock)
        self.kinds: dict[str, KindInfo] = {
            kind: KindInfo(kind, {"type": "object", "title": kind}, None, f"does {kind}", POLICY)
            for kind in ("ten-steps", "checksum-file")
        }
        self.running: dict[str, str] = {}
        self.leases: list[HeldLease] = []
        self.takes_jobs = True
        self.heartbeat = Heartbeat(
            "host-1/7",
            3,
            self.directory,
            self.clock,
            self._kinds,
            self,
            "ab12",
            "sample_jobs",
        )

    async def drain(self, *, is_draining: bool) -> None:
        self.takes_jobs = not is_draining

    def _kinds(self) -> Mapping[str, KindInfo]:
        return self.kinds

    @property
    def announced(self) -> list[tuple[float, str]]:
        return [(at, kind.kind) for at, kind in self.directory.published]

    @property
    def beats(self) -> list[float]:
        return [at for at, _ in self.directory.beats]


@pytest.fixture
def place() -> Place:
    return Place()


Start = Callable[[], asyncio.Task[None]]


@pytest.fixture
async def start(place: Place) -> AsyncIterator[Start]:
    """Start to keep the presence up, until the test is over."""
    tasks: list[asyncio.Task[None]] = []

    def begin() -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(place.heartbeat.keep_up()))
        return tasks[-1]

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_heartbeat_says_who_the_worker_is_and_what_it_runs_and_holds(place: Place) -> None:
    began = place.clock.now()
    place.running = {"ledger": "job-2", "stock": "job-1"}
    place.leases = [HeldLease(lock="ledger", fence=3, renewed_at=began, seconds=30)]
    await place.clock.advance(90)
    await place.heartbeat.beat()
    [(_, worker)] = place.directory.beats
    assert worker == Worker(
        worker="host-1/7",
        seen_at=place.clock.now(),
        started_at=began,
        kinds=["checksum-file", "ten-steps"],
        running=["job-1", "job-2"],
        properties={
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": version("turnstile-worker"),
            "concurrency": 3,
            "start_id": "ab12",
            "jobs": "sample_jobs",
        },
        leases=place.leases,
    )


async def test_every_kind_is_published_with_its_schema(place: Place, start: Start) -> None:
    start()
    await place.clock.advance(0)
    assert [kind for _, kind in place.directory.published] == [
        Kind(
            kind=kind,
            description=f"does {kind}",
            parameters={"type": "object", "title": kind},
            policy=POLICY,
            published_at=place.clock.now(),
        )
        for kind in ("ten-steps", "checksum-file")
    ]


async def test_a_worker_without_work_is_seen_at_once_and_then_every_twenty_seconds(
    place: Place, start: Start
) -> None:
    start()
    await place.clock.advance(75)
    assert place.beats == [0, 20, 40, 60]
    assert [worker.seen_at for _, worker in place.directory.beats] == sorted(
        {worker.seen_at for _, worker in place.directory.beats}
    )


async def test_what_a_worker_runs_and_renews_is_seen_after_ten_seconds(place: Place, start: Start) -> None:
    start()
    await place.clock.advance(25)
    place.running = {"ledger": "job-1"}
    await place.clock.advance(10)
    assert place.beats == [0, 20, 30]
    for _ in range(3):
        place.leases = [HeldLease(lock="ledger", fence=3, renewed_at=place.clock.now(), seconds=30)]
        await place.clock.advance(10)
    place.running, place.leases = {}, []
    await place.clock.advance(40)
    assert place.beats == [0, 20, 30, 40, 50, 60, 70, 90]


async def test_kinds_are_published_at_once_and_then_every_five_minutes(place: Place, start: Start) -> None:
    start()
    await place.clock.advance(605)
    assert place.announced == [(at, kind) for at in (0, 300, 600) for kind in ("ten-steps", "checksum-file")]


async def test_kinds_and_heartbeats_are_published_again_once_the_storage_answers(
    place: Place, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    kept_up = start()
    await place.clock.advance(295)
    place.directory.is_away = True
    await place.clock.advance(100)
    place.directory.is_away = False
    assert not kept_up.done()
    missed = [record for record in caplog.records if record.message == "writing the heartbeat failed"]
    assert [record.levelno for record in missed] == [logging.WARNING] * 10
    assert vars(missed[0])[at.ERROR_MESSAGE] == "the tables do not answer"
    await place.clock.advance(10)
    assert place.beats[-2:] == [280, 400]
    assert place.announced[-2:] == [(400, "ten-steps"), (400, "checksum-file")]
    await place.clock.advance(300)
    assert place.announced[-2:] == [(700, "ten-steps"), (700, "checksum-file")]


async def test_an_outage_before_the_first_heartbeat_only_delays_it(place: Place, start: Start) -> None:
    place.directory.is_away = True
    start()
    await place.clock.advance(25)
    assert (place.directory.published, place.directory.beats) == ([], [])
    place.directory.is_away = False
    await place.clock.advance(10)
    assert place.announced == [(30, "ten-steps"), (30, "checksum-file")]
    assert place.beats == [30]


async def test_kinds_of_which_only_some_were_published_are_all_published_again(
    place: Place, start: Start
) -> None:
    # The heartbeat, three reads, and one kind.
    place.directory.left = 5
    start()
    await place.clock.advance(5)
    assert place.announced == [(0, "ten-steps")]
    place.directory.left, place.directory.is_away = None, False
    await place.clock.advance(5)
    assert place.announced[1:] == [(10, "ten-steps"), (10, "checksum-file")]


async def test_what_the_worker_learns_meanwhile_is_published_next_time(place: Place, start: Start) -> None:
    start()
    await place.clock.advance(5)
    place.kinds["new"] = KindInfo("new", {}, None, "")
    place.running = {"ledger": "job-1"}
    await place.clock.advance(5)
    _, worker = place.directory.beats[-1]
    assert (worker.kinds, worker.running) == (["checksum-file", "new", "ten-steps"], ["job-1"])
    await place.clock.advance(290)
    assert (300, "new") in place.announced


async def test_a_worker_that_stops_is_not_seen_any_more(place: Place, start: Start) -> None:
    kept_up = start()
    await place.clock.advance(15)
    kept_up.cancel()
    await place.clock.advance(600)
    assert kept_up.cancelled()
    assert place.beats == [0]


async def test_an_unexpected_error_is_not_passed_over(place: Place) -> None:
    async def fail(worker: Worker) -> None:
        raise ValueError("a bug")

    place.directory.record_heartbeat = fail  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="a bug"):
        await place.heartbeat.keep_up()


async def test_a_worker_that_is_stopped_in_order_says_so_and_no_more(place: Place, start: Start) -> None:
    start()
    await place.clock.advance(15)
    await place.heartbeat.stop()
    await place.clock.advance(60)
    stopped = [(at, worker.stopped_at is not None) for at, worker in place.directory.beats]
    assert stopped == [(0, False), (15, True)]
    assert place.directory.heartbeats["host-1/7"].running == []


@pytest.mark.parametrize(
    ("about", "is_warned"),
    [
        ({}, True),
        ({"properties": {"start_id": "cd34"}}, True),
        ({"properties": {"start_id": "ab12"}}, False),
        ({"worker": "host-1/8"}, False),
        ({"seen_at": timedelta(seconds=-36)}, False),
        ({"stopped_at": timedelta(seconds=-1)}, False),
    ],
)
async def test_a_worker_whose_name_another_living_process_has_warns_once(
    place: Place,
    start: Start,
    caplog: pytest.LogCaptureFixture,
    about: dict[str, Any],
    is_warned: bool,
) -> None:
    now = place.clock.now()
    moments = {name: now + value for name, value in about.items() if isinstance(value, timedelta)}
    other = {"worker": "host-1/7", "seen_at": now, "properties": {"pid": 8, "host": "h"}}
    await place.directory.record_heartbeat(Worker(**{**other, **about, **moments}))
    start()
    await place.clock.advance(60)
    found = [vars(each)[at.REASON] for each in caplog.records if each.message == "worker name is in use"]
    assert len(found) == is_warned
    assert all("TURNSTILE_WORKER_NAME" in reason for reason in found)


def kind(name: str, title: str = "") -> Kind:
    earlier = VirtualClock().now() - timedelta(minutes=4)
    return Kind(kind=name, parameters={"title": title}, published_at=earlier)


async def test_a_kind_that_was_taken_out_is_forgotten_as_soon_as_the_worker_is_replaced(
    place: Place, start: Start
) -> None:
    place.directory.known_kinds["removed"] = kind("removed")
    place.directory.heartbeats["host-1/6"] = Worker(
        worker="host-1/6",
        seen_at=place.clock.now(),
        started_at=place.clock.now() - timedelta(hours=1),
        stopped_at=place.clock.now(),
        kinds=["removed", "ten-steps"],
        properties={"jobs": "sample_jobs"},
    )
    start()
    await place.clock.advance(1)
    assert sorted(place.directory.known_kinds) == ["checksum-file", "ten-steps"]


async def test_a_kind_that_another_worker_knows_stays(place: Place, start: Start) -> None:
    place.directory.known_kinds["theirs"] = kind("theirs")
    place.directory.heartbeats["other"] = Worker(worker="other", seen_at=place.clock.now(), kinds=["theirs"])
    start()
    await place.clock.advance(1)
    assert "theirs" in place.directory.known_kinds


async def test_a_kind_that_is_published_again_in_the_meantime_stays(place: Place, start: Start) -> None:
    place.directory.known_kinds["removed"] = kind("removed")
    listed = place.directory.listed_workers

    async def publish_first() -> Sequence[Listed[Worker]]:
        found = await listed()
        place.directory.known_kinds["removed"] = kind("removed", "by another, a moment ago")
        return found

    place.directory.listed_workers = publish_first  # type: ignore[method-assign, assignment]
    start()
    await place.clock.advance(1)
    assert "removed" in place.directory.known_kinds


async def test_an_older_worker_leaves_the_schema_of_a_newer_one_alone(place: Place, start: Start) -> None:
    place.directory.known_kinds["ten-steps"] = kind("ten-steps", "new")
    place.directory.heartbeats["newer"] = Worker(
        worker="newer",
        seen_at=place.clock.now(),
        started_at=place.clock.now() + timedelta(seconds=1),
        kinds=["ten-steps"],
    )
    start()
    await place.clock.advance(305)
    assert place.directory.known_kinds["ten-steps"].parameters == {"title": "new"}
    assert place.announced == [(0, "checksum-file"), (300, "checksum-file")]
    # The newer one is not heard any more.
    await place.clock.advance(600)
    assert place.announced[-2:] == [(900, "ten-steps"), (900, "checksum-file")]


async def test_a_worker_is_listed_with_its_kinds_before_it_publishes_them(place: Place, start: Start) -> None:
    lists: list[list[str]] = []
    publish = place.directory.publish_kind

    async def note(published: Kind) -> None:
        lists.append(place.directory.heartbeats["host-1/7"].kinds)
        await publish(published)

    place.directory.publish_kind = note  # type: ignore[method-assign, assignment]
    start()
    await place.clock.advance(1)
    assert lists == [["checksum-file", "ten-steps"]] * 2


async def test_rows_of_processes_that_are_gone_for_a_week_are_deleted(place: Place, start: Start) -> None:
    now = place.clock.now()
    for days in (6, 8):
        seen = now - timedelta(days=days)
        place.directory.heartbeats[f"w{days}"] = Worker(worker=f"w{days}", seen_at=seen)
        place.directory.known_instances["s", f"i{days}"] = Instance(
            service="s", instance=f"i{days}", seen_at=seen, started_at=seen, version="1"
        )
    start()
    await place.clock.advance(1)
    assert sorted(place.directory.heartbeats) == ["host-1/7", "w6"]
    assert sorted(place.directory.known_instances) == [("s", "i6")]


async def test_a_worker_that_is_to_take_no_new_jobs_obeys_within_its_next_heartbeat_and_says_so_at_once(
    place: Place, start: Start
) -> None:
    start()
    await place.clock.advance(5)
    drain = Drain(since=place.clock.now(), actor="maria", reason="update")
    assert await place.directory.order("host-1/7", drain) is not None
    await place.clock.advance(QUIET_HEARTBEAT_SECONDS)
    assert not place.takes_jobs
    [worker] = await place.directory.workers()
    assert (worker.drain, worker.takes_jobs, worker.is_drained) == (drain, False, True)
    await place.directory.order("host-1/7", None)
    await place.clock.advance(QUIET_HEARTBEAT_SECONDS)
    assert place.takes_jobs
    [worker] = await place.directory.workers()
    assert (worker.drain, worker.takes_jobs, worker.is_drained) == (None, True, False)


async def test_a_worker_that_drains_and_still_runs_a_job_is_not_drained(place: Place, start: Start) -> None:
    start()
    place.running = {"ledger": "job-1"}
    await place.clock.advance(1)
    await place.directory.order("host-1/7", Drain(since=place.clock.now(), actor="maria"))
    await place.clock.advance(QUIET_HEARTBEAT_SECONDS)
    [worker] = await place.directory.workers()
    assert (worker.takes_jobs, worker.is_drained) == (False, False)


async def test_the_order_stands_for_the_process_that_begins_next_under_the_name(place: Place) -> None:
    await place.heartbeat.beat()
    await place.directory.order("host-1/7", Drain(since=place.clock.now(), actor="maria"))
    await place.heartbeat.stop()
    again = Place()
    again.directory.heartbeats = place.directory.heartbeats
    await again.heartbeat.beat()
    assert not again.takes_jobs


async def test_a_worker_shows_its_pools_properties_and_limits(place: Place) -> None:
    placement = Placement(["default", "gpu"], {"machine": "premium"}, {"import": 1})
    heartbeat = Heartbeat("w", 1, place.directory, place.clock, dict, place, placement=placement)
    await heartbeat.beat()
    [worker] = [beat for _, beat in place.directory.beats if beat.worker == "w"]
    assert (worker.pools, worker.custom_properties) == (["default", "gpu"], {"machine": "premium"})
    assert worker.kind_limits == {"import": 1}


def test_a_heartbeat_of_an_earlier_release_is_of_the_default_pool() -> None:
    worker = Worker.model_validate({"worker": "w", "seen_at": "2026-11-30T08:00:00Z"})
    assert (worker.pools, worker.custom_properties, worker.kind_limits) == (["default"], {}, {})
