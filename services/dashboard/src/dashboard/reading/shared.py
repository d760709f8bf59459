"""An answer that all viewers of a process share for some seconds."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from coordination.ports import Clock

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Answer(Generic[AnswerT]):
    """What was answered, and when."""

    content: AnswerT
    at: datetime


class Shared(Generic[AnswerT]):
    """Asks at most every `seconds` for all callers, one at a time. An error is not remembered."""

    def __init__(self, ask: Callable[[], AnswerT], clock: Clock, seconds: float) -> None:
        self._ask = ask
        self._clock = clock
        self._seconds = seconds
        self._turn = threading.Lock()
        self._last: Answer[AnswerT] | None = None
        self._until = 0.0

    @property
    def last(self) -> Answer[AnswerT] | None:
        """The last answer, however old; None when there was none."""
        return self._last

    def is_known(self, error: type[Exception]) -> bool:
        """Ask, and return whether there is an answer instead of this error."""
        try:
            self.get()
        except error:
            return False
        return True

    def get(self, *, again: bool = False) -> Answer[AnswerT]:
        """Return the answer; with `again` a new one. Raises what asking raises."""
        with self._turn:
            if self._last is None or again or self._clock.boot() >= self._until:
                self._last = Answer(self._ask(), self._clock.now())
                self._until = self._clock.boot() + self._seconds
            return self._last
