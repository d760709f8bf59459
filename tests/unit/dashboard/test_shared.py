"""An answer that all viewers share."""

import threading
import time

import pytest

from coordination.testing.memory import VirtualClock
from dashboard.reading.shared import Shared


async def test_it_is_asked_for_once_in_some_seconds_and_again_on_demand() -> None:
    clock, asked = VirtualClock(), iter(range(100))
    shared = Shared(lambda: next(asked), clock, 10)
    first = shared.get()
    await clock.advance(9.9)
    assert shared.get() == first
    assert first.content == 0
    assert shared.get(again=True).content == 1
    await clock.advance(9.9)
    assert shared.get().content == 1
    await clock.advance(0.2)
    assert (shared.get().content, shared.get().at) == (2, clock.now())


def test_an_error_is_not_remembered() -> None:
    answers: list[Exception | int] = [ValueError("away"), 5]

    def ask() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shared = Shared(ask, VirtualClock(), 10)
    with pytest.raises(ValueError, match="away"):
        shared.get()
    assert shared.get().content == 5


def test_viewers_who_want_to_know_at_the_same_moment_ask_once() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        time.sleep(0.05)
        return len(asked)

    shared = Shared(ask, VirtualClock(), 10)
    viewers = [threading.Thread(target=shared.get) for _ in range(8)]
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join()
    assert len(asked) == 1


def test_an_answer_is_known_unless_asking_fails_with_the_error() -> None:
    answers: list[Exception | int] = [ValueError("away"), KeyError("broken"), 5]

    def ask() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shared = Shared(ask, VirtualClock(), 10)
    assert not shared.is_known(ValueError)
    with pytest.raises(KeyError):
        shared.is_known(ValueError)
    assert shared.is_known(ValueError)
