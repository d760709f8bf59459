"""A run: one attempt at one job, as its executor sees it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from coordination.journal.rows import JobRow
from coordination.outcomes import Outcome, StopReason


@dataclass(frozen=True)
class StepRecord:
    """A step that need not run again, with the JSON of what it returned."""

    name: str
    result: str
    #: The rule by which it is named; records of releases that had only one rule do not say it.
    naming: int = 1


@dataclass(frozen=True)
class StepDone:
    """A step to be recorded: its name, its result as JSON, how long it took, state to save with it."""

    name: str
    result: str
    seconds: float
    state: str | None = None
    #: The rule by which it is named.
    naming: int = 1


@dataclass(frozen=True)
class Progress:
    """What a run has reported: the step that runs now, and how far it is, if that is new."""

    step: str
    value: float | None
    limit: float | None

    def applied_to(self, job: JobRow) -> JobRow:
        """Return the job with this progress."""
        return replace(
            job,
            step=self.step,
            progress_value=job.progress_value if self.value is None else self.value,
            progress_limit=job.progress_limit if self.limit is None else self.limit,
        )


class Stop:
    """Whether, and why, a run should stop. A stronger reason replaces a weaker one."""

    _STRENGTH = (None, StopReason.SHUTDOWN, StopReason.CANCELLED, StopReason.DEADLINE, StopReason.LOST)

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self._changed = asyncio.Event()

    def request(self, reason: StopReason) -> None:
        """Ask the run to stop."""
        if self._STRENGTH.index(reason) > self._STRENGTH.index(self.reason):
            self.reason = reason
            self._changed.set()

    async def wait(self, known: StopReason | None = None) -> StopReason:
        """Wait until there is a reason other than the one already known."""
        while self.reason is None or self.reason is known:
            self._changed.clear()
            await self._changed.wait()
        return self.reason


@dataclass
class Run:
    """One attempt at one job.

    The three callables write to the journal; each raises FencedError once another worker may have taken over,
    after which nothing can be written and the handler must be stopped at once.
    """

    job: JobRow
    fence: int
    #: JSON object.
    parameters: str
    #: Steps recorded by earlier attempts, in order.
    recorded: Sequence[StepRecord]
    #: JSON saved by an earlier attempt, if any.
    state: str | None
    stop: Stop
    #: Boot-clock time after which the runner must not be alive; moves forward with every renewal.
    hard_deadline: Callable[[], float]
    #: Boot-clock time after which the handler should be stopping.
    soft_deadline: Callable[[], float]
    record_step: Callable[[StepDone], Awaitable[None]]
    save_state: Callable[[str], Awaitable[None]]
    #: Notes progress (value, limit) and the step that runs now; written at most once per flush interval.
    report: Callable[[float | None, float | None, str], None]

    @property
    def naming(self) -> int | None:
        """The rule by which the job's steps are named, that of its first record; None when there is none."""
        return self.recorded[0].naming if self.recorded else None


class Executor(Protocol):
    """Runs handlers. It obeys `run.stop`: LOST means kill at once, anything else means cancel, then kill."""

    async def execute(self, run: Run) -> Outcome:
        """Run the job's handler to its end. Never raises."""
