"""The way between a process and a store: slow, lossy, repeating, and now and then cut off."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from tests.simulation.loop import PROCESS, Process, SimulationLoop

from coordination.ports import CoordinationError, UnknownOutcomeError
from coordination.testing.faults import Calls

AnswerT = TypeVar("AnswerT")

#: Longest time that a request can be on its way, in seconds.
LONGEST_DETOUR = 60.0

#: More calls than any world makes unless a process asks again and again without a pause.
MOST_CALLS = 60_000

_LOST = UnknownOutcomeError("no answer in time")
_REFUSED_CONNECTION = UnknownOutcomeError("no connection")


class TooManyCallsError(AssertionError):
    """A process asks again and again, for ever."""


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
        """Return the kinds with the sums of their likelihoods."""
        total, sums = 0.0, []
        for kind, likelihood in vars(self).items():
            total += likelihood
            sums.append((total, kind))
        return sums


@dataclass
class Outage:
    """A service that cannot be reached: it refuses at once, stays silent, or answers late."""

    silent: bool
    #: It does what is asked at once, and says so more than a second later.
    is_slow: bool = False


@dataclass
class Network(Calls):
    """Carries calls of processes to the stores, which act at one instant each."""

    loop: SimulationLoop
    randomness: random.Random
    injected: Counter[str]
    faults: CallFaults = field(default_factory=CallFaults)
    #: Outages by service: leases, journal, wake-up.
    outages: dict[str, Outage] = field(default_factory=dict)
    calls: int = 0
    #: What arrived and what came of it.
    trace: list[tuple[Any, ...]] = field(default_factory=list)
    #: Whether the client repeats a call on its own, as a storage SDK does by default.
    retries_on_its_own: bool = False
    #: Called with every commit as it is sent, with the name of the lease that its sender must have.
    sending: Callable[[str], None] | None = None
    #: The partition of the commit that is asked for now, and its sender's lease.
    partition: str = ""
    lease: str = ""
    #: Called once, with process and partition, as the next commit is sent that takes a lock over. The request
    #: takes a detour, or only its answer is lost at once.
    ambush: Callable[[Process, str], object] | None = None
    is_detour: bool = False
    takes_over: bool = False
    #: Called when the call that is made now is carried out, however late.
    when_carried_out: Callable[[], object] | None = None
    #: When the last request that took a detour arrives.
    detours_until: float = 0.0

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
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise TooManyCallsError
        partition, lease = (self.partition, self.lease) if name == "journal.commit" else ("", "")
        if (noticed := self.when_carried_out) is not None:
            self.when_carried_out = None
            action = partial(_notice, noticed, action)
        if self.retries_on_its_own and not name.startswith("notifier"):
            # Azure's default policy for blobs: a first pause of 15 s, more than most leases have left.
            for pause in (15.0, 15.0):
                try:
                    return await self._send(name, action, timeout, process, partition, lease)
                except UnknownOutcomeError:
                    await asyncio.sleep(pause)
        return await self._send(name, action, timeout, process, partition, lease)

    async def _send(
        self,
        name: str,
        action: Callable[[], AnswerT],
        timeout: float,
        process: Process | None,
        partition: str,
        lease: str,
    ) -> AnswerT:
        loop, drawn = self.loop, self.randomness.random()
        if partition and self.sending is not None:
            self.sending(lease)
        answer: asyncio.Future[Any] = loop.create_future()
        sender = process.name if process is not None else "world"
        if self.outages and (outage := self.outages.get(name.partition(".")[0])) is not None:
            self.injected["call during outage"] += 1
            if outage.is_slow:
                back = min(0.4 + drawn, 0.95 * timeout)
                loop.call_later(0.005, self._act, sender, name, action, answer, back, context=self.context)
            elif outage.silent:
                loop.call_later(timeout, _give, answer, _LOST)
            else:
                loop.call_later(0.002 + drawn * 0.05, _give, answer, _REFUSED_CONNECTION)
        elif partition and self.takes_over and self.ambush is not None and process is not None:
            there = self.randomness.uniform(5.0, LONGEST_DETOUR) if self.is_detour else 0.005
            self.detours_until = max(self.detours_until, loop.time() + there)
            loop.call_later(there, self._act, sender, name, action, None, 0.0, context=self.context)
            loop.call_later(0.01, _give, answer, _LOST)
            loop.call_later(0.0105, self.ambush, process, partition, context=self.context)
            self.ambush = None
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
        self.detours_until = max(self.detours_until, loop.time() + (again or there))
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


def _notice(noticed: Callable[[], object], action: Callable[[], AnswerT]) -> AnswerT:
    noticed()
    return action()


def _give(answer: "asyncio.Future[Any]", outcome: Any) -> None:
    if not answer.done():
        answer.set_result(outcome)
