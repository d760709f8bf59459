"""The loop of one input: it pulls what can be handled now, watches the queue, and ends in order."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from coordination.ports import Clock
from inputs.configuration import InputDefinition
from inputs.handling import DeliveryHandler
from inputs.message_submission import MessageSubmission, NotNowError
from inputs.observer import InputObserver
from inputs.pauses import Backoff, Signal, cancelled, first_of, within
from inputs.port import Delivery, Input, InputUnavailableError


@dataclass(frozen=True)
class ReceiverTimes:
    """Seconds that a receiver takes for things."""

    #: Longest wait of one pull.
    pull: float = 20.0
    #: Between two probes, and for each of them.
    probe_every: float = 20.0
    probe: float = 10.0
    #: Beyond the longest wait, a pull that has not returned hangs.
    hanging: float = 30.0
    #: Before a message is given back whose handling failed as nothing foresaw.
    after_error: float = 30.0
    #: For what is in hand at a stop.
    drain: float = 10.0


_DEFAULT_TIMES = ReceiverTimes()


@dataclass
class _Session:
    #: First come, first served.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    in_hand: int = 0
    #: How often one of its deliveries was given back. Those that were pulled before that go back, too.
    breaks: int = 0


class Receiver:
    """Takes the messages of one input, until it is stopped."""

    def __init__(
        self,
        open_input: Callable[[], Input],
        definition: InputDefinition,
        submission: MessageSubmission,
        clock: Clock,
        observer: InputObserver,
        times: ReceiverTimes = _DEFAULT_TIMES,
    ) -> None:
        self._open = open_input
        self._definition = definition
        self._clock = clock
        self._observer = observer
        self._times = times
        self._stopping = Signal(clock)
        self._handler = DeliveryHandler(
            submission, definition, clock, observer, self._stopping, self._pause, self._break
        )
        self._in_hand: dict[asyncio.Task[bool], tuple[Input, Delivery]] = {}
        #: Those of which a delivery is in hand.
        self._sessions: dict[str, _Session] = {}
        self._waiting: NotNowError | None = None
        #: When the queue last answered, in seconds of the boot clock.
        self.answered_at: float | None = None

    @property
    def in_hand(self) -> int:
        """Number of messages that are not settled yet."""
        return len(self._in_hand)

    def stop(self) -> None:
        """Let `run` return: it pulls nothing more, and what is in hand is settled or given back."""
        self._stopping.give()

    async def run(self) -> None:
        """Take messages until stopped; connect again whenever the queue does not answer or is deaf."""
        backoff = Backoff(self._clock)
        while not self._stopping.is_given:
            input_ = self._open()
            opened_at = self._clock.boot()
            try:
                await first_of(self._pull(input_), self._probe(input_), self._stopping.wait())
            except InputUnavailableError as error:
                self._observer.unavailable(error)
            finally:
                if self._stopping.is_given:
                    await self._drain()
                await input_.close()
            if self._clock.boot() - opened_at > backoff.longest:
                backoff.reset()
            await self._stopping.pause(backoff.seconds())

    async def _pull(self, input_: Input) -> None:
        times = self._times
        while True:
            await self._until_wanted()
            free = self._definition.at_once - len(self._in_hand)
            try:
                found = await within(self._clock, times.pull + times.hanging, input_.pull(free, times.pull))
            except TimeoutError:
                raise InputUnavailableError("the queue does not answer a request for messages") from None
            self._answered()
            for delivery in found:
                self._begin(input_, delivery)

    async def _until_wanted(self) -> None:
        """Return once a message could be handled."""
        while len(self._in_hand) >= self._definition.at_once:
            await asyncio.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)
        backoff = Backoff(self._clock)
        while (waiting := self._waiting) is not None:
            if await waiting.is_over():
                self._waiting = None
            else:
                await self._clock.sleep(backoff.seconds())

    def _pause(self, waiting: NotNowError) -> None:
        self._waiting = waiting

    def _begin(self, input_: Input, delivery: Delivery) -> None:
        session, breaks = None, 0
        if delivery.session is not None:
            session = self._sessions.setdefault(delivery.session, _Session())
            session.in_hand += 1
            breaks = session.breaks
        task = asyncio.create_task(self._take(input_, delivery, session, breaks))
        self._in_hand[task] = input_, delivery
        task.add_done_callback(self._end)

    async def _take(self, input_: Input, delivery: Delivery, session: _Session | None, breaks: int) -> bool:
        async with self._handler.kept(input_, delivery):
            if session is None:
                return await self._handle(input_, delivery)
            async with session.turn:
                if breaks == session.breaks:
                    return await self._handle(input_, delivery)
                # One before it comes again, and this one must not pass it.
                await self._handler.give_back(input_, delivery, "session")
                return False

    async def _handle(self, input_: Input, delivery: Delivery) -> bool:
        try:
            return await self._handler.handle(input_, delivery)
        except Exception:
            # Not at once: it would come again, and fail again, as fast as the queue delivers.
            await self._stopping.pause(self._times.after_error)
            self._break(delivery)
            await self._handler.give_back(input_, delivery, "error")
            raise

    def _end(self, task: asyncio.Task[bool]) -> None:
        _, delivery = self._in_hand.pop(task)
        if delivery.session is not None:
            session = self._sessions[delivery.session]
            session.in_hand -= 1
            if not session.in_hand:
                del self._sessions[delivery.session]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._observer.failed(delivery, error)

    def _break(self, delivery: Delivery) -> None:
        """Let what is in hand of the session of a delivery that is about to be given back go back, too."""
        if delivery.session is not None:
            self._sessions[delivery.session].breaks += 1

    async def _probe(self, input_: Input) -> None:
        while True:
            try:
                await within(self._clock, self._times.probe, input_.probe())
                lag = await within(self._clock, self._times.probe, input_.lag())
            except TimeoutError:
                raise InputUnavailableError("the queue does not answer a probe") from None
            self._answered()
            self._observer.behind(lag)
            await self._clock.sleep(self._times.probe_every)

    def _answered(self) -> None:
        self.answered_at = self._clock.boot()
        self._observer.connected()

    async def _drain(self) -> None:
        """Let what is in hand end; give back what does not in time, whether or not its job was written."""
        if self._in_hand:
            ending = asyncio.ensure_future(asyncio.wait(self._in_hand))
            sleeping = asyncio.ensure_future(self._clock.sleep(self._times.drain))
            await asyncio.wait([ending, sleeping], return_when=asyncio.FIRST_COMPLETED)
            left = dict(self._in_hand)
            await cancelled([ending, sleeping, *left])
            for input_, delivery in left.values():
                await self._handler.give_back(input_, delivery, "stopping")
