"""How a worker settles wake-ups: once, after the answer and never before it; and how it hears hints."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from faststream import AckPolicy
from faststream.rabbit import RabbitBroker
from faststream.rabbit.annotations import RabbitMessage
from tests.waiting import until

from contracts.messages import Hint, RunJob
from contracts.topology import Topology
from coordination.holder.dispatcher import LockDispatcher, NoCapacityError
from coordination.holder.lock_server import WakeUpOutcome
from coordination.ports import Notifier, UnknownOutcomeError, WakeUp
from service_defaults.broker import MessageReader
from worker import wake_ups as module
from worker.wake_ups import WakeUps, hear_hints

TOPOLOGY = Topology("t")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Message:
    """Keeps how it is settled."""

    def __init__(self, body: object, **headers: object) -> None:
        self.body = body
        self.headers = headers
        self.settled: list[str] = []

    async def ack(self) -> None:
        self.settled.append("ack")

    async def nack(self, *, requeue: bool) -> None:
        self.settled.append("requeued" if requeue else "dropped")


class ReadyIntake:
    """Gives the body that a message was made with, and keeps what is set aside."""

    def __init__(self) -> None:
        self.asked: list[type] = []
        self.set_aside: list[str] = []

    async def parse(self, message: Any, model: type) -> Any:
        self.asked.append(model)
        return message.body

    async def quarantine(self, message: Any, reason: str) -> None:
        self.set_aside.append(reason)


class ScriptedDispatcher:
    """Answers, or fails, as a test says; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: WakeUpOutcome | Exception = WakeUpOutcome.TAKEN
        self.gate = asyncio.Event()
        self.gate.set()
        self.wake_ups: list[WakeUp] = []
        self.serving: set[str] = set()
        self.watching: set[str] = set()
        self.looked: list[tuple[str, str]] = []

    async def answer(self, wake_up: WakeUp) -> WakeUpOutcome:
        self.wake_ups.append(wake_up)
        await self.gate.wait()
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers

    def is_serving(self, lock_name: str) -> bool:
        return lock_name in self.serving

    def is_watching(self, lock_name: str) -> bool:
        return lock_name in self.watching

    async def look(self, lock: str, job_id: str) -> None:
        self.looked.append((lock, job_id))


class ScriptedNotifier:
    """Keeps what is put off, if it is confirmed."""

    def __init__(self) -> None:
        self.is_away = False
        self.deferred: list[WakeUp] = []

    async def defer(self, wake_up: WakeUp) -> None:
        if self.is_away:
            raise UnknownOutcomeError("not confirmed")
        self.deferred.append(wake_up)


class Subscriber:
    """Keeps the handler; processes a raw message as a test says."""

    def __init__(self) -> None:
        self.handlers: list[Callable[[Any], Awaitable[None]]] = []
        self.processes: Callable[[Any], Awaitable[None]] | None = None
        self.consume: Callable[[Any], Awaitable[None]] | None = None

    def __call__(self, handler: Callable[[Any], Awaitable[None]]) -> None:
        self.handlers.append(handler)

    async def process_message(self, message: Any) -> None:
        assert self.processes is not None
        await self.processes(message)


class Broker:
    """Keeps what is asked of it."""

    def __init__(self) -> None:
        self.consumer = Subscriber()
        self.options: dict[str, Any] = {}

    def subscriber(self, queue: Any, exchange: Any, **options: Any) -> Subscriber:
        self.options = {"queue": queue.name, "exchange": exchange.name, **options}
        return self.consumer


