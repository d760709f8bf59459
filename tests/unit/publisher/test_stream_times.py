"""How a stream paces itself: when it looks, shows that it lives, gives up, and ends."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, Listener, WorkerOf

from coordination.outcomes import Completed, Interrupted
from coordination.ports import Row
from coordination.testing.memory import VirtualClock
from publisher.use_cases.jobs import find_job
from publisher.use_cases.stream import JobStream

STILL_HERE = ": still here\n\n"


class PacedClock(VirtualClock):
    """Remembers for how long it was waited."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(round(seconds, 3))
        await super().sleep(seconds)


@pytest.fixture
def clock() -> PacedClock:
    return PacedClock()


@pytest.fixture
async def running_job(api: Api, worker_of: WorkerOf) -> str:
    job_id = await api.submitted(lock="ledger")
    await worker_of("ledger").start()
    return job_id


async def listen(api: Api, clock: PacedClock, job_id: str, *, after: int = 0, quick: float = 1.0) -> Listener:
    """Follow a job, by default with a look every second, and hear what there is to tell of it now."""
    stream = JobStream(api.journal, api.register, clock, lambda: False, quick=quick)
    listener = Listener(stream, await find_job(api.register, job_id), after)
    await clock.settle()
    return listener


async def per_second(
    clock: PacedClock, listener: Listener, seconds: int, told: Callable[[str], Any]
) -> list[Any]:
    """Let seconds pass; returns for each what was told in it."""
    found = []
    for _ in range(seconds):
        await clock.advance(1)
        found.append(told(listener.take()))
    return found


def facts(heard: str) -> list[int]:
    """Return the numbers of the events that were told."""
    return [int(line.removeprefix("id: ")) for line in heard.splitlines() if line.startswith("id: ")]


def reports(heard: str) -> list[Any]:
    """Return the progress that was told."""
    pieces = [piece.splitlines() for piece in heard.split("\n\n")]
    return [json.loads(lines[1].removeprefix("data: ")) for lines in pieces if "event: progress" in lines]


