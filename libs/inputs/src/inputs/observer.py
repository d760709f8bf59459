"""What an input reports of its work."""

from typing import Literal, Protocol

from inputs.port import Delivery, InputError, Lag, Refusal

#: How a message became a job: by this delivery, by an earlier one, or not, as its lock has another job.
TakenOutcome = Literal["accepted", "repeated", "skipped"]

#: Why a message is not handled yet, or was given back.
WaitReason = Literal[
    "storage_unavailable", "line_too_long", "unknown_kind", "timeout", "session", "stopping", "error"
]


class InputObserver(Protocol):
    """Takes what happened to an input, for metrics, spans and logs."""

    def taken(self, delivery: Delivery, outcome: TakenOutcome, job_id: str, seconds: float) -> None:
        """Record that the job of a message is in the journal, and how long that took."""

    def refused(self, delivery: Delivery, refusal: Refusal) -> None:
        """Record that a message is among its sender's dead letters."""

    def given_back(self, delivery: Delivery, reason: WaitReason) -> None:
        """Record that a message was given back to its queue."""

    def waits(self, reason: WaitReason, explanation: str) -> None:
        """Record that the input pauses, or holds a message, until something has changed."""

    def not_settled(self, delivery: Delivery, error: InputError) -> None:
        """Record that a message could not be settled, so that its queue delivers it again."""

    def failed(self, delivery: Delivery, error: BaseException) -> None:
        """Record an error that nothing foresaw: the message is not settled."""

    def connected(self) -> None:
        """Record that the queue answered."""

    def behind(self, lag: Lag) -> None:
        """Record how far the input is behind."""

    def unavailable(self, error: InputError) -> None:
        """Record that the queue does not answer, or is deaf: the input connects again."""
