"""The broker: keeps wake-ups, hands them to workers in some order, and loses or repeats them."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.simulation.loop import PROCESS, Process, SimulationLoop
from tests.simulation.network import Network

from coordination.holder.dispatcher import NoCapacityError
from coordination.ports import Announcement, UnknownOutcomeError, WakeUp

#: Seconds after which a consumer that stands still is given up, and its message handed to another.
_HEARTBEAT = 20.0
#: Seconds that a deferred wake-up stays away.
_DEFERRAL = 5.0
#: Returns after which a wake-up is put off, as in the worker's consumer.
_RETURNS = 10


class Consumer(Protocol):
    """A worker, as the broker sees it."""

    process: Process

    @property
    def is_listening(self) -> bool: ...

    async def answer(self, wake_up: WakeUp) -> object: ...


@dataclass
class BrokerFaults:
    """How likely it is that a message is lost, comes again, or overtakes others."""

    lose: float = 0.0
    redeliver: float = 0.0
    shuffle: float = 0.0


@dataclass(eq=False)
class _Message:
    wake_up: WakeUp
    returns: int = 0
    is_settled: bool = False
    #: Who has it now.
    consumer: Consumer | None = None


class Broker:
    """Implements `coordination.ports.Notifier` for all processes, and hands over what was notified."""

    def __init__(
        self,
        network: Network,
        loop: SimulationLoop,
        randomness: random.Random,
        injected: Counter[str],
        consumers: Callable[[], Sequence[Consumer]],
        heard: Callable[[Sequence[Announcement]], None],
    ) -> None:
        self._network = network
        self._loop = loop
        self._randomness = randomness
        self._injected = injected
        self._consumers = consumers
        self._heard = heard
        self._ready: list[_Message] = []
        self._unsettled: list[_Message] = []
        self._is_pumping = False
        self.faults = BrokerFaults()
        #: Called with everything that is announced, lost or not.
        self.announced: Callable[[str, Sequence[Announcement]], None] = lambda sender, announcements: None

    # --- the port -----------------------------------------------------------

    async def notify(self, wake_up: WakeUp) -> bool:
        """Publish a wake-up; what cannot be published is lost."""
        try:
            await self._network.carry_out("notifier.notify", lambda: self._accept(wake_up))
        except UnknownOutcomeError:
            return False
        return True

    async def defer(self, wake_up: WakeUp) -> None:
        """Publish a wake-up to the delay queue."""
        await self._network.carry_out("notifier.defer", lambda: self._put_off(wake_up))

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Notify the projector, unless the message gets lost."""
        process = PROCESS.get()
        if not announcements or (process is not None and process.is_dead):
            return
        self.announced(process.name if process is not None else "", announcements)
        if "notifier" in self._network.outages or self._randomness.random() < self.faults.lose:
            self._injected["announcement lost"] += 1
            return
        delay = self._randomness.uniform(0.01, 0.5)
        self._loop.call_later(delay, self._heard, announcements, context=self._network.context)

    # --- what happens to messages -------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether no message is about."""
        return not self._ready and not self._unsettled

    def purge(self) -> int:
        """Lose every message that waits."""
        lost, self._ready = len(self._ready), []
        return lost

    def redeliver(self) -> bool:
        """Hand over again a message that was handed over already; returns whether there was one."""
        if not self._unsettled:
            return False
        message = self._randomness.choice(self._unsettled)
        self._enqueue(_Message(message.wake_up, message.returns + 1))
        return True

    def put(self, wake_up: WakeUp) -> None:
        """Put a message there that gets lost by no means."""
        self._enqueue(_Message(wake_up))

    def drop(self) -> bool:
        """Lose one message that waits; returns whether there was one."""
        if not self._ready:
            return False
        self._ready.pop(self._randomness.randrange(len(self._ready)))
        return True

    def lose_consumer(self, consumer: Consumer) -> None:
        """Hand over again what a consumer had whose connection is gone."""
        for message in [message for message in self._unsettled if message.consumer is consumer]:
            self._injected["wake-up of a dead consumer"] += 1
            self._settle(message)
            self._enqueue(_Message(message.wake_up, message.returns + 1))

    def _accept(self, wake_up: WakeUp) -> None:
        if self._randomness.random() < self.faults.lose:
            self._injected["wake-up lost"] += 1
            return
        self._enqueue(_Message(wake_up))

    def _put_off(self, wake_up: WakeUp) -> None:
        self._loop.call_later(_DEFERRAL, self._enqueue, _Message(wake_up), context=self._network.context)

    def _enqueue(self, message: _Message) -> None:
        self._ready.append(message)
        self.pump()

    def pump(self) -> None:
        """Hand over what waits to those that listen; again soon if one may listen then."""
        if self._is_pumping or not self._ready:
            return
        if "notifier" not in self._network.outages:
            self._hand_over_all()
        if self._ready:
            self._is_pumping = True
            self._loop.call_later(0.5, self._pump_again, context=self._network.context)

    def _pump_again(self) -> None:
        self._is_pumping = False
        self.pump()

    def _hand_over_all(self) -> None:
        busy = [message.consumer for message in self._unsettled]
        idle = [each for each in self._consumers() if each not in busy and each.is_listening]
        while idle and self._ready:
            number = 0
            if len(self._ready) > 1 and self._randomness.random() < self.faults.shuffle:
                number = self._randomness.randrange(1, len(self._ready))
                self._injected["wake-up out of order"] += 1
            message = self._ready.pop(number)
            consumer = idle.pop(self._randomness.randrange(len(idle)))
            message.consumer = consumer
            self._unsettled.append(message)
            consumer.process.spawn(self._deliver(message, consumer), name="deliver")
            self._loop.call_later(_HEARTBEAT, self._look_after, message, context=self._network.context)

    async def _deliver(self, message: _Message, consumer: Consumer) -> None:
        try:
            await consumer.answer(message.wake_up)
        except NoCapacityError:
            message.returns += 1
            if message.returns >= _RETURNS:
                message.returns = 0
                self._settle(message)
                self._put_off(message.wake_up)
            else:
                self._give_back(message)
        except UnknownOutcomeError:
            self._loop.call_later(1.0, self._give_back, message)
        else:
            self._settle(message)
            if self._randomness.random() < self.faults.redeliver:
                self._injected["wake-up redelivered"] += 1
                delay = self._randomness.uniform(0.0, 60.0)
                self._loop.call_later(
                    delay, self._enqueue, _Message(message.wake_up), context=self._network.context
                )

    def _look_after(self, message: _Message) -> None:
        """Hand a message to another when its consumer has died or stood still for too long."""
        if message.is_settled:
            return
        assert message.consumer is not None
        process = message.consumer.process
        if process.is_dead or (process.is_paused and self._loop.time() - process.paused_at >= _HEARTBEAT / 2):
            self._injected["wake-up of a dead consumer"] += 1
            self._settle(message)
            self._enqueue(_Message(message.wake_up, message.returns + 1))
        else:
            self._loop.call_later(_HEARTBEAT / 4, self._look_after, message, context=self._network.context)

    def _settle(self, message: _Message) -> None:
        if not message.is_settled:
            message.is_settled = True
            self._unsettled.remove(message)
            self.pump()

    def _give_back(self, message: _Message) -> None:
        if not message.is_settled:
            self._settle(message)
            self._loop.call_later(
                0.05, self._enqueue, _Message(message.wake_up, message.returns), context=self._network.context
            )