async def test_a_stream_looks_less_often_while_nothing_happens(
    api: Api, clock: PacedClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    listener = await listen(api, clock, job_id, quick=0.5)
    await clock.advance(6)
    assert clock.pauses == [0.5, 0.6, 0.72, 0.864, 1.0, 1.0, 1.0, 1.0]

    await worker.step("load")
    clock.pauses.clear()
    await clock.advance(1.5)
    assert clock.pauses == [0.5, 0.6]
    listener.task.cancel()


async def test_a_sign_of_life_comes_once_the_silence_is_longer_than_ten_seconds(
    api: Api, clock: PacedClock, running_job: str
) -> None:
    listener = await listen(api, clock, running_job)
    listener.take()

    heard = await per_second(clock, listener, 23, str)
    assert heard == [*[""] * 10, STILL_HERE, *[""] * 10, STILL_HERE, ""]
    listener.task.cancel()


async def test_what_is_told_is_a_sign_of_life_too(api: Api, clock: PacedClock, worker_of: WorkerOf) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    listener = await listen(api, clock, job_id)
    await clock.advance(10)
    await worker.step("load")
    listener.take()

    heard = await per_second(clock, listener, 12, lambda heard: (facts(heard), STILL_HERE in heard))
    assert heard == [([4], False), *[([], False)] * 10, ([], True)]
    listener.task.cancel()


async def test_a_storage_silent_for_thirty_seconds_ends_the_stream_and_an_answer_in_time_does_not(
    api: Api, clock: PacedClock, running_job: str
) -> None:
    listener = await listen(api, clock, running_job)
    api.storage.is_away = True
    await clock.advance(30)
    assert not listener.task.done()
    api.storage.is_away = False
    await clock.advance(1)
    api.storage.is_away = True
    await clock.advance(30)
    assert not listener.task.done()
    await clock.advance(1)

    assert listener.task.done()
    listener.task.result()


async def test_a_silent_storage_is_asked_once_a_second(api: Api, clock: PacedClock, running_job: str) -> None:
    listener = await listen(api, clock, running_job, quick=0.5)
    api.storage.is_away = True
    await clock.advance(0.5)
    clock.pauses.clear()
    await clock.advance(3)

    assert clock.pauses == [1.0, 1.0, 1.0]
    listener.task.cancel()


async def test_the_line_is_read_every_other_second_while_the_job_waits_in_it(
    api: Api, clock: PacedClock
) -> None:
    await api.submitted(lock="ledger")
    listener = await listen(api, clock, await api.submitted(lock="ledger"))
    read = []
    for _ in range(6):
        api.storage.calls.clear()
        await clock.advance(1)
        read.append(api.storage.calls["journal.read_range"])

    assert read == [0, 1, 0, 1, 0, 1]
    listener.task.cancel()


async def test_nothing_is_read_but_the_job_while_nothing_happens_to_it(
    api: Api, clock: PacedClock, running_job: str
) -> None:
    listener = await listen(api, clock, running_job)
    api.storage.calls.clear()
    await clock.advance(5)

    assert api.storage.calls == {"journal.read": 5}
    listener.task.cancel()


async def test_a_look_that_failed_half_way_counts_for_nothing(
    api: Api, clock: PacedClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    listener = await listen(api, clock, job_id)
    listener.take()
    await worker.report(1, 2, "load")
    await worker.step("load")
    api.storage.silent = {"journal.read_range"}
    await clock.advance(3)
    assert listener.take() == ""

    api.storage.silent = set()
    heard = await per_second(clock, listener, 3, lambda heard: (facts(heard), len(reports(heard))))
    assert heard == [([4], 1), ([], 0), ([], 0)]
    listener.task.cancel()


async def test_a_line_that_could_not_be_read_is_read_again_at_once(api: Api, clock: PacedClock) -> None:
    api.storage.silent = {"journal.read_range"}
    listener = await listen(api, clock, await api.submitted(lock="ledger"))
    assert listener.take() == "retry: 1000\n\n"

    api.storage.silent = set()
    await clock.advance(1)
    heard = listener.take()
    assert ([report["position"] for report in reports(heard)], facts(heard)) == ([1], [1])
    listener.task.cancel()


async def test_a_stream_ends_with_the_last_event_even_when_it_is_read_after_the_jobs_end(
    api: Api, clock: PacedClock, worker_of: WorkerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed("1"))
    read_range = api.journal.read_range

    async def lag(*asked: Any) -> list[Row]:
        monkeypatch.undo()
        return (await read_range(*asked))[:-1]

    monkeypatch.setattr(api.journal, "read_range", lag)
    listener = await listen(api, clock, job_id)
    assert facts(listener.take()) == [1, 2, 3]
    assert not listener.task.done()
    await clock.advance(1)

    assert facts(listener.take()) == [4]
    assert listener.task.done()


async def test_a_stream_ends_at_once_with_the_terminal_event(
    api: Api, clock: PacedClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    listener = await listen(api, clock, job_id)
    await worker.end(Completed("1"))
    listener.take()
    await clock.advance(1)

    heard = listener.take()
    assert ([report["status"] for report in reports(heard)], facts(heard)) == (["Completed"], [4])
    # The event that ends the job is the last thing told.
    assert heard.index("event: progress") < heard.index("event: job_event")
    assert listener.task.done()


async def test_a_broken_stream_tells_each_event_behind_the_last_one_once(
    api: Api, clock: PacedClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    for name in "abc":
        await worker.step(name)
    listener = await listen(api, clock, job_id, after=4)
    assert facts(listener.take()) == [5, 6]

    await worker.step("d")
    assert await per_second(clock, listener, 2, facts) == [[7], []]
    listener.task.cancel()


async def test_a_progress_report_says_where_the_job_stands_now(
    api: Api, clock: PacedClock, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    listener = await listen(api, clock, job_id)
    nothing: dict[str, object] = {
        "worker": None,
        "step": None,
        "progress": None,
        "position": None,
        "waiting_for": None,
    }
    waiting: dict[str, object] = {
        "lock": "ledger",
        "holder": None,
        "running": None,
        "ahead": [],
        "expected_start": None,
        "after": [],
    }
    queued: dict[str, object] = {
        "job_id": job_id,
        "status": "Queued",
        "attempt": 0,
        "position": 1,
        "waiting_for": waiting,
    }
    assert reports(listener.take()) == [nothing | queued]

    await worker.start()
    await worker.report(0, None, "load")
    running: dict[str, object] = {
        "job_id": job_id,
        "status": "Running",
        "attempt": 1,
        "worker": "worker-1",
        "step": "load",
    }
    told = await per_second(clock, listener, 1, reports)
    assert told == [[nothing | running | {"progress": {"value": 0.0, "limit": None}}]]

    await worker.end(Interrupted("shutdown"))
    (again,) = await per_second(clock, listener, 1, reports)
    assert [(report["status"], report["position"]) for report in again] == [("Queued", 1)]
    listener.task.cancel()


async def test_a_server_that_stops_tells_nothing_more(api: Api, clock: PacedClock, running_job: str) -> None:
    stream = JobStream(api.journal, api.register, clock, lambda: True)
    listener = Listener(stream, await find_job(api.register, running_job))
    await listener.task

    assert (listener.take(), clock.pauses) == ("retry: 1000\n\n", [])
