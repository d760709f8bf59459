"""Submitting the job of a firing, and recording what became of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from contracts.schedules import Outcome, ScheduleFiring
from coordination.clients.conflicts import LockBusyError, TooManyWaitingError
from coordination.clients.submission import JobExistsError
from coordination.ports import Delete, InvalidTransactionError
from schedules.rows import FiringRow
from schedules.store import ScheduleStore
from schedules.transactions import Found, settlement
from submission import Acceptance, InvalidSubmissionError

#: Submits the job of a firing, as `submission.SubmissionService.accept` does.
SubmitFiring = Callable[[FiringRow], Awaitable[Acceptance]]

_REFUSALS = (InvalidSubmissionError, InvalidTransactionError, LockBusyError, TooManyWaitingError)


@dataclass(frozen=True)
class Firings:
    """Sees firings to their end; any number of processes may see to the same one."""

    store: ScheduleStore
    submit: SubmitFiring

    async def settle(self, firing: FiringRow, etag: str, found: Found | None = None) -> ScheduleFiring:
        """Submit the job of a firing and record what became of it; the same job again finds the first.

        `etag` is the version of its row, and `found` its schedule where that is known. Raises
        SubmissionUnknownError or UnknownOutcomeError: the firing stays, for the next one to see to.
        """
        said, _ = await self.try_to_settle(firing, etag, found)
        return said

    async def try_to_settle(
        self, firing: FiringRow, etag: str, found: Found | None = None
    ) -> tuple[ScheduleFiring, Exception | None]:
        """Do what `settle` does, and return also why the job was refused."""
        outcome, job_id, refusal = await self._submit(firing)
        said = ScheduleFiring(
            due_at=datetime.fromisoformat(firing.due_at),
            trigger="hand" if firing.trigger == "hand" else "due",
            outcome=outcome,
            job_id=job_id,
            detail="" if refusal is None else str(refusal),
            at=self.store.clock.now(),
        )
        await self._record(firing, etag, said, found)
        return said, refusal

    async def _submit(self, firing: FiringRow) -> tuple[Outcome, str | None, Exception | None]:
        try:
            accepted = await self.submit(firing)
        except JobExistsError as error:
            # An earlier try made the job, and it may even be removed by now.
            if error.same_request:
                return "submitted", firing.job_id, None
            return "refused", None, error
        except _REFUSALS as error:
            return "refused", None, error
        return ("submitted" if accepted.is_new else "skipped"), accepted.job.job_id, None

    async def _record(self, firing: FiringRow, etag: str, said: ScheduleFiring, found: Found | None) -> None:
        """Take the firing off, and note in its schedule what became of it, unless another process did."""
        is_there = True
        while True:
            found = found or await self.store.look(firing.name)
            if not is_there and (found is None or not _corrects(said, found)):
                return
            taken_off = Delete(firing.key, etag) if is_there else None
            change = settlement(found, firing, taken_off, said, self.store.new_id().hex)
            if await self.store.commit(change) is not None:
                return
            # The schedule changed or is gone, or the firing is.
            is_there = await self.store.firing(firing.key) is not None
            found = None


def _corrects(said: ScheduleFiring, found: Found) -> bool:
    """Return whether a job was submitted although another process, which was quicker, noted a refusal."""
    noted = (one for one in found.row.firings if (one.due_at, one.trigger) == (said.due_at, said.trigger))
    return said.outcome == "submitted" and any(one.outcome == "refused" for one in noted)
