"""A foreign queue in memory, with the faults of real ones."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from coordination.ports import Clock
from inputs.port import Delivery, DeliveryLostError, InputUnavailableError, Lag, Refusal


@dataclass
class Letter:
    """A message in the queue."""

    body: bytes
    message_id: str | None
    session: str | None
    properties: Mapping[str, str]
    sequence: int
    enqueued_at: datetime
    deliveries: int = 0
    #: Until when it is someone's, in seconds of the boot clock.
    held_until: float = 0.0


@dataclass
class InMemoryQueue:
    """The server: what waits, what is delivered and not settled, and the dead letters."""

    clock: Clock
    #: Seconds for which a delivery is the receiver's; None for as long as it is connected.
    holds_for: float | None = 30.0
    waiting: deque[Letter] = field(default_factory=deque)
    delivered: list[Letter] = field(default_factory=list)
    accepted: list[Letter] = field(default_factory=list)
    dead: list[tuple[Letter, Refusal]] = field(default_factory=list)
    #: Fault: calls are refused.
    is_away: bool = False
    #: Fault: calls never return.
    is_frozen: bool = False
    #: Fault: everything but a pull answers, and a pull returns nothing.
    is_deaf: bool = False
    #: Fault: the next so many answers are lost, after the calls were carried out.
    answers_to_lose: int = 0
    _sent: int = 0

    def send(
        self,
        body: bytes,
        message_id: str | None = None,
        session: str | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> Letter:
        """Put a message into the queue."""
        self._sent += 1
        letter = Letter(body, message_id, session, properties or {}, self._sent, self.clock.now())
        self.waiting.append(letter)
        return letter

    def expire(self) -> None:
        """Deliver again what was held too long."""
        for letter in [each for each in self.delivered if each.held_until <= self.clock.boot()]:
            self.put_back(letter)

    def put_back(self, letter: Letter) -> None:
        """Let a delivered message wait again, at its place."""
        self.delivered.remove(letter)
        self.waiting.append(letter)
        self.waiting = deque(sorted(self.waiting, key=lambda each: each.sequence))


@dataclass(frozen=True)
class _Handle:
    letter: Letter
    #: Which delivery of the message it is.
    number: int


class InMemoryInput:
    """A receiver of an in-memory queue."""

    def __init__(self, queue: InMemoryQueue) -> None:
        self._queue = queue
        self._is_closed = False
        self._mine: list[_Handle] = []
        self.holds_for = queue.holds_for

    async def pull(self, limit: int, wait: float) -> list[Delivery]:
        """Return messages as soon as there is one."""
        until = self._queue.clock.boot() + wait
        while True:
            await self._ask()
            self._queue.expire()
            if self._queue.waiting and not self._queue.is_deaf:
                break
            if self._queue.clock.boot() >= until:
                return []
            await self._queue.clock.sleep(min(0.1, until - self._queue.clock.boot()))
        found = [self._queue.waiting.popleft() for _ in range(min(limit, len(self._queue.waiting)))]
        return [self._deliver(letter) for letter in found]

    def _deliver(self, letter: Letter) -> Delivery:
        letter.deliveries += 1
        self._hold(letter)
        self._queue.delivered.append(letter)
        handle = _Handle(letter, letter.deliveries)
        self._mine.append(handle)
        return Delivery(
            body=letter.body,
            handle=handle,
            message_id=letter.message_id,
            deliveries=letter.deliveries,
            enqueued_at=letter.enqueued_at,
            sequence=letter.sequence,
            session=letter.session,
            properties=letter.properties,
        )

    def _hold(self, letter: Letter) -> None:
        holds_for = self._queue.holds_for
        letter.held_until = float("inf") if holds_for is None else self._queue.clock.boot() + holds_for

    async def accept(self, delivery: Delivery) -> None:
        """Forget a message."""
        self._queue.accepted.append(await self._taken(delivery))
        self._answer()

    async def refuse(self, delivery: Delivery, refusal: Refusal) -> None:
        """Put a message among the dead letters."""
        self._queue.dead.append((await self._taken(delivery), refusal))
        self._answer()

    async def give_back(self, delivery: Delivery) -> None:
        """Let a message wait again."""
        self._queue.put_back(await self._held(delivery))
        self._answer()

    async def keep(self, delivery: Delivery) -> None:
        """Hold a message longer."""
        self._hold(await self._held(delivery))
        self._answer()

    async def lag(self) -> Lag:
        """Return what waits, and since when."""
        await self._ask()
        waiting = self._queue.waiting
        if not waiting:
            return Lag(0, 0.0)
        age = self._queue.clock.now() - waiting[0].enqueued_at
        return Lag(len(waiting), age.total_seconds())

    async def probe(self) -> None:
        """Raise when the queue is away or deaf."""
        await self._ask()
        if self._queue.is_deaf and self._queue.waiting:
            raise InputUnavailableError("messages wait, and none is delivered")

    async def close(self) -> None:
        """Give everything back."""
        self._is_closed = True
        for handle in self._mine:
            if handle.letter in self._queue.delivered and handle.letter.deliveries == handle.number:
                self._queue.put_back(handle.letter)

    async def _taken(self, delivery: Delivery) -> Letter:
        letter = await self._held(delivery)
        self._queue.delivered.remove(letter)
        return letter

    async def _held(self, delivery: Delivery) -> Letter:
        if self._is_closed:
            raise DeliveryLostError("the input was closed")
        await self._ask()
        self._queue.expire()
        handle: _Handle = delivery.handle
        if handle.letter not in self._queue.delivered or handle.letter.deliveries != handle.number:
            raise DeliveryLostError("the message was delivered again, or settled")
        return handle.letter

    async def _ask(self) -> None:
        if self._queue.is_frozen:
            await asyncio.get_running_loop().create_future()
        if self._is_closed or self._queue.is_away:
            raise InputUnavailableError("the queue does not answer")

    def _answer(self) -> None:
        if self._queue.answers_to_lose:
            self._queue.answers_to_lose -= 1
            raise InputUnavailableError("no answer")
