"""What can go wrong between a handler and the worker that runs it."""


class TurnstileError(Exception):
    """Something about this job could not be done."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n")[0])


class JobCancelledError(TurnstileError):
    """The run was asked to stop."""


class DeadlinePassedError(TurnstileError):
    """The worker's right to run this job is about to end: nothing more may be done outside."""


class RunOverError(TurnstileError):
    """The run is over: its context can do nothing more."""


class ForkedError(TurnstileError):
    """A process that the handler forked used the job's context; only the handler's own process can."""


class FailJob(TurnstileError):  # noqa: N818 - reads as the order it is: `raise FailJob("no such account")`
    """The job failed.

    Raise it with the reason when there is nothing wrong with the program: no traceback is logged, and there
    is no other attempt, whatever the retry policy of its kind says.
    """


class RetryLater(TurnstileError):  # noqa: N818 - reads as the order it is: `raise RetryLater(30)`
    """The attempt failed, and the next one is due after so many seconds.

    Raise it where the target says when to come back. It counts as a failed attempt: a job whose kind has no
    retry policy, or that has no attempt left, fails. No traceback is logged. With `raise RetryLater(30) from
    error`, the trail has that error.
    """

    #: Longest delay, in seconds: 7 days.
    LONGEST = 7 * 86_400.0

    def __init__(self, seconds: float, message: str | None = None) -> None:
        """Say after how many seconds, from 0 to 604,800, and why. Raises ValueError."""
        if not 0 <= seconds <= self.LONGEST:
            raise ValueError(f"RetryLater: seconds must be from 0 to {self.LONGEST:g}, not {seconds!r}")
        super().__init__(message or f"to be tried again after {seconds:g} s")
        self.seconds = float(seconds)


class InvalidParametersError(TurnstileError):
    """The parameters do not fit the handler's model."""


class NotStorableError(TurnstileError):
    """A result or state is not JSON, or is too large to be kept."""


class StepMisuseError(TurnstileError):
    """A step was used in a way that cannot be right."""


class NotRecordedError(TurnstileError):
    """The journal refused a step or state, for good: it is too large, or the job has recorded 990,000."""


class DefinitionError(TurnstileError):
    """A job is defined in a way that cannot work."""


class LoadError(TurnstileError):
    """A jobs module cannot be used."""
