"""A rebuild projects every registered job again, a bounded number at a time, and counts what it did."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from audit_projector import rebuild
from audit_projector.projection import Projection
from audit_projector.settings import AuditProjectorSettings
from coordination.clock import VirtualClock
from coordination.ports import Registration, UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal, InMemoryRegister


class GatedProjection:
    """Projects what a test lets through; the job's id is the number of its events."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[tuple[str, str, int, bool]] = []
        self.gate = asyncio.Event()
        #: A job that waits for the gate alone, once the others need not.
        self.slow = ""

    async def project(self, lock_name: str, job_id: str, up_to: int, *, afresh: bool) -> int:
        self.asked.append((lock_name, job_id, up_to, afresh))
        if self.slow in {"", job_id}:
            await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise UnknownOutcomeError("no answer")
        return int(job_id)


async def registered(*event_counts: int) -> AsyncIterator[Registration]:
    for count in event_counts:
        yield Registration(
            str(count), f"lock of {count}", "partition", "hash", datetime(2026, 11, 21, tzinfo=UTC)
        )


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def replaying(projection: GatedProjection, *event_counts: int) -> asyncio.Task[tuple[int, int]]:
    projects = cast("Projection", projection)
    return asyncio.create_task(rebuild.replay(registered(*event_counts), projects))


async def test_every_job_is_projected_from_its_first_event_and_those_without_events_do_not_count() -> None:
    projection = GatedProjection()
    projection.gate.set()
    counts = [0, *range(1, 41), 0]
    assert await replaying(projection, *counts) == (40, sum(counts))
    assert sorted(projection.asked) == sorted((f"lock of {count}", str(count), 0, True) for count in counts)


async def test_sixteen_jobs_are_projected_at_a_time() -> None:
    projection = GatedProjection()
    replay = replaying(projection, *range(1, 41))
    await settle()
    assert len(projection.asked) == 16
    projection.gate.set()
    assert await replay == (40, sum(range(1, 41)))


async def test_one_slow_job_keeps_no_other_waiting() -> None:
    projection = GatedProjection()
    projection.slow = "1"
    replay = replaying(projection, *range(1, 41))
    await settle()
    assert len(projection.asked) == 40
    projection.gate.set()
    assert await replay == (40, sum(range(1, 41)))


@pytest.mark.parametrize(
    "error",
    [
        UnknownOutcomeError("no answer"),
        ExceptionGroup("several", [UnknownOutcomeError("no answer"), UnknownOutcomeError("nor this")]),
    ],
)
def test_the_command_says_why_nothing_was_rebuilt(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(settings: object) -> rebuild.Rebuilt:
        raise error

    _prepare(monkeypatch, fail)
    assert rebuild.main() == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "Not rebuilt, try again: no answer\n")


def test_the_command_says_what_was_rebuilt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def succeed(settings: object) -> rebuild.Rebuilt:
        return rebuild.Rebuilt({"Summaries": 3, "Trail": 9}, 2, 7)

    _prepare(monkeypatch, succeed)
    assert rebuild.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "Summaries: 3 rows wiped",
        "Trail: 9 rows wiped",
        "2 jobs with 7 events projected",
    ]


def test_the_command_logs_to_the_error_output_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    async def succeed(settings: object) -> rebuild.Rebuilt:
        assert configured == [("settings", sys.stderr)]
        return rebuild.Rebuilt({}, 0, 0)

    configured: list[tuple[object, ...]] = []
    _prepare(monkeypatch, succeed)
    monkeypatch.setattr(rebuild, "read_settings", lambda _: "settings")
    monkeypatch.setattr(rebuild, "configure_logging", lambda *asked: configured.append(asked))
    assert rebuild.main() == 0


class Storage:
    """Read models without a job; notes what is asked of it, and may fail to wipe."""

    def __init__(self, *, fails: bool) -> None:
        self.asked: list[str] = []
        self._fails = fails

    async def prepare(self) -> None:
        self.asked.append("prepare")

    async def wipe(self, _: object = None) -> dict[str, int]:
        self.asked.append("wipe")
        if self._fails:
            raise UnknownOutcomeError("no answer")
        return {"Trail": 9}

    async def aclose(self) -> None:
        self.asked.append("aclose")


@pytest.mark.parametrize("fails", [False, True])
async def test_tables_are_there_before_they_are_wiped_and_the_storage_is_closed_in_the_end(
    monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    storage = Storage(fails=fails)
    monkeypatch.setattr(rebuild, "connect", lambda _: storage)
    monkeypatch.setattr(rebuild, "TableJournal", lambda _: InMemoryJournal())
    monkeypatch.setattr(rebuild, "TableReadModelWriter", lambda *_: storage)
    monkeypatch.setattr(rebuild, "TableRegister", lambda _: InMemoryRegister())
    try:
        done = await rebuild.rebuild(cast("AuditProjectorSettings", SimpleNamespace(retention_times=None)))
    except UnknownOutcomeError:
        assert fails
    else:
        assert done == rebuild.Rebuilt({"Trail": 9}, 0, 0)
    assert storage.asked == ["prepare", "wipe", "aclose"]


def _prepare(monkeypatch: pytest.MonkeyPatch, does: Callable[[object], Awaitable[rebuild.Rebuilt]]) -> None:
    monkeypatch.setattr(rebuild, "rebuild", does)
    monkeypatch.setattr(rebuild, "read_settings", lambda _: None)
    monkeypatch.setattr(rebuild, "configure_logging", lambda *_: None)


async def test_no_jobs_are_no_work() -> None:
    assert await replaying(GatedProjection()) == (0, 0)


async def test_a_storage_that_is_away_for_less_than_a_minute_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, projection = VirtualClock(), GatedProjection(failures=10)
    monkeypatch.setattr(rebuild, "SystemClock", lambda: clock)
    projection.gate.set()
    replay = replaying(projection, 3)
    while not replay.done():
        await clock.settle()
        await clock.advance_to_next()
    assert await replay == (1, 3)
    assert len(projection.asked) == 11


async def test_a_storage_that_stays_away_for_a_minute_ends_the_rebuild(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, projection = VirtualClock(), GatedProjection(failures=10_000)
    began = clock.boot()
    monkeypatch.setattr(rebuild, "SystemClock", lambda: clock)
    projection.gate.set()
    replay = replaying(projection, 3)
    while not replay.done():
        await clock.settle()
        await clock.advance_to_next()
    with pytest.raises(ExceptionGroup) as raised:
        await replay
    assert 55 < clock.boot() - began <= 60
    assert isinstance(rebuild._cause(raised.value), UnknownOutcomeError)
