"""The way from a handler's context to the process that runs the handler."""

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

#: The rule by which steps are named today (`turnstile.step_names`); it is kept with each record.
NAMING = 2


class StopReason(StrEnum):
    """Why a handler should stop. The values are what a person reads."""

    CANCELLED = "the job was cancelled"
    SHUTDOWN = "the worker is shutting down"
    TIMED_OUT = "the job exceeded the timeout of its kind"
    LOST = "another worker may have taken over"
    DEADLINE = "the lease could not be renewed in time"
    OVER = "the run is over"


@dataclass(frozen=True)
class Attempt:
    """One attempt at one job: what is known when it starts."""

    job_id: str
    kind: str
    lock: str = "default"
    attempt: int = 1
    interruptions: int = 0
    fence: int = 1
    traceparent: str | None = None
    #: JSON of the result of every step that earlier attempts recorded, by the step's name.
    recorded: Mapping[str, str] = field(default_factory=dict)
    #: JSON of the state that earlier attempts saved.
    state: str | None = None
    #: The rule by which the job's steps are named: that of its first record.
    naming: int = NAMING
    #: The slot of the lock, which has more than slot 0 only if a limit was set.
    slot: int = 0
    #: The progress and its limit that earlier attempts showed last.
    progress_value: float | None = None
    progress_limit: float | None = None
    #: JSON object of the job's properties.
    properties: str = "{}"


@dataclass(frozen=True)
class RecordedStep:
    """A step to be recorded: JSON of its result, how long it took, and JSON of state to save with it."""

    name: str
    result: str
    seconds: float
    state: str | None = None


class Channel(Protocol):
    """What a context needs. Every method may be called from any thread, and none of them waits."""

    def stop_reason(self) -> StopReason | None:
        """Return why the handler should stop, if it should. Cheap enough to call before every effect."""

    def step_scope(self, name: str, stem: str) -> AbstractContextManager[object]:
        """Return the context of a step's work: entered when it begins, left, with its error, at its end.

        `stem` is the part of the name that the handler's code fixes (`turnstile.stems`).
        A recorded step is not done again and has none.
        """

    def record_step(self, step: RecordedStep) -> Future[None]:
        """Record a step. The future is done once that is committed; it fails with NotRecordedError."""

    def save_state(self, state: str) -> Future[None]:
        """Save state (JSON). The future is done once that is committed; it fails with NotRecordedError."""

    def report(self, value: float | None, limit: float | None, step: str) -> None:
        """Show how far the run is; `step` is the step that runs now, or empty."""
