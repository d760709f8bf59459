"""Repeating a call until its outcome is known: the same one, with growing pauses, never beyond its time."""

import asyncio
import gc
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from coordination.clock import VirtualClock
from coordination.journal.persistence import commit_until, is_own, until_known
from coordination.ports import AccessDeniedError, Insert, RefusedError, Transaction, UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal

AnswerT = TypeVar("AnswerT")
INSERT = Transaction("op", [Insert("row", {"op_id": "op"})])


@pytest.fixture
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let each pause last as long as it may; return the list of the bounds asked for."""
    bounds: list[float] = []

    def uniform(low: float, high: float) -> float:
        bounds.extend((low, high))
        return high

    monkeypatch.setattr(random, "uniform", uniform)
    return bounds


async def finish(clock: VirtualClock, call: Awaitable[AnswerT]) -> "asyncio.Future[AnswerT]":
    task = asyncio.ensure_future(call)
    await clock.settle()
    while not task.done():
        assert await clock.advance_to_next()
    return task


def failing(
    clock: VirtualClock, times: list[float], error: type[Exception] = UnknownOutcomeError, fails: int = 10**6
) -> Callable[[], Awaitable[str]]:
    """Return a call that notes when it was made, and fails so many times."""
    began = clock.boot()

    async def call() -> str:
        times.append(round(clock.boot() - began, 6))
        if len(times) <= fails:
            raise error
        return "answer"

    return call


async def test_a_known_outcome_is_returned_at_once() -> None:
    clock, times = VirtualClock(), list[float]()
    assert await until_known(clock, failing(clock, times, fails=0), clock.boot()) == "answer"
    assert times == [0]


async def test_pauses_double_up_to_two_seconds(longest_pauses: list[float]) -> None:
    clock, times = VirtualClock(), list[float]()
    task = await finish(clock, until_known(clock, failing(clock, times, fails=7), clock.boot() + 60))
    assert task.result() == "answer"
    pauses = [round(later - earlier, 6) for earlier, later in itertools.pairwise(times)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    # Full jitter: any pause from none at all, so that those who failed together do not come together again.
    assert set(longest_pauses[::2]) == {0}


async def test_the_first_pause_can_be_asked_for(longest_pauses: list[float]) -> None:
    clock, times = VirtualClock(), list[float]()
    await finish(clock, until_known(clock, failing(clock, times, fails=3), clock.boot() + 60, 0.5))
    assert times == [0, 0.5, 1.5, 3.5]


@pytest.mark.parametrize(("patience", "tries"), [(0.3, [0, 0.1]), (0.31, [0, 0.1, 0.3]), (0.0, [0])])
async def test_no_try_begins_when_the_time_is_over_not_even_at_its_very_end(
    longest_pauses: list[float], patience: float, tries: list[float]
) -> None:
    # A clock that begins at zero, so that no rounding moves the boundary.
    clock, times = VirtualClock(boot=0.0), list[float]()
    until = 0.1 + 0.2 if patience == 0.3 else patience
    task = await finish(clock, until_known(clock, failing(clock, times), until))
    assert isinstance(task.exception(), UnknownOutcomeError)
    assert times == tries
    # Nor is it waited for.
    assert clock.boot() == pytest.approx(tries[-1])


async def test_a_caller_that_wakes_exactly_when_the_time_is_over_does_not_try_again(
    longest_pauses: list[float],
) -> None:
    clock, times = VirtualClock(boot=0.0), list[float]()
    sleep = clock.sleep

    async def oversleep(seconds: float) -> None:
        await sleep(5.0)

    clock.sleep = oversleep  # type: ignore[method-assign]
    task = await finish(clock, until_known(clock, failing(clock, times), 5.0))
    assert isinstance(task.exception(), UnknownOutcomeError)
    assert times == [0]


async def test_a_definite_answer_is_not_asked_for_again() -> None:
    clock, times = VirtualClock(), list[float]()
    with pytest.raises(RefusedError):
        await until_known(clock, failing(clock, times, RefusedError), clock.boot() + 60)
    assert len(times) == 1


async def test_a_refusal_of_the_credentials_is_as_good_as_no_answer(longest_pauses: list[float]) -> None:
    clock, times = VirtualClock(), list[float]()
    task = await finish(
        clock, until_known(clock, failing(clock, times, AccessDeniedError, fails=2), clock.boot() + 60)
    )
    assert task.result() == "answer"
    assert len(times) == 3


@pytest.mark.parametrize("end", ["fails", "is cancelled"])
async def test_a_request_whose_sender_was_cancelled_ends_in_silence_whatever_comes_of_it(end: str) -> None:
    clock, problems, requests = VirtualClock(), list[object](), list[asyncio.Future[None]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
    journal = InMemoryJournal()

    async def commit(*_: object) -> None:
        requests.append(asyncio.get_running_loop().create_future())
        await requests[-1]

    journal.commit = commit  # type: ignore[method-assign,assignment]
    sending = asyncio.ensure_future(commit_until(journal, clock, "p", INSERT, 1, clock.boot() + 60))
    await clock.settle()
    sending.cancel()
    await clock.settle()
    assert sending.cancelled()
    [request] = requests
    # What was sent goes on.
    assert not request.done()
    if end == "fails":
        request.set_exception(RefusedError())
    else:
        request.cancel()
    requests.clear()
    del request
    await clock.settle()
    gc.collect()
    assert problems == []


async def test_the_identical_transaction_is_sent_again(longest_pauses: list[float]) -> None:
    clock, sent = VirtualClock(), list[tuple[str, Transaction, float]]()
    journal = InMemoryJournal()
    commit = journal.commit

    async def lose(partition: str, transaction: Transaction, timeout: float) -> object:
        sent.append((partition, transaction, timeout))
        if len(sent) < 3:
            raise UnknownOutcomeError
        return await commit(partition, transaction, timeout)

    journal.commit = lose  # type: ignore[method-assign,assignment]
    task = await finish(clock, commit_until(journal, clock, "p", INSERT, 1.5, clock.boot() + 60))
    assert sent == [("p", INSERT, 1.5)] * 3
    assert all(transaction is INSERT for _, transaction, _ in sent)
    row = await journal.read("p", "row")
    assert row is not None
    assert task.result() == {"row": row.etag}


async def test_a_refusal_is_its_callers_to_judge() -> None:
    clock, journal = VirtualClock(), InMemoryJournal()
    await journal.commit("p", INSERT, 1)
    with pytest.raises(RefusedError):
        await commit_until(journal, clock, "p", INSERT, 1, clock.boot() + 60)


async def test_only_a_row_with_its_mark_shows_that_a_writer_was_there() -> None:
    clock, journal = VirtualClock(), InMemoryJournal()
    await journal.commit("p", INSERT, 1)

    async def asked(partition: str, key: str, op_id: str) -> bool:
        return await is_own(journal, clock, partition, key, op_id, clock.boot() + 60)

    assert await asked("p", "row", "op")
    assert not await asked("p", "row", "another")
    assert not await asked("p", "missing", "op")
    assert not await asked("another", "row", "op")


async def test_the_mark_is_looked_for_until_the_journal_answers(longest_pauses: list[float]) -> None:
    clock, times = VirtualClock(boot=0.0), list[float]()

    async def lose(when: str, call: str) -> None:
        if (when, call) == ("after", "journal.read"):
            times.append(clock.boot())
            if len(times) < 3:
                raise UnknownOutcomeError

    journal = InMemoryJournal(lose)
    await journal.commit("p", INSERT, 1)
    task = await finish(clock, is_own(journal, clock, "p", "row", "op", 0.31))
    assert task.result()
    times.clear()
    task = await finish(clock, is_own(journal, clock, "p", "row", "op", clock.boot() + 0.05))
    assert isinstance(task.exception(), UnknownOutcomeError)
