"""Use case: let one message become one job, however often it is delivered and to whichever instance."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from contracts.identifiers import id_of_message, ordered_id
from contracts.jobs import Submission
from contracts.policies import JobPolicy
from coordination.clients.conflicts import LockBusyError, TooManyWaitingError
from coordination.clients.submission import JobExistsError
from coordination.journal import rows
from coordination.ports import Clock, InvalidTransactionError, UnknownOutcomeError
from inputs.configuration import ConfiguredInput
from inputs.lines import Lines
from inputs.mapping import RefusedError
from inputs.observer import TakenOutcome, WaitReason
from inputs.port import Delivery, RefusalReason
from submission import InvalidSubmissionError, SubmissionService, SubmissionUnknownError
from submission.service import new_job

#: What the actors of inputs begin with.
ACTOR = "input:"

#: Ids that one message may try. Each but the last was closed a day after a try that got nowhere.
_MOST_GENERATIONS = 20

#: Most unknown kinds that are remembered.
_MOST_KINDS = 1000

#: Returns whether the reason to wait is over; raises nothing.
IsOver = Callable[[], Awaitable[bool]]


class NotNowError(Exception):
    """A message cannot become a job yet."""

    def __init__(self, reason: WaitReason, explanation: str, is_over: IsOver) -> None:
        super().__init__(explanation)
        self.reason = reason
        self.is_over = is_over

    @property
    def pauses_input(self) -> bool:
        """Whether other messages of the input would fare no better."""
        return self.reason != "unknown_kind"


@dataclass(frozen=True)
class Taken:
    """The job of a message, which is in the journal."""

    outcome: TakenOutcome
    job_id: str


class SubmissionTrace(Protocol):
    """The trace of a submission, for which it is the first span."""

    @property
    def traceparent(self) -> str:
        """Its W3C trace context; empty without one."""

    def ends(self, outcome: TakenOutcome) -> None:
        """Record the outcome."""


@dataclass(frozen=True)
class _NoTrace:
    traceparent: str = ""

    def ends(self, outcome: TakenOutcome) -> None:
        pass


@contextmanager
def _untraced(_: Delivery, __: Submission) -> Iterator[SubmissionTrace]:
    yield _NoTrace()


@dataclass
class MessageSubmission:
    """Submits the jobs of an input's messages."""

    configured: ConfiguredInput
    submissions: SubmissionService
    lines: Lines
    #: Returns when the storage answers; raises UnknownOutcomeError.
    check_storage: Callable[[], Awaitable[None]]
    clock: Clock
    #: Opens the trace of a job that is about to be submitted for a message.
    trace: Callable[[Delivery, Submission], AbstractContextManager[SubmissionTrace]] = _untraced
    #: Since when a kind is unknown, in seconds of the boot clock.
    _unknown_since: dict[str, float] = field(default_factory=dict)

    async def submit(self, delivery: Delivery) -> Taken:
        """Put the job of a message in line. Once this returns, the journal has it.

        Raises RefusedError when the message can never become a job, and NotNowError when it cannot yet.
        Then, and when this is cancelled, the message may be submitted again, also elsewhere, and becomes one
        job.
        """
        key, asked = self.configured.definition.job.job(delivery, self.configured.identity)
        try:
            return await self._submit(delivery, key, asked)
        except (SubmissionUnknownError, UnknownOutcomeError):
            raise self._storage_is_away() from None

    async def find(self, delivery: Delivery) -> Taken | None:
        """Return the job of a message if an earlier delivery was submitted; None if none was.

        Raises RefusedError when the message can never become a job, and NotNowError while the storage is
        away.
        """
        key, asked = self.configured.definition.job.job(delivery, self.configured.identity)
        try:
            for job_id in self._ids(key):
                existing = await self._existing(asked, job_id)
                if existing is None or not existing.is_closed:
                    return Taken("repeated", job_id) if existing and existing.same_request else None
        except UnknownOutcomeError:
            raise self._storage_is_away() from None
        return None

    def _ids(self, key: str) -> Iterator[str]:
        """Yield the ids that the job of a message may have, each if all before it were closed."""
        for generation in range(1, _MOST_GENERATIONS + 1):
            yield id_of_message(self.configured.identity, key, generation)

    async def _submit(self, delivery: Delivery, key: str, asked: Submission) -> Taken:
        order = None
        if delivery.enqueued_at is not None and delivery.sequence is not None:
            # The queue's own order holds over redeliveries, and whichever instance takes the message.
            order = ordered_id(delivery.enqueued_at, delivery.sequence)
        for job_id in self._ids(key):
            try:
                taken = await self._accept(delivery, asked.model_copy(update={"job_id": job_id}), order)
            except JobExistsError as error:
                if error.is_closed:
                    continue
                if error.same_request:
                    return Taken("repeated", job_id)
                raise RefusedError(RefusalReason.ID_REUSED, _reused(error)) from None
            except InvalidSubmissionError as error:
                if found := await self.find(delivery):
                    # The kind has changed since an earlier delivery.
                    return found
                raise self._refusal_or_wait(error, asked.kind) from None
            except InvalidTransactionError as error:
                raise RefusedError(RefusalReason.INVALID_JOB, str(error)) from None
            except (LockBusyError, TooManyWaitingError) as error:
                raise RefusedError(RefusalReason.LOCK_BUSY, str(error)) from None
            self._unknown_since.pop(asked.kind, None)
            return taken
        raise RefusedError(
            RefusalReason.ID_REUSED,
            f"{_MOST_GENERATIONS} ids of this message were closed; send it with a new id",
        )

    async def _accept(self, delivery: Delivery, asked: Submission, order: str | None) -> Taken:
        await self._find_room(asked)
        actor = f"{ACTOR}{self.configured.name}"
        with self.trace(delivery, asked) as trace:
            accepted = await self.submissions.accept(asked, actor, trace.traceparent, order)
            outcome: TakenOutcome = "skipped" if accepted.outcome == "skipped" else "accepted"
            trace.ends(outcome)
        return Taken(outcome, accepted.job.job_id)

    async def _find_room(self, asked: Submission) -> None:
        """Raise NotNowError while the line of the job's lock is too long for one more job."""
        most = self.configured.definition.most_waiting
        if most is None or await self.lines.take_place(asked.lock, most):
            return
        if asked.job_id and await self.submissions.submitter.register.find(asked.job_id) is not None:
            # What was submitted already is found as such even while the line is too long.
            return

        async def has_room() -> bool:
            try:
                return await self.lines.has_room(asked.lock, most)
            except UnknownOutcomeError:
                return False

        raise NotNowError("line_too_long", f"{most} jobs wait for the lock {asked.lock!r}", has_room)

    def _refusal_or_wait(self, error: InvalidSubmissionError, kind: str) -> Exception:
        if error.known_kinds is None:
            return RefusedError(RefusalReason.INVALID_JOB, str(error))
        now = self.clock.boot()
        if len(self._unknown_since) >= _MOST_KINDS:
            self._unknown_since.clear()
        since = self._unknown_since.setdefault(kind, now)
        if now - since >= self.configured.definition.kind_patience:
            return RefusedError(
                RefusalReason.UNKNOWN_KIND, f"{error}; start a worker that knows it, or correct it"
            )
        # The workers that know a new kind may start a little after those who ask for it.
        return NotNowError("unknown_kind", str(error), _at_once)

    async def _existing(self, asked: Submission, job_id: str) -> JobExistsError | None:
        """Return what stands in the way of a job with this id; None when nothing does yet."""
        submitter = self.submissions.submitter
        registration = await submitter.register.find(job_id)
        if registration is None:
            return None
        row = await submitter.writer.journal.read(registration.partition, rows.job_key(job_id))
        if row is None:
            return None
        if "lock" not in asked.model_fields_set:
            # The kind made it.
            asked = asked.model_copy(update={"lock": registration.lock_name})
        repeated = new_job(asked, job_id, "", "", "", JobPolicy())
        same = repeated.request_hash == registration.request_hash
        return JobExistsError(registration, row, same_content=same)

    def _storage_is_away(self) -> NotNowError:
        return NotNowError("storage_unavailable", "the storage does not answer", self._storage_answers)

    async def _storage_answers(self) -> bool:
        try:
            await self.check_storage()
        except UnknownOutcomeError:
            return False
        return True


async def _at_once() -> bool:
    return True


def _reused(error: JobExistsError) -> str:
    return (
        f"a message with the same id and other content is job {error.existing.job_id} already; send it with "
        "an id of its own. If the mapping of the input was changed, it may be that job by the old one"
    )