class Place:
    """A worker's wake-ups, and all that they lead to."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.reader = ReadyIntake()
        self.dispatcher = ScriptedDispatcher()
        self.notifier = ScriptedNotifier()
        self.answered: list[str] = []
        self.wake_ups = WakeUps(
            cast("RabbitBroker", self.broker),
            TOPOLOGY,
            cast("MessageReader", self.reader),
            cast("LockDispatcher", self.dispatcher),
            cast("Notifier", self.notifier),
            self.answered.append,
        )

    async def hear(self, message: Message) -> list[str]:
        """Handle a message; returns how it was settled."""
        await self.wake_ups.on_wake_up(cast("RabbitMessage", message))
        return message.settled


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> float:
    """Shorten the pause before a wake-up is given back; returns its length."""
    monkeypatch.setattr(module, "_PAUSE", 0.05)
    return 0.05


def test_a_worker_takes_one_wake_up_at_a_time_and_settles_it_by_hand(place: Place) -> None:
    options = place.broker.options
    assert (options["queue"], options["exchange"]) == (TOPOLOGY.jobs_queue, TOPOLOGY.jobs_exchange)
    assert options["channel"].prefetch_count == 1
    assert options["ack_policy"] is AckPolicy.MANUAL
    assert options["no_reply"] is True
    assert place.broker.consumer.handlers == [place.wake_ups.on_wake_up]


@pytest.mark.parametrize("answer", list(WakeUpOutcome))
async def test_an_answered_wake_up_is_settled_and_counted_by_its_answer(
    place: Place, answer: WakeUpOutcome
) -> None:
    place.dispatcher.answers = answer
    assert await place.hear(Message(RunJob(lock="ledger"))) == ["ack"]
    assert place.answered == [answer]


async def test_a_wake_up_is_not_settled_before_it_is_answered(place: Place) -> None:
    place.dispatcher.gate.clear()
    message = Message(RunJob(lock="ledger"))
    hearing = asyncio.create_task(place.hear(message))
    await until(lambda: place.dispatcher.wake_ups)
    assert (message.settled, place.answered) == ([], [])
    place.dispatcher.gate.set()
    assert await hearing == ["ack"]


@pytest.mark.parametrize(("is_deferred_copy", "released"), [(False, False), (True, False), (False, True)])
async def test_what_a_wake_up_says_is_passed_on(
    place: Place, *, is_deferred_copy: bool, released: bool
) -> None:
    body = RunJob(lock="cafe\u0301", job_id="job", is_deferred_copy=is_deferred_copy, released=released)
    await place.hear(Message(body, traceparent=TRACEPARENT))
    expected = WakeUp(
        "caf\u00e9", "job", is_deferred_copy=is_deferred_copy, released=released, traceparent=TRACEPARENT
    )
    assert place.dispatcher.wake_ups == [expected]
    assert place.reader.asked == [RunJob]


@pytest.mark.parametrize("headers", [{}, {"traceparent": 7}, {"traceparent": None}])
async def test_a_wake_up_without_a_trace_has_none(place: Place, headers: dict[str, object]) -> None:
    await place.hear(Message(RunJob(lock="ledger"), **headers))
    assert place.dispatcher.wake_ups == [WakeUp("ledger")]


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("3", 3),
        (3, 3),
        ("64", 64),
        ("999", 64),
        ("0", 1),
        ("-1", 1),
        ("²", 1),
        ("9" * 50, 1),
        ("", 1),
        (None, 1),
    ],
)
async def test_a_wake_up_says_how_many_slots_are_worth_a_look(place: Place, said: object, slots: int) -> None:
    await place.hear(Message(RunJob(lock="ledger"), **{"turnstile-slots": said}))
    assert place.dispatcher.wake_ups == [WakeUp("ledger", slots=slots)]


async def test_a_wake_up_for_a_name_that_cannot_be_is_set_aside_with_the_reason(place: Place) -> None:
    assert await place.hear(Message(RunJob(lock="\u0000"))) == []
    [reason] = place.reader.set_aside
    assert reason.startswith("lock: a lock name must not contain")
    assert (place.dispatcher.wake_ups, place.answered) == ([], [])


async def test_a_message_that_does_not_parse_is_left_to_the_message_reader(place: Place) -> None:
    assert await place.hear(Message(None)) == []
    assert (place.dispatcher.wake_ups, place.answered, place.reader.set_aside) == ([], [], [])


@pytest.mark.parametrize("returns", [None, 0, 9, "10", "many"])
async def test_a_worker_without_room_gives_a_wake_up_back_at_once(place: Place, returns: object) -> None:
    place.dispatcher.answers = NoCapacityError()
    headers = {} if returns is None else {"x-delivery-count": returns}
    assert await place.hear(Message(RunJob(lock="ledger"), **headers)) == ["requeued"]
    assert (place.answered, place.notifier.deferred) == (["no_room"], [])


@pytest.mark.parametrize(
    "counts",
    [
        {"x-delivery-count": 10},
        {"x-delivery-count": 100},
        # From 4.3 on what is given back is no failure.
        {"x-acquired-count": 10},
        {"x-delivery-count": 0, "x-acquired-count": 11},
    ],
)
async def test_a_wake_up_that_came_back_ten_times_is_put_off_and_then_settled(
    place: Place, counts: dict[str, int]
) -> None:
    place.dispatcher.answers = NoCapacityError()
    body = RunJob(lock="ledger", job_id="job", is_deferred_copy=True)
    assert await place.hear(Message(body, **counts)) == ["ack"]
    assert place.notifier.deferred == [WakeUp("ledger", "job", is_deferred_copy=True)]
    assert place.answered == ["no_room"]


async def test_a_wake_up_that_cannot_be_put_off_is_given_back_after_a_pause(
    place: Place, pause: float
) -> None:
    place.dispatcher.answers = NoCapacityError()
    place.notifier.is_away = True
    began = asyncio.get_running_loop().time()
    assert await place.hear(Message(RunJob(lock="ledger"), **{"x-delivery-count": 10})) == ["requeued"]
    assert asyncio.get_running_loop().time() - began >= pause


async def test_a_wake_up_that_the_storage_leaves_unanswered_is_given_back_after_a_pause(
    place: Place, pause: float
) -> None:
    place.dispatcher.answers = UnknownOutcomeError()
    began = asyncio.get_running_loop().time()
    assert await place.hear(Message(RunJob(lock="ledger"))) == ["requeued"]
    assert asyncio.get_running_loop().time() - began >= pause
    assert place.answered == ["unknown"]


class Raw:
    """A message as the broker hands it over, before FastStream has read it."""

    def __init__(self, *, processed: bool) -> None:
        self.body = b"not read here"
        self.processed = processed
        self.rejected = 0

    async def reject(self) -> None:
        self.rejected += 1


@pytest.mark.parametrize("processed", [False, True])
async def test_what_a_handler_did_not_expect_goes_to_quarantine_unless_it_is_settled(
    place: Place, *, processed: bool
) -> None:
    async def fail(message: Raw) -> None:
        raise ValueError("a bug")

    consumer = place.broker.consumer
    consumer.processes = fail
    assert consumer.consume is not None
    message = Raw(processed=processed)
    await consumer.consume(message)
    assert message.rejected == (0 if processed else 1)


@pytest.mark.parametrize(
    ("body", "short"),
    [
        (RunJob(lock="ledger", job_id="job").model_dump_json(), WakeUp("ledger", "job")),
        (RunJob(lock="invoices", job_id="job").model_dump_json(), WakeUp("invoices", "job")),
        # That a lock was given back ends the pause of its watch.
        (RunJob(lock="invoices", released=True).model_dump_json(), WakeUp("invoices", released=True)),
        (RunJob(lock="stock").model_dump_json(), None),
        # It is sent round again where the lock is served.
        (RunJob(lock="ledger", is_deferred_copy=True).model_dump_json(), None),
        (RunJob(lock="invoices", is_deferred_copy=True).model_dump_json(), None),
        ('{"lock": "ledger", "unknown": 1}', None),
        ('{"lock": " "}', None),
        ("{", None),
    ],
)
async def test_only_a_wake_up_of_a_lock_that_is_served_or_watched_here_is_answered_at_once(
    place: Place, body: str, short: WakeUp | None
) -> None:
    processed: list[Any] = []

    async def process(message: Any) -> None:
        processed.append(message)

    consumer = place.broker.consumer
    consumer.processes = process
    assert consumer.consume is not None
    place.dispatcher.serving, place.dispatcher.watching = {"ledger"}, {"invoices"}
    place.dispatcher.answers = WakeUpOutcome.KNOWN
    message = Message(body.encode())
    await consumer.consume(message)
    if short:
        assert place.dispatcher.wake_ups == [short]
        assert (place.answered, message.settled) == ([WakeUpOutcome.KNOWN], ["ack"])
    assert processed == ([] if short else [message])


async def test_a_message_that_is_handed_over_while_the_consumer_stops_is_dealt_with(place: Place) -> None:
    seen: list[Raw] = []

    async def process(message: Raw) -> None:
        seen.append(message)

    consumer = place.broker.consumer
    consumer.processes = process
    assert consumer.consume is not None
    message = Raw(processed=False)
    await consumer.consume(message)
    assert (seen, message.rejected) == ([message], 0)


async def test_a_hint_has_the_worker_look_at_the_job_it_names() -> None:
    broker, reader, dispatcher = Broker(), ReadyIntake(), ScriptedDispatcher()
    hear_hints(
        cast("RabbitBroker", broker),
        TOPOLOGY,
        cast("MessageReader", reader),
        cast("LockDispatcher", dispatcher),
        "host-1/7",
    )
    options = broker.options
    assert options["exchange"] == TOPOLOGY.control_exchange
    assert "host-1/7" in options["queue"]
    assert options["channel"].prefetch_count == 10
    assert options["ack_policy"] is AckPolicy.REJECT_ON_ERROR
    assert options["no_reply"] is True
    [on_hint] = broker.consumer.handlers
    await on_hint(Message(Hint(what="cancel_requested", lock="ledger", job_id="job")))
    await on_hint(Message(None))
    assert dispatcher.looked == [("ledger", "job")]
    assert reader.asked == [Hint, Hint]
