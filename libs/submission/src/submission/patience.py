"""Submitting for callers that can wait while the storage does not answer, such as consumers of queues."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from coordination.clients.conflicts import LockBusyError, TooManyWaitingError
from coordination.clients.submission import JobExistsError
from coordination.ports import Clock, InvalidTransactionError
from submission.errors import IdempotencyKeyError, InvalidSubmissionError, SubmissionUnknownError

#: Why a submission is not accepted, however often it is repeated.
_REFUSALS = (InvalidSubmissionError, InvalidTransactionError, LockBusyError, TooManyWaitingError)


@dataclass(frozen=True)
class Patience:
    """Repeats a submission until its outcome is known."""

    clock: Clock
    #: Seconds between two tries.
    pause: float = 5.0
    #: Seconds of trying. The default is below RabbitMQ's consumer timeout of 30 minutes.
    longest: float = 1200.0

    async def submit(self, submit: Callable[[], Awaitable[object]]) -> str | None:
        """Call `submit` until it raises no SubmissionUnknownError. It must use one job id or key each time.

        Return the reason when the job can never be accepted. Return None when it is accepted, by this call or
        by an earlier one with the same content. Raises SubmissionUnknownError when the time is over.
        """
        until = self.clock.boot() + self.longest
        while True:
            try:
                await submit()
            except SubmissionUnknownError:
                if self.clock.boot() + self.pause > until:
                    raise
                await self.clock.sleep(self.pause)
            except JobExistsError as error:
                return None if error.same_request else str(error)
            except IdempotencyKeyError as error:
                return None if error.exists.same_request else str(error)
            except _REFUSALS as error:
                return str(error)
            else:
                return None
