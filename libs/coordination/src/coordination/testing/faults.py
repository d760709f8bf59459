"""Faults around the calls of the in-memory doubles: delays, lost requests, lost answers, late arrivals.

A fault is awaited with ("before", call) and ("after", call); it may delay, or raise UnknownOutcomeError.
Raised before, the request was not carried out; raised after, it was (or was definitely refused) and only the
answer is lost. With ArrivesLateError, raised before, the caller gets no answer and the request is carried out
later all the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from coordination.ports import CoordinationError, UnknownOutcomeError

Fault = Callable[[Literal["before", "after"], str], Awaitable[None]]
AnswerT = TypeVar("AnswerT")


class ArrivesLateError(UnknownOutcomeError):
    """No answer came, and the request is still on its way."""

    def __init__(self, arrival: Awaitable[None]) -> None:
        super().__init__()
        self.arrival = arrival


class Calls:
    """Carries out calls with faults around them; a test may put a network of its own in its place."""

    def __init__(self, fault: Fault | None) -> None:
        #: What happens around each call; a test may change it at any time.
        self.fault = fault
        #: Requests that arrive late.
        self.on_their_way: set[asyncio.Task[None]] = set()

    async def carry_out(self, name: str, action: Callable[[], AnswerT], timeout: float = 2.0) -> AnswerT:
        """Carry out the action at one instant, unless a fault prevents it; these calls never time out."""
        fault = self.fault
        if fault is None:
            await asyncio.sleep(0)  # A real call always lets others run.
            return action()
        try:
            await fault("before", name)
        except ArrivesLateError as late:
            task = asyncio.ensure_future(self._arrive(late.arrival, action))
            self.on_their_way.add(task)
            task.add_done_callback(self.on_their_way.discard)
            raise
        try:
            answer = action()
        except CoordinationError:
            await fault("after", name)
            raise
        await fault("after", name)
        return answer

    @classmethod
    def of(cls, faults: "Fault | Calls | None") -> "Calls":
        """Return calls with these faults around them, or the calls as they are."""
        return faults if isinstance(faults, Calls) else cls(faults)

    @staticmethod
    async def _arrive(arrival: Awaitable[None], action: Callable[[], object]) -> None:
        await arrival
        try:
            action()
        except CoordinationError:
            return  # No caller waits for the answer.
