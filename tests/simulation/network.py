"""The way between a process and a store: slow, lossy, repeating, and now and then cut off."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.simulation.loop import PROCESS, Process, SimulationLoop

from coordination.faults import Calls
from coordination.ports import CoordinationError, UnknownOutcomeError

AnswerT = TypeVar("AnswerT")

#: Longest time that a request can be on its way, in seconds.
LONGEST_DETOUR = 60.0

_LOST = UnknownOutcomeError("no answer in time")
_REFUSED_CONNECTION = UnknownOutcomeError("no connection")


@dataclass
class CallFaults:
    """How likely a call goes wrong, by what happens to it."""

    #: The request, or its answer, is slow; often too slow for its caller.
    delay: float = 0.0
    #: The request never arrives.
    drop_before: float = 0.0
    #: The answer never arrives.
    drop_after: float = 0.0
    #: The caller gives up, and the request arrives all the same, up to a minute later.
    late: float = 0.0
    #: The request arrives a second time, up to a minute later.
    duplicate: float = 0.0

    def cumulated(self) -> list[tuple[float, str]]:
        """Give the kinds with the sums of their likelihoods."""
        total, sums = 0.0, []
        for kind, likelihood in vars(self).items():
            total += likelihood
            sums.append((total, kind))
        return sums


@dataclass
class Outage:
    """A service that cannot be reached: it refuses at once, or stays silent."""

    silent: bool


@dataclass
class Network(Calls):
    """Carries calls of processes to the stores, which act at one instant each."""

    loop: SimulationLoop
    randomness: random.Random
    injected: Counter[str]
    faults: CallFaults = field(default_factory=CallFaults)
    #: Outages by service: leases, journal, bell.
    outages: dict[str, Outage] = field(default_factory=dict)
    #: What arrived and what came of it.
    trace: list[tuple[Any, ...]] = field(default_factory=list)
    #: Whether the client repeats a call on its own, as a storage SDK does unless told not to.
    retries_on_its_own: bool = False
    #: Told of every commit as it is sent, with the partition that it is for.
    sending: Callable[[str], None] | None = None
    #: The partition of the commit that is asked for now.
    partition: str = ""

    def __post_init__(self) -> None:
        self._sums = self.faults.cumulated()
        self.context = Context()

    def set_faults(self, faults: CallFaults) -> None:
        """Change how likely calls go wrong, from now on."""
        self.faults, self._sums = faults, faults.cumulated()

    async def carry_out(self, name: str, action: Callable[[], AnswerT], timeout: float = 2.0) -> AnswerT:
        process = PROCESS.get()
        if process is not None and process.is_dead:
            raise asyncio.CancelledError
        partition = self.partition if name == "journal.commit" else ""
        if self.retries_on_its_own and not name.startswith("bell"):
            # Azure's default policy for blobs: a first pause of 15 s, more than most leases have left.
            for pause in (15.0, 15.0):
                try:
                    return await self._send(name, action, timeout, process, partition)
                except UnknownOutcomeError:
                    await asyncio.sleep(pause)
        return await self._send(name, action, timeout, process, partition)

    async def _send(
        self,
        name: str,
        action: Callable[[], AnswerT],
        timeout: float,
        process: Process | None,
        partition: str,
    ) -> AnswerT:
        loop, drawn = self.loop, self.randomness.random()
        if partition and self.sending is not None:
            self.sending(partition)
        answer: asyncio.Future[Any] = loop.create_future()
        sender = process.name if process is not None else "world"
        if self.outages and (outage := self.outages.get(name.partition(".")[0])) is not None:
            self.injected["call during outage"] += 1
            if outage.silent:
                loop.call_later(timeout, _give, answer, _LOST)
            else:
                loop.call_later(0.002 + drawn * 0.05, _give, answer, _REFUSED_CONNECTION)
        elif drawn >= self._sums[-1][0]:
            # The usual case: one timer, a few milliseconds.
            loop.call_later(
                0.002 + drawn * 0.01, self._act, sender, name, action, answer, 0.0, context=self.context
            )
        else:
            self._send_badly(drawn, sender, name, action, timeout, answer)
        outcome = await answer
        if isinstance(outcome, CoordinationError):
            # A fresh one, as tracebacks gather on those that are kept.
            raise type(outcome)(str(outcome))
        return outcome  # type: ignore[no-any-return]

    def _send_badly(
        self,
        drawn: float,
        sender: str,
        name: str,
        action: Callable[[], Any],
        timeout: float,
        answer: "asyncio.Future[Any]",
    ) -> None:
        kind = next(kind for limit, kind in self._sums if drawn < limit)
        self.injected[kind] += 1
        self.trace.append((self.loop.time(), sender, name, kind))
        loop, draw = self.loop, self.randomness.uniform
        there, back, again = draw(0.002, 0.02), draw(0.002, 0.02), None
        is_lost = kind in {"drop_before", "drop_after", "late"}
        match kind:
            case "delay":
                there, back = draw(0.0, 2.0), draw(0.0, 2.0)
                is_lost = there + back >= timeout
            case "late":
                there = draw(0.1, LONGEST_DETOUR)
            case "duplicate":
                again = there + draw(0.1, LONGEST_DETOUR)
        if kind != "drop_before":
            reply = None if is_lost else answer
            loop.call_later(there, self._act, sender, name, action, reply, back, context=self.context)
        if again is not None:
            loop.call_later(again, self._act, sender, name, action, None, 0.0, context=self.context)
        if is_lost:
            # Counted by the caller's own timer, which stands still with it.
            loop.call_later(min(timeout, draw(0.01, 2 * timeout)), _give, answer, _LOST)

    def _act(
        self,
        sender: str,
        name: str,
        action: Callable[[], Any],
        answer: "asyncio.Future[Any] | None",
        back: float,
    ) -> None:
        """Let the store act, now, and send its answer back."""
        outcome: Any
        try:
            outcome = action()
        except CoordinationError as error:
            outcome = error.with_traceback(None)
        told = type(outcome).__name__ if isinstance(outcome, Exception) else "ok"
        self.trace.append(
            (self.loop.time(), sender, name, told if answer is not None else f"{told}, unheard")
        )
        if answer is None:
            return
        if back:
            self.loop.call_later(back, _give, answer, outcome, context=self.context)
        else:
            _give(answer, outcome)


def _give(answer: "asyncio.Future[Any]", outcome: Any) -> None:
    if not answer.done():
        answer.set_result(outcome)
