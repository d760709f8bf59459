"""Handling one delivery: it is submitted, waited for and settled, within the input's time for a message."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from coordination.ports import Clock
from inputs.configuration import InputDefinition
from inputs.mapping import RefusedError
from inputs.message_submission import MessageSubmission, NotNowError, Taken
from inputs.observer import InputObserver, WaitReason
from inputs.pauses import Backoff, Signal, cancelled, within
from inputs.port import (
    Delivery,
    DeliveryLostError,
    Input,
    InputUnavailableError,
    Refusal,
    RefusalReason,
)


@dataclass(frozen=True)
class _GivenBack:
    reason: WaitReason


@dataclass(frozen=True)
class DeliveryHandler:
    """Handles the deliveries of one input."""

    submission: MessageSubmission
    definition: InputDefinition
    clock: Clock
    observer: InputObserver
    stopping: Signal
    #: Hears that the whole input had better wait.
    on_pause: Callable[[NotNowError], None]
    #: Hears of a delivery that is about to be given back, before its queue can deliver it again.
    on_give_back: Callable[[Delivery], None]

    async def handle(self, input_: Input, delivery: Delivery) -> bool:
        """Settle a delivery that is kept; return whether its message needs no further delivery."""
        began = self.clock.boot()
        deadline = began + self.definition.message_timeout
        decided = await self._decide(delivery, deadline)
        match decided:
            case Taken():
                await self._settle(lambda: input_.accept(delivery), delivery, deadline)
                # Its job is in the journal, whether or not the queue heard of it.
                seconds = self.clock.boot() - began
                self.observer.taken(delivery, decided.outcome, decided.job_id, seconds)
                return True
            case Refusal():
                is_settled = await self._settle(lambda: input_.refuse(delivery, decided), delivery, deadline)
                if is_settled:
                    self.observer.refused(delivery, decided)
                else:
                    self.on_give_back(delivery)
                    await self.give_back(input_, delivery, "timeout")
                return is_settled
            case _GivenBack(reason):
                self.on_give_back(delivery)
                await self.give_back(input_, delivery, reason)
                return False

    async def give_back(self, input_: Input, delivery: Delivery, reason: WaitReason) -> None:
        """Have the queue deliver a message again; one that is lost, it delivers anyway."""
        try:
            await input_.give_back(delivery)
        except (DeliveryLostError, InputUnavailableError) as error:
            self.observer.not_settled(delivery, error)
        else:
            self.observer.given_back(delivery, reason)

    async def _decide(self, delivery: Delivery, deadline: float) -> Taken | Refusal | _GivenBack:
        backoff = Backoff(self.clock)
        while True:
            try:
                return await within(self.clock, deadline - self.clock.boot(), self._submit(delivery))
            except RefusedError as error:
                return error.refusal
            except TimeoutError:
                return _GivenBack("timeout")
            except NotNowError as error:
                self.observer.waits(error.reason, str(error))
                if error.pauses_input:
                    self.on_pause(error)
                if not await self._until_over(error, backoff, deadline):
                    return _GivenBack("stopping" if self.stopping.is_given else error.reason)

    async def _submit(self, delivery: Delivery) -> Taken:
        most = self.definition.max_deliveries
        if delivery.deliveries is None or delivery.deliveries <= most:
            return await self.submission.submit(delivery)
        # Whatever happened to it must not happen for ever: it may be what ends this process each time.
        taken = await self.submission.find(delivery)
        if taken is not None:
            return taken
        explanation = (
            f"was delivered {delivery.deliveries} times without becoming a job; see the log of ingress, "
            "then send it again"
        )
        raise RefusedError(RefusalReason.DELIVERED_TOO_OFTEN, explanation)

    async def _until_over(self, waiting: NotNowError, backoff: Backoff, deadline: float) -> bool:
        """Wait until there is reason to try again; return False when there is no time left for it."""
        while True:
            pause = backoff.seconds()
            if self.clock.boot() + pause >= deadline:
                return False
            await self.stopping.pause(pause)
            if self.stopping.is_given:
                return False
            if await waiting.is_over():
                return True

    async def _settle(
        self, settle: Callable[[], Awaitable[None]], delivery: Delivery, deadline: float
    ) -> bool:
        """Settle a delivery, again and again while its queue does not answer; return whether it was."""
        backoff = Backoff(self.clock)
        while True:
            try:
                await settle()
            except DeliveryLostError as error:
                self.observer.not_settled(delivery, error)
                return False
            except InputUnavailableError as error:
                self.observer.not_settled(delivery, error)
                pause = backoff.seconds()
                if self.stopping.is_given or self.clock.boot() + pause >= deadline:
                    return False
                await self.stopping.pause(pause)
            else:
                return True

    @asynccontextmanager
    async def kept(self, input_: Input, delivery: Delivery) -> AsyncGenerator[None]:
        """Hold a delivery for as long as the context lasts, where its queue must be told so."""
        if input_.holds_for is None:
            yield
            return
        keeping = asyncio.create_task(self._keep(input_, delivery, input_.holds_for / 2))
        try:
            yield
        finally:
            await cancelled([keeping])

    async def _keep(self, input_: Input, delivery: Delivery, every: float) -> None:
        while True:
            await self.clock.sleep(every)
            try:
                await input_.keep(delivery)
            except DeliveryLostError:
                # Another instance may have it. What is submitted here is the same job as there.
                return
            except InputUnavailableError:
                # The next try comes before the time is over.
                continue
