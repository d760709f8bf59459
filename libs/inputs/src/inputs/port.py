"""The port of foreign queues: what an adapter can do, whichever system its messages come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class InputError(Exception):
    """A foreign queue could not be used."""


class InputUnavailableError(InputError):
    """The queue did not answer, or did not do what was asked; the request may have been carried out."""


class DeliveryLostError(InputError):
    """The message is not ours any more; its queue delivers it again."""


@dataclass(frozen=True, eq=False)
class Delivery:
    """A message as its queue delivered it. It is ours until it is settled or lost."""

    body: bytes
    #: What the adapter settles it by. Only the adapter reads it, and it may change what is in it.
    handle: Any
    #: The id that its sender gave it; None without one.
    message_id: str | None = None
    #: How often the queue has delivered it, this time included; None when the queue does not say.
    deliveries: int | None = None
    #: When the queue received it, by the queue's clock; None when the queue does not say.
    enqueued_at: datetime | None = None
    #: The queue's own number, which rises from message to message; None when it has none.
    sequence: int | None = None
    #: Messages of one session are taken one after the other, in order; None outside sessions.
    session: str | None = None
    #: The sender's short description; None without one.
    subject: str | None = None
    #: The sender's own properties, as text.
    properties: Mapping[str, str] = field(default_factory=dict)


class RefusalReason(StrEnum):
    """Why a message can never become a job; dead letters have it as text."""

    UNREADABLE = "Unreadable"
    TOO_LARGE = "TooLarge"
    NO_ID = "NoId"
    NO_VALUE = "NoValue"
    INVALID_JOB = "InvalidJob"
    UNKNOWN_KIND = "UnknownKind"
    ID_REUSED = "IdReused"
    LOCK_BUSY = "LockBusy"
    DELIVERED_TOO_OFTEN = "DeliveredTooOften"


#: Most characters of the explanation of a refusal.
LONGEST_EXPLANATION = 1000


@dataclass(frozen=True)
class Refusal:
    """Why a message was refused. The explanation names the field and the remedy, and quotes no body."""

    reason: RefusalReason
    explanation: str

    def __post_init__(self) -> None:
        if len(self.explanation) > LONGEST_EXPLANATION:
            object.__setattr__(self, "explanation", f"{self.explanation[: LONGEST_EXPLANATION - 1]}…")


@dataclass(frozen=True)
class Lag:
    """How far an input is behind."""

    #: Messages that wait in the queue, about; None when that cannot be known.
    waiting: int | None = None
    #: Seconds since the queue received the oldest of them; 0 when none waits, None when it is not known.
    oldest_seconds: float | None = None


class Input(Protocol):
    """One foreign queue. It connects at its first use.

    Each method raises InputUnavailableError when the queue does not answer in time. Those that take a
    delivery raise DeliveryLostError when it is not ours any more, as after `close`.
    A delivery is settled once: accepted, refused or given back.
    """

    #: Seconds for which a delivery is ours unless it is kept; None for as long as the connection stands.
    holds_for: float | None

    async def pull(self, limit: int, wait: float) -> list[Delivery]:
        """Return at most `limit` messages, as soon as there is one; none after `wait` seconds.

        A call that is cancelled loses no message: the queue delivers it again, or the next call returns it.
        """

    async def accept(self, delivery: Delivery) -> None:
        """Have the queue forget a message, whose job is in the journal."""

    async def refuse(self, delivery: Delivery, refusal: Refusal) -> None:
        """Put a message among its sender's dead letters, with the reason. It never gets lost on the way.

        When this is interrupted, it may be there twice.
        """

    async def give_back(self, delivery: Delivery) -> None:
        """Have the queue deliver a message again, to any of its receivers."""

    async def keep(self, delivery: Delivery) -> None:
        """Hold a message for another `holds_for` seconds."""

    async def lag(self) -> Lag:
        """Return how far the input is behind."""

    async def probe(self) -> None:
        """Return when the queue answers and would deliver messages here."""

    async def close(self) -> None:
        """Give everything back that is not settled, and disconnect. Raises nothing."""
