"""A lock whose jobs fail, and a desk at which they are retried."""

from dataclasses import replace
from typing import Any

from tests.unit.coordination.setting import Setting

from contracts import lock_names
from coordination.clients.job_writer import JobWriter, Recorded
from coordination.clients.retrying import Retrier
from coordination.clients.submission import NewJob, RetryOf, Submitter
from coordination.holder.runs import Run, StepDone
from coordination.journal.rows import JobRow
from coordination.outcomes import Failed, RunOutcome
from coordination.ports import Registration

PARTITION = lock_names.partition("L")

NEW, OTHER, THIRD = (f"00000000-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))


class Desk(Setting):
    """Where retries are asked for."""

    async def ran(self, *steps: str, state: str | None = None, outcome: RunOutcome | None = None) -> str:
        """Submit a job and run it to its end, which is a failure unless another one is given."""
        job_id = await self.submit()
        await self.run(*steps, state=state, outcome=outcome)
        return job_id

    async def run(self, *steps: str, state: str | None = None, outcome: RunOutcome | None = None) -> Run:
        """Run the job whose turn it is to its end; return its run."""
        tenure, run = await self.hold()
        for name in steps:
            await run.record_step(StepDone(name, f'"{name}"', 0.1))
        if state is not None:
            await run.save_state(state)
        await tenure.finish(outcome or Failed("ValueError", "no"), None)
        await tenure.keeper.release()
        return run

    async def retry(
        self, job_id: str, new_id: str = NEW, *, is_fresh: bool = False, reason: str = "", **changes: Any
    ) -> JobRow:
        """Ask for a retry, and return the new job."""
        return (await self.ask(job_id, new_id, is_fresh=is_fresh, reason=reason, **changes)).job

    async def ask(
        self, job_id: str, new_id: str = NEW, *, is_fresh: bool = False, reason: str = "", **changes: Any
    ) -> Recorded:
        """Ask for a retry, and return also whether this request made it."""
        found = await self.register.find(job_id)
        assert found is not None
        return await self.retrier().retry(
            found, self.new(new_id, **changes), RetryOf(job_id, reason, is_fresh)
        )

    def retrier(self) -> Retrier:
        """Return what carries out a retry, as a process of its own."""
        return Retrier(Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock)))

    def new(self, job_id: str, **changes: Any) -> NewJob:
        """Return the job that a retry submits."""
        return replace(NewJob(job_id, job_id, "kind", "L", "{}", "bob"), **changes)

    def registration(self, job_id: str) -> Registration:
        """Return where a job lives."""
        return Registration(job_id, "L", PARTITION, "hash", self.clock.now())
